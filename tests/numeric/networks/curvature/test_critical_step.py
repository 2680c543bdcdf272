"""The critical step: against dense quadratic forms, against its definition on lines of any shape, and where it is none.

A search that returned a step it had not evaluated, one that trusted the quadratic, and one that lost the side on which
the loss rises would each fail here.
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from eos_sym import BadInput
from numeric.networks import FlatLoss, cross_entropy, half_squared_error, hessian
from numeric.networks.curvature import critical_step, critical_step_along

exponents = st.floats(-3, 3)


@given(exponents, exponents, st.floats(-0.3, 0.3))
def test_on_a_parabola_four_passes_find_it_from_a_guess_within_a_factor_of_two(a, b, c):
    slope, curvature = 10**a, 10**b
    exact = 2 * slope / curvature
    found = critical_step(
        lambda eta: 7 - slope * eta + curvature * eta**2 / 2, start=7.0, guess=exact * 10**c, slope=slope
    )
    assert found.status == "converged"
    assert found.lower * (1 - 1e-9) <= exact <= found.upper * (1 + 1e-9)
    assert found.upper <= 1.05 * found.lower * (1 + 1e-9)
    assert found.passes <= 4
    assert found.sharpness == pytest.approx(curvature / slope, rel=0.026)


@given(exponents, exponents, exponents)
def test_without_the_slope_it_is_found_from_anywhere(a, b, c):
    exact = 10**a / 10**b
    found = critical_step(lambda eta: -(10**a) * eta + 10**b * eta**2, start=0.0, guess=exact * 10**c)
    assert found.status == "converged"
    assert found.lower * (1 - 1e-9) <= exact <= found.upper * (1 + 1e-9)


# The bends' slopes at 0 add up to less than 1, so that the loss falls there: (2 + 3 + 4)/8 · 0.8 = 0.9.
@given(st.lists(st.floats(-0.8, 0.8), min_size=3, max_size=3), st.floats(0.05, 20), st.floats(0.01, 1))
def test_on_any_line_the_loss_falls_at_one_end_and_rises_at_the_other(bends, guess, relative):
    seen = {}

    def value(eta):
        seen[eta] = 1 - eta + sum(c * math.sin((k + 2) * eta) / 8 for k, c in enumerate(bends)) + eta**4 / 50
        return seen[eta]

    found = critical_step(value, start=1.0, guess=guess, slope=1.0, relative=relative)
    assert found.passes == len(seen)
    assert found.status == "converged"
    assert seen[found.lower] <= 1 < seen[found.upper]
    assert found.upper <= (1 + relative) * found.lower * (1 + 1e-9)


def test_where_the_loss_ends_is_where_it_rises():
    found = critical_step(lambda eta: -eta if eta <= 3 else math.nan, start=0.0, guess=0.1, slope=1.0)
    assert found.lower <= 3 < found.upper
    assert found.status == "converged"


@pytest.mark.parametrize(
    ("value", "status", "sharpness"),
    [(lambda eta: math.exp(-eta), "unbounded", 0.0), (lambda eta: 1 + eta, "ascending", math.inf)],
)
def test_a_loss_that_only_falls_or_only_rises_has_none(value, status, sharpness):
    found = critical_step(value, start=1.0, guess=1.0, slope=None)
    assert (found.status, found.sharpness) == (status, sharpness)


def test_a_fall_that_rounding_hides_is_said_to_be():
    def value(eta):
        return float(np.float32(1 + 1e-6 * (-eta + eta**2)))

    found = critical_step(value, start=1.0, guess=1.0, rounding=4 * np.finfo(np.float32).eps)
    assert found.status == "rounding"


def test_passes_are_bounded():
    found = critical_step(lambda eta: math.cos(1e3 * eta) - eta, start=1.0, guess=1e-9, relative=1e-12, most_passes=9)
    assert (found.status, found.passes) == ("unfinished", 9)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"guess": 0.0}, "guess = 0.0: must be positive"),
        ({"guess": math.nan}, "guess = nan: must be positive"),
        ({"guess": 1.0, "relative": 2.0}, "relative = 2.0: must be 1 or less"),
        ({"guess": 1.0, "rounding": -1.0}, "rounding = -1.0: must be"),
        ({"guess": 1.0, "most_passes": 2}, "most_passes = 2: must be 3 or more"),
    ],
)
def test_settings_that_are_none_are_refused(settings, said):
    with pytest.raises(BadInput, match=said):
        critical_step(lambda eta: eta, start=0.0, **settings)


def line(loss):
    """Gradient, loss and slope at the module's weights, and g·Hg/‖g‖² by the dense Hessian."""
    value, gradient = loss.value_and_gradient(loss.parameters)
    g = gradient.numpy()
    return gradient, float(value), float(g @ g), float(g @ hessian(loss, loss.parameters).numpy() @ g / (g @ g))


