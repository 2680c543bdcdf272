"""Inner products in float64 of vectors in whatever precision they have; with float32 sums, readings stall near 1e-6.

Shapes: blocks (p, m), one vector a column; Gram matrices (m, n), float64 on the CPU, where small problems are solved.
"""

from __future__ import annotations

import torch
from torch import Tensor

NEGLIGIBLE = 1e-6  # what is left of a vector after projection, relative to it, below which it is rounding


def gram(left: Tensor, right: Tensor) -> Tensor:
    """The inner products of all columns, (m, n)."""
    return (left.double().T @ right.double()).cpu()


def combine(block: Tensor, coefficients: Tensor) -> Tensor:
    """The block times a small matrix (m, n), in the precision of the block, (p, n)."""
    combined: Tensor = torch.mm(block, coefficients.to(block))
    return combined


def orthonormal(vectors: Tensor, basis: Tensor) -> Tensor:
    """What the columns add to the span of an orthonormal basis (p, n), orthonormal; (p, at most m)."""
    remainder: Tensor = vectors / torch.linalg.vector_norm(vectors, dim=0).clamp_min(torch.finfo(vectors.dtype).tiny)
    for _ in range(2):  # twice is enough (Kahan)
        if basis.shape[1]:
            remainder = remainder - combine(basis, gram(basis, remainder))
        squares, directions = torch.linalg.eigh(gram(remainder, remainder))
        kept = squares > NEGLIGIBLE**2
        remainder = combine(remainder, directions[:, kept] / squares[kept].sqrt())
    return remainder


def overlap(block: Tensor, other: Tensor) -> float:
    """The cosine of the largest angle between the spans of two orthonormal blocks."""
    return float(torch.linalg.svdvals(gram(block, other)).min())


def unit(vector: Tensor) -> Tensor:
    """The vector at length 1; zero stays zero."""
    length = torch.linalg.vector_norm(vector, dtype=torch.float64)
    return vector / length.to(vector) if length > 0 else vector
