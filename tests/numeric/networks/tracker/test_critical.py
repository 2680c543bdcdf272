"""The critical step in a tracker's history: against the loss on the line, evaluated everywhere, in float64.

Wrong programs: one that reads it at a midpoint, where the gradient is another; one that takes the loss of a batch for
that of all; one that differentiates twice on the way; one that does not count its passes.
"""

import copy

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.data import DataLoader, TensorDataset

from eos_sym import BadInput
from numeric.networks.edge_step import EdgeStep
from numeric.networks.tracker import SharpnessTracker

INPUTS = torch.randn(22, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
LABELS = torch.arange(22) % 3
CRITERIA = {
    "cross-entropy": nn.CrossEntropyLoss(),
    "squared error": lambda out, labels: (out - labels[:, None]).pow(2).mean(),
}


def network(*layers):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), *(layers or [nn.Tanh()]), nn.Linear(6, 3)).double()


def cross_entropy(module, batch):
    inputs, labels = batch
    return functional.cross_entropy(module(inputs), labels)


def first_rise(module, criterion=CRITERIA["cross-entropy"], inputs=INPUTS, labels=LABELS):
    """Where the loss along −∇L first comes back to what it was: a scan of the line, and a bisection."""
    line = copy.deepcopy(module)
    start = criterion(line(inputs), labels)
    slopes = torch.autograd.grad(start, [*line.parameters()])
    weights = [own.detach().clone() for own in line.parameters()]

    @torch.no_grad()
    def rises(eta):
        for own, weight, slope in zip(line.parameters(), weights, slopes, strict=True):
            own.copy_(weight - eta * slope)
        return bool(criterion(line(inputs), labels) > start)

    high = next(eta for eta in np.geomspace(1e-3, 1e3, 3000) if rises(eta))
    low = high / 1.01
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if rises(middle) else (middle, high)
    return low


def train(tracker, module, optimizer, steps, criterion=CRITERIA["cross-entropy"]):
    """The weights at every step."""
    before = []
    for _ in range(steps):
        before.append(copy.deepcopy(module))
        tracker.step()
        optimizer.zero_grad()
        criterion(module(INPUTS), LABELS).backward()
        optimizer.step()
    return before


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize(
    "layers", [[nn.Tanh()], [nn.Softplus(), nn.Linear(6, 6), nn.ReLU()]], ids=["tanh", "three layers"]
)
@pytest.mark.parametrize("every", [1, 2])
def test_it_is_where_the_loss_along_the_gradient_comes_back_to_what_it_was(criterion, layers, every):
    module, criterion = network(*layers), CRITERIA[criterion]
    optimizer = torch.optim.SGD(module.parameters(), lr=0.3)
    tracker = SharpnessTracker(
        module, criterion, INPUTS, LABELS, optimizer=optimizer, every=every, micro_batch=5, critical_step=True
    )
    before = train(tracker, module, optimizer, 6, criterion)
    history = tracker.history
    assert set(history.critical_status.values) == {"converged"}
    for row in history.transpose("reading", ...).reading.values:
        one = history.sel(reading=row)
        exact = first_rise(before[row], criterion)
        assert one.critical_lower <= exact * (1 + 1e-9)
        assert exact <= one.critical_upper * (1 + 1e-9)
        assert one.critical_upper <= 1.05 * one.critical_lower * (1 + 1e-9)
        assert float(one.critical_sharpness) == pytest.approx(2 / float(one.critical_step))
    assert set(history.point.values[1:]) == {"iterate" if every == 1 else "midpoint"}


def test_batches_that_are_streamed_have_that_of_all_examples_and_cost_as_much():
    histories = []
    for given in (
        {"criterion": nn.CrossEntropyLoss(), "inputs": INPUTS, "targets": LABELS},
        {"loss": cross_entropy, "data": DataLoader(TensorDataset(INPUTS, LABELS), batch_size=5, shuffle=True)},
    ):
        module = network()
        optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
        tracker = SharpnessTracker(module, **given, optimizer=optimizer, critical_step=True, eigenvalues=0)
        train(tracker, module, optimizer, 4)
        histories.append(tracker.history)
    for name in ("critical_lower", "critical_upper", "critical_passes", "evaluations", "full_loss"):
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-9)
    np.testing.assert_allclose(histories[0].evaluations, 1 + histories[0].critical_passes / 3)


