import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, Symbol, exp, expand, series, sqrt, symbols

from eos_sym import Undecided
from eos_sym.algebra import expand_in

h = Symbol("h", positive=True)
u, v = symbols("u v", real=True)


@st.composite
def expressions(draw, depth=3):
    if depth == 0:
        return draw(st.sampled_from([h, 1 + h, u * h, 2 - h * v, h**2 * u, Rational(3, 2)]))
    left, right = draw(expressions(depth=depth - 1)), draw(expressions(depth=depth - 1))
    kind = draw(st.sampled_from(["+", "*", "root", "inverse"]))
    if kind == "+":
        return left + right
    if kind == "*":
        return left * right
    if kind == "root":
        return left * sqrt(1 + h * right)
    return left / (1 + h * right) ** 2


@settings(derandomize=True, deadline=None, max_examples=40)
@given(expressions())
def test_an_expansion_agrees_with_the_expression_to_its_order(expression):
    """The remainder at h = 10⁻⁶ and 10⁻⁷, in many digits, falls at least as h to the order."""
    order = 4
    truncated = expand_in(expression, h, order)
    values = {u: Rational(3, 7), v: Rational(-5, 4)}
    remainders = [
        abs((expression - truncated).subs(values).evalf(120, subs={h: Rational(1, 10**power)})) for power in (6, 7)
    ]
    assert remainders[1] <= remainders[0] * Rational(11, 10) / 10**order or remainders[0] < Rational(1, 10**100)


@pytest.mark.parametrize(
    "expression",
    [
        sqrt(1 + h),
        1 / (h**2 * (2 - h)),
        1 / (h * (1 + h**-2)),
        (h - 2) ** -3,
        (h**-4 - 4) ** Rational(1, 4),
        (h**-4 + h**-3) ** Rational(-3, 2),
        ((1 + h) ** Rational(1, 3) - 1) / h,
    ],
)
def test_an_expansion_in_one_variable_is_sympy_s(expression):
    expected = series(expression, h, 0, 5).removeO()
    assert expand(expand_in(expression, h, 5) - expected) == 0


def test_cancelled_orders_are_recovered():
    nested = (sqrt(1 + h**10 * u) - 1) / h**10
    assert expand_in(nested, h, 3) == u / 2


def test_weights_count_towards_the_order():
    assert expand_in(u**2 + u * v + h * v + v**2, h, 6, {u: 2, v: 3}) == u**2 + u * v + h * v


@pytest.mark.parametrize("expression", [exp(h), sqrt(2 + h), 1 / (u + h), sqrt(h), sqrt(-1 - h)])
def test_what_has_no_such_expansion_is_undecided(expression):
    with pytest.raises(Undecided, match="expansion in h"):
        expand_in(expression, h, 3)


def test_a_quantity_that_vanishes_to_all_orders_cannot_be_divided_by():
    with pytest.raises(Undecided, match="orders cancel"):
        expand_in(1 / (h**2 - h * h + u - u + (1 + h) ** 2 - 1 - 2 * h - h**2), h, 2)
