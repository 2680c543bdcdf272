"""The central flow of networks, where it is known by hand, beside the one of formulas, and beside training itself."""

import numpy as np
import pytest
import torch
from torch import nn

from eos_sym import BadInput, Undecided
from eos_sym.losses import product
from numeric.flows import compile_central_flow
from numeric.networks.architectures import scalar_chain
from numeric.networks.flows import central_flow, two_step_averages
from numeric.networks.flows.edge_space import EdgeFollower
from numeric.networks.loss import FlatLoss, half_squared_error
from numeric.networks.training.optimizers import GradientDescent, HeavyBall, Nesterov, RMSProp, ScalarRMSProp

ETA = 0.1


class Valleys(nn.Module):
    """Σ ½s_i u_i² + ½b(s_i − 25)² + c u_i⁴/24, b = .002, as the one output of a network: ∇S = 1, α = b(25 − s)."""

    def __init__(self, *sharpnesses, top=25.0, c=0.0, swing=1e-4):
        super().__init__()
        self.sharpness = nn.Parameter(torch.tensor(sharpnesses, dtype=torch.float64))
        self.across = nn.Parameter(swing * torch.ones(len(sharpnesses), dtype=torch.float64))
        self.top, self.c = top, c

    def forward(self, inputs):
        s, u = self.sharpness, self.across
        return inputs * (s * u**2 / 2 + 0.001 * (s - self.top) ** 2 + self.c * u**4 / 24).sum()


def arguments(module):
    return module, lambda outputs, targets: outputs.mean(), torch.ones(1, 1).double(), torch.zeros(1, 1).double()


def test_in_one_valley_the_flow_is_known_by_hand():
    """Against a wrong pace, a wrong unit of the variance, and an E L without its half."""
    told = central_flow(*arguments(Valleys(19.96)), eta=ETA, steps=60)
    below = 25 - 5.04 * np.exp(-0.002 * ETA * told.step.values[:30])  # ṡ = −ηb(s − 25)
    assert told.sharpness.values[:30] == pytest.approx(below, abs=1e-5)
    assert told.arrival == pytest.approx(np.log(5.04 / 5) / (0.002 * ETA), abs=6)
    there = told.isel(step=slice(50, None))
    assert there.sharpness.values == pytest.approx(20, rel=2e-5)
    assert there.variance.values == pytest.approx(2 * 0.002 * 5, rel=1e-2)
    assert there["rank"].values == pytest.approx(1)
    assert (there.mean_loss - there.loss).values == pytest.approx(there.variance.values / ETA, rel=1e-3)
    assert there.mean_gradient_norm.values == pytest.approx(20 * np.sqrt(there.variance.values), rel=1e-3)
    assert told.ending == "steps"


def test_training_oscillates_with_the_variance_that_is_foretold():
    """Against a σ² that is twice or half of what gradient descent has: here it hovers in its two-cycle."""
    eta, c = ETA, -10.0
    module = Valleys(20.0331126, c=c, swing=0.0198675**0.5)
    trained = two_step_averages(*arguments(module), eta=eta, steps=60).isel(step=slice(20, None))
    centre = arguments(Valleys(20.0, c=c))
    told = central_flow(*centre, eta=eta, steps=30).isel(step=-1)
    beyond = central_flow(*arguments(Valleys(20.033, c=c)), eta=eta, steps=40, swing="secant").isel(step=-1)
    wave = float(trained.square_gradient.mean())
    assert wave * eta**2 / 4 == pytest.approx(0.0198675, rel=1e-4)  # (the edge law, docs/theory)
    assert float(told.variance) == pytest.approx(wave * eta**2 / 4, rel=0.01)
    assert float(trained.sharpness.mean()) == pytest.approx(20.0331126, rel=1e-6)
    assert float(told.sharpness_error) == pytest.approx(0.0331126, rel=0.01)
    assert float(beyond.sharpness) == pytest.approx(20.0331126, abs=2e-4)
    assert float(beyond.variance) == pytest.approx(0.0198675, rel=2e-3)
    assert float(told.mean_loss) == pytest.approx(float(trained.loss.mean()), rel=0.02)
    assert float(beyond.mean_loss) == pytest.approx(float(trained.loss.mean()), rel=2e-3)


