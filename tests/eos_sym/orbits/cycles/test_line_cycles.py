"""Two-cycles of polynomial maps of the line are the real roots of (F(F(x)) − x)/(F(x) − x), whatever the degree."""

import numpy as np
import pytest
from sympy import symbols

from eos_sym import GradientDescent, Map, Objective, two_cycles

x = symbols("x", real=True)


def roots_of_the_iterate(coefficients, eta):
    """The points of period 2 of x − ηL'(x), for L by its coefficients from the constant on, by companion matrices."""
    step = np.polynomial.Polynomial([0, 1]) - eta * np.polynomial.Polynomial(coefficients).deriv()
    moves = step - np.polynomial.Polynomial([0, 1])
    quotient, remainder = divmod(step(step) - np.polynomial.Polynomial([0, 1]), moves)
    assert np.abs(remainder.coef).max() < 1e-9
    roots = quotient.roots()
    return sorted(roots[np.abs(roots.imag) < 1e-9].real)


@pytest.mark.parametrize("eta", [0.55, 1.3])
@pytest.mark.parametrize(
    ("text", "coefficients"),
    [
        ("x**4/4 - x**2/2", [0, 0, -1 / 2, 0, 1 / 4]),
        ("x**6/6 - x**2/2", [0, 0, -1 / 2, 0, 0, 0, 1 / 6]),
        ("x**6/6 + x**2/2", [0, 0, 1 / 2, 0, 0, 0, 1 / 6]),
        ("x**6/6 - x**4/4 - x**2/2", [0, 0, -1 / 2, 0, -1 / 4, 0, 1 / 6]),
        ("x**8/8 - x**2/2", [0, 0, -1 / 2, 0, 0, 0, 0, 0, 1 / 8]),
        ("x**6/6 - x**3/3 + x**2", [0, 0, 1, -1 / 3, 0, 0, 1 / 6]),
    ],
)
def test_all_two_cycles_of_a_polynomial_are_found(text, coefficients, eta):
    found = two_cycles(GradientDescent().map(Objective.from_text(text, "x")), {"eta": eta})
    assert found.complete
    points = sorted(float(value) for orbit in found.orbits for point in orbit.points for value in point.values())
    np.testing.assert_allclose(points, roots_of_the_iterate(coefficients, eta), rtol=1e-6)


@pytest.mark.parametrize("loss", ["x**6/6 - x**2/2", "x**6/6 - a*x**2/2", "x**8/8 + x**2/2"])
def test_without_values_the_two_cycles_of_high_degree_say_what_they_need(loss):
    found = two_cycles(GradientDescent().map(Objective.from_text(loss, "x", "a" if "a" in loss else "")))
    assert not found.complete
    assert "give them values" in found.reason


def test_a_cycle_that_has_just_left_its_fixed_point_is_none_yet():
    """(F(F(x)) − x)/(F(x) − x) of F = −x + x² + x⁴ has degree 12, and x² divides it: ten points are left of twelve."""
    found = two_cycles(Map((x,), (), (-x + x**2 + x**4,)))
    assert (found.complete, found.count) == (True, 5)
    assert "5 complex two-cycles of at most 6, by (n² − n)/2" in found.reason
