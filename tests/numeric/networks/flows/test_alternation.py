"""Edge flow and rod flow of modules whose loss is known, so that what they do is known too."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import nn

from eos_sym import BadInput
from numeric.networks.flows import edge_flow, rod_flow, two_step_averages
from numeric.networks.loss import half_squared_error

ETA = 0.1
FLOWS = [edge_flow, rod_flow]


class Landscape(nn.Module):
    """A loss of a few weights, as a module's output."""

    def __init__(self, loss, start):
        super().__init__()
        self.loss = loss
        self.weights = nn.Parameter(torch.tensor(start, dtype=torch.float64))

    def forward(self, inputs):
        return inputs * self.loss(self.weights)


def run(flow, loss, start, **options):
    ones = torch.ones(2, 1, dtype=torch.float64)
    return flow(Landscape(loss, start), lambda outputs, _: outputs.mean(), ones, ones, eta=ETA, **options)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("excess", [-1.0, 0.5])
def test_on_a_quadratic_the_oscillation_has_the_factor_of_gradient_descent(flow, excess):
    """Against a threshold elsewhere, and a rate that is right only at the edge."""
    sharpness = 2 / ETA + excess
    told = run(flow, lambda w: (sharpness * w[0] ** 2 + 3 * w[1] ** 2) / 2, [1e-2, 0.5], steps=12)
    ratios = np.sqrt(told.variance.values[1:] / told.variance.values[:-1])
    assert ratios == pytest.approx(np.full(12, abs(1 - ETA * sharpness)), rel=1e-6)
    assert float(told.variance[0]) == pytest.approx(1e-4)


@pytest.mark.parametrize("flow", FLOWS)
def test_off_the_rod_a_unit_step_is_one_of_gradient_descent(flow):
    """Against a centre that is slowed in every direction, or not along the rod."""
    told = run(flow, lambda w: (21 * w[0] ** 2 + 3 * w[1] ** 2) / 2, [1e-2, 0.5], steps=5, keep_every=1)
    assert told.weights[:, 1].values == pytest.approx(0.5 * (1 - 3 * ETA) ** np.arange(6))
    assert told.weights[1:, 0].values == pytest.approx(np.zeros(5), abs=1e-9)


def test_the_rod_comes_to_rest_on_the_two_cycle_of_gradient_descent():
    """A loss without symmetry; the two-cycle is found by gradient descent itself."""

    def loss(w):
        return 22 * w[0] ** 2 / 2 + 5 * w[0] ** 3 / 6 - 400 * w[0] ** 4 / 24

    told = run(rod_flow, loss, [0.05], steps=150, keep_every=50)
    centre, x = float(told.weights[-1, 0]), float(told.variance[-1]) ** 0.5
    ends = [centre + x, centre - x]
    slopes = [22 * w + 5 * w**2 / 2 - 400 * w**3 / 6 for w in ends]
    assert [w - ETA * slope for w, slope in zip(ends, slopes, strict=True)] == pytest.approx(ends[::-1], abs=1e-9)
    assert x > 0.1


def test_edge_flow_knows_no_bound_on_a_quartic():
    """Against a secant in its place."""
    told = run(edge_flow, lambda w: 22 * w[0] ** 2 / 2 + 400 * w[0] ** 4 / 24, [0.05], steps=200)
    assert told.ending.startswith("diverges at step")
    assert told.sizes["step"] < 200


@pytest.mark.parametrize("flow", FLOWS)
def test_with_fine_steps_the_turns_are_those_of_self_stabilization(flow):
    """ẋ = ηxy, ẏ = η(α − ½x²) by another integrator; the error goes with the step to the power 1."""
    alpha, start = 0.4, (0.5, -0.6)

    def loss(w):
        return (2 / ETA + w[1]) * w[0] ** 2 / 2 - alpha * w[1]

    def rates(_, state):
        x, y, centre = state
        return [ETA * x * y, ETA * (alpha - (x**2 + centre**2) / 2), -ETA * (2 / ETA + y) * centre]

    true = solve_ivp(rates, (0, 50), [start[0], start[1], start[0]], rtol=1e-10, atol=1e-12, t_eval=np.arange(51))
    errors = []
    for per_step in (4, 8):
        told = run(flow, loss, list(start), steps=50, per_step=per_step)
        errors.append(np.abs(np.sqrt(told.variance.values) - true.y[0]).max() / np.abs(true.y[0]).max())
    assert errors[1] < 0.06
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.4)


