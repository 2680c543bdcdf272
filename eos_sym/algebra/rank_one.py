"""Matrices of rank one, A = c rᵀ/p, told by their minors: A p = c rᵀ with c, r a column and a row that cross in p ≠ 0.

Of a symmetric A the only eigenvalue that is not 0 is then the trace, with the eigenvector c; of any A the only one that
need not be 0 is the trace.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr, Matrix, cancel


def _not_zero(entry: Expr) -> bool:
    """Not identically zero, which leaves the zeros of the entry aside."""
    return not entry.is_zero


def rank_one_pivot(matrix: Matrix, known: Callable[[Expr], bool] = _not_zero) -> int | None:
    """The place on the diagonal of the first entry that is `known` not to vanish, if all minors with it do; else None.

    The entries are fractions brought to lowest terms, so that one that is identically zero is 0.
    """
    for pivot in range(matrix.rows):
        if known(matrix[pivot, pivot]):
            minors = matrix * matrix[pivot, pivot] - matrix.col(pivot) * matrix.row(pivot)
            return pivot if minors.applyfunc(cancel).is_zero_matrix else None
    return None
