"""Values are given by symbols or names, as numbers of any kind, to every function alike."""

from decimal import Decimal
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from mpmath import mpf
from sympy import Float, Integer, Rational, Symbol, sqrt

from eos_sym import (
    STEP_SIZE,
    BadInput,
    GradientDescent,
    HeavyBall,
    Objective,
    critical_sharpness,
    fixed_points,
    quadratic,
    shallow,
    two_cycles,
)
from eos_sym.edge import EdgeNormalForm, edge_normal_form, edge_normal_form_at, flip_normal_form, minimum_at_edge
from eos_sym.flows import limit_flow
from eos_sym.losses import LossFamily
from eos_sym.orbits import Orbit
from eos_sym.rules import NormalizedGradientDescent, StochasticGradientDescent
from eos_sym.self_stabilization import CubicExpansion, SelfStabilization, top_eigenvector
from eos_sym.stability import mean_square
from eos_sym.values import exact, named
from numeric.proofs import certify

x, y = shallow().weights
WELL = Objective.from_text("(x**2 - mu)**2/4", "x", "mu")
DESCENT = GradientDescent().map(WELL)
KEYS = {"symbols": lambda symbol: symbol, "names": lambda symbol: symbol.name, "others": lambda s: Symbol(s.name)}
NUMBERS = [Rational(1, 5), Fraction(1, 5), 0.2, np.float64(0.2), Decimal("0.2")]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: type(number).__name__)
def test_a_number_of_any_kind_is_the_same_number(number):
    assert exact("it", number) == Rational(1, 5)


def test_whole_numbers_and_those_of_many_digits_are_kept():
    for value in (exact("it", 3), exact("it", np.int64(3))):
        assert isinstance(value, Integer)
        assert value == 3
    assert exact("it", mpf("0.5")) == Float("0.5")
    assert exact("it", Float("0.1", 40)) == Float("0.1", 40)
    assert exact("it", sqrt(STEP_SIZE)) == sqrt(STEP_SIZE)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1j, "0.2", None, Float("nan"), mpf("inf")])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(BadInput, match="eta = "):
        exact("eta", value)


def test_unknown_names_and_names_given_twice_are_refused():
    with pytest.raises(BadInput, match="the point: there is no z; give values for x, y"):
        named("the point", (x, y), {"z": 1})
    with pytest.raises(BadInput, match="x is given twice"):
        named("the point", (x, y), {x: 1, "x": 1})
    with pytest.raises(BadInput, match="names nothing"):
        named("the point", (x, y), {0: 1})


(w,), (mu,) = WELL.weights, WELL.parameters
TOP = top_eigenvector(shallow().hessian.subs({x: 1, y: 1}), 20)
USES = {
    "fixed_points": lambda of, n: fixed_points(DESCENT, of({mu: n(1)})).orbits,
    "two_cycles": lambda of, n: two_cycles(DESCENT, of({mu: n(1), STEP_SIZE: n(1.1)})).orbits,
    "critical_sharpness": lambda of, n: critical_sharpness(HeavyBall(), of({STEP_SIZE: n(0.2)})),
    "flip": lambda of, n: flip_normal_form(DESCENT, of({w: n(1)}), of({STEP_SIZE: n(1), mu: n(1)})).coefficient,
    "minimum_at_edge": lambda of, n: minimum_at_edge(shallow(), n(0.2), of({x: n(3.2), y: n(0.3)}), of({})),
    "edge_normal_form_at": lambda of, n: (
        edge_normal_form_at(shallow(), of({x: n(2), y: n(0.5)}), Rational(8, 17), n(0.01), of({})).quartic
    ),
    "edge_normal_form": lambda of, n: edge_normal_form(shallow(), of({y: 1 / x})).beta,
    "limit_flow": lambda of, n: limit_flow(NormalizedGradientDescent(), shallow(), of({y: 1 / x})),
    "cubic": lambda of, n: (
        CubicExpansion(
            shallow(), of({x: n(1), y: n(1)}), top_eigenvector(shallow().hessian.subs({x: 1, y: 1}), 20)
        ).sharpness
    ),
    "mean_square": lambda of, n: mean_square(
        StochasticGradientDescent(1), LossFamily("two", (x**2, 3 * x**2), (x,)), of({x: n(0)})
    ),
    "orbit": lambda of, n: Orbit(GradientDescent().map(shallow()), (of({x: n(1), y: n(1)}),)).points,
    "certify": lambda of, n: certify(DESCENT, [of({w: n(1)})], of({STEP_SIZE: n(0.2), mu: n(1)})),
    "verdict": lambda of, n: fixed_points(DESCENT).orbits[0].stability.verdict(of({mu: n(1), STEP_SIZE: n(0.2)})),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_symbols_and_names_and_numbers_of_any_kind_mean_the_same(use):
    expected = use(lambda values: values, lambda value: Rational(str(value)))
    for key, kind in product(KEYS.values(), (lambda value: value, lambda value: Fraction(str(value)))):

        def keyed(values, key=key):
            return {key(symbol): value for symbol, value in values.items()}

        assert use(keyed, kind) == expected


def test_coefficients_are_numbers_of_any_kind():
    form = EdgeNormalForm(1, -0.3, Fraction(10))
    assert (form.kind, form.e) == ("self_stabilizing", Rational(1, 5))
    cycle = SelfStabilization(0.5, 1, 0, 0)
    assert cycle == SelfStabilization(Rational(1, 2), Integer(1), Integer(0), Integer(0))
    loss = Objective.from_text("abs(x) + y**2", "x y")
    assert loss.smooth_near({"x": -0.5, "y": 1}) == loss.smooth_near({x: Rational(-1, 2), y: 1})


def test_the_parameter_of_a_critical_value_may_be_named():
    (curvature,) = quadratic(1).parameters
    condition = Orbit(GradientDescent().map(quadratic(1)), ({quadratic(1).weights[0]: 0},)).stability
    assert condition.critical_value("eta") == condition.critical_value(STEP_SIZE) == 2 / curvature
    assert condition.critical_value("eta", {curvature.name: 0.5}) == 4


def test_the_end_of_the_edge_law_takes_a_number_of_pythons():
    point = minimum_at_edge(shallow(), 0.2, {"x": 3.2, "y": 0.3}, {})
    form = edge_normal_form_at(shallow(), point.weights, 0.2, 0.01, {})
    assert abs(form.end(0.05) - form.end(Rational(1, 20))) < 1e-20
    assert abs(form.end(0.05) + 0.04997) < 1e-5  # as in docs/theory