def test_passes_are_counted_as_the_module_sees_them():
    module, seen = network(), []
    tracker = SharpnessTracker(module, loss=cross_entropy, data=[(INPUTS, LABELS)], critical_step=True, eigenvalues=0)
    module.register_forward_hook(lambda *_: seen.append(None))
    tracker.measure()
    passes = int(tracker.history.critical_passes[0])
    assert len(seen) == 1 + passes  # and that of the gradient
    assert 3 <= passes <= 8
    tracker.measure()
    assert len(seen) - 1 - passes == 1 + tracker.history.critical_passes[-1]
    assert tracker.history.critical_passes[-1] <= 3  # it begins where the last one ended


def test_on_a_quadratic_it_is_the_mean_of_the_eigenvalues_weighted_by_the_gradient_and_not_the_sharpness():
    module = nn.Linear(3, 1, bias=False).double()
    inputs = torch.diag(torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64))
    halved = lambda outputs, targets: (outputs - targets).square().sum() / 2  # noqa: E731
    tracker = SharpnessTracker(module, halved, inputs, torch.zeros(3, 1).double(), critical_step=True, relative=1e-6)
    tracker.measure()
    curvatures = torch.tensor([16.0, 4.0, 1.0], dtype=torch.float64)
    squares = (curvatures * module.weight.detach()[0]).square()
    (row,) = tracker.history.transpose("reading", ...).critical_sharpness.values
    assert row == pytest.approx(float(curvatures @ squares / squares.sum()), rel=0.026)
    assert float(tracker.history.sharpness[0]) == pytest.approx(16.0)
    assert "another quantity" in tracker.history.critical_sharpness.attrs["meaning"]


