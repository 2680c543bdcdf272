"""The stable forms equal the expressions they replace, and are finite where those are not."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import E, Integer, Rational, Symbol, cosh, diff, exp, log, sinh, sqrt, symbols, tanh
from sympy.codegen.numpy_nodes import logaddexp

from eos_sym import Objective
from numeric import compile_function
from numeric.compile.stable_forms import stabilize

u, v, y = symbols("u v y", real=True)
n = Symbol("n", integer=True)
EXTREME = (-800.0, 800.0)
MODERATE = (-40.0, -19.5, -2.0, -0.5, 0.75, 3.0, 20.0, 37.5)
ULPS = 2.0**-52

softplus = log(1 + exp(u))
log_cosh = log(cosh(u))
ARGUMENTS = [u, -u, 3 * u, u / 2, u + v, -u - v, 2 * u - 3 * v, u * v, 1 - u * v, -v * (u + 2)]


def logistic(number):
    return 1 / (1 + mpmath.exp(-number))


def values_at(points, expression):
    return compile_function([expression], [u])(np.array(points))[0]


def exactly(points, function):
    with mpmath.workdps(1500):
        return [float(function(mpmath.mpf(point))) for point in points]


@pytest.mark.parametrize(
    ("expression", "exact"),
    [
        (softplus, lambda t: mpmath.log(1 + mpmath.exp(t))),
        (diff(softplus, u), logistic),
        (diff(softplus, u, 2), lambda t: 1 / (2 + 2 * mpmath.cosh(t))),
        (diff(diff(softplus, u), u), lambda t: 1 / (2 + 2 * mpmath.cosh(t))),
        (softplus.subs(u, -u), lambda t: mpmath.log(1 + mpmath.exp(-t))),
        (diff(softplus.subs(u, -u), u), lambda t: -logistic(-t)),
        (diff(softplus.subs(u, -u), u, 2), lambda t: 1 / (2 + 2 * mpmath.cosh(t))),
        (log_cosh, lambda t: mpmath.log(mpmath.cosh(t))),
        (diff(log_cosh, u), mpmath.tanh),
        (diff(log_cosh, u, 2), lambda t: mpmath.sech(t) ** 2),
        (1 - tanh(u) ** 2, lambda t: mpmath.sech(t) ** 2),
        (1 - 1 / (1 + exp(-u)), lambda t: logistic(-t)),
        (exp(2 * u) / (1 + exp(u)) ** 2, lambda t: logistic(t) ** 2),
        (exp(u) * 5 / (1 + exp(u)) ** 3, lambda t: 5 * logistic(t) * logistic(-t) ** 2),
        (exp(3 * u) / (1 + exp(u)) ** 3, lambda t: logistic(t) ** 3),
        (exp(u / 2) / (1 + exp(u / 2)) ** 2, lambda t: logistic(t / 2) * logistic(-t / 2)),
        (exp(-2 * u) / (1 + exp(-u)) ** 3, lambda t: logistic(-t) ** 2 * logistic(t)),
        (sinh(u) / cosh(u) ** 3, lambda t: mpmath.tanh(t) * mpmath.sech(t) ** 2),
        (sinh(u) ** 2 / cosh(u) ** 2, lambda t: mpmath.tanh(t) ** 2),
        (sinh(u) ** 2 / cosh(u) ** 5, lambda t: mpmath.tanh(t) ** 2 * mpmath.sech(t) ** 3),
    ],
    ids=lambda value: None if callable(value) else str(value),
)
@pytest.mark.parametrize("points", [EXTREME, MODERATE], ids=["extreme", "moderate"])
def test_losses_and_their_derivatives_are_accurate_where_the_naive_forms_are_not(expression, exact, points):
    np.testing.assert_allclose(values_at(points, expression), exactly(points, exact), rtol=40 * ULPS, atol=0)


@pytest.mark.parametrize("argument", ARGUMENTS, ids=str)
def test_every_second_derivative_is_a_product_whatever_the_argument(argument):
    for loss in (softplus, log_cosh):
        curvature = diff(diff(loss, u), u).subs(u, argument)
        stable = stabilize(curvature)
        assert stable.is_Mul or stable.is_Pow
        assert (stable - curvature).rewrite(exp).simplify() == 0


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("log(1 + exp(-x*y))", lambda p: -1 / (1 + mpmath.exp(p))),
        ("log(cosh(x*y - 1))", lambda p: mpmath.tanh(p - 1)),
        ("log(1 + exp(1 - x*y)) + x**2/2", lambda p: -1 / (1 + mpmath.exp(p - 1))),
    ],
)
def test_the_hessian_of_a_classification_loss_is_finite_and_accurate_far_out(text, slope):
    """For L = ℓ(xy), ∂ₓ∂ᵧL = ℓ′(p) + p ℓ″(p) and ∂ᵧ²L = x² ℓ″(p), with p = xy; ℓ″ by differentiating ℓ′ numerically."""
    objective = Objective.from_text(text, ["x", "y"])
    weights = ((30.0, 30.0), (-30.0, 30.0), (7.0, 6.0), (1.5, -0.25))
    mixed, last = compile_function([objective.hessian[0, 1], objective.hessian[1, 1]], objective.weights)(
        *np.transpose(weights)
    )
    for lane, (first, second) in enumerate(weights):
        with mpmath.workdps(1000):
            product = mpmath.mpf(first) * second
            curvature = mpmath.diff(slope, product)
            expected = float(slope(product) + product * curvature), float(first**2 * curvature)
        assert (mixed[lane], last[lane]) == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_the_losses_are_written_with_logaddexp():
    assert stabilize(softplus) == logaddexp(0, u)
    assert stabilize(3 * softplus.subs(u, y * u - 1) + y) == 3 * logaddexp(0, y * u - 1) + y
    assert stabilize(log_cosh) in {logaddexp(u, -u) - log(2), logaddexp(-u, u) - log(2)}


@pytest.mark.parametrize(
    "expression",
    [
        Integer(3),
        u,
        (1 - u * v * y) ** 2 / 2,
        2 * (u + 1),
        sqrt(2) * u / 3,
        exp(u),
        u * (1 + exp(u)) ** 2,
        exp(u) / (1 + exp(u)) ** n,
        E * u / (1 + u),
        log(1 + u),
        sinh(u) ** n / cosh(u) ** 2,
        sinh(u) / cosh(u) ** n,
        1 - tanh(u),
        1 + tanh(u) ** 2,
        u - tanh(u) ** 2,
    ],
    ids=str,
)
def test_other_expressions_stay_as_they_are(expression):
    assert stabilize(expression) == expression


small = st.integers(-3, 3)
factors = st.builds(
    lambda argument, a, b, c, d, e: (
        exp(a * argument)
        * (1 + exp(argument)) ** b
        * sinh(argument) ** abs(c)
        * cosh(argument) ** d
        * tanh(argument) ** abs(e)
    ),
    st.sampled_from(ARGUMENTS),
    small,
    small,
    small,
    small,
    small,
)
products = st.builds(lambda one, other, number: number * one * other, factors, factors, small)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(products, products, st.sampled_from(ARGUMENTS))
def test_the_value_never_changes(product, other, argument):
    point = {u: Rational(3, 7), v: Rational(-5, 9)}
    expression = product - product / (1 + exp(argument)) + other - other * tanh(argument) ** 2 + log(1 + exp(argument))
    stable = stabilize(expression).rewrite(log)
    scale = 1 + abs(product.evalf(40, subs=point)) + abs(other.evalf(40, subs=point))
    assert abs((stable - expression).subs(point).evalf(30, chop=True)) < Rational(1, 10**25) * scale


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(1, 4), st.integers(0, 3), st.sampled_from([u, -u, u / 2]), st.sampled_from(EXTREME))
def test_a_ratio_with_a_finite_value_is_finite_far_out(power, more, argument, point):
    for ratio, exact in (
        (
            exp(power * argument) / (1 + exp(argument)) ** (power + more),
            lambda t: logistic(t) ** power * logistic(-t) ** more,
        ),
        (
            sinh(argument) ** power / cosh(argument) ** (power + more),
            lambda t: mpmath.tanh(t) ** power * mpmath.sech(t) ** more,
        ),
    ):
        number = float(argument.subs(u, point))
        assert values_at([point], ratio) == pytest.approx(exactly([number], exact), rel=1e-14, abs=0)
