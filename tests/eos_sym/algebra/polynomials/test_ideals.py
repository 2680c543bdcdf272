"""Sets of complex zeros whose dimension and number are known by hand."""

import pytest
from sympy import symbols

from eos_sym.algebra.polynomials.ideals import Ideal
from eos_sym.errors import Undecided

x, y, z = symbols("x y z", real=True)


@pytest.mark.parametrize(
    ("equations", "dimension", "everything"),
    [
        ([], 3, False),
        ([x * y - 1], 2, False),
        ([x * y, x * z], 2, False),  # a plane and a line
        ([x - y, y - z], 1, False),
        ([x**2 - 1, y, z**3], 0, False),
        ([x, x - 1], -1, True),
    ],
)
def test_the_dimension_is_that_of_the_largest_part(equations, dimension, everything):
    ideal = Ideal.of(equations, (x, y, z))
    assert (ideal.dimension, ideal.is_everything) == (dimension, everything)


def test_as_many_standard_monomials_as_zeros_with_multiplicity_the_first_is_one():
    ideal = Ideal.of([x**2 - 1, y, z**3], (x, y, z))
    assert ideal.standard_monomials[0] == (0, 0, 0)
    assert sorted(ideal.standard_monomials) == [(i, 0, k) for i in range(2) for k in range(3)]
    assert Ideal.of([x, x - 1], (x, y, z)).standard_monomials == ()
    with pytest.raises(Undecided, match="infinitely many points"):
        _ = Ideal.of([x * y - 1, z], (x, y, z)).standard_monomials


def test_what_vanishes_at_all_zeros_belongs_to_the_ideal():
    ideal = Ideal.of([x * y - 1, z - x], (x, y, z))
    assert ideal.contains(ideal.polynomial(z * y - 1))
    assert not ideal.contains(ideal.polynomial(z * y - 2))
    assert not Ideal.of([], (x, y)).contains(ideal.polynomial(x))


def test_the_branches_are_the_factors_of_the_equations_without_the_empty_ones():
    branches = Ideal.of([x * (x - 1), y * (x - 2)], (x, y)).branches()  # x = 2 is excluded by the first
    assert {frozenset(map(branch.expression, branch.basis)) for branch in branches} == {
        frozenset({x, y}),
        frozenset({x - 1, y}),
    }