class Fused(nn.Module):
    """Attention by a kernel that has no second derivative."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.query, self.value, self.out = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)
        self.double()

    def forward(self, inputs):
        query, value = (layer(inputs)[None, None] for layer in (self.query, self.value))
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            mixed = functional.scaled_dot_product_attention(query, query, value)
        return self.out(mixed[0, 0])


class Rounded(torch.autograd.Function):
    """To multiples of 1/16, with the slope of the identity."""

    @staticmethod
    def forward(_context, inputs):
        return (16 * inputs).round() / 16

    @staticmethod
    def backward(_context, slope):
        return slope


class Once(torch.autograd.Function):
    """tanh, whose backward pass is hidden from autograd."""

    @staticmethod
    def forward(context, inputs):
        outputs = torch.tanh(inputs)
        context.save_for_backward(outputs)
        return outputs

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context, slope):
        (outputs,) = context.saved_tensors
        return slope * (1 - outputs**2)


class Applied(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, inputs):
        return self.function.apply(inputs)


@pytest.mark.parametrize(
    "make", [Fused, lambda: network(Applied(Once))], ids=["fused attention", "differentiable once"]
)
def test_without_a_second_derivative_it_is_read_alone(make):
    module = make()
    with pytest.raises(BadInput, match="critical_step=True, eigenvalues=0"):
        SharpnessTracker(module, nn.CrossEntropyLoss(), INPUTS, LABELS)
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), INPUTS, LABELS, critical_step=True, eigenvalues=0)
    tracker.step()
    history = tracker.history
    exact = first_rise(module)
    assert history.critical_lower[0] <= exact * (1 + 1e-9)
    assert exact <= history.critical_upper[0] * (1 + 1e-9)
    assert "sharpness" not in history
    assert tracker.latest.converged


def test_along_a_straight_through_gradient_what_it_says_is_evaluated():
    module = network(Applied(Rounded))
    tracker = SharpnessTracker(module, nn.CrossEntropyLoss(), INPUTS, LABELS, critical_step=True, eigenvalues=0)
    tracker.step()
    (lower,), (upper,) = (tracker.history[name].values for name in ("critical_lower", "critical_upper"))
    at = tracker.loss.parameters
    start, slope = tracker.loss.value_and_gradient(at)
    assert tracker.loss.value(at - lower * slope) <= start < tracker.loss.value(at - upper * slope)


def test_a_run_that_diverges_has_none_at_its_end():
    module, criterion = network(), CRITERIA["squared error"]
    optimizer = torch.optim.SGD(module.parameters(), lr=1e200)
    tracker = SharpnessTracker(
        module, criterion, INPUTS, LABELS, optimizer=optimizer, critical_step=True, eigenvalues=0
    )
    train(tracker, module, optimizer, 4, criterion)
    assert tracker.history.critical_status.values[0] == "converged"
    assert tracker.history.critical_status.values[-1] == "not_finite"
    assert np.isnan(tracker.history.critical_step.values[-1])
    assert tracker.latest.status == "not_finite"


@pytest.mark.parametrize("eigenvalues", [0, 1])
@pytest.mark.parametrize("every", [2, 3])
def test_a_tracker_that_was_stored_goes_on_with_the_same_bits(eigenvalues, every):
    def begin():
        module = network()
        optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
        options = {"optimizer": optimizer, "every": every, "eigenvalues": eigenvalues, "critical_step": True}
        return SharpnessTracker(module, nn.CrossEntropyLoss(), INPUTS, LABELS, **options), module, optimizer

    whole, module, optimizer = begin()
    train(whole, module, optimizer, 9)
    one, module, optimizer = begin()
    train(one, module, optimizer, 5)
    kept, weights = copy.deepcopy(one.state()), copy.deepcopy(module.state_dict())
    other, module, optimizer = begin()
    module.load_state_dict(weights)
    other.restore(kept)
    train(other, module, optimizer, 4)
    assert other.history.identical(whole.history)
    plain = SharpnessTracker(module, nn.CrossEntropyLoss(), INPUTS, LABELS)
    with pytest.raises(BadInput, match="make it the same"):
        plain.restore(kept)


@pytest.mark.parametrize("eigenvalues", [0, 2])
def test_it_is_drawn_as_crosses_and_told_in_the_line(eigenvalues):
    mpl.use("Agg")
    module = network()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    tracker = SharpnessTracker(
        module, nn.CrossEntropyLoss(), INPUTS, LABELS, optimizer=optimizer, critical_step=True, eigenvalues=eigenvalues
    )
    train(tracker, module, optimizer, 3)
    figure = tracker.plot()
    (crosses,) = [line for axes in figure.axes for line in axes.get_lines() if line.get_marker() == "x"]
    np.testing.assert_allclose(crosses.get_ydata(), tracker.history.critical_sharpness)
    assert len(figure.axes) == (4 if eigenvalues else 2)
    latest = float(tracker.history.critical_sharpness[-1])
    assert f"critical sharpness {latest:.4g}" in tracker.line
    assert ("of the edge" in tracker.line) == bool(eigenvalues)


def test_no_eigenvalues_are_for_the_critical_step_alone_and_no_edge_is_followed_with_it():
    with pytest.raises(BadInput, match="or 0 with critical_step=True"):
        SharpnessTracker(network(), nn.CrossEntropyLoss(), INPUTS, LABELS, eigenvalues=0)
    with pytest.raises(BadInput, match="critical_step = 'gradient': must be True or False"):
        SharpnessTracker(network(), nn.CrossEntropyLoss(), INPUTS, LABELS, critical_step="gradient")
    module = network()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    tracker = SharpnessTracker(
        module, nn.CrossEntropyLoss(), INPUTS, LABELS, optimizer=optimizer, critical_step=True, eigenvalues=0
    )
    with pytest.raises(BadInput, match="reads no sharpness"):
        EdgeStep(tracker, fraction=0.9)


def test_a_loss_that_takes_derivatives_itself_has_a_critical_step():
    """Wrong program: forward passes in which nothing can be differentiated."""
    module = network()

    def residual(model, batch):
        points = batch.clone().requires_grad_()
        (slope,) = torch.autograd.grad(model(points).sum(), points, create_graph=True)
        return (slope - 1).square().mean()

    with torch.no_grad():
        tracker = SharpnessTracker(module, loss=residual, data=[INPUTS], critical_step=True)
        tracker.measure()
    assert tracker.history.critical_status.values.tolist() == ["converged"]
