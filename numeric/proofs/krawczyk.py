"""Existence and uniqueness of a zero of G: ℝⁿ → ℝⁿ in a box, by interval arithmetic.

For a box X with midpoint m and any matrix Y (here the inverse of DG(m), rounded) the Krawczyk operator is

    K(X) = m − Y G(m) + (I − Y DG(X))(X − m).

If K(X) lies in the interior of X, then G has exactly one zero in X, and it lies in K(X). X is taken around an
approximate zero, with a radius of twice its Newton step, so that a point is certified only if it lies in the box.
Intervals are balls of python-flint, with proved error bounds; the results have decimal ends, and are exact as printed.
Source: :cite:t:`krawczyk1969newton`, :cite:t:`moore1977test`.

Errors: `Undecided` where the operator does not contract, as at a singular DG.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from flint import arb, arb_mat, ctx, fmpq
from sympy import Expr, Integer, Rational, ceiling, floor

from eos_sym.errors import Undecided

CONTRACTIONS = 8  # each at least halves the enclosure, and as a rule squares its width


@dataclass(frozen=True)
class Interval:
    """All real numbers from `lower` to `upper`, two rational numbers with finitely many decimals."""

    lower: Rational
    upper: Rational

    @classmethod
    def around(cls, ball: arb) -> Interval:
        """An interval around the ball whose ends have two more decimals than its radius, if digits suffice."""
        radius = _exactly(ball.rad())
        needed = -int(ball.man_exp()[1]) if radius == 0 else 2 - _floor_of_log10(radius)
        decimals = max(0, min(needed, 2 * ctx.dps))
        return cls(_exactly(ball.lower()), _exactly(ball.upper())).outwards(decimals)

    def outwards(self, decimals: int) -> Interval:
        """The least interval around this one whose ends have so many decimals."""
        unit = Integer(10) ** decimals
        return Interval(floor(self.lower * unit) / unit, ceiling(self.upper * unit) / unit)

    @property
    def ball(self) -> arb:
        """The interval, or hardly more, as a ball of python-flint at its working precision."""
        lower, upper = (arb(fmpq(int(end.p), int(end.q))) for end in (self.lower, self.upper))
        return lower.union(upper)

    def __contains__(self, value: Expr) -> bool:
        return bool(self.lower <= value) and bool(value <= self.upper)

    def __str__(self) -> str:
        return f"[{_decimals(self.lower)}, {_decimals(self.upper)}]"


def unique_zero(
    values: Callable[[Sequence[arb]], Sequence[arb]],
    jacobian: Callable[[Sequence[arb]], arb_mat],
    point: Sequence[Rational],
    least_radius: Rational,
) -> tuple[list[Interval], list[arb]]:
    """A box around the point in which G has exactly one zero, and a tighter enclosure of that zero.

    `values` is G and `jacobian` is DG, both on boxes; the point has decimal coordinates. The radius of the box is the
    least one unless the residual asks for more.
    """
    middle = [_exact_ball(coordinate) for coordinate in point]
    inverse = _approximate_inverse(jacobian(middle))
    newton = inverse * _column(values(middle))
    longest = max(abs(step).upper() for step in newton.entries())
    radius = 2 * longest + _exact_ball(least_radius)
    box = [Interval.around(coordinate + arb(0, 1) * radius) for coordinate in middle]
    enclosure = [interval.ball for interval in box]
    image = _krawczyk(values, jacobian, enclosure)
    if not all(map(_lies_inside, image, box)):
        raise Undecided("the Krawczyk operator does not contract: there is no zero so near, or not an isolated one")
    for _ in range(CONTRACTIONS):
        before = _size(enclosure)
        enclosure = [old.intersection(new) for old, new in zip(enclosure, image, strict=True)]
        if not _size(enclosure) < before / 2 or _size(enclosure) < arb((1, -ctx.prec)):
            break
        image = _krawczyk(values, jacobian, enclosure)
    return box, enclosure


def _krawczyk(
    values: Callable[[Sequence[arb]], Sequence[arb]],
    jacobian: Callable[[Sequence[arb]], arb_mat],
    box: Sequence[arb],
) -> list[arb]:
    middle = [coordinate.mid() for coordinate in box]
    inverse = _approximate_inverse(jacobian(middle))
    values(box)  # refuses a box on which G is not defined everywhere
    size = len(box)
    identity = arb_mat(size, size, [int(row == column) for row in range(size) for column in range(size)])
    deviation = _column([coordinate - center for coordinate, center in zip(box, middle, strict=True)])
    spread = (identity - inverse * jacobian(box)) * deviation
    newton = inverse * _column(values(middle))
    terms = zip(middle, newton.entries(), spread.entries(), strict=True)
    return [center - step + change for center, step, change in terms]


def _size(box: Sequence[arb]) -> arb:
    return sum((coordinate.rad() for coordinate in box), arb(0))


def _approximate_inverse(matrix: arb_mat) -> arb_mat:
    try:
        return matrix.mid().inv().mid()
    except ZeroDivisionError as error:
        raise Undecided(
            "the equations are degenerate: their Jacobian has no inverse, as on a continuum of zeros"
        ) from error


def _column(entries: Sequence[arb]) -> arb_mat:
    return arb_mat(len(entries), 1, list(entries))


def _lies_inside(ball: arb, interval: Interval) -> bool:
    return bool(ball > _exact_ball(interval.lower)) and bool(ball < _exact_ball(interval.upper))


def _exact_ball(number: Rational) -> arb:
    return arb(fmpq(int(number.p), int(number.q)))


def _exactly(end: arb) -> Rational:
    man, exp = (int(part) for part in end.man_exp())
    return Integer(man) * Integer(2) ** exp


def _floor_of_log10(number: Rational) -> int:
    """log₁₀ of a positive number, rounded down, or one less."""
    bits = int(number.p).bit_length() - int(number.q).bit_length() - 1
    return int(floor(bits * Rational(30103, 100000))) - 1


def _decimals(number: Rational) -> str:
    with localcontext(prec=int(number.q).bit_length() + int(number.p).bit_length()):  # enough to be exact
        return format(Decimal(int(number.p)) / Decimal(int(number.q)), "f")
