"""Matrices of rank one, A = c rᵀ/p, told by their minors: A p = c rᵀ with c, r a column and a row that cross in p ≠ 0.

Of a symmetric A the only eigenvalue that is not 0 is then the trace, with the eigenvector c; of any A the only one that
need not be 0 is the trace.
"""

from __future__ import annotations

from sympy import Matrix

from eos_sym.algebra.functions.elementary import Elementary
from eos_sym.algebra.functions.identities import vanishes


def rank_one_pivot(matrix: Matrix) -> int | None:
    """The place on the diagonal of the first entry that is not identically 0, if all minors with it are; else None."""
    pivot = next((place for place in range(matrix.rows) if not vanishes(matrix[place, place])), None)
    if pivot is None:
        return None
    field = Elementary(matrix)
    entries = matrix.applyfunc(field.written)
    minors = entries * entries[pivot, pivot] - entries.col(pivot) * entries.row(pivot)
    return pivot if all(field.reduced(minor) == 0 for minor in minors) else None
