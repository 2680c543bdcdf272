"""Each rule against its formula by hand, torch's optimizers, and its threshold on a quadratic (docs/theory)."""

import numpy as np
import pytest
import torch
from sympy import Rational, Symbol, diff, sign, simplify, sqrt, symbols

from eos_sym import STEP_SIZE, Map, Undecided, quadratic, shallow
from eos_sym.rules import (
    MOMENTUM,
    RADIUS,
    RULES,
    GradientDescent,
    NormalizedGradientDescent,
    Preconditioned,
    RootLossGradientDescent,
)
from eos_sym.rules.optimizers import (
    AVERAGE_SHARE,
    GRADIENT_SHARE,
    HeavyBall,
    Nesterov,
    PreconditionedMomentum,
    PreconditionedNesterov,
    Printed,
    SharpnessAwareMinimization,
)
from eos_sym.stability import critical_sharpness
from numeric import compile_map

x, y = symbols("x y", real=True)
eta, beta, rho = STEP_SIZE, MOMENTUM, RADIUS
share, rest = GRADIENT_SHARE, AVERAGE_SHARE
CRITICAL = {
    GradientDescent(): 2 / eta,
    HeavyBall(): (2 + 2 * beta) / eta,
    Nesterov(): (2 + 2 * beta) / (eta * (1 + 2 * beta)),
    PreconditionedMomentum(): (2 + 2 * beta) / (eta * (1 - beta)),
    PreconditionedNesterov(): (2 + 2 * beta) / (eta * ((1 + beta) * share + (1 - beta) * rest)),
    SharpnessAwareMinimization(normalized=False): (sqrt(1 + 8 * rho / eta) - 1) / (2 * rho),
}
VALUES = {
    eta: Rational(1, 100),
    beta: Rational(9, 10),
    rho: Rational(1, 20),
    share: Rational(1, 10),
    rest: Rational(9, 10),
}


@pytest.mark.parametrize(("rule", "expected"), CRITICAL.items())
def test_the_critical_sharpness_is_that_of_the_literature(rule, expected):
    assert simplify(critical_sharpness(rule) - expected) == 0


def test_the_critical_sharpness_in_numbers():
    assert critical_sharpness(HeavyBall()).subs(VALUES) == 380
    assert float(critical_sharpness(Nesterov()).subs(VALUES)) == pytest.approx(135.7142857)
    assert critical_sharpness(PreconditionedMomentum()).subs(beta, Rational(9, 10)).equals(38 / eta)


@pytest.mark.parametrize("rule", CRITICAL)
def test_a_quadratic_converges_below_the_critical_sharpness_and_diverges_above(rule):
    dynamics = rule.map(quadratic(1))
    edge = float(CRITICAL[rule].subs(VALUES))
    numbers = {str(symbol): float(VALUES.get(symbol, 1)) for symbol in dynamics.parameters}
    start = {str(symbol): 1.0 for symbol in dynamics.state}
    outcomes = [
        str(compile_map(dynamics).run(start, numbers | {"lambda1": curvature}, steps=100_000).outcome.values)
        for curvature in (0.999 * edge, 1.001 * edge)
    ]
    assert outcomes == ["converged", "diverged"]


@pytest.mark.parametrize(
    "rule", [NormalizedGradientDescent(), RootLossGradientDescent(), SharpnessAwareMinimization(normalized=True)]
)
def test_a_rule_without_a_derivative_at_the_minimum_has_no_critical_sharpness(rule):
    with pytest.raises(Undecided, match="not differentiable"):
        critical_sharpness(rule)


def test_normalized_steps_have_the_length_of_the_step_size():
    step = NormalizedGradientDescent().map(shallow()).substitution
    assert simplify((step[x] - x) ** 2 + (step[y] - y) ** 2 - eta**2) == 0


def test_root_loss_descent_steps_against_the_gradient_of_the_root_of_the_loss():
    objective = shallow()
    step = RootLossGradientDescent().map(objective).substitution
    assert simplify((step[x] - x + eta * diff(sqrt(objective.loss), x)).subs({x: 2, y: 3})) == 0


def test_sharpness_aware_steps_use_the_gradient_uphill():
    objective = shallow()
    gradient = [float(slope.subs({x: 2, y: 1})) for slope in objective.gradient]
    norm = np.hypot(*gradient)
    for normalized, length in ((True, norm), (False, 1.0)):
        step = SharpnessAwareMinimization(normalized).map(objective).substitution[x]
        uphill = [2 + 0.1 * gradient[0] / length, 1 + 0.1 * gradient[1] / length]
        expected = 2 - 0.05 * float(objective.gradient[0].subs(dict(zip((x, y), uphill, strict=True))))
        assert float(step.subs({x: 2, y: 1, eta: 0.05, rho: 0.1})) == pytest.approx(expected, rel=1e-13)


