"""What past readings know of the operator: its largest Ritz pairs, older ones included, and zero elsewhere.

    M = Q diag(μ s) Qᵀ,     s = θ₁ now / θ₁ then, the drift of the eigenvalues since

It solves the correction equation of Davidson's method without a product,

    t = (θ − M)⁻¹ r,

to extend a subspace, and after a reading to improve the block that the next one starts from. Pairs found at this
reading enter with their exact images; only the older ones are taken for what they were.

Shapes: vectors Q (p, K), values μ (K,) float64. Source: :cite:t:`davidson1975iterative`, :cite:t:`sleijpen1996jacobi`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from numeric.networks.curvature.eigen.inner_products import combine, gram

NEGLIGIBLE = 1e-6  # squared length outside the basis below which an older vector is in it
NEAREST = 0.02  # of θ: a model value is never taken to be nearer than this


@dataclass(frozen=True)
class CurvatureModel:
    """Ritz vectors and values, descending."""

    vectors: Tensor
    values: Tensor

    def drifted(self, top: float) -> CurvatureModel:
        """The same pairs after the largest value has become `top`."""
        then = float(self.values[0])
        return CurvatureModel(self.vectors, self.values * (top / then)) if top > 0 and then > 0 else self

    def correction(self, residuals: Tensor, values: Tensor) -> Tensor:
        """(θ − M)⁻¹ r for every residual, (p, m); the residual itself, the next Krylov vector, where all θ are zero."""
        if not values.any():
            return residuals
        scale = float(values.abs().max())
        along = gram(self.vectors, residuals)
        shifts = values.clamp_min(NEAREST * scale)
        differences = values - self.values[:, None]
        nearest = NEAREST * shifts
        differences = torch.where(differences.abs() < nearest, torch.copysign(nearest, differences), differences)
        inside = combine(self.vectors, along / differences - along / shifts)
        return residuals / shifts.to(residuals) + inside

    def updated(self, basis: Tensor, images: Tensor, projected: Tensor, most: int) -> CurvatureModel:
        """The model after a reading with an orthonormal basis X (p, n), its images, and XᵀHX.

        The older vectors are split as Q = XP + O, O outside the basis; all but one product is on small matrices.
        """
        inside = gram(basis, self.vectors)
        outer = torch.eye(inside.shape[1], dtype=torch.float64) - inside.T @ inside
        lengths, directions = torch.linalg.eigh(outer)
        kept = lengths > NEGLIGIBLE
        whitened = directions[:, kept] / lengths[kept].sqrt()
        across = (gram(images, self.vectors) - projected @ inside) @ whitened
        older = outer @ whitened
        matrix = torch.cat(
            [torch.cat([projected, across], 1), torch.cat([across.T, older.T @ (self.values[:, None] * older)], 1)]
        )
        values, mix = torch.linalg.eigh(0.5 * (matrix + matrix.T))
        values, mix = values.flip(0)[:most], mix.flip(1)[:, :most]
        n = basis.shape[1]
        outside = whitened @ mix[n:]
        vectors = combine(basis, mix[:n] - inside @ outside) + combine(self.vectors, outside)
        return CurvatureModel(vectors, values)
