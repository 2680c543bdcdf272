"""Inner products of vectors in whatever precision they have; with float32 sums all along, readings stall near 1e-6.

So sums are in the vectors' precision over `ROWS` rows only, and then in float64: of 50,000 float32 entries they are
right to 5e-9 of the lengths, where rounding the entries themselves costs 6e-8; and nothing is converted, which would
cost several times the products, but blocks of up to `FEW` entries, of which every operation costs the same. Where sums
are beyond the range that squares of the precision have, the vectors are scaled first: a loss of 1e30 or 1e-30 has its
Hessian's eigenvalues like any other.

Shapes: blocks (p, m), one vector a column; Gram matrices (m, n), float64 on the CPU, where small problems are solved.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

ROWS = 512
FEW = 1 << 15
LITTLE_LOST = 0.5  # squared length left after projection above which rounding has not grown
NEGLIGIBLE = 1e-6  # what is left of a vector after projection, relative to it, below which it is rounding


def gram(left: Tensor, right: Tensor) -> Tensor:
    """The inner products of all columns, (m, n); not finite where a column is not."""
    products = _gram(left, right)
    if not products.numel() or not left.shape[0]:
        return products
    least, most = _square_range(left.dtype)
    if least < float(torch.linalg.vector_norm(products, torch.inf)) < most:
        return products
    (left, lengths), (right, others) = _scaled(left), _scaled(right)
    return _gram(left, right) * lengths[:, None] * others


def _gram(left: Tensor, right: Tensor) -> Tensor:
    if left.numel() + right.numel() <= FEW or left.dtype == right.dtype == torch.float64:
        return (left.double().T @ right.double()).cpu()
    pieces = len(left) // ROWS
    whole = pieces * ROWS
    rest = left[whole:].double().T @ right[whole:].double()
    parts = [block[:whole].reshape(pieces, ROWS, block.shape[1]) for block in (left, right)]
    return (torch.bmm(parts[0].mT, parts[1]).sum(0, dtype=torch.float64) + rest).cpu()


@cache
def _square_range(dtype: torch.dtype) -> tuple[float, float]:
    """Between which sums of squares are as precise as others."""
    limits = torch.finfo(dtype)
    return limits.smallest_normal / limits.eps**2, limits.max


def largest_entries(block: Tensor) -> Tensor:
    """The largest magnitude in every column, or in a vector; not finite where an entry is not.

    torch's norm of order ∞ is the same number, and for long blocks takes half as long again.
    """
    least, most = torch.aminmax(block, dim=0)
    return torch.maximum(most, -least)


def _scaled(block: Tensor) -> tuple[Tensor, Tensor]:
    """The block with 1 as its columns' largest entries, and what these were, float64; a column of zeros stays."""
    largest = largest_entries(block)
    largest = torch.where(largest == 0, 1, largest)
    return block / largest, largest.double().cpu()


def combine(block: Tensor, coefficients: Tensor) -> Tensor:
    """The block times a small matrix (m, n), in the precision of the block, (p, n); fastest with contiguous vectors."""
    combined: Tensor = torch.mm(coefficients.T.to(block), block.T).T
    return combined


def orthonormal(vectors: Tensor, basis: Tensor) -> Tensor:
    """What the columns that are finite add to the span of an orthonormal basis (p, n), orthonormal; (p, at most m)."""
    remainder, lengths = _scaled(vectors)
    if not (finite := lengths.isfinite()).all():
        remainder = remainder[:, finite]
    remainder.div_(torch.linalg.vector_norm(remainder, dim=0).clamp_min(1))
    for _ in range(2):  # twice is enough (Kahan)
        if basis.shape[1]:
            remainder.T.addmm_(gram(basis, remainder).T.to(remainder), basis.T, alpha=-1)
        remainder, little_lost = _orthonormal(remainder)
        if little_lost:
            break
    return remainder


def _orthonormal(block: Tensor) -> tuple[Tensor, bool]:
    """The columns of length about 1 orthonormal, one alone where it lies; whether little was lost before."""
    products = gram(block, block)
    if products.shape == (1, 1):
        square = float(products)
        kept = square > NEGLIGIBLE**2
        return block.mul_(1 / math.sqrt(square)) if kept else block[:, :0], square > LITTLE_LOST or not kept
    squares, directions = torch.linalg.eigh(products)
    large = squares > NEGLIGIBLE**2
    mix = directions[:, large] / squares[large].sqrt()
    return combine(block, mix), bool((squares > LITTLE_LOST).all())


def outside(vector: Tensor, block: Tensor) -> Tensor:
    """The vector (p,) without its part in the span of an orthonormal block (p, b), where it lies."""
    return vector.addmv_(block, gram(block, vector[:, None])[:, 0].to(vector), alpha=-1) if block.shape[1] else vector


def overlap(block: Tensor, other: Tensor) -> float:
    """The cosine of the largest angle between the spans of two orthonormal blocks."""
    return float(torch.linalg.svdvals(gram(block, other)).min())


def length(vector: Tensor) -> float:
    """‖v‖ of a vector (p,), whatever its entries' size; not finite where one is not."""
    largest = float(largest_entries(vector))
    limits = torch.finfo(vector.dtype)
    if limits.smallest_normal**0.5 / limits.eps < largest < limits.eps * limits.max**0.5:
        return math.sqrt(_gram(vector[:, None], vector[:, None]))
    return largest * float(torch.linalg.vector_norm(vector / largest)) if 0 < largest < torch.inf else largest
