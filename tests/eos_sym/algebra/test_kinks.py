"""Derivatives of functions with kinks: right on both sides, continued where they can be, and no number at a kink."""

import pytest
from sympy import Abs, Derivative, DiracDelta, Max, Min, Ne, Piecewise, Rational, exp, floor, nan, sqrt, symbols, zeta

from eos_sym import BadInput, Undecided, parse
from eos_sym.algebra import derivative, has_kinks, pieces, smooth_near

x, y, w = symbols("x y w", real=True)
HUBER = Piecewise((x**2 / 2, Abs(x) <= 1), (Abs(x) - Rational(1, 2), True))
FUNCTIONS = [
    Max(0, w * x - 1) ** 2 / 2,
    (w * Max(0, x) - 1) ** 2 / 2,
    Max(x, y, 1) + Min(x, y),
    Abs(x) ** 3,
    Abs(x * y - 1),
    Abs(Abs(x) - 1),
    exp(-Abs(x)),
    sqrt(Abs(x)) * y,
    Min(x**2, (x - 1) ** 2),
    Max(0, 1 - x * y) ** 2 + Abs(x) * Max(0, x - w),
    HUBER,
    Piecewise((x * y, (x > 0) & (y > 0)), (x, y < 0), (0, True)),
]
POINTS = [
    {x: Rational(3, 2), y: Rational(7, 5), w: Rational(9, 4)},
    {x: Rational(-13, 10), y: Rational(1, 3), w: Rational(-4, 3)},
    {x: Rational(1, 7), y: Rational(-8, 3), w: Rational(5, 3)},
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
@pytest.mark.parametrize("point", POINTS, ids=range(3))
def test_derivatives_of_three_orders_are_those_of_the_smooth_piece(function, point):
    (piece,) = smooth_near([function], point)
    assert not has_kinks(piece)
    found, expected = function, piece
    for symbol in (x, y, x):
        found, expected = derivative(found, symbol), expected.diff(symbol)
        assert not found.has(DiracDelta, Derivative)
        assert found.subs(point).equals(expected.subs(point))


@pytest.mark.parametrize(
    ("function", "gradient"),
    [
        (Max(0, w * x - 1) ** 2 / 2, w * Max(0, w * x - 1)),
        (Abs(x) ** 3, 3 * x * Abs(x)),
        (Abs(x) ** Rational(5, 2), 5 * x * sqrt(Abs(x)) / 2),
        (Max(0, x) ** 2 + Max(0, -x) ** 2, 2 * Max(0, x) - 2 * Max(0, -x)),
    ],
)
def test_a_derivative_with_one_limit_from_both_sides_is_continued(function, gradient):
    assert derivative(function, x) == gradient


def test_a_kink_is_that_of_a_multiple_with_kinks_inside():
    """Max(0, 2|x| − 2)² has the slope 0 where |x| = 1, and 2 (2 · 3 − 2) · 2 = 16 where x = 3."""
    slope = derivative(Max(0, 2 * Abs(x) - 2) ** 2, x)
    assert [slope.subs(x, place) for place in (1, -1, 3, -3)] == [0, 0, 16, -16]


def test_the_second_derivative_of_the_two_halves_of_a_square_is_a_number():
    assert derivative(derivative(Max(0, x) ** 2 + Max(0, -x) ** 2, x), x) == 2


def test_the_gradient_of_hubers_loss_is_continuous_and_its_curvature_is_not():
    slope = derivative(HUBER, x)
    assert [slope.subs(x, at) for at in (-3, -1, 0, 1, 3)] == [-1, -1, 0, 1, 1]
    curvature = derivative(slope, x)
    assert [curvature.subs(x, at) for at in (-3, 0, 3)] == [0, 1, 0]
    assert curvature.subs(x, 1) is nan


@pytest.mark.parametrize("order", [1, 2, 3])
def test_no_number_is_said_at_a_kink(order):
    for function in (
        Abs(x),
        Max(0, x),
        Max(x, 2 * x),
        Min(x**2 + x, 2 * x),
        exp(-Abs(x)),
        Piecewise((1, x > 0), (0, True)),
    ):
        found = function
        for _ in range(order):
            found = derivative(found, x)
        assert found.subs(x, 0) is nan


def test_a_derivative_that_is_zero_beside_a_kink_is_read_so():
    assert derivative(derivative(Abs(x), x), x) == Piecewise((0, Ne(x, 0)))


def test_cells_have_the_smooth_pieces():
    found = {piece for cell, (piece,) in pieces([Max(0, w * x - 1) ** 2]) if len(cell) == 1}
    assert found == {(w * x - 1) ** 2, 0}


def test_a_point_on_a_kink_is_undecided():
    with pytest.raises(Undecided, match="kink where"):
        smooth_near([Abs(w * x - 1)], {w: 2, x: Rational(1, 2)})
    with pytest.raises(Undecided, match="is not known to lie beside it"):
        smooth_near([Abs(w * x - 1)], {x: 1})


@pytest.mark.parametrize("function", [floor, zeta])
def test_a_function_without_a_derivative_is_refused_by_name(function):
    with pytest.raises(BadInput, match=function.__name__):
        derivative(exp(function(x)), x)


@pytest.mark.parametrize(
    "text", ["abs(x)**(4/3)", "relu(x)**(3/2)", "x*abs(2*x - 1)**(4/3)", "min(x, 0)**2*relu(x)**(3/2)"]
)
def test_second_derivatives_that_are_infinite_at_a_kink_are_numbers_beside_it(text):
    loss = parse(text, [x])
    second = derivative(derivative(loss, x), x)
    for place in (Rational(7, 10), Rational(-2, 5), Rational(8, 5)):
        (smooth,) = smooth_near([loss], {x: place})
        assert second.subs(x, place).evalf() == pytest.approx(float(smooth.diff(x, 2).subs(x, place)))