@pytest.mark.parametrize(("flow", "slope", "per_iteration"), [(edge_flow, "sharpness", 4.8), (rod_flow, "slope", 2.0)])
def test_cost_and_names(flow, slope, per_iteration):
    """Against products that are not counted, and a rod that takes any."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1)).double()
    inputs, targets = torch.randn(10, 3).double(), torch.randn(10, 1).double()
    before = [one.clone() for one in module.parameters()]
    short, long = (flow(module, nn.MSELoss(), inputs, targets, eta=0.1, steps=steps) for steps in (10, 30))
    assert (long.evaluations - short.evaluations) / 20 == pytest.approx(per_iteration)
    assert set(long) == {"mean_loss", "mean_gradient_norm", "variance", slope}
    assert all(torch.equal(one, other) for one, other in zip(before, module.parameters(), strict=True))


def test_of_weights_in_single_precision_more_is_left_by_rounding():
    """What is left below the edge is of the square of the precision."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1))
    inputs, targets = torch.randn(10, 3), torch.randn(10, 1)
    single = rod_flow(module, nn.MSELoss(), inputs, targets, eta=0.1, steps=5)
    double = rod_flow(module.double(), nn.MSELoss(), inputs.double(), targets.double(), eta=0.1, steps=5)
    ratio = float((single.variance[-1] / double.variance[-1]) ** 0.5)
    assert ratio == pytest.approx(2.0**29, rel=0.1)


@pytest.mark.parametrize("flow", FLOWS)
def test_weights_that_are_zero_are_a_start_like_any_other(flow):
    """Along ½(3w₁² + w₂²) − w₁ a step is ⅓ + (1 − 3η)(w₁ − ⅓). Caught: a rod of no length, whose secant is 0/0."""
    told = run(flow, lambda w: (3 * w[0] ** 2 + w[1] ** 2) / 2 - w[0], [0.0, 0.0], steps=5, keep_every=1)
    assert told.ending == "steps"
    assert told.weights[:, 0].values == pytest.approx((1 - (1 - 3 * ETA) ** np.arange(6)) / 3)
    assert np.isfinite(told.mean_loss).all()


def test_what_grows_without_bound_diverges_at_its_step():
    """On ½Sx² + x⁴ the rod runs away by powers of three. Caught: a square that overflows, as an error."""
    told = run(rod_flow, lambda w: 21 * w[0] ** 2 / 2 + w[0] ** 4, [9.0], steps=100)
    assert told.ending == f"diverges at step {told.sizes['step']}"
    assert np.isfinite(told.to_array()).all()


@pytest.mark.parametrize("flow", [rod_flow, two_step_averages])
@pytest.mark.parametrize("wrong", [{"steps": 0}, *({"keep_every": every} for every in (0, -1, 1.5, True))])
def test_bad_steps(flow, wrong):
    """One clear line."""
    with pytest.raises(BadInput, match="must be"):
        run(flow, lambda w: w.square().sum(), [1.0], **{"steps": 5} | wrong)


def test_no_steps_between():
    """Of the Euler steps of one iteration."""
    with pytest.raises(BadInput, match="per_step = 0: must be 1 or more"):
        run(rod_flow, lambda w: w.square().sum(), [1.0], steps=5, per_step=0)


def test_the_first_burst_of_a_network_comes_when_it_comes_in_training():
    """Against a magnitude at the start, or a growth, that is another by some per cent.

    The start is sharper than 1/η, so that what oscillates is there from the start, and is known.
    """
    generator = torch.Generator().manual_seed(3)
    torch.manual_seed(3)
    module = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    inputs, targets = (torch.randn(12, size, generator=generator).double() for size in (3, 1))
    start = nn.utils.parameters_to_vector(module.parameters()).detach().numpy()
    problem = (module, half_squared_error, inputs, 2 * targets)
    training = two_step_averages(*problem, eta=0.6, steps=61, keep_every=60)
    burst = int(training.loss[10:].idxmax())
    assert float(training.sharpness.dropna("step")[0]) > 1 / 0.6
    assert burst > 35
    for flow in FLOWS:
        told = flow(*problem, eta=0.6, steps=60, keep_every=60)
        assert abs(int(told.mean_loss[10:].idxmax()) - burst) <= 1
        ends = [one.weights.sel(kept=60).values for one in (told, training)]
        assert np.linalg.norm(ends[0] - ends[1]) < 0.05 * np.linalg.norm(ends[1] - start)
