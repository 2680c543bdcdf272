"""Systems that are polynomial in functions of the unknowns say of the unknowns what these say."""

import pytest
from sympy import Rational, exp, log, sin, symbols, tanh

from eos_sym.algebra.solutions.systems import System
from eos_sym.errors import Undecided

x, y = symbols("x y", real=True)


def test_the_functions_of_a_system_are_those_in_its_equations():
    system = System.of([tanh(3 * x - 2) * y - 1, y - 4], (x, y))
    assert system.functions == [tanh(3 * x - 2)]
    at = {y: 4, tanh(3 * x - 2): Rational(1, 4)}
    assert [equation.subs(at) for equation in system.equations(system.ideal)] == [0, 0]


@pytest.mark.parametrize(
    ("equation", "reason"),
    [
        (exp(x * y) - y, "is a function of several unknowns"),
        (exp(x) - x, "x occurs in exp"),
        (exp(x**2) - y, "is not a function of a linear form with rational coefficients"),
        (exp(x) + tanh(x) - y, "x occurs in"),
        (sin(x) - y, "is not known to be a monotone function"),
        (y - log(2), "is no rational number"),
    ],
)
def test_a_system_that_is_no_polynomial_in_one_function_of_each_unknown_is_undecided(equation, reason):
    with pytest.raises(Undecided, match=reason):
        System.of([equation], (x, y))


def test_a_value_at_the_end_of_a_range_is_left_out():
    """exp is never 0, and no polynomial says so."""
    for equation in (exp(x) * (exp(x) - 1), (tanh(2 * x) - 1) * tanh(2 * x), (1 + tanh(2 * x)) * tanh(2 * x)):
        assert len(System.of([equation, y], (x, y)).ideal.standard_monomials) == 1
