"""How far the Ritz values of a block can be from the eigenvalues.

For an orthonormal block V of b Ritz vectors with values θ₁ ≥ … ≥ θ_b and residuals R = HV − VΘ

    |λ − θᵢ| ≤ ‖rᵢ‖                                    for some eigenvalue λ, whatever else holds
    0 ≤ λᵢ − θᵢ ≤ ‖R₁..ⱼ‖² / gap,   j = i … b,         if the complement of the block curves no more than c
    gap = θᵢ − c − ‖Rⱼ₊₁..b‖² / (θᵢ − θⱼ₊₁)  for j < b,        θᵢ − c  for j = b,     where positive.

The second is ‖r‖²/gap, lessened by what the rest of the block still hides. Its assumption, that C, the compression of H
to the complement, has no eigenvalue above c, is what a guard vector is for, with c = θ_b, its own Ritz value; between
readings with a guard c is what `vigilance` says. (A guard's value may be too low: its residual is added, and c is at
least halfway from it to the k-th.) No computation short of the whole spectrum can prove it: `search` looks from time to
time for an eigenvalue above the k-th, and says with what probability it would have been overlooked. Where there is no
guard at all the bounds are the first. A block that is all of the space needs none of it.

Derivation: in the basis (V₁..ⱼ, rest) the matrix is [[Θ, Sᵀ], [S, D]], S of norm ‖R₁..ⱼ‖ and zero in the rest of the
block; λᵢ is an eigenvalue of Θ + Sᵀ(λᵢ − D)⁻¹S, and two Schur complements bound the inverse where S is not zero.

Rounding is another matter: what is multiplied with is not H but H + E. It adds to each bound

    2 ‖Ev‖ max(1, θ₁/θ₁ then),    measured: the product with v computed again in another arithmetic,

twice, since it is measured on a sample, and `LATER` times if it was measured at another point; and
`ROUNDING` machine precisions of the largest |θ| for the sums of vectors: in float32 2.4e-7 of it, a reading's floor.

Shapes: values (b,), squares RᵀR (b, b), bounds (k,). Source: :cite:t:`temple1928theory`, :cite:t:`kato1949upper`;
:cite:t:`mathias1998quadratic` for blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

ROUNDING = 2.0
SAFETY = 2.0
LATER = 16.0


def bounds(values: Tensor, squares: Tensor, count: int, level: float) -> Tensor:
    """What |λᵢ − θᵢ| is at most, without rounding, for the first `count`, if the rest is below a level c; float64."""
    ritz, found = values.tolist(), squares.diagonal()[:count].clamp_min(0).sqrt().tolist()
    last = len(ritz)
    for i in range(count):
        for j in range(i + 1, last + 1):
            gap = ritz[i] - level
            if j < last:
                apart = ritz[i] - ritz[j]
                gap -= _norm(squares[j:, j:]) / apart if apart else math.inf
            if gap > 0:
                found[i] = min(found[i], _norm(squares[:j, :j]) / gap)
    return torch.tensor(found, dtype=torch.float64)


def level_by_guard(values: Tensor, count: int, residual: Tensor) -> float:
    """c from the Ritz values of a block, of which the last is a guard's with a residual of this length."""
    guard = float(values[-1])
    return max(guard + float(residual), (float(values[count - 1]) + guard) / 2)


@dataclass(frozen=True)
class Rounding:
    """‖Ev‖ as last measured, and the largest |θ| then."""

    error: float = 0.0
    top: float = 0.0

    def at(self, values: Tensor, dtype: torch.dtype, *, measured: bool) -> float:
        """What the arithmetic adds to every bound at a reading of these Ritz values, measured there or earlier."""
        top = float(values.abs().max())
        growth = max(1.0, top / self.top) if self.top else 1.0
        return ROUNDING * torch.finfo(dtype).eps * top + (SAFETY if measured else LATER) * growth * self.error


def measured_rounding(values: Tensor, product: Tensor, repeated: Tensor) -> Rounding:
    """‖Ev‖ from a product computed twice, the largest of the columns; of a sample in proportion to ‖Hv‖."""
    top, largest = float(values.abs().max()), float(repeated.abs().max()) or 1.0
    one, other = product.double() / largest, repeated.double() / largest
    error = float(torch.linalg.vector_norm(one - other, dim=0).max())
    length = float(torch.linalg.vector_norm(other, dim=0).max())
    return Rounding(error / length * max(length * largest, top) if length else error, top)


def _norm(squares: Tensor) -> float:
    """‖R‖² from RᵀR."""
    return max(0.0, float(squares if len(squares) == 1 else torch.linalg.eigvalsh(squares)[-1]))
