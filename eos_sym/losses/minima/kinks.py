"""Minima of losses made with |·|, max and min: on the kinks, beside them, or whole regions.

The kinks divide the weights into cells, in each of which the loss is smooth (`eos_sym.algebra.pieces`); across them it
is continuous. In the closure of a cell, a piece of minima is a chart with the signs of the cell on it.

    terms         L = c + Σ Tᵢ, Tᵢ ≥ tᵢ with equality where rᵢ = 0 (`eos_sym.losses.minima.squares`): where all rᵢ
                  vanish, cell by cell. |xy − 1| is least where xy = 1, max(x² − 1, 0) where x² ≤ 1, and
                  (a relu(w) − 1)² where aw = 1 and w ≥ 0
    one weight    the least of the critical values in the cells and of the values on the kinks, if the loss is not less
                  towards ±∞: |x| + x/2 is least at 0

Errors: `Undecided` for cases that may jump, for signs that are not known, and where neither applies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cmp_to_key

from sympy import Expr, Heaviside, Piecewise, Symbol, diff, limit, nan, oo, sign, simplify

from eos_sym.algebra import RealZeros, pieces, point_where_positive, real_zeros, sign_of
from eos_sym.errors import Undecided
from eos_sym.losses.domain import domain_of
from eos_sym.losses.minima.critical import compared
from eos_sym.losses.minima.pieces import Minima, Piece
from eos_sym.losses.minima.smooth import is_smooth
from eos_sym.losses.minima.squares import residuals_of_terms
from eos_sym.reasons import brief

JUMPS = (Piecewise, Heaviside, sign)


def minima_with_kinks(loss: Expr, weights: Sequence[Symbol]) -> Minima:
    """The global minima, where they are known."""
    if loss.has(*JUMPS):
        raise Undecided("the loss is made of cases, between which it may jump")
    if domain := domain_of(loss, weights):
        raise Undecided(f"the loss has kinks, and is defined only where {brief(domain)} > 0")
    residuals, value = residuals_of_terms(loss, weights)
    found = _where_all_vanish(residuals, value, weights) if residuals else []
    if not found and len(weights) == 1:
        found = _on_a_line(loss, weights[0])
    if not found and len(weights) == 1:
        raise Undecided("the loss has kinks, and is not known to be least anywhere")
    if not found:
        raise Undecided("the loss has kinks, and is no sum of terms that are known to be least at once")
    return Minima(tuple(found))


def _where_all_vanish(residuals: Sequence[Expr], value: Expr, weights: Sequence[Symbol]) -> list[Piece]:
    """The pieces on which all the residuals vanish."""
    found: list[Piece] = []
    for cell, parts in pieces(residuals):
        varying = [part for part in map(simplify, parts) if part != 0]
        conditions = [side * switch for switch, side in cell]
        if not any(part.is_number for part in varying):
            zeros = real_zeros(varying, weights) if varying else [RealZeros((), {}, tuple(weights))]
            found += _in_the_cell(zeros, conditions, value)
    return _each_once(found)


def _on_a_line(loss: Expr, weight: Symbol) -> list[Piece]:
    """The minima of a loss of one weight; none if it is not known to be least anywhere."""
    found: list[Piece] = []
    ends: list[Expr] = []
    for cell, (smooth,) in pieces([loss]):
        conditions = [side * switch for switch, side in cell]
        if not is_smooth(smooth):
            raise Undecided(f"{brief(smooth)} is not known to be smooth between the kinks")
        slope = simplify(diff(smooth, weight))
        critical = real_zeros([slope], [weight]) if slope != 0 else [RealZeros((), {}, (weight,))]
        edges = [zero for switch, _ in cell for zero in real_zeros([switch], [weight])]
        for zero in (*critical, *edges):
            found += _in_the_cell([zero], conditions, simplify(smooth.subs(zero.chart)) if zero.chart else smooth)
        ends += [
            _limit(smooth, weight, end)
            for end in (oo, -oo)
            if not any(_limit(condition, weight, end).is_extended_negative for condition in conditions)
        ]
    least = min((piece.value for piece in found), key=cmp_to_key(compared), default=None)
    if least is None or not all((end - least).is_extended_nonnegative for end in ends):
        return []
    return _each_once([piece for piece in found if compared(piece.value, least) == 0])


def _limit(expression: Expr, weight: Symbol, end: Expr) -> Expr:
    """The limit, nan if it is not known."""
    try:
        return limit(expression, weight, end)
    except (NotImplementedError, ValueError, ArithmeticError):
        return nan


def _in_the_cell(zeros: Sequence[RealZeros], conditions: Sequence[Expr], value: Expr) -> Iterator[Piece]:
    """The parts of solutions where no condition is negative."""
    for zero in zeros:
        open_ones = [simplify(condition.subs(zero.chart)) for condition in conditions]
        signs = [_sign(condition) for condition in open_ones]
        if -1 in signs:
            continue
        where = tuple(condition for condition, known in zip(open_ones, signs, strict=True) if known is None)
        if point_where_positive(where, zero.free) is not None:
            yield Piece(zero.equations, zero.chart, zero.free, value, zero.error, where)


def _sign(condition: Expr) -> int | None:
    """−1 or 1 where it has one sign, perhaps 0 somewhere; None where it changes."""
    if condition.is_nonnegative or condition.is_nonpositive:
        return 1 if condition.is_nonnegative else -1
    if condition.is_number and (known := sign_of(condition)) is None:
        raise Undecided(f"the sign of {brief(condition)} is not known")
    return known if condition.is_number else None


def _each_once(found: Sequence[Piece]) -> list[Piece]:
    """Without those that two cells share, and without those in the closure of a region."""
    different = {(tuple(piece.chart.items()), piece.where): piece for piece in found}.values()
    regions = [piece for piece in different if not piece.chart]
    return [piece for piece in different if not piece.chart or not any(_contains(region, piece) for region in regions)]


def _contains(region: Piece, piece: Piece) -> bool:
    return all(_sign(simplify(condition.subs(piece.chart))) == 1 for condition in region.where)
