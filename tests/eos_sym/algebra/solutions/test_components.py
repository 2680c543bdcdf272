"""Solution sets that are known by hand."""

import pytest
from sympy import Integer, Rational, acos, acosh, atanh, cos, cosh, exp, log, pi, sin, sqrt, symbols, tan, tanh

from eos_sym.algebra import Kernels, components

x, y, a = symbols("x y a", real=True)
k = symbols("k", integer=True)


def charts(*equations):
    found, _ = components(equations, (x, y))
    assert all(not part.left for part in found)
    return [part.chart for part in found]


@pytest.mark.parametrize(
    ("equation", "values"),
    [
        (exp(10 * x) - 2, [log(2) / 10]),
        (exp(x) + 1, []),
        (exp(2 * x) + exp(x) - 6, [log(2)]),  # (eˣ − 2)(eˣ + 3)
        (exp(3 * x) - exp(-x), [Integer(0)]),
        (x * (x - 2) * exp(1 - x), [0, 2]),
        (tanh(x) - 1, []),
        (tanh(x) - Rational(1, 2), [atanh(Rational(1, 2))]),
        (cosh(x) - 2, [acosh(2), -acosh(2)]),
        (log(x**2 + 1), [0]),
        (sqrt(x**2 + 1) + 1, []),
        (sin(x), [2 * pi * k, pi + 2 * pi * k]),
        (cos(x) - 1, [2 * pi * k]),
        (cos(x) + 1, [pi + 2 * pi * k]),
        (sin(x) - 2, []),
        (tan(x) - 1, [pi / 4 + pi * k]),
    ],
)
def test_a_function_is_inverted_on_its_range(equation, values):
    found = [chart[x].expand() for chart in charts(equation, y)]
    assert sorted(found, key=str) == sorted(values, key=str)


def test_the_other_equations_hold_where_a_sum_of_squares_vanishes():
    assert charts(x**2 + tanh(y) ** 2, exp(x) - 2) == []
    assert charts(x**2 + tanh(y) ** 2, exp(x) - 1) == [{x: 0, y: 0}]


def test_a_value_of_unknown_size_is_taken_to_be_in_the_range():
    assert charts(exp(x) - a, y) == [{x: log(a), y: 0}]
    angles = {pi / 2 - acos(a) + 2 * pi * k, pi / 2 + acos(a) + 2 * pi * k}
    assert {chart[x].expand() for chart in charts(sin(x) - a, y)} == angles


def test_conditions_on_integers_are_solved():
    assert charts(sin(x), x - 2 * pi, y) == [{x: 2 * pi, y: 0}]
    assert charts(sin(x), x - 3, y) == []
    assert charts(sin(x), cos(x), y) == []
    (chart,) = charts(sin(x), tan(x / 2), y)
    (integer,) = chart[x].free_symbols
    assert chart[x] == 2 * pi * integer


def test_exponentials_are_powers_of_common_symbols():
    expression = exp(1 - x) * (exp(2 * x / 3 - y) + 1)
    kernels = Kernels([expression])
    form = kernels.algebraic(expression)
    assert set(kernels.meaning.values()) == {exp(x / 3), exp(y), exp(1)}
    assert form.is_rational_function(*kernels.meaning)
    assert (kernels.restored(form) - expression).expand() == 0


def test_combinations_of_equations_that_are_no_polynomials_find_what_is_linear():
    gradient = exp(x + y / 2) - 2
    found = charts(y / 2 - gradient, -y / 2 - gradient)
    assert found == [{y: 0, x: log(2)}]