def test_it_is_the_central_flow_of_the_formula():
    """Against any other flow: the same loss as a network of scalars, and as a formula with a dense eigenvector."""
    eta, steps = 2 / 9.1, 60
    loss = scalar_chain(2)
    loss.load(torch.tensor([3.0, 0.05], dtype=torch.float64))
    told = central_flow(loss.module, half_squared_error, loss.inputs, loss.targets, eta=eta, steps=steps, keep_every=5)
    formula = compile_central_flow(product(2))
    names = [weight.name for weight in formula.state]
    start = dict(zip(names, (3.0, 0.05), strict=True))
    run = formula.run(start, {"eta": eta}, times=told.kept.values.astype(float), rtol=1e-8, atol=1e-10)
    assert set(run.regime.values) == {"below", "edge"}
    assert told.weights.values == pytest.approx(run.trajectory.transpose("time", ...).values, abs=5e-3)
    there = run.isel(time=slice(-3, None))
    assert told.variance.sel(step=there.time).values == pytest.approx(there.variance.values, rel=0.02)


def test_two_eigenvalues_at_the_edge_oscillate_both():
    """Against a flow that follows one: T_11 and T_22 are orthogonal, so each has its own 2α/β; they are degenerate."""
    told = central_flow(*arguments(Valleys(19.97, 19.97, 18.0)), eta=ETA, steps=60).isel(step=-1)
    assert int(told["rank"]) == 2
    assert float(told.variance) == pytest.approx(2 * 0.02, rel=1e-2)
    assert told.eigenvalues.values[:2] == pytest.approx(20, rel=2e-5)


def test_what_a_secant_holds_below_the_edge_is_near_it():
    """Against a mode that is lost where its tangent is softer than the edge by more than the nearest are."""
    module, criterion, inputs, targets = arguments(Valleys(19.5, 15.0))
    loss = FlatLoss(module, inputs, targets, criterion)
    follower = EdgeFollower(loss, 20.0)
    assert follower.read(loss.parameters).near == 0
    assert follower.read(loss.parameters, softer=0.01).near == 1


def small_network(seed=3):
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    return module, half_squared_error, torch.randn(12, 3).double(), torch.randn(12, 1).double()


def test_with_momentum_the_edge_is_that_of_the_rule():
    """Against 2/η, where heavy ball is stable up to (2 + 2β)/η; its pace there is η/(1 − β)."""
    valley = Valleys(37.9, top=50.0)
    told = central_flow(*arguments(valley), optimizer=HeavyBall(ETA, 0.9), steps=30)
    assert told.edge == pytest.approx(38)
    assert float(told.sharpness[-1]) == pytest.approx(38, rel=1e-4)
    assert float(told.variance[-1]) == pytest.approx(2 * 0.002 * 12, rel=2e-2)  # α = b(50 − 38): the pace drops out
    optimizer = torch.optim.SGD(valley.parameters(), lr=ETA, momentum=0.9)
    again = central_flow(*arguments(valley), optimizer=optimizer, steps=8)
    assert again.sharpness.values == pytest.approx(told.sharpness.values[:9], rel=2e-4)  # between other steps


@pytest.mark.parametrize("rule", [HeavyBall(0.1, 0.9), Nesterov(0.1, 0.9)])
def test_with_momentum_the_flow_is_training_below_the_edge(rule):
    """Against a pace η/(1 − β), which does not turn, and a loss that is interpolated where it is known."""
    told = central_flow(*small_network(), optimizer=rule, steps=42, keep_every=4)
    trained = two_step_averages(*small_network(), optimizer=rule, steps=42, keep_every=1)
    each = central_flow(*small_network(), optimizer=rule, steps=42, keep_every=1)
    assert not told["rank"].any()
    weights = each.weights.values
    middles = (weights[:-2] + 2 * weights[1:-1] + weights[2:]) / 4
    assert middles == pytest.approx(trained.weights.values, abs=1e-12)
    assert told.weights.values == pytest.approx(weights[::4], abs=1e-12)
    assert told.taken < 30
    losses = told.mean_loss.values
    assert (losses[:-2] + 2 * losses[1:-1] + losses[2:]) / 4 == pytest.approx(trained.loss.values, rel=1e-9)


