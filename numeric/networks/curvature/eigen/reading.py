"""What a reading is taken of, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Operator(Protocol):
    """A symmetric matrix known by its products, (p, m) from (p, m)."""

    @property
    def evaluations(self) -> float:
        """What the operator has cost so far, in gradient evaluations."""

    def product(self, block: Tensor) -> Tensor:
        """The matrix times every column of the block."""


@dataclass(frozen=True)
class Reading:
    """The k algebraically largest eigenvalues, descending, float64; eigenvectors (p, k) are those of the operator.

    `residuals` are ‖H v − θ v‖, `bounds` what |λ − θ| is at most (see `certificate`). `converged` says that every
    bound is within the relative tolerance. Where the operator is not finite, everything is NaN, and not converged.
    """

    eigenvalues: Tensor
    eigenvectors: Tensor
    residuals: Tensor
    bounds: Tensor
    products: int
    evaluations: float
    converged: bool


def not_finite(weights: Tensor, count: int, products: int, evaluations: float) -> Reading:
    """The reading of an operator that is not finite: NaN, and not converged."""
    nothing = torch.full((count,), torch.nan, dtype=torch.float64)
    vectors = weights.new_full((len(weights), count), torch.nan)
    return Reading(nothing, vectors, nothing.clone(), nothing.clone(), products, evaluations, converged=False)
