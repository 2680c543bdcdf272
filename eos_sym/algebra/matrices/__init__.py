"""Matrices of rank one, and the largest eigenvalue of a symmetric matrix in closed form."""

from eos_sym.algebra.matrices.rank_one import rank_one_pivot
from eos_sym.algebra.matrices.top_eigenvalue import top_eigenvalue

__all__ = [
    "rank_one_pivot",
    "top_eigenvalue",
]
