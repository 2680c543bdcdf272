"""The rules of networks against those of eos_sym: their steps through the compiled simulator, their thresholds."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from sympy import S, Symbol, sqrt
from torch import nn

from eos_sym import BadInput, Map, Objective
from eos_sym.losses import product, quadratic
from eos_sym.rules import optimizers as rules
from numeric import compile_map
from numeric.networks.loss import torch_function
from numeric.networks.training.optimizers import (
    SAM,
    Adam,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NormalizedGradientDescent,
    RMSProp,
    RootLossGradientDescent,
    WeightDecay,
)
from numeric.runs import configuration
from numeric.runs.code import code

ETA, BETA, STEPS = 0.05, 0.7, 100
SMALL = 0.002  # an adaptive rule with large steps jumps about, and doubles every difference
ACCURACY = 1e-12
START = (1.2, 0.3, 0.5)


def iterates(rule, objective, start, steps):
    """θ₀ … θ_steps by the rule's optimizer; the weights are two parameters of the module, in two groups of entries."""
    loss = torch_function(objective.loss, objective.weights)
    theta = torch.tensor(start, dtype=torch.float64)
    first, rest = nn.Parameter(theta[:1].clone()), nn.Parameter(theta[1:].clone())
    optimizer = rule.build([first, rest])
    found = [theta]
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(torch.cat([first, rest]))
        value.backward()
        optimizer.step(lambda value=value: value)
        found.append(torch.cat([first, rest]).detach())
    return torch.stack(found).numpy()


def simulated(dynamics, start, parameters, steps):
    run = compile_map(dynamics).run(start, parameters, steps=steps, record_every=1, outcomes=False)
    return run.trajectory


