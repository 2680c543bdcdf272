"""Existence and uniqueness of a zero of G: ℝⁿ → ℝⁿ in a box, by interval arithmetic.

For a box X with midpoint m and any matrix Y (here the inverse of DG(m), rounded) the Krawczyk operator is

    K(X) = m − Y G(m) + (I − Y DG(X))(X − m).

If K(X) lies in the interior of X, then G has exactly one zero in X, and it lies in K(X). X is taken around an
approximate zero, with a radius of twice its Newton step; if that fails, around the end of some Newton steps, so large
that the approximate zero lies in it all the same: a point is certified only if it lies in the box.
Intervals are balls of python-flint, with proved error bounds; the results have decimal ends, and are exact as printed.
Source: :cite:t:`krawczyk1969newton`, :cite:t:`moore1977test`.

Errors: `Undecided` where the operator does not contract, as at a singular DG.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from flint import arb, arb_mat, ctx, fmpq
from sympy import Expr, Integer, Rational, ceiling, floor

from eos_sym.errors import Undecided

CONTRACTIONS = 8  # each at least halves the enclosure, and as a rule squares its width
NEWTON_STEPS = 6  # from a point around which the operator does not contract
MORE = 1.0625  # than the distance of the point from the center, so that it lies inside

Function = Callable[[Sequence[arb]], Sequence[arb]]
Derivative = Callable[[Sequence[arb]], arb_mat]


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

    def encloses(self, ball: arb) -> bool:
        """Whether the ball lies in the interior."""
        return bool(ball > _exact_ball(self.lower)) and bool(ball < _exact_ball(self.upper))

    def __contains__(self, value: Expr) -> bool:
        return bool(self.lower <= value) and bool(value <= self.upper)

    def __str__(self) -> str:
        return f"[{_decimals(self.lower)}, {_decimals(self.upper)}]"


def unique_zero(
    values: Function, jacobian: Derivative, point: Sequence[Rational], least_radius: Rational
) -> tuple[list[Interval], list[arb]]:
    """A box around the point in which G has exactly one zero, and a tighter enclosure of that zero.

    `values` is G and `jacobian` is DG, both on boxes; the point has decimal coordinates. The radius of the box is the
    least one unless the residual asks for more.
    """
    for center, radius in _candidates(values, jacobian, list(map(_exact_ball, point)), _exact_ball(least_radius)):
        box = [Interval.around(coordinate + arb(0, 1) * radius) for coordinate in center]
        enclosure = [interval.ball for interval in box]
        image = _krawczyk(values, jacobian, enclosure)
        if all(map(Interval.encloses, box, image)):
            break
    else:
        raise Undecided("the Krawczyk operator does not contract: there is no zero so near, or not an isolated one")
    for _ in range(CONTRACTIONS):
        before = _size(enclosure)
        enclosure = [old.intersection(new) for old, new in zip(enclosure, image, strict=True)]
        if not _size(enclosure) < before / 2 or _size(enclosure) < arb((1, -ctx.prec)):
            break
        image = _krawczyk(values, jacobian, enclosure)
    return box, enclosure


def _candidates(
    values: Function, jacobian: Derivative, point: Sequence[arb], least: arb
) -> Iterator[tuple[list[arb], arb]]:
    """Centers and radii of boxes that contain the point: it itself, and where Newton's method leads from there."""

    def newton(center: Sequence[arb]) -> list[arb]:
        return list((_approximate_inverse(jacobian(center)) * _column(values(center))).entries())

    step = newton(point)
    yield list(point), 2 * _longest(step) + least
    center = point
    for _ in range(NEWTON_STEPS):
        center = [(coordinate - change).mid() for coordinate, change in zip(center, step, strict=True)]
        step = newton(center)
    distance = _longest([there - here for there, here in zip(center, point, strict=True)])
    yield list(center), MORE * distance + least


def _longest(step: Sequence[arb]) -> arb:
    return max(abs(part).upper() for part in step)


def _krawczyk(values: Function, jacobian: Derivative, box: Sequence[arb]) -> list[arb]:
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
