"""The minimum of a convex loss: every critical point is one, and there is at most a connected set of them.

Convex are sums of h(e), e affine and h'' ≥ 0, and of a quadratic form that is nowhere negative. A convex loss whose
critical point has no closed form gets it from Newton's method; that there is one in a box about it, with a regular
Hessian, is proved by Krawczyk's test, and convexity says that there is no other.

Errors: `Undecided` where Newton's method finds nothing, or the test fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flint import arb, arb_mat, ctx, fmpq
from mpmath import iv, mp
from sympy import (
    Add,
    Dummy,
    Expr,
    Float,
    Integer,
    Matrix,
    Poly,
    Rational,
    Symbol,
    diff,
    hessian,
    preorder_traversal,
    simplify,
)

from eos_sym.algebra import evaluator, interval_digits, to_ball, to_interval
from eos_sym.errors import Undecided
from eos_sym.losses.domain import Domain
from eos_sym.losses.minima.pieces import Piece
from eos_sym.losses.minima.smooth import is_smooth

DIGITS, SHOWN, RADIUS = 50, 30, Rational(1, 10**28)
NEWTON_STEPS, HALVINGS, FOUND = 100, 40, mp.mpf(10) ** -40


def is_convex(loss: Expr, weights: Sequence[Symbol], domain: Domain = ()) -> bool:
    """Whether the loss is known to be convex, and its domain with it."""
    if not all(condition.is_polynomial(*weights) and _degree(condition, weights) == 1 for condition in domain):
        return False
    terms = Add.make_args(loss)
    polynomial = sum((term for term in terms if term.is_polynomial(*weights)), Integer(0))
    others = [term for term in terms if not term.is_polynomial(*weights)]
    if polynomial.free_symbols & {*weights}:
        if _degree(polynomial, weights) <= 2:
            if not hessian(polynomial, weights).is_positive_semidefinite:
                return False
        else:
            others += Add.make_args(polynomial)
    return all(_is_convex_along_a_line(term, weights, domain) for term in others)


def _degree(polynomial: Expr, weights: Sequence[Symbol]) -> int:
    return int(Poly(polynomial, *weights).total_degree())


def _is_convex_along_a_line(term: Expr, weights: Sequence[Symbol], domain: Domain) -> bool:
    """Whether the term is h(e), e affine and h'' ≥ 0."""
    if not term.free_symbols & {*weights}:
        return True
    for part in dict.fromkeys(preorder_traversal(term)):
        if not (isinstance(part, Expr) and part.free_symbols & {*weights} and part.is_polynomial(*weights)):
            continue
        argument = Dummy("t", positive=True) if part in domain else Dummy("t", real=True)
        outer = term.xreplace({part: argument})
        if _degree(part, weights) == 1 and not outer.free_symbols & {*weights} and is_smooth(outer):
            return bool(simplify(diff(outer, argument, 2)).is_nonnegative)
    return False


def convex_minimum(loss: Expr, gradient: Sequence[Expr], weights: Sequence[Symbol]) -> Piece:
    """The only minimum of a convex loss, as a point in numbers."""
    chart, error = regular_zero(gradient, weights)
    with mp.workdps(DIGITS):
        (value,) = evaluator([loss], weights, mp)([mp.mpf(place) for place in chart.values()])
    equations = tuple(weight - place for weight, place in chart.items())
    return Piece(equations, chart, (), Float(value, SHOWN), error)


def regular_zero(field: Sequence[Expr], unknowns: Sequence[Symbol]) -> tuple[dict[Symbol, Expr], Expr]:
    """A zero of a field, proved and with a bound of its error, where Newton's method finds one from the origin."""
    with mp.workdps(DIGITS):
        center = [Rational(Float(value, DIGITS)) for value in _newton(field, unknowns)]
        _prove(field, unknowns, center)
        shown = [value if abs(value) > RADIUS else Integer(0) for value in center]  # no rounding for a number
        values: dict[Symbol, Expr] = {name: Float(value, SHOWN) for name, value in zip(unknowns, shown, strict=True)}
    rounding = max(abs(exact - Rational(values[name])) for name, exact in zip(unknowns, center, strict=True))
    return values, RADIUS + rounding


def _newton(field: Sequence[Expr], unknowns: Sequence[Symbol]) -> list[mp.mpf]:
    """A zero of the field, from the origin, by steps that are halved until the field is shorter."""
    size = len(unknowns)
    slope, bend = (evaluator(parts, unknowns, mp) for parts in (list(field), list(Matrix(field).jacobian(unknowns))))
    point = [mp.mpf(0)] * size
    with suppress(ArithmeticError):  # a degenerate Jacobian, or a step out of range
        for _ in range(NEWTON_STEPS):
            slopes, entries = slope(point), bend(point)
            if max(map(abs, slopes)) < FOUND:
                return point
            rows = mp.matrix([entries[size * row : size * (row + 1)] for row in range(size)])
            step = mp.lu_solve(rows, -mp.matrix(slopes))
            length, here = mp.mpf(1), mp.norm(slopes)
            for _ in range(HALVINGS):
                ahead = [place + length * move for place, move in zip(point, step, strict=True)]
                if mp.norm(slope(ahead)) <= here:
                    break
                length /= 2
            point = ahead
    raise Undecided("Newton's method finds no point where the gradient vanishes: perhaps there is none")


def enclosed(value: Expr, error: Expr) -> Any:
    """An interval that contains a number known up to an error."""
    number = Rational(Float(value.evalf(DIGITS), DIGITS))
    radius = Rational(error) + abs(number) / 10 ** (DIGITS - 5)
    return to_interval(_ball(number) + arb(0, 1) * _ball(radius))


def _ball(number: Rational) -> arb:
    return arb(fmpq(int(number.p), int(number.q)))


def _prove(field: Sequence[Expr], unknowns: Sequence[Symbol], center: Sequence[Rational]) -> None:
    """K = c − Y g(c) + (1 − Y Dg(B))(B − c) lies inside the box B of the radius about c, Y near the inverse."""
    size = len(unknowns)
    second = list(Matrix(field).jacobian(unknowns))
    with interval_digits(DIGITS), ctx.workdps(DIGITS):
        slopes, entries = evaluator(list(field), unknowns, iv), evaluator(second, unknowns, iv)
        middle = [_ball(value) for value in center]
        radius = arb(0, 1) * _ball(RADIUS)
        slope = arb_mat(size, 1, [to_ball(s) for s in slopes([to_interval(ball) for ball in middle])])
        bend = arb_mat(size, size, [to_ball(e) for e in entries([to_interval(ball + radius) for ball in middle])])
        try:
            inverse = bend.mid().inv()
        except ZeroDivisionError as error:
            raise Undecided("a degenerate zero of the gradient") from error
        spread = arb_mat(size, 1, [radius] * size)
        one = arb_mat([[int(row == column) for column in range(size)] for row in range(size)])
        moved = (one - inverse * bend) * spread - inverse * slope
        if not all(abs(entry) < _ball(RADIUS) for entry in moved.entries()):
            raise Undecided("a zero of the gradient that is not proved by interval arithmetic")