def trained_by(rule, steps):
    """The small network after so many steps of a rule, and its optimizer."""
    module, criterion, inputs, targets = small_network()
    optimizer = rule.build(module.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        criterion(module(inputs), targets).backward()
        optimizer.step()
    return (module, criterion, inputs, targets), optimizer


def test_rmsprop_is_held_at_the_edge_of_its_preconditioned_curvature():
    """Against the sharpness of H, a P that does not answer to the oscillation, and E g² without it."""
    told_of, optimizer = trained_by(RMSProp(0.002, 0.9, 1e-8), 200)
    told = central_flow(*told_of, optimizer=optimizer, steps=50).isel(step=slice(15, None))
    trained = two_step_averages(*told_of, optimizer=optimizer, steps=51).isel(step=slice(14, None))
    assert told.edge == 1000
    assert told.sharpness.values == pytest.approx(1000, rel=4e-3)
    assert float(told.mean_loss.mean()) == pytest.approx(float(trained.loss.mean()), rel=0.03)
    root = float((told.mean_gradient_norm**2).mean()) ** 0.5
    assert root == pytest.approx(float(trained.square_gradient.mean()) ** 0.5, rel=0.03)


def test_scalar_rmsprop_is_held_at_its_edge_too():
    """Against one that is not: without the oscillation in its second moment the sharpness of P⁻¹H rises on."""
    told_of, optimizer = trained_by(ScalarRMSProp(0.02, 0.9, 1e-8), 100)
    told = central_flow(*told_of, optimizer=optimizer, steps=50)
    assert float(told.sharpness[0]) < 50
    assert told.sharpness.values[-10:] == pytest.approx(100, rel=4e-3)


def test_what_is_no_central_flow_is_refused_or_said():
    """Against an answer where there is none."""
    quiet = central_flow(*arguments(Valleys(18.0)), eta=ETA, steps=5)
    assert (quiet.arrival, quiet.ending) == (-1, "steps")
    assert not quiet.variance.values.any()
    with pytest.raises(Undecided, match="more than 6"):
        central_flow(*arguments(Valleys(*[19.9999] * 8)), eta=ETA, steps=5)
    with pytest.raises(BadInput, match="either the optimizer, or the step size"):
        central_flow(*arguments(Valleys(18.0)), eta=ETA, optimizer=GradientDescent(ETA), steps=5)
    valley = Valleys(18.0)
    with pytest.raises(BadInput, match="momentum or without"):
        central_flow(*arguments(valley), optimizer=torch.optim.Adam(valley.parameters()), steps=5)
    with pytest.raises(BadInput, match="without momentum, centering"):
        central_flow(*arguments(valley), optimizer=torch.optim.RMSprop(valley.parameters(), momentum=0.9), steps=5)
    module = nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, 1)).double()
    with pytest.raises(BadInput, match="layer normalization"):
        central_flow(module, *small_network()[1:], eta=0.6, steps=60)


def test_an_optimizer_that_has_not_stepped_stays_as_it_is():
    """Against a look at its state that leaves entries there."""
    module, criterion, inputs, targets = small_network()
    optimizer = torch.optim.RMSprop(module.parameters(), lr=1e-5)
    before = optimizer.state_dict()
    central_flow(module, criterion, inputs, targets, optimizer=optimizer, steps=1)
    assert optimizer.state_dict() == before


def test_from_an_empty_second_moment_training_is_told_until_there_is_a_flow():
    """Against a refusal, and a flow that begins at an end of the oscillation: P⁻¹H is beyond the edge at the start."""
    rule = RMSProp(0.01, 0.9, 1e-8)
    told = central_flow(*small_network(), optimizer=rule, steps=60, keep_every=1)
    trained = two_step_averages(*small_network(), optimizer=rule, steps=60, keep_every=1)
    begins = told.begins
    assert 0 < begins < 60
    before = slice(1, begins - 1)
    assert told.sharpness[0] > 1.1 * told.edge
    assert told.mean_loss.sel(step=before).values == pytest.approx(trained.loss.sel(step=before).values)
    assert told.weights.sel(kept=begins).values == pytest.approx(trained.weights.sel(kept=begins).values)
    assert float(told.sharpness.sel(step=begins)) <= told.edge
    after = slice(begins, 59)
    assert float(told.mean_loss.sel(step=after).mean()) == pytest.approx(
        float(trained.loss.sel(step=after).mean()), rel=0.05
    )


def test_what_stays_beyond_the_edge_has_no_flow():
    """Against a path that is called a flow: on a quadratic training diverges, and is told as far as it goes."""
    told = central_flow(*arguments(Valleys(23.0, top=1000.0)), eta=ETA, steps=5)
    assert told.begins == -1
    assert "all the time" in told.ending
    assert told.sizes["step"] == 6


class Root(nn.Module):
    """θ + √θ, which ends at 0."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1e-4], dtype=torch.float64))

    def forward(self, inputs):
        return inputs * (self.weight + self.weight.sqrt())


def test_a_flow_that_is_lost_in_its_first_step_is_undecided():
    """Against an error about the largest of nothing."""
    with pytest.raises(Undecided, match="not finite"):
        central_flow(*arguments(Root()), eta=ETA, steps=5)