@pytest.mark.parametrize("micro_batch", [None, 3])
def test_of_a_linear_model_it_is_the_mean_of_the_spectrum_that_the_gradient_weighs(micro_batch):
    torch.manual_seed(0)
    inputs, targets = torch.randn(8, 4, dtype=torch.float64), torch.randn(8, 2, dtype=torch.float64)
    loss = FlatLoss(nn.Linear(4, 2).double(), inputs, targets, half_squared_error, micro_batch)
    gradient, start, slope, mean = line(loss)
    found = critical_step_along(loss, gradient, start=start, guess=0.3, slope=slope, relative=1e-6)
    assert found.sharpness == pytest.approx(mean, rel=1e-6)


def test_without_the_loss_at_the_start_that_is_one_pass_more():
    torch.manual_seed(0)
    inputs, targets = torch.randn(8, 4, dtype=torch.float64), torch.randn(8, 2, dtype=torch.float64)
    loss = FlatLoss(nn.Linear(4, 2).double(), inputs, targets, half_squared_error)
    gradient, start, slope, _ = line(loss)
    given = critical_step_along(loss, gradient, start=start, guess=0.3, slope=slope)
    found = critical_step_along(loss, gradient, guess=0.3, slope=slope)
    assert (found.lower, found.upper, found.passes) == (given.lower, given.upper, given.passes + 1)
    with pytest.raises(BadInput, match="direction: list; must be a tensor"):
        critical_step_along(loss, [1.0], guess=0.3)


def test_the_module_is_as_it_was_and_needs_no_second_derivative():
    torch.manual_seed(0)

    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, given):
            ctx.save_for_backward(given)
            return given.tanh()

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, slope):
            (given,) = ctx.saved_tensors
            return slope * (1 - given.tanh() ** 2)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(3, 5), nn.Linear(5, 2)

        def forward(self, inputs):
            return self.last(Once.apply(self.first(inputs)))

    network = Network()
    loss = FlatLoss(network, torch.randn(6, 3), torch.eye(2)[torch.arange(6) % 2], cross_entropy)
    before = loss.parameters
    value = loss.criterion(network(loss.inputs), loss.targets)
    gradient = torch.cat([one.reshape(-1) for one in torch.autograd.grad(value, [*network.parameters()])])
    start = value.item()
    found = critical_step_along(loss, gradient, start=start, guess=1.0, slope=float(gradient @ gradient))
    assert found.status == "converged"
    assert torch.equal(loss.parameters, before)
    ends = []
    for eta in (found.lower, found.upper):
        loss.load(before - eta * gradient)
        ends.append(loss.criterion(network(loss.inputs), loss.targets).item())
    assert ends[0] <= start < ends[1]


def test_a_start_or_a_direction_that_is_none_is_refused_and_not_called_ascending():
    network = nn.Linear(3, 2)
    loss = FlatLoss(network, torch.ones(4, 3), torch.eye(2)[torch.arange(4) % 2], cross_entropy)
    along = torch.ones(8)
    for start in (math.nan, math.inf):
        with pytest.raises(BadInput, match="start"):
            critical_step_along(loss, along, start=start, guess=1.0)
    for wrong in (along * math.nan, along[:5], along[:, None]):
        with pytest.raises(BadInput, match=r"must be a tensor, finite, of shape \(8,\)"):
            critical_step_along(loss, wrong, start=1.0, guess=1.0)
