"""The largest eigenvalue of a symmetric matrix without negative ones, such as the Hessian at a minimum.

The characteristic polynomial is split into factors; those of degree 1 and 2 give their largest roots in closed form, so
that all matrices of rank 1 and 2 are covered. Of numbers without a closed form it is calculated. Errors: `Undecided`
for other factors with symbols in them, and where it is not known which root is the largest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mpmath import mp
from sympy import Expr, Float, Matrix, Max, Poly, S, cancel, factor, factor_list, simplify, sqrt

from eos_sym.algebra.matrices.rank_one import rank_one_pivot
from eos_sym.algebra.signs.sign_changes import positive_where_defined
from eos_sym.errors import Undecided
from eos_sym.reasons import brief

DIGITS = 30


def top_eigenvalue(matrix: Matrix) -> Expr:
    """λ₁, in the symbols of the matrix."""
    if not matrix.free_symbols and matrix.has(Float):
        return _calculated(matrix)
    reduced = matrix.applyfunc(cancel)
    if rank_one_pivot(reduced) is None:
        reduced = matrix.applyfunc(simplify)
    if rank_one_pivot(reduced) is not None:
        return factor(reduced.trace())
    blocks = (reduced.extract(block, block) for block in reduced.strongly_connected_components())
    largest: list[_Root] = []
    for root in dict.fromkeys(root for block in blocks for root in _roots(block)):
        if not any(_is_larger(other, root) for other in largest):
            largest = [other for other in largest if not _is_larger(root, other)] + [root]
    return Max(*(root.value for root in largest))


@dataclass(frozen=True)
class _Root:
    """half + √square."""

    half: Expr
    square: Expr = S.Zero

    @property
    def value(self) -> Expr:
        return self.half + sqrt(self.square)


def _roots(matrix: Matrix) -> Iterator[_Root]:
    """The eigenvalues of a block, of each pair of roots the larger one."""
    if matrix.rows == 1:
        yield _Root(factor(matrix[0, 0]))
        return
    characteristic = matrix.charpoly()
    for part, _ in factor_list(cancel(characteristic.as_expr()), characteristic.gen)[1]:
        first, *rest = Poly(part, characteristic.gen).all_coeffs()
        if len(rest) == 1:
            yield _Root(factor(-rest[0] / first))
        elif len(rest) == 2:
            half = factor(-rest[0] / (2 * first))
            yield _Root(half, factor(half**2 - rest[1] / first))
        elif matrix.free_symbols:
            raise Undecided(f"the largest eigenvalue: {brief(part)} = 0 has no closed-form solution")
        else:
            yield _Root(_calculated(matrix))
            return


def _is_larger(one: _Root, other: _Root) -> bool:
    """Whether h + √r ≥ k + √s is known, from its sign, or for r = 0 from h ≥ k and (h − k)² ≥ s; none is negative."""
    if other.value == 0:
        return True
    difference = one.half - other.half
    if one.square == 0 and other.square != 0:
        return _is_positive(difference) and _is_positive(difference**2 - other.square)
    return _is_positive(difference + sqrt(one.square) - sqrt(other.square))


def _is_positive(expression: Expr) -> bool:
    simple = simplify(expression)
    return bool(simple.is_nonnegative) or any(positive_where_defined(form(simple)) for form in (factor, cancel))


def _calculated(matrix: Matrix) -> Float:
    with mp.workdps(DIGITS):
        numbers = mp.matrix(matrix.evalf(DIGITS).tolist())
        return Float(max(mp.eigsy(numbers, eigvals_only=True)), DIGITS)
