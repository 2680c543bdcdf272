import numpy as np
import pytest
from sympy import Integer, Rational, oo

from eos_sym import STEP_SIZE, GradientDescent, HeavyBall, Nesterov, Objective, Undecided
from eos_sym.rules import MOMENTUM, RADIUS, RULES, NormalizedGradientDescent, SharpnessAwareMinimization
from eos_sym.stability import critical_step_size

OBJECTIVE = Objective.from_text("((1 - x*y)**2 + (2 - x*z)**2)/2", "x y z")
BETA, RHO = Rational(7, 10), Rational(1, 20)


def largest_multiplier(rule, step_size):
    """The largest modulus of the eigenvalues at the minimum x = 13/10, those that are 1 left aside."""
    dynamics, (piece,) = rule.map(OBJECTIVE), OBJECTIVE.minima.pieces
    at_rest = {name: 0 for name in dynamics.state if name not in OBJECTIVE.weights}
    jacobian = dynamics.jacobian.subs({**piece.chart, **at_rest}).subs(OBJECTIVE.weights[0], Rational(13, 10))
    values = {STEP_SIZE: step_size, MOMENTUM: BETA, RADIUS: RHO}
    sizes = np.abs(np.linalg.eigvals(np.array(jacobian.subs(values), dtype=float)))
    return max(size for size in sizes if abs(size - 1) > 1e-6)


@pytest.mark.parametrize(
    "rule", [GradientDescent(), HeavyBall(), Nesterov(), SharpnessAwareMinimization(normalized=False)]
)
def test_just_below_the_critical_step_size_a_minimum_is_stable_and_just_above_it_is_not(rule):
    (piece,) = OBJECTIVE.minima.pieces
    critical = critical_step_size(rule, piece.sharpness(OBJECTIVE.hessian))
    at = {
        symbol: {"x": Rational(13, 10), "momentum": BETA, "rho": RHO}[symbol.name] for symbol in critical.free_symbols
    }
    value = critical.subs(at)
    assert largest_multiplier(rule, value * Rational(99, 100)) < 1
    assert largest_multiplier(rule, value * Rational(101, 100)) > 1


def test_without_curvature_no_step_size_is_critical():
    assert critical_step_size(GradientDescent(), Integer(0)) is oo


@pytest.mark.parametrize("rule", [RULES["preconditioned_momentum"], NormalizedGradientDescent()])
def test_where_more_than_the_sharpness_decides_there_is_no_critical_step_size(rule):
    with pytest.raises(Undecided):
        critical_step_size(rule, Integer(3))
