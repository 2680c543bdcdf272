"""What past readings know of the operator beyond the block: the next Ritz pairs, older ones too, and zero elsewhere.

    M = Q diag(μ s) Qᵀ,     s = θ₁ now / θ₁ then, the drift of the eigenvalues since

It solves the correction equation of Davidson's method without a product,

    t = (θ − M)⁻¹ r,

to extend a subspace, and after a reading to improve the block that the next one starts from. (Along the block itself a
residual has no part.) Pairs found at this reading enter with their exact images; only the older ones are taken for what
they were. The first of them is where a reading scouts.

Shapes: vectors Q (p, K), values μ (K,) float64. Source: :cite:t:`davidson1975iterative`, :cite:t:`sleijpen1996jacobi`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from numeric.networks.curvature.eigen.columns import turn
from numeric.networks.curvature.eigen.inner_products import gram
from numeric.networks.curvature.eigen.subspace import Subspace

NEGLIGIBLE = 1e-6  # squared length outside the basis below which an older vector is in it
NEAREST = 0.02  # of θ: a model value is never taken to be nearer than this


class CurvatureModel:
    """At most `room` Ritz vectors beyond the block, their values, and the largest Ritz value then, `top`."""

    def __init__(self, like: Tensor, room: int) -> None:
        self._rows = like.new_empty(room, len(like))
        self.values = torch.zeros(0, dtype=torch.float64)
        self.top = 0.0

    @property
    def vectors(self) -> Tensor:
        """Q, (p, K): the memory itself."""
        return self._rows[: len(self.values)].T

    def know(self, vectors: Sequence[Tensor], values: Tensor, top: float) -> None:
        """Begin with these vectors, as many as there is room for, and their values."""
        for row, vector in zip(self._rows, vectors, strict=False):
            row.copy_(vector)
        self.values, self.top = values[: len(self._rows)], top

    def drifted(self, top: float) -> Tensor:
        """μ s after the largest value has become `top`."""
        return self.values * (top / self.top) if top > 0 and self.top > 0 else self.values

    def learn(self, subspace: Subspace, tracked: int) -> None:
        """Take what a subspace in Ritz coordinates, X with its images and XᵀHX, knows beyond its first pairs.

        The older vectors are split as Q = XP + O, O outside the basis; all but one product is on small matrices.
        """
        basis, projected = subspace.basis, subspace.projected
        top, older_values = float(projected[0, 0]), self.drifted(float(projected[0, 0]))
        inside = gram(basis, self.vectors)
        outer = torch.eye(inside.shape[1], dtype=torch.float64) - inside.T @ inside
        lengths, directions = torch.linalg.eigh(outer)
        kept = lengths > NEGLIGIBLE
        whitened = directions[:, kept] / lengths[kept].sqrt()
        across = (gram(subspace.images, self.vectors) - projected @ inside) @ whitened
        older = outer @ whitened
        matrix = torch.cat(
            [torch.cat([projected, across], 1), torch.cat([across.T, older.T @ (older_values[:, None] * older)], 1)]
        )
        values, mix = torch.linalg.eigh(0.5 * (matrix + matrix.T))
        beyond = slice(tracked, tracked + len(self._rows))
        values, mix = values.flip(0)[beyond], mix.flip(1)[:, beyond]
        n = basis.shape[1]
        outside = whitened @ mix[n:]
        turn([basis.T, self.vectors.T], [mix[:n] - inside @ outside, outside], self._rows[: len(values)])
        self.values, self.top = values, top

    def state(self) -> dict[str, Tensor]:
        """Vectors, a vector a row, values and the largest value then, by name."""
        top = torch.tensor(self.top, dtype=torch.float64)
        return {"model_vectors": self.vectors.T.clone(), "model_values": self.values, "model_top": top}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state."""
        self.know([*state["model_vectors"]], state["model_values"], float(state["model_top"]))


def correct(residuals: Tensor, values: Tensor, known: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """(θ − M)⁻¹ r of every residual (p, m), in its place, from known vectors and their values.

    The residual itself, the next Krylov vector, where all θ are zero.
    """
    if not values.any():
        return residuals
    scale = float(values.abs().max())
    shifts = values.clamp_min(NEAREST * scale)
    nearest = NEAREST * shifts
    inside = []
    for vectors, levels in known:
        differences = values - levels[:, None]
        differences = torch.where(differences.abs() < nearest, torch.copysign(nearest, differences), differences)
        inside.append(gram(vectors, residuals) * (1 / differences - 1 / shifts))
    residuals.div_(shifts.to(residuals))
    for (vectors, _), coefficients in zip(known, inside, strict=True):
        residuals.T.addmm_(coefficients.T.to(residuals), vectors.T)
    return residuals
