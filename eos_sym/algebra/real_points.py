"""Whether a system of positive dimension has real solutions, with one of them, or the proof that there are none.

Of a set of real solutions that is not empty, one is nearest to a given point p. There the gradients of the equations
and x − p are linearly dependent: all minors of size r + 1 of the matrix with these rows vanish, r being the codimension
of the complex solutions (where the gradients alone have a lower rank they vanish as well). If these equations together
have finitely many complex solutions, a real one among them is a sample, and if none is real, there are no real
solutions at all. Before that, variables of definite forms are set to 0, as x and y in x² + xy + y² = 0.
Source: :cite:t:`seidenberg1954new`.

Errors: `Undecided` where the nearest points are not finitely many, or the elimination exceeds its bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from sympy import Expr, Integer, Matrix, Rational, hessian

from eos_sym.algebra.ideals import Ideal
from eos_sym.algebra.points import AlgebraicPoint, points, points_of
from eos_sym.errors import Undecided

SLICES = (Integer(1), Rational(1, 2), Integer(-1), Integer(2), Rational(-1, 3), Integer(0))
MOST_MINORS = 80


def real_part(ideal: Ideal) -> Ideal:
    """An ideal with the same real zeros: where a definite quadratic form vanishes, all of its variables do."""
    for element in ideal.basis:
        form = ideal.expression(element)
        inside = sorted(form.free_symbols, key=str)
        quadratic = all(sum(powers) == 2 for powers in element.to_dict())
        if quadratic and (hessian(form, inside).is_positive_definite or hessian(-form, inside).is_positive_definite):
            return real_part(ideal.adding(*(ideal.polynomial(variable) for variable in inside)))
    return ideal


def real_point(ideal: Ideal) -> AlgebraicPoint | None:
    """A real zero of an ideal of positive dimension, simple ones first; None if it is proved that there is none."""
    for slices in _slices(ideal):
        real = [zero for zero in points(slices) if zero.is_real] if slices.dimension == 0 else []
        if real:
            return real[0]
    nearest = ideal.adding(*(ideal.polynomial(minor) for minor in _minors(ideal)))
    if nearest.dimension > 0:
        raise Undecided("the real solutions of a system: those nearest to a point are not finitely many")
    return next((zero for zero in points_of(nearest.branches()) if zero.is_real), None)


def _slices(ideal: Ideal) -> Iterator[Ideal]:
    """The ideal on coordinate planes of the complementary dimension."""
    for value in SLICES:
        for fixed in combinations(ideal.variables, ideal.dimension):
            yield ideal.adding(*(ideal.polynomial(variable - value) for variable in fixed))


def _minors(ideal: Ideal) -> list[Expr]:
    """The minors that vanish where the distance from a point is critical."""
    variables = ideal.variables
    rank = len(variables) - ideal.dimension
    equations = [ideal.expression(element) for element in ideal.basis]
    offsets = [variable - Rational(3 + 2 * place, 7 + place) for place, variable in enumerate(variables)]
    rows = combinations(range(len(equations)), rank)
    chosen = list(product(rows, combinations(range(len(variables)), rank + 1)))
    if len(chosen) > MOST_MINORS:
        raise Undecided("the real solutions of a system: too many minors to eliminate with")
    slopes = Matrix(equations).jacobian(variables)
    matrix = slopes.col_join(Matrix([offsets]))
    return [matrix.extract([*row, len(equations)], list(column)).det().expand() for row, column in chosen]
