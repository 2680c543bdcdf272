"""Minima among the critical points of a loss that is differentiable wherever it is defined.

If the loss is known to be least somewhere (`eos_sym.losses.minima.attained`), the minima are the critical points of the
least value, and global. Values of algebraic points are compared exactly: v = L(θ) is one more unknown, and two values
that are near to the same simple root of its minimal polynomial are equal.

If not, the local minima are those where the second derivatives show them:

    at a point          a positive definite Hessian (leading minors, in interval arithmetic)
    where it is         along a line through the point the first derivative that is not 0 decides: there is no minimum
    singular            if it is negative or of odd order (x³ − 3xy²); with one weight, there is one if not
    on a manifold       a Hessian whose rank is the codimension, all eigenvalues but 0 positive: coefficients of the
                        characteristic polynomial that alternate (Morse–Bott). Where almost every point is a saddle,
                        none is a minimum: beside each are saddles of its value, and lower points beside these

A loss without critical points has no minimum. Errors: `Undecided` for critical points that are not
all known, values or signs that are not told apart, and local minima where the second derivatives do not decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cmp_to_key
from itertools import combinations

from flint import arb_mat
from mpmath import iv
from sympy import Dummy, Expr, Float, Matrix, Rational, Symbol, cancel, diff, factor, hessian, simplify

from eos_sym.algebra import (
    Ideal,
    RealZeros,
    evaluator,
    interval_digits,
    minimal_polynomial,
    positive_where_defined,
    real_zeros,
    roots_of,
    sign_of,
    to_ball,
    vanishes,
)
from eos_sym.algebra.polynomials.roots import Root
from eos_sym.errors import Undecided
from eos_sym.losses.domain import Domain, is_in
from eos_sym.losses.minima.attained import is_attained
from eos_sym.losses.minima.convex import convex_minimum, enclosed, is_convex
from eos_sym.losses.minima.pieces import Minima, Piece
from eos_sym.reasons import brief

DIGITS, SHOWN = 50, 30
NO_BOTTOM = "beside every point where the gradient is zero there are lower ones"
TOLD_APART = Rational(1, 10**20)
ROUNDING = Rational(1, 10**40)  # of a number in closed form that is not known to be 0
HIGHEST = 12  # order of a derivative along a line


def minima_by_critical_points(loss: Expr, weights: Sequence[Symbol], domain: Domain = ()) -> Minima:
    """The global minima if the loss is known to have some, else the local ones; those in the domain of the loss."""
    gradient = [diff(loss, weight) for weight in weights]
    convex = is_convex(loss, weights, domain)
    try:
        pieces = _critical_pieces(loss, gradient, weights, domain)
    except Undecided:
        if not convex or domain or loss.free_symbols - {*weights}:
            raise
        return Minima((convex_minimum(loss, gradient, weights),))
    if not pieces:
        return Minima((), reason="the gradient is zero nowhere" + ", where the loss is defined" * bool(domain))
    if convex:
        return Minima(tuple(pieces))
    if is_attained(loss, weights, [piece.value for piece in pieces], domain):
        least = min((piece.value for piece in pieces), key=cmp_to_key(compared))
        return Minima(tuple(piece for piece in pieces if piece.value == least))
    local = tuple(piece for piece in pieces if _is_local_minimum(piece, loss, weights))
    return Minima(local, are_global=False, reason="" if local else NO_BOTTOM)


def _is_inside(chart: Mapping[Symbol, Expr], domain: Domain) -> bool:
    inside = is_in(domain, chart)
    if inside is None:
        raise Undecided(f"whether {brief(chart)} is where the loss is defined")
    return inside


def _critical_pieces(loss: Expr, gradient: Sequence[Expr], weights: Sequence[Symbol], domain: Domain) -> list[Piece]:
    """The critical points in the domain with their values; equal values are the same expression."""
    value = Dummy("v", real=True)
    try:
        ideal = Ideal.of([*gradient, loss - value], [*weights, value])
        levels = roots_of(minimal_polynomial(ideal, value), value, DIGITS) if ideal.dimension == 0 else []
    except Undecided:
        levels = []
    if levels:
        zeros = real_zeros([*gradient, loss - value], [*weights, value])
        return [_with_levels(zero, value, [level for level in levels if level.is_real]) for zero in zeros]
    pieces: list[Piece] = []
    for zero in real_zeros(gradient, weights):
        if not _is_inside(zero.chart, domain):
            continue
        level = simplify(loss.subs(zero.chart))
        if level.free_symbols & {*weights}:
            raise Undecided(
                f"the loss {brief(level)} is not known to be the same all along {brief(zero.equations)} = 0"
            )
        known = (piece.value for piece in pieces if vanishes(piece.value - level))
        pieces.append(Piece(zero.equations, zero.chart, zero.free, next(known, level), zero.error))
    return pieces


def _with_levels(zero: RealZeros, value: Symbol, levels: Sequence[Root]) -> Piece:
    """A critical point; its value is exact, or the number that stands for the level on which it lies."""
    chart = dict(zero.chart)
    level = chart.pop(value)
    equations = tuple(name - place for name, place in chart.items())
    if level.has(Float):
        level = min((root.value(SHOWN) for root in levels), key=lambda other: abs(other - level))
    return Piece(equations, chart, (), level, zero.error)


def compared(first: Expr, second: Expr) -> int:
    """−1, 0 or 1, as the first of two values is the smaller, equal, or the larger."""
    if first == second:
        return 0
    difference = factor(first - second)
    if not difference.free_symbols:
        number = difference.evalf(DIGITS)
        if abs(number) > TOLD_APART:
            return 1 if number > 0 else -1
    elif difference.is_positive or difference.is_negative:
        return 1 if difference.is_positive else -1
    raise Undecided(f"the least of the values {brief(first)} and {brief(second)}")


def _is_local_minimum(piece: Piece, loss: Expr, weights: Sequence[Symbol]) -> bool:
    second = hessian(loss, weights)
    matrix = second.subs(piece.chart)
    if piece.free or matrix.free_symbols:
        return _is_bottom(piece, second)
    with interval_digits(DIGITS):
        if piece.error == 0:
            intervals = [enclosed(simplify(entry), ROUNDING) for entry in matrix]
        else:
            box = [enclosed(piece.chart[weight], piece.error) for weight in weights]
            intervals = evaluator(list(second), weights, iv)(box)
        entries = [to_ball(interval) for interval in intervals]
    size = len(weights)
    corners = (arb_mat([entries[size * row : size * row + k] for row in range(k)]) for k in range(1, size + 1))
    minors = [corner.det() for corner in corners]
    if any(minor < 0 for minor in minors):
        return False
    if all(minor > 0 for minor in minors):
        return True
    if piece.error == 0:
        first = [_first_along(direction, piece, loss) for direction in _directions(weights)]
        if any(order % 2 or sign < 0 for order, sign in first):
            return False
        if size == 1 and all(sign > 0 for _, sign in first):
            return True
    raise Undecided(f"the second derivatives do not decide at {brief(piece.chart)}")


def _directions(weights: Sequence[Symbol]) -> Iterator[dict[Symbol, int]]:
    """The axes, and the diagonals between two of them."""
    yield from ({weight: 1} for weight in weights)
    yield from ({one: 1, other: sign} for one, other in combinations(weights, 2) for sign in (1, -1))


def _first_along(direction: Mapping[Symbol, int], piece: Piece, loss: Expr) -> tuple[int, int]:
    """The order and the sign of the first derivative along a line that is not 0 at a point; 0 and 0 if none is seen."""
    step = Dummy("t", real=True)
    along = loss.subs({name: value + direction.get(name, 0) * step for name, value in piece.chart.items()})
    for order in range(1, HIGHEST + 1):
        along = diff(along, step)
        value = simplify(along.subs(step, 0))
        if not vanishes(value):
            return order, sign_of(value) or 0
    return 0, 0


def _is_bottom(piece: Piece, second: Matrix) -> bool:
    """Whether the eigenvalues of the Hessian across a manifold are all positive."""
    rank = second.rows - len(piece.free)
    coefficients = Matrix(piece.on(second)).applyfunc(cancel).charpoly().all_coeffs()
    signed = [factor((-1) ** index * coefficients[index]) for index in range(1, rank + 1)]  # the others are 0
    if all(positive_where_defined(coefficient) for coefficient in signed):
        return True
    if any(positive_where_defined(-coefficient) for coefficient in signed):
        return False
    raise Undecided(f"the second derivatives do not decide at {brief(piece.chart)}")
