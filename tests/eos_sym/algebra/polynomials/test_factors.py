"""Factors of polynomials in every form."""

from sympy import expand, symbols

from eos_sym import Objective
from eos_sym.algebra import irreducible_factors
from eos_sym.orbits import fixed_points
from eos_sym.rules import RULES

x, y = symbols("x y", real=True)


def test_a_product_with_a_factor_that_is_a_number_once_multiplied_out_has_the_others():
    hidden = 2 * x**3 + x + 1 - x * (2 * x**2 + 1)
    assert expand(hidden) == 1
    assert irreducible_factors(x * hidden) == [(x, 1)]
    assert irreducible_factors(x**2 * (y + 1)) == [(y + 1, 1), (x, 2)]
    assert irreducible_factors(hidden) == []


def test_such_a_product_does_not_end_the_search_for_fixed_points():
    loss = (x / 2) ** 2 + (-(x**3) - x / 2 + y - 1) ** 2
    found = fixed_points(RULES["normalized_gd"].map(Objective("hidden", loss, (x, y))), {"eta": 0.01})
    assert not found.orbits  # the rule is not defined at the minimum, and rests nowhere else
