"""Sums of exponentials, their logarithms, ratios and derivatives are accurate where e^u is beyond the floats."""

import itertools

import mpmath
import numpy as np
import pytest
from sympy import cosh, diff, exp, lambdify, log, sinh, sqrt, symbols

from eos_sym import GradientDescent, Objective
from eos_sym.algebra.functions.exponentials import Factored, exponents, factored
from numeric import compile_function, compile_map, compile_sharpness

x, y, z, a = symbols("x y z a", real=True)
FAR_AND_NEAR = (1e3, 999.0, 1e-3, -1e-3, -1e3)

LOSSES = [
    log(exp(x) + exp(y)),
    log(exp(x) + 2 * exp(y) + 3),
    log(2 * cosh(x)),
    log(1 + exp(-x)),
    log(2**x + 3**y),
    log(exp(x) / (exp(x) + exp(y))),
    log(1 - 1 / (1 + exp(-x))),
    log(cosh(x) + cosh(y)),
    log(1 + cosh(x)),
    log(exp(x) + exp(y)) ** 2,
    sqrt(exp(x) + exp(y)),
    exp(x) / (exp(x) + exp(y)),
    exp(x) / (1 + exp(y)),
    1 / (exp(x) + exp(-y) + 1) ** 2,
    (exp(x) - exp(y)) / (exp(x) + exp(y)),
    cosh(x) / sinh(x),
]


def exactly(function, point):
    with mpmath.workdps(1800):  # e⁻¹⁰⁰⁰ beside e¹⁰⁰⁰ cubed, and fifty digits more
        return [float(value) for value in function(*map(mpmath.mpf, point))]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_values_and_derivatives_to_third_order_agree_with_many_digits(loss):
    """Relative to 1 and the value: third derivatives have zeros, at which no digit is left in any form."""
    names = sorted(loss.free_symbols, key=str)
    expressions = [loss, diff(loss, x), *(diff(loss, x, n) for n in names), *(diff(loss, x, x, n) for n in names)]
    function = compile_function(expressions, names)
    exact = lambdify(names, expressions, modules="mpmath", cse=True)
    for point in itertools.product(FAR_AND_NEAR, repeat=len(names)):
        expected = exactly(exact, point)
        found = [float(value) for value in function(*point)]
        np.testing.assert_allclose(found, expected, rtol=2e-12, atol=1e-14, err_msg=str(point))


PRODUCTS = [  # beyond some x one factor is 0 in floating point and another infinite
    x**2 * exp(-(x**4)) * cosh(x**3),
    exp(-(x**4)) * sinh(x**3) ** 2,
    exp(-(x**2)) * cosh(x) + x**2,
    exp(x**4) * exp(-exp(x**2)),
    exp(-cosh(x)) * exp(x**2),
    exp(-(x**2)) * (exp(x) + x**2),
    x**3 * exp(-(x**2)) * cosh(x**2),
    sqrt(1 + exp(x**4)) * exp(-(x**4)),
    log(1 + x**2 * exp(x**4)),
    exp(x**6) / (1 + exp(x**4)),
    exp(x**4) / (1 + exp(x**4)),
    exp(exp(x)) / (1 + exp(exp(x))),
]


@pytest.mark.parametrize("loss", PRODUCTS, ids=str)
def test_nothing_is_undefined_whose_value_is_a_number(loss):
    expressions = [loss, diff(loss, x)]
    function, exact = compile_function(expressions, [x]), lambdify([x], expressions, modules="mpmath")
    for point in (-30.0, -20.0, -11.0, -5.0, -1.3, 0.2, 1.3, 5.0, 11.0, 20.0, 30.0):
        with mpmath.workdps(60):
            expected = [float(value) if abs(value) < 1e308 else np.inf for value in exact(mpmath.mpf(point))]
        for value, number in zip(function(point), expected, strict=True):
            if np.isfinite(number):
                assert float(value) == pytest.approx(number, rel=1e-9, abs=1e-14), point
            else:
                assert not np.isfinite(value), point


def test_the_softmax_of_three_is_accurate_to_the_last_digits():
    softmax = exp(x) / (exp(x) + exp(y) + exp(z))
    curvature = diff(log(exp(x) + exp(y) + exp(z)), x, 2)
    for point in [(1e3, 999.0, -1e3), (-1e3, 1e3, 998.0), (60.0, 0.0, -1.0), (1e-3, -1e-3, 0.0)]:
        found = [float(value) for value in compile_function([softmax, curvature], (x, y, z))(*point)]
        expected = exactly(lambdify((x, y, z), [softmax, curvature], modules="mpmath"), point)
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=0)  # 1 − p is not rounded away at p = 1 − 1e-26


def test_the_terms_of_a_hyperbolic_numerator_cancel():
    """By hand: 1 − 2 sinh x/(eˣ + e⁻ˣ) = 2/(e²ˣ + 1)."""
    (value,) = compile_function([1 - 2 * sinh(x) / (exp(x) + exp(-x))], [x])(300.0)
    assert float(value) == pytest.approx(2 * np.exp(-600), rel=1e-12)


def test_one_term_is_no_sum_of_exponentials():
    assert exponents(cosh(x) + sinh(x)) is None
    assert factored(1 + exp(x)).sums == (({0: 1, x: 1}, 1),)
    assert factored(1 + x**2) == Factored(0, (), 1 + x**2)


@pytest.mark.parametrize(
    ("coefficient", "expected"), [(0.0, 5.0), (3.0, 1000 + np.log(3)), (1e-99, 1000 - 99 * np.log(10))]
)
def test_a_coefficient_may_be_zero_or_small(coefficient, expected):
    (value,) = compile_function([log(a * exp(x) + exp(y))], (a, x, y))(coefficient, 1000.0, 5.0)
    assert float(value) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_descent_on_log_sum_exp_takes_its_first_step_from_far_out(engine):
    """By hand: the gradient is the softmax (1, e⁻¹)/(1 + e⁻¹) = (.7310586, .2689414)."""
    objective = Objective.from_text("log(exp(x) + exp(y))", "x y")
    simulator = compile_map(GradientDescent().map(objective))
    run = simulator.run({"x": 1000.0, "y": 999.0}, {"eta": 1e-3}, steps=1, engine=engine)
    assert run.outcome.item() == "undecided"
    assert run.final.values == pytest.approx([1000 - 0.7310585786300049e-3, 999 - 0.2689414213699951e-3], rel=1e-15)
    sharpness = compile_sharpness(objective).at_end(run)
    assert float(sharpness) == pytest.approx(2 * 0.19661, rel=1e-3)  # [[1, −1], [−1, 1]] p(1 − p)
