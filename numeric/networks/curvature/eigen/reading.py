"""What a reading is taken of, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

STATUSES = ("converged", "rounding", "unfinished", "not_finite")


class Operator(Protocol):
    """A symmetric matrix known by its products, (p, m) from (p, m)."""

    @property
    def evaluations(self) -> float:
        """What the operator has cost so far, in gradient evaluations."""

    def product(self, block: Tensor) -> Tensor:
        """The matrix times every column of the block, in memory of its own, which who asks may change."""

    def repeated(self, block: Tensor) -> tuple[Tensor, Tensor]:
        """The same product twice, in two arithmetics, of the matrix or of one that rounding treats alike."""


@dataclass(frozen=True)
class Reading:
    """The k algebraically largest eigenvalues, descending, float64; eigenvectors (p, k) are those of the operator.

    `residuals` are ‖H v − θ v‖, `bounds` what |λ − θ| is at most (see `certificate`), of which `rounding` is the
    arithmetic's part. `overlooked` is NaN, or where directions outside the block were searched for, at most the
    probability that one was overlooked which curves more than the last of these (see `search`). `status`:

        converged     every bound is within the relative tolerance
        rounding      the arithmetic's part of a bound alone is not
        unfinished    out of products, or of directions that are told from those there are
        not_finite    the operator, or the point, is not finite: everything is NaN
    """

    eigenvalues: Tensor
    eigenvectors: Tensor
    residuals: Tensor
    bounds: Tensor
    rounding: float
    overlooked: float
    products: int
    evaluations: float
    status: str

    @property
    def converged(self) -> bool:
        """Whether every bound is within the relative tolerance."""
        return self.status == "converged"


def not_finite(weights: Tensor, count: int, products: int = 0, evaluations: float = 0.0) -> Reading:
    """The reading of an operator that is not finite: NaN."""
    nothing = torch.full((count,), torch.nan, dtype=torch.float64)
    vectors = weights.new_full((len(weights), count), torch.nan)
    return Reading(
        eigenvalues=nothing,
        eigenvectors=vectors,
        residuals=nothing.clone(),
        bounds=nothing.clone(),
        rounding=torch.nan,
        overlooked=torch.nan,
        products=products,
        evaluations=evaluations,
        status="not_finite",
    )