@pytest.mark.parametrize(
    ("rule", "formula", "momentum"),
    [
        (GradientDescent(ETA), rules.GradientDescent(), False),
        (HeavyBall(ETA, BETA), rules.HeavyBall(), True),
        (NormalizedGradientDescent(ETA), rules.NormalizedGradientDescent(), False),
        (RootLossGradientDescent(ETA), rules.RootLossGradientDescent(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_rule_takes_the_steps_of_its_formula(rule, formula, momentum):
    objective = product(3)
    dynamics = formula.map(objective)
    start = dict.fromkeys(dynamics.state, 0.0) | dict(zip(objective.weights, START, strict=True))
    expected = simulated(dynamics, start, {"eta": ETA} | ({"momentum": BETA} if momentum else {}), STEPS)
    names = [str(weight) for weight in objective.weights]
    found = iterates(rule, objective, START, STEPS)
    assert np.ptp(found, axis=0).min() > 0.02  # it moves
    np.testing.assert_allclose(found, expected.sel(state=names), rtol=0, atol=ACCURACY)


def test_the_iterates_of_torchs_nesterov_are_the_points_where_the_gradient_is_taken():
    objective = product(3)
    dynamics = rules.Nesterov().map(objective)
    start = dict.fromkeys(dynamics.state, 0.0) | dict(zip(objective.weights, START, strict=True))
    expected = simulated(dynamics, start, {"eta": ETA, "momentum": BETA}, STEPS)
    weights, velocities = (expected[:, :3].values, expected[:, 3:].values)
    found = iterates(Nesterov(ETA, BETA), objective, START, STEPS)
    np.testing.assert_allclose(found, weights + BETA * velocities, rtol=0, atol=ACCURACY)
    assert np.abs(found - weights).max() > 0.01


def adaptive_map(objective, beta1, beta2, epsilon, *, corrected):
    """Adam's map, or RMSProp's at β₁ = 0 without correction; the powers of β₁ and β₂ are part of its state."""
    eta = rules.STEP_SIZE
    averages, squares = ([Symbol(f"{letter}_{w}", real=True) for w in objective.weights] for letter in "ms")
    powers = [Symbol("power1", real=True), Symbol("power2", real=True)]
    raised = [powers[0] * beta1, powers[1] * beta2]
    moved = [beta1 * m + (1 - beta1) * g for m, g in zip(averages, objective.gradient, strict=True)]
    grown = [beta2 * s + (1 - beta2) * g**2 for s, g in zip(squares, objective.gradient, strict=True)]
    first, second = (1 - raised[0], 1 - raised[1]) if corrected else (S.One, S.One)
    step = [
        w - eta * (m / first) / (sqrt(s / second) + epsilon)
        for w, m, s in zip(objective.weights, moved, grown, strict=True)
    ]
    state = (*objective.weights, *averages, *squares, *powers)
    return Map(state, (*objective.parameters, eta), (*step, *moved, *grown, *raised))


@pytest.mark.parametrize(
    ("rule", "beta1", "corrected"),
    [(Adam(SMALL, 0.8, 0.95, 1e-3), S(4) / 5, True), (RMSProp(SMALL, 0.95, 1e-3), S.Zero, False)],
    ids=["Adam", "RMSProp"],
)
def test_an_adaptive_rule_takes_the_steps_of_its_formula(rule, beta1, corrected):
    objective = product(3)
    dynamics = adaptive_map(objective, beta1, S(19) / 20, S(1) / 1000, corrected=corrected)
    start = dict.fromkeys(dynamics.state, 0.0) | dict(zip(objective.weights, START, strict=True))
    start |= dict.fromkeys(dynamics.state[-2:], 1.0)
    expected = simulated(dynamics, start, {"eta": SMALL}, STEPS)
    found = iterates(rule, objective, START, STEPS)
    assert np.ptp(found, axis=0).min() > 0.02
    np.testing.assert_allclose(found, expected[:, :3], rtol=0, atol=ACCURACY)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (GradientDescent(0.1), 2 / 0.1),
        (HeavyBall(0.1, 0.9), 2 * 1.9 / 0.1),
        (Nesterov(0.1, 0.9), 2 * 1.9 / (0.1 * 2.8)),
        (RMSProp(0.1), 2 / 0.1),
        (Adam(0.1, 0.9), 38 / 0.1),
        (WeightDecay(GradientDescent(0.1), 0.5, coupled=True), 2 / 0.1 - 0.5),
        (WeightDecay(GradientDescent(0.1), 0.5, coupled=False), 2 / 0.1 - 0.5),
        (WeightDecay(HeavyBall(0.1, 0.9), 0.5, coupled=True), 2 * 1.9 / 0.1 - 0.5),
        (WeightDecay(HeavyBall(0.1, 0.9), 0.5, coupled=False), 1.9 * (2 - 0.05) / 0.1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_critical_sharpness_is_that_of_the_literature(rule, expected):
    assert rule.critical_sharpness == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    "rule",
    [
        GradientDescent(0.1),
        HeavyBall(0.1, 0.6),
        Nesterov(0.1, 0.6),
        WeightDecay(Nesterov(0.1, 0.6), 0.5, coupled=True),
        WeightDecay(Nesterov(0.1, 0.6), 0.5, coupled=False),
    ],
    ids=repr,
)
def test_a_quadratic_converges_below_the_critical_sharpness_and_not_above(rule):
    weights = quadratic(1).weights
    ends = {}
    for factor in (0.98, 1.02):
        curvature = factor * rule.critical_sharpness
        objective = Objective("quadratic", S(curvature) * weights[0] ** 2 / 2, weights)
        first, last = np.abs(iterates_of_one(rule, objective, 400))[[0, -1]]
        ends[factor] = last / first
    assert ends[0.98] < 1e-2
    assert ends[1.02] > 1e2


def iterates_of_one(rule, objective, steps):
    weight = nn.Parameter(torch.ones(1, dtype=torch.float64))
    loss, optimizer, found = torch_function(objective.loss, objective.weights), rule.build([weight]), [1.0]
    for _ in range(steps):
        optimizer.zero_grad()
        loss(weight).backward()
        optimizer.step()
        found.append(weight.item())
    return np.array(found)


@pytest.mark.parametrize(
    "rule",
    [
        NormalizedGradientDescent(0.1),
        RootLossGradientDescent(0.1),
        SAM(0.1, 0.1),
        WeightDecay(RootLossGradientDescent(0.1), 0.1, coupled=True),
        WeightDecay(Adam(0.1), 0.1, coupled=False),  # the decay is not divided by P
    ],
    ids=repr,
)
def test_rules_without_a_threshold_of_their_own_have_no_critical_sharpness(rule):
    assert rule.critical_sharpness is None


def test_normalized_steps_have_the_length_eta_over_all_parameters_together():
    found = iterates(NormalizedGradientDescent(0.03), product(3), START, 5)
    for before, after in pairwise(found):
        assert np.linalg.norm(after - before) == pytest.approx(0.03, rel=1e-12)


@pytest.mark.parametrize("rule", [NormalizedGradientDescent(0.1), RootLossGradientDescent(0.1)], ids=repr)
def test_where_the_gradient_vanishes_nothing_moves(rule):
    start = (1.0, 1.0, 1.0)  # their product is the label: loss and gradient are 0
    assert (iterates(rule, product(3), start, 3) == np.array(start)).all()


def test_gradient_descent_on_the_root_of_the_loss_needs_the_loss():
    weight = nn.Parameter(torch.ones(1))
    optimizer = RootLossGradientDescent(0.1).build([weight])
    weight.square().sum().backward()
    with pytest.raises(BadInput, match="returns the loss"):
        optimizer.step()


@pytest.mark.parametrize(
    ("rule", "arguments", "named"),
    [
        (GradientDescent, (0.0,), "eta"),
        (GradientDescent, (math.nan,), "eta"),
        (NormalizedGradientDescent, (-1.0,), "eta"),
        (RootLossGradientDescent, (math.inf,), "eta"),
        (GradientDescent, ("a",), "eta"),
        (HeavyBall, (0.1, None), "momentum"),
        (HeavyBall, (0.1, 1.0), "momentum"),
        (HeavyBall, (0.1, -0.1), "momentum"),
        (Nesterov, (0.1, 0.0), "momentum"),
        (RMSProp, (0.1, 1.0), "beta2"),
        (RMSProp, (0.1, 0.9, 0.0), "epsilon"),
        (Adam, (0.1, 1.0), "beta1"),
        (Adam, (0.1, 0.9, math.nan), "beta2"),
        (SAM, (0.1, 0.0), "radius"),
        (WeightDecay, (GradientDescent(0.1), -0.1, True), "gamma"),
    ],
)
def test_coefficients_out_of_range_are_refused_by_name(rule, arguments, named):
    with pytest.raises(BadInput, match=f"{named} = "):
        rule(*arguments)


def test_weight_decay_is_of_one_rule():
    for rule in (0.1, GradientDescent, WeightDecay(GradientDescent(0.1), 0.1, coupled=True)):
        with pytest.raises(BadInput, match="rule: must be the description of one without weight decay"):
            WeightDecay(rule, 0.1, coupled=True)


def test_the_identity_of_a_rule_is_its_name_and_its_numbers():
    assert configuration(Adam(0.1)) == {
        "kind": "Adam",
        "code": code(Adam),
        "eta": 0.1,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
    }
    heavy_ball = {"kind": "HeavyBall", "code": code(HeavyBall), "eta": 0.1, "momentum": 0.9}
    assert configuration(HeavyBall(0.1, 0.9)) == heavy_ball
    decayed = configuration(WeightDecay(SAM(0.1, 0.2), 0.3, coupled=True))
    assert decayed["rule"] == {"kind": "SAM", "code": code(SAM), "eta": 0.1, "radius": 0.2}
