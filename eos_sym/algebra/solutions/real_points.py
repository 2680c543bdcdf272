"""The real zeros of a system of positive dimension: manifolds, each with a point, and the proof where there are none.

A complex set of dimension d may have fewer real points: x² + y² = 0 is two lines with one, and y² = x²(x − 1) a curve
with an isolated one. Therefore only a real zero at which the complex set is smooth, the Jacobian of its equations of
rank n − d (`eos_sym.algebra.polynomials.pure_parts`), is a sample of a real manifold of dimension d. If there is none,
the real zeros obey one more set of equations, the minors of size n − d, and are of a lower dimension.

Of a set of real solutions that is not empty, one is nearest to a given point p. There the gradients of the equations
and x − p are linearly dependent: all minors of size r + 1 of the matrix with these rows vanish, r being the codimension
of the complex solutions (where the gradients alone have a lower rank they vanish as well). If these equations together
have finitely many complex solutions, a real one among them is a sample, and if none is real, there are no real
solutions at all. Before that, variables of definite forms are set to 0, as x and y in x² + xy + y² = 0, and the
terms of sums of even powers, as in x² + y²z² = 0.
Source: :cite:t:`seidenberg1954new`.

Errors: `Undecided` where the nearest points are not finitely many, or the elimination exceeds its bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

from flint import arb, ctx, fmpz_mpoly
from sympy import Expr, Integer, Matrix, Rational, Symbol, expand, hessian

from eos_sym.algebra.polynomials.ideals import Ideal
from eos_sym.algebra.polynomials.points import DIGITS, AlgebraicPoint, points, points_of
from eos_sym.algebra.polynomials.pure_parts import pure_parts, triangular
from eos_sym.errors import Undecided

SLICES = (Integer(1), Rational(1, 2), Integer(-1), Integer(2), Rational(-1, 3), Integer(0))
MOST_MINORS = 80


@dataclass(frozen=True)
class RealPart:
    """An ideal whose zeros have one dimension, and whether they contain real manifolds of that dimension.

    `is_real` is None where that is not known. The `point` is a smooth real zero if there are such manifolds, and if not
    a real zero that is singular, or None if there is none. Of dimension 0 all zeros are meant, the complex ones too.
    """

    ideal: Ideal
    is_real: bool | None
    point: AlgebraicPoint | None = None


def real_parts(ideal: Ideal) -> list[RealPart]:
    """Parts of the zeros that contain all real ones; none that is contained in a part that is real is listed."""
    found: list[RealPart] = []
    for part in sorted(_parts(ideal), key=lambda part: -part.ideal.dimension):
        larger = (other.ideal.basis for other in found if other.is_real)
        if not any(all(map(part.ideal.contains, basis)) for basis in larger):
            found.append(part)
    return found


def _parts(ideal: Ideal) -> Iterator[RealPart]:
    for part in pure_parts(real_part(ideal)):
        if part.dimension <= 0:
            yield RealPart(part, None)
        elif (definite := real_part(part)) is not part:
            yield from _parts(definite)
        else:
            judged = _judged(part)
            yield judged
            if judged.is_real is False and judged.point is not None:
                yield from _parts(_singular(part))


def _judged(ideal: Ideal) -> RealPart:
    """What is real of an ideal whose zeros are of one positive dimension everywhere."""
    point = None
    try:
        for point in _real_zeros(ideal):
            if _is_smooth(ideal, point):
                return RealPart(ideal, True, point)
        if point is not None and _singular(ideal).dimension == ideal.dimension:
            return RealPart(ideal, None)  # all are multiple zeros
        for minor in _minors(*_core(ideal)) if point is not None else ():
            if (smooth := real_point(ideal.where_nonzero(minor))) is not None:
                return RealPart(ideal, True, smooth)
    except Undecided:
        return RealPart(ideal, None)
    return RealPart(ideal, False, point)


def _singular(ideal: Ideal) -> Ideal:
    """The zeros at which the Jacobian of the equations has a lower rank."""
    return ideal.adding(*map(ideal.polynomial, _minors(*_core(ideal))))


def _is_smooth(ideal: Ideal, zero: AlgebraicPoint) -> bool:
    """Whether the Jacobian of the equations is seen to have its full rank, by elimination in balls."""
    with ctx.workdps(3 * DIGITS):
        balls = [ball.real for ball in zero.enclosure]
        rows = [[_value(element.derivative(place), balls) for place in range(len(balls))] for element in ideal.basis]
        for _ in range(len(balls) - ideal.dimension):
            entries = [
                (abs(entry).lower(), row, column) for row, e in enumerate(rows) for column, entry in enumerate(e)
            ]
            size, row, column = max(entries, key=lambda found: float(found[0]))
            if not size > 0:
                return False
            pivot = rows.pop(row)
            rows = [
                [a - b * other[column] / pivot[column] for a, b in zip(other, pivot, strict=True)] for other in rows
            ]
    return True


def _value(polynomial: fmpz_mpoly, balls: Sequence[arb]) -> arb:
    terms = polynomial.to_dict().items()
    return sum((c * prod(map(pow, balls, map(int, powers)), start=arb(1)) for powers, c in terms), arb(0))


def real_part(ideal: Ideal) -> Ideal:
    """An ideal with the same real zeros: where a sum of terms that are not negative vanishes, all of them do."""
    for element in ideal.basis:
        terms = element.to_dict()
        even = all(power % 2 == 0 for powers in terms for power in powers)
        if len(terms) > 1 and even and (min(terms.values()) > 0 or max(terms.values()) < 0):
            squares = (prod(v**power for v, power in zip(ideal.variables, powers, strict=True)) for powers in terms)
            return real_part(ideal.adding(*map(ideal.polynomial, squares)))
        form = ideal.expression(element)
        inside = sorted(form.free_symbols, key=str)
        quadratic = all(sum(powers) == 2 for powers in terms)
        if quadratic and (hessian(form, inside).is_positive_definite or hessian(-form, inside).is_positive_definite):
            return real_part(ideal.adding(*map(ideal.polynomial, inside)))
    return ideal


def real_point(ideal: Ideal) -> AlgebraicPoint | None:
    """A real zero of an ideal of positive dimension; None if it is proved that there is none."""
    return next(_real_zeros(ideal), None)


def _real_zeros(ideal: Ideal) -> Iterator[AlgebraicPoint]:
    """Real zeros, simple ones first; at least one of every connected set of them, or `Undecided` after some."""
    for slices in _slices(ideal):
        if slices.dimension == 0:
            yield from (zero for zero in points(slices) if zero.is_real)
    equations, variables, codimension = _core(ideal)
    offsets = [variable - Rational(3 + 2 * place, 7 + place) for place, variable in enumerate(variables)]
    nearest = ideal.adding(*map(ideal.polynomial, _minors(equations, variables, codimension, offsets)))
    if nearest.dimension > 0:
        raise Undecided("the real solutions of a system: those nearest to a point are not finitely many")
    yield from (zero for zero in points_of(nearest.branches()) if zero.is_real)


def _slices(ideal: Ideal) -> Iterator[Ideal]:
    """The ideal on coordinate planes of the complementary dimension."""
    for value in SLICES:
        for fixed in combinations(ideal.variables, ideal.dimension):
            yield ideal.adding(*(ideal.polynomial(variable - value) for variable in fixed))


def _core(ideal: Ideal) -> tuple[list[Expr], list[Symbol], int]:
    """Equations in fewer variables, of which those left out are polynomials; these; and the codimension."""
    equations, variables = triangular(ideal), list(ideal.variables)
    while True:
        slopes = ((equation, name, equation.diff(name)) for equation in equations for name in variables)
        graph = next(((e, name, slope) for e, name, slope in slopes if slope.is_number and slope != 0), None)
        if graph is None or len(variables) == ideal.dimension:
            return equations, variables, len(variables) - ideal.dimension
        equation, name, slope = graph
        value = name - equation / slope
        variables.remove(name)
        replaced = (expand(other.subs(name, expand(value))) for other in equations)
        equations = [other for other in dict.fromkeys(replaced) if other != 0]


def _minors(
    equations: Sequence[Expr], variables: Sequence[Symbol], rank: int, offsets: Sequence[Expr] = ()
) -> list[Expr]:
    """The minors of the Jacobian of that size, or of the next size with the offsets as a further row."""
    slopes = Matrix(equations).jacobian(variables)
    matrix = slopes.col_join(Matrix([offsets])) if offsets else slopes
    last = [len(equations)] if offsets else []
    rows = combinations(range(len(equations)), rank)
    chosen = list(product(rows, combinations(range(len(variables)), rank + len(last))))
    if len(chosen) > MOST_MINORS:
        raise Undecided("the real solutions of a system: too many minors to eliminate with")
    found = (matrix.extract([*row, *last], list(column)).det().expand() for row, column in chosen)
    return [minor for minor in dict.fromkeys(found) if minor != 0]
