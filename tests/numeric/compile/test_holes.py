"""Removable holes have their values, and digits beside them; poles stay poles."""

import mpmath
import numpy as np
import pytest
from sympy import diff, exp, lambdify, log, sin, symbols, tanh

from eos_sym import GradientDescent, Objective
from numeric import compile_function, compile_map, compile_sharpness
from numeric.compile.holes import fill_holes

x, y = symbols("x y", real=True)
DISTANCES = (1e-12, 1e-9, -1e-6, 1e-5, -1e-3, 0.02, 0.3, 0.9, 1.1, -1.7)


@pytest.mark.parametrize(
    ("loss", "hole", "curvature"),
    [
        (1 - sin(x) / x, 0, 1 / 3),  # x²/6 − …
        ((exp(x) - 1) / x, 0, 1 / 3),  # 1 + x/2 + x²/6 + …
        (x / (exp(x) - 1), 0, 1 / 6),  # 1 − x/2 + x²/12 − …
        (tanh(x) / x, 0, -2 / 3),  # 1 − x²/3 + …
        (log(1 + x) / x, 0, 2 / 3),  # 1 − x/2 + x²/3 − …
        (sin(x - 1) / (x - 1) + x**2, 1, 5 / 3),
    ],
    ids=str,
)
def test_the_curvature_in_a_hole_and_beside_it_agrees_with_many_digits(loss, hole, curvature):
    sharpness = compile_sharpness(Objective("loss", loss, (x,)))
    assert sharpness.evaluate(np.array(float(hole))) == pytest.approx(curvature, rel=1e-14)
    exact = lambdify(x, diff(loss, x, 2), modules="mpmath")
    points = [hole + distance for distance in DISTANCES if not (loss.has(log) and distance < -0.5)]
    with mpmath.workdps(80):
        expected = [float(exact(mpmath.mpf(point))) for point in points]
    np.testing.assert_allclose(sharpness.evaluate(np.array(points)), expected, rtol=2e-12)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_descent_into_a_hole_converges(engine):
    """L = 1 − (sin x)/x, with the multiplier 1 − η/3 at its minimum 0."""
    loss = Objective("loss", 1 - sin(x) / x, (x,))
    simulator = compile_map(GradientDescent().map(loss))
    assert simulator.run({"x": 0.0}, {"eta": 0.5}, steps=10, engine=engine).outcome.item() == "converged"
    run = simulator.run({"x": 1.0}, {"eta": 0.5}, steps=2000, record_every=1, engine=engine)
    assert run.outcome.item() == "converged"
    ratio = run.trajectory.values[81, 0] / run.trajectory.values[80, 0]
    assert ratio == pytest.approx(1 - 0.5 / 3, rel=1e-9)
    assert float(compile_sharpness(loss).at_end(run)) == pytest.approx(1 / 3, rel=1e-14)


def test_the_limit_on_a_line_of_holes_depends_on_the_other_symbol():
    """Of (eˣ − eʸ)/(x − y) it is e^y, of its slope e^y/2."""
    quotient = (exp(x) - exp(y)) / (x - y)
    values = compile_function([quotient, diff(quotient, x)], (x, y))(0.5, 0.5)
    assert [float(value) for value in values] == pytest.approx([np.exp(0.5), np.exp(0.5) / 2], rel=1e-14)


@pytest.mark.parametrize(
    "expression", [1 / x, exp(x) / x, (x - y) ** -2, sin(x) / x**2, x + y, exp(x * y), 1 / (1 + x**2)]
)
def test_poles_and_what_has_none_stay_as_they_are(expression):
    assert fill_holes(expression) == expression
