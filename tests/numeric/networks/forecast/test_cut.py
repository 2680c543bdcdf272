"""Where a network is cut, and that what is expanded there and what is left exact make up its loss."""

import pytest
import torch
from torch import nn

from eos_sym import BadInput
from numeric.networks import half_squared_error
from numeric.networks.forecast import LossExpansion, forecast
from numeric.networks.forecast.cut_expansion.cut import find_cut
from numeric.networks.loss import FlatLoss


def loss_of(module, targets=None, criterion=half_squared_error, inputs=None, **arguments):
    torch.manual_seed(1)
    inputs = torch.randn(7, 6, dtype=torch.float64) if inputs is None else inputs
    targets = torch.randn(7, 3, dtype=torch.float64) if targets is None else targets
    return FlatLoss(module.double(), inputs, targets, criterion, **arguments)


def layers(*between):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), *between, nn.Linear(5, 3))


class Functional(nn.Module):
    """Its activation is no layer."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(6, 5), nn.Linear(5, 3)

    def forward(self, inputs):
        return self.last(torch.tanh(self.first(inputs)))


class Scaled(Functional):
    """Its outputs are not those of a layer."""

    def forward(self, inputs):
        return 2 * super().forward(inputs)


class Differentiated(Functional):
    """Its outputs are derivatives by its inputs, as those of a differential equation."""

    def forward(self, inputs):
        inputs = inputs.detach().requires_grad_()
        return torch.autograd.grad(super().forward(inputs).sum(), inputs, create_graph=True)[0][:, :3]


class Twice(nn.Module):
    """Its one activation works in two places."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(6, 5), nn.Linear(5, 5), nn.Linear(5, 3)
        self.activation = nn.Tanh()

    def forward(self, inputs):
        return self.last(self.activation(self.second(self.activation(self.first(inputs)))))


class Tied(nn.Module):
    """Its last layer is the transpose of its first by one parameter."""

    def __init__(self):
        super().__init__()
        self.first, self.activation, self.last = nn.Linear(6, 6, bias=False), nn.Tanh(), nn.Linear(6, 6, bias=False)
        self.last.weight = self.first.weight

    def forward(self, inputs):
        return self.last(self.activation(self.first(inputs)))


wide = nn.Sequential(
    nn.Linear(6, 60), nn.Tanh(), nn.Linear(60, 3), nn.Tanh(), nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3)
)  # 630 weights, of which the last two layers have 24
convolutional = nn.Sequential(
    nn.Unflatten(1, (1, 2, 3)),
    nn.Conv2d(1, 4, 3, padding=1),
    nn.ReLU(inplace=True),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(4, 3),
)


@pytest.mark.parametrize(
    ("module", "kinds", "numbers"),
    [
        (layers(nn.Tanh()), ["Tanh", "Linear"], 5),
        (layers(nn.GELU(), nn.Identity()), ["GELU", "Identity", "Linear"], 5),
        (layers(nn.LayerNorm(5), nn.Tanh()), ["Tanh", "Linear"], 5),
        (layers(nn.LayerNorm(5)), ["Linear"], 5),
        (nn.Sequential(layers(nn.SiLU()), nn.Flatten()), ["SiLU", "Linear", "Flatten"], 5),
        (convolutional, ["ReLU", "AdaptiveAvgPool2d", "Flatten", "Linear"], 24),
        (Functional(), ["Linear"], 5),
        (Twice(), ["Linear"], 5),
        (Scaled(), [], 3),
        (Differentiated(), [], 3),
        (layers(nn.Tanh())[:2], ["Linear", "Tanh"], 6),
        (wide, ["Tanh", "Linear", "Tanh", "Linear"], 3),
    ],
    ids=[
        "activation",
        "two",
        "norm",
        "after norm",
        "shape",
        "images",
        "functional",
        "shared",
        "no layer",
        "derivatives",
        "one layer",
        "small layers",
    ],
)
def test_the_cut_is_before_the_last_layers_that_show(module, kinds, numbers):
    loss = loss_of(module, torch.randn(7, 5 if kinds == ["Linear", "Tanh"] else 3, dtype=torch.float64))
    cut = find_cut(loss)
    assert [type(layer).__name__ for layer in cut.head] == kinds
    assert len(cut.entering(loss.parameters)) == 7 * numbers


@pytest.mark.parametrize(
    "module", [layers(nn.Tanh()), wide, convolutional, Scaled(), Differentiated(), Twice(), Tied()]
)
@pytest.mark.parametrize("arguments", [{}, {"micro_batch": 3}, {"micro_batch": 2, "weight": 0.25}])
def test_both_sides_make_up_the_loss_at_any_weights(module, arguments):
    loss = loss_of(module, torch.randn(7, 6 if isinstance(module, Tied) else 3, dtype=torch.float64), **arguments)
    cut = find_cut(loss)
    torch.manual_seed(2)
    elsewhere = loss.parameters + 0.1 * torch.randn(len(loss.parameters), dtype=torch.float64)
    found = cut.loss_of(cut.entering(elsewhere), elsewhere[cut.places]).detach()
    assert float(found) == pytest.approx(float(loss(elsewhere).detach()), rel=1e-12)


def test_frozen_weights_of_the_head_stay_where_they_are():
    module = layers(nn.Tanh())
    module[2].weight.requires_grad_(False)
    cut = find_cut(loss_of(module))
    assert len(cut.places) == 3  # the biases


def test_the_module_is_left_without_hooks():
    module = layers(nn.Tanh())
    cut = find_cut(loss_of(module))
    cut.entering(cut.loss.parameters)
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in module.modules())


def test_where_outputs_are_not_one_tensor_the_loss_is_expanded():
    class Two(Functional):
        def forward(self, inputs):
            return super().forward(inputs), inputs

    def first(outputs, targets):
        return half_squared_error(outputs[0], targets)

    loss = loss_of(Two(), criterion=first)
    assert find_cut(loss) is None
    given = (loss.module, first, loss.inputs, loss.targets)
    for modes in (1, 2):
        assert isinstance(forecast(*given, eta=0.1, steps=5, modes=modes).expansion, LossExpansion)
    with pytest.raises(BadInput, match="expansion='loss'"):
        forecast(*given, eta=0.1, steps=5, expansion="cut")
