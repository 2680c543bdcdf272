"""Zeros that simplification alone does not tell, and numbers that are nearly zero."""

import pytest
from sympy import (
    E,
    I,
    Matrix,
    Rational,
    acosh,
    cos,
    cosh,
    erf,
    exp,
    log,
    pi,
    sin,
    sinh,
    sqrt,
    symbols,
    tan,
    tanh,
)

from eos_sym import Undecided
from eos_sym.algebra import Elementary, as_decimals, positive_where_defined, rank_one_pivot, sign_of, vanishes

x, y = symbols("x y", real=True)

ZERO = [
    sin(2 * x) - 2 * sin(x) * cos(x),
    sin(x + y) - sin(x) * cos(y) - cos(x) * sin(y),
    tan(x) * cos(x) - sin(x),
    cosh(x) ** 2 * tanh(x) ** 2 - cosh(x) ** 2 + 1,
    tanh(2 * x) * (1 + tanh(x) ** 2) - 2 * tanh(x),
    tanh(x / 2) * (exp(x) + 1) - exp(x) + 1,
    1 / (1 + exp(-x)) - exp(x) / (1 + exp(x)),
    log(1 + exp(-x)) + x - log(1 + exp(x)),
    2 ** (x + 1) - 2 * 2**x,
    1 / (sqrt(1 + x**2) - x) - sqrt(1 + x**2) - x,
    sqrt(3 + 2 * sqrt(2)) - 1 - sqrt(2),
    cos(pi / 7) - cos(2 * pi / 7) + cos(3 * pi / 7) - Rational(1, 2),
]


@pytest.mark.parametrize("expression", ZERO, ids=str)
def test_an_identity_vanishes_and_a_perturbed_one_does_not(expression):
    assert vanishes(expression)
    assert not vanishes(expression + Rational(1, 10**40))
    assert not vanishes(expression + x * exp(-30 * x**2) * Rational(1, 10**20))


def test_what_vanishes_for_positive_numbers_alone_does_not_vanish():
    assert not vanishes(abs(x) - x)


def test_what_is_neither_proved_zero_nor_seen_to_differ_is_undecided():
    with pytest.raises(Undecided, match="whether"):
        vanishes(acosh(cosh(x)) - abs(x))


def test_a_number_has_a_sign_however_small():
    assert [sign_of(sign * exp(-exp(5)) + sqrt(8) - 2 * sqrt(2)) for sign in (1, 0, -1)] == [1, 0, -1]
    assert sign_of(E**2 - exp(2)) == 0
    assert sign_of(x) is None
    assert sign_of(1 + x**2) == 1


def test_reduction_makes_denominators_rational_and_lowers_powers():
    root = sqrt(1 + x**2)
    field = Elementary([1 / (root + x)])
    assert field.restored(field.reduced(field.written(1 / (root + x)))) == root - x
    field = Elementary([cosh(x)])
    assert field.restored(field.reduced(field.written(cosh(x) ** 4))) == sinh(x) ** 4 + 2 * sinh(x) ** 2 + 1


def test_a_function_without_relations_is_a_generator_too():
    field = Elementary([x * log(x)])
    assert field.written(x * log(x)) == x * field.generators[0]


def test_exponents_that_are_numbers_with_many_digits_are_no_powers_of_each_other():
    total = exp(Rational(12769, 10000)) + exp(Rational(3, 7)) * x
    field = Elementary([total])
    assert field.restored(field.reduced(field.written(total))) == total
    assert len(field.generators) == 2
    assert vanishes(total**2 - (exp(Rational(12769, 10000)) + exp(Rational(3, 7)) * x) * total)


def test_rank_one_is_told_where_entries_hide_a_relation():
    rank_one = Matrix([[sin(2 * x), sin(x)], [2 * cos(x), 1]])
    assert rank_one_pivot(rank_one) == 0
    assert rank_one_pivot(rank_one + Matrix([[0, 0], [0, erf(y)]])) is None


def test_a_float_stands_for_the_shortest_decimal():
    assert as_decimals(0.1 * x) == x / 10
    assert as_decimals(x + 1 - 8e-12) == x + 1 - Rational(8, 10**12)
    assert as_decimals(x * (1 - 2**-53)) != x


def test_what_is_zero_in_truth_is_not_positive():
    hidden = (tanh(x) ** 2 * cosh(x) ** 2 - sinh(x) ** 2) ** 2
    assert hidden.is_nonnegative
    assert not positive_where_defined(hidden)
    assert positive_where_defined(sinh(x) ** 2)


def test_a_complex_number_is_not_zero():
    assert not vanishes(sqrt(-2) + sqrt(3))
    assert not vanishes(exp(I) - cos(1))
    assert vanishes(sqrt(-2) - I * sqrt(2))
