"""Equations whose real solutions are known by hand: none is lost, and none that is not real is added."""

import pytest
from sympy import Rational, erf, exp, log, pi, sin, sqrt, symbols, sympify, tan

from eos_sym.algebra.functions.inverses import roots_in, solutions, square_roots

x = symbols("x", real=True)
a, b = symbols("a b", real=True)
p, n = symbols("p", positive=True), symbols("n", negative=True)
k = symbols("k", integer=True)


@pytest.mark.parametrize(
    ("equation", "roots"),
    [
        (5 * x**7, [0]),
        (a * x - b, [b / a]),
        (x**3 - 8, [2]),
        (x**3 + 8, [-2]),
        (x**3 - p, [p ** Rational(1, 3)]),
        (2 * x**5 - n, [-((-n / 2) ** Rational(1, 5))]),
        (x**4 - 16, [2, -2]),
        (x**4 + 16, []),
        (x**6 - p, [p ** Rational(1, 6), -(p ** Rational(1, 6))]),
        (x**2 - x - 6, [3, -2]),
        (x**2 + 2 * x + 2, []),
        (x**4 - 5 * x**2 + 4, [2, -2, 1, -1]),
        (x**4 + 3 * x**2 - 4, [1, -1]),
    ],
)
def test_all_real_roots_are_found(equation, roots):
    assert roots_in(equation, x) == roots


@pytest.mark.parametrize("equation", [x**3 - a, x**3 + x + 1, x**4 + x - 3, x**4 + x**3 - 3, exp(x) - 2])
def test_what_has_no_closed_form_here_is_none(equation):
    """Of x³ = a the sign is not known."""
    assert roots_in(equation, x) is None
    assert square_roots(equation, x) is None


@pytest.mark.parametrize(
    ("kernel", "value", "found"),
    [
        (exp(x), p, [log(p)]),
        (exp(x), n, []),
        (exp(x), a, [log(a)]),  # real where a > 0
        (sqrt(x), 3, [9]),
        (x ** Rational(2, 3), 4, [8]),
        (sqrt(x), n, []),
        (sqrt(x), 0, [0]),
        (erf(x), 0, [0]),
        (erf(x), Rational(1, 2), None),
        (erf(x), 1, []),
        (tan(x), 1, [pi / 4 + pi * k]),
        (sin(x), Rational(1, 2), [pi / 6 + 2 * pi * k, 5 * pi / 6 + 2 * pi * k]),
        (sin(x), -1, [-pi / 2 + 2 * pi * k]),
    ],
)
def test_a_function_is_inverted_where_the_value_is_reached(kernel, value, found):
    assert solutions(kernel, sympify(value), k) == found