def torch_path(optimizer_of, steps=30):
    weights = torch.tensor([2.0, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer = optimizer_of([weights])
    for _ in range(steps):
        optimizer.zero_grad()
        ((1 - weights.prod()) ** 2 / 2).backward()
        optimizer.step()
    return weights.detach().numpy()


def our_path(rule, steps=30):
    dynamics = rule.map(shallow())
    start = {str(symbol): 0.0 for symbol in dynamics.state} | {"x": 2.0, "y": 1.0}
    parameters = {"eta": 0.05, "momentum": 0.9} | {str(s): 1.0 for s in dynamics.parameters if str(s).startswith("p_")}
    wanted = {str(symbol): parameters[str(symbol)] for symbol in dynamics.parameters}
    run = compile_map(dynamics).run(start, wanted, steps=steps, record_every=steps)
    return run.trajectory.isel(iteration=-1).sel(state=["x", "y"]).values


def test_heavy_ball_and_gradient_descent_are_torch_s():
    assert our_path(GradientDescent()) == pytest.approx(torch_path(lambda w: torch.optim.SGD(w, lr=0.05)), rel=1e-12)
    momentum = torch_path(lambda w: torch.optim.SGD(w, lr=0.05, momentum=0.9))
    assert our_path(HeavyBall()) == pytest.approx(momentum, rel=1e-11)


def test_preconditioned_momentum_averages_the_gradient_before_it_scales_it():
    dynamics = PreconditionedMomentum().map(shallow())
    m_x = Symbol("m_x", real=True)
    expected = x - eta * (beta * m_x + (1 - beta) * shallow().gradient[0]) / Symbol("p_x", positive=True)
    assert simplify(dynamics.substitution[x] - expected) == 0


def test_nesterov_looks_ahead():
    dynamics = Nesterov().map(shallow())
    v_x, v_y = symbols("v_x v_y", real=True)
    ahead = shallow().gradient[0].subs({x: x + beta * v_x, y: y + beta * v_y}, simultaneous=True)
    assert simplify(dynamics.substitution[v_x] - (beta * v_x - eta * ahead)) == 0
    assert simplify(dynamics.substitution[x] - x - dynamics.substitution[v_x]) == 0


def test_the_rules_of_the_command_line_are_all_there():
    assert list(RULES) == [
        "gradient_descent",
        "heavy_ball",
        "nesterov",
        "preconditioned_momentum",
        "normalized_gd",
        "root_loss_gd",
        "sam",
        "sam_unnormalized",
    ]
    assert all(isinstance(rule.map(shallow()), Map) for rule in RULES.values())


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("gradient_descent", r"\theta \mapsto \theta - \eta \nabla L\left(\theta\right)"),
        ("nesterov", r"v \mapsto \beta v - \eta \nabla L\left(\theta + \beta v\right)"),
        ("normalized_gd", r"\frac{\eta \nabla L\left(\theta\right)}{\left\|\nabla L\left(\theta\right)\right\|}"),
        ("root_loss_gd", r"\frac{\eta \nabla L\left(\theta\right)}{2 \sqrt{L\left(\theta\right)}}"),
        ("sam_unnormalized", r"\nabla L\left(\theta + \rho \nabla L\left(\theta\right)\right)"),
    ],
)
def test_a_rule_prints_its_formula(name, printed):
    latex = RULES[name]._repr_latex_()
    assert latex.startswith("$")
    assert latex.endswith("$")
    assert printed in latex


class Lion(Printed):
    """θ' = θ − η sign(g)"""

    def map(self, objective):
        step = [w - STEP_SIZE * sign(g) for w, g in zip(objective.weights, objective.gradient, strict=True)]
        return Map(objective.weights, (*objective.parameters, STEP_SIZE), tuple(step))


def test_a_rule_of_one_s_own_has_a_formula_a_map_and_a_simulator():
    assert r"\operatorname{sign}{\left(\nabla L\left(\theta\right) \right)}" in Lion()._repr_latex_()
    run = compile_map(Lion().map(shallow())).run({"x": 2.0, "y": 1.0}, {"eta": 0.25}, steps=2, record_every=1)
    assert run.trajectory.values.tolist() == [[2.0, 1.0], [1.75, 0.75], [1.5, 0.5]]


class ScaledDescent:
    """θ' = θ − ηg/c with a constant c of its own."""

    def map(self, objective):
        (c,) = self.scales(objective)
        step = [w - STEP_SIZE * g / c for w, g in zip(objective.weights, objective.gradient, strict=True)]
        return Map(objective.weights, (*objective.parameters, STEP_SIZE, c), tuple(step))

    def scales(self, objective):
        return (Symbol("c", positive=True),)


def test_a_rule_names_its_scales_and_its_critical_sharpness_is_that_of_the_scaled_hessian():
    assert isinstance(ScaledDescent(), Preconditioned)
    assert not isinstance(GradientDescent(), Preconditioned)
    assert critical_sharpness(ScaledDescent()) == 2 / eta


def test_sharpness_aware_minimization_is_normalized_unless_its_name_says_otherwise():
    assert RULES["sam"] == SharpnessAwareMinimization(normalized=True)
    assert RULES["sam_unnormalized"] == SharpnessAwareMinimization(normalized=False)
