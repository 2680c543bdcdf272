"""Where a forecast of the end begins: a two-step midpoint, the top eigenvector there, and the outputs along it.

    θ̄ = (θ_{t−1} + 2θ_t + θ_{t+1})/4,    θ = θ̄ + x u + z,  z ⊥ u,

with u the unit top eigenvector of ∇²L(θ̄). The forecast begins at θ_t, which is x₀ = u·(θ_t − θ̄) along u. The loss is a
criterion ℓ of the network's outputs f; its slope ℓ′ and curvature ℓ″ are taken by the outputs, exactly.

Shapes: outputs (k,) for k = n·outputs numbers, their Jacobian (k, p). Errors: `BadInput` for a curvature that is not
finite, and for Jacobians that would not fit into memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.edge.descent import jacobian_at, outputs_at
from numeric.networks.loss import FlatLoss

PRECISION = 1e-5  # of the residual of u, relative; the error of S_mid is of the order of its square over the gap
MOST_ENTRIES = 10**8  # of a Jacobian: 0.8 GB


@dataclass(frozen=True)
class Frame:
    """The midpoint, u, S_mid and λ₂ there, and where θ_t is from there."""

    loss: FlatLoss
    eta: float
    middle: Tensor
    u: Tensor
    sharpness: float
    second: float
    x: float
    z: Tensor
    evaluations: float  # gradients that the curvature took

    def outputs(self, x: float) -> Tensor:
        """f(θ̄ + xu), (k,)."""
        return self._outputs(self.middle + x * self.u)

    def jacobian(self, x: float) -> Tensor:
        """Its derivative by the weights, (k, p)."""
        return jacobian_at(self.loss, self.middle + x * self.u)

    def across(self, vectors: Tensor) -> Tensor:
        """The part of the vectors (…, p) that is orthogonal to u."""
        return vectors - (vectors @ self.u)[..., None] * self.u

    def criterion(self, outputs: Tensor) -> Tensor:
        """ℓ of the outputs (k,), a scalar."""
        value: Tensor = self.loss.criterion(outputs.view(self.shape), self.loss.targets)
        return value

    @property
    def shape(self) -> torch.Size:
        """That of the network's outputs."""
        with torch.no_grad():
            return outputs_at(self.loss, self.middle).shape

    def _outputs(self, weights: Tensor) -> Tensor:
        return outputs_at(self.loss, weights).reshape(-1)


def frame_at(loss: FlatLoss, weights: Tensor, eta: float, eigenpairs: TopEigenpairs | None = None) -> Frame:
    """The frame of the second of three consecutive weights (3, p); u and λ₂ from those of frames before, if given."""
    before, now, after = weights
    middle = (before + 2 * now + after) / 4
    hessian = HessianAt(loss, middle)
    top = (eigenpairs or top_eigenpairs(middle)).read(hessian, middle, hessian.gradient)
    if not top.eigenvalues.isfinite().all():
        raise BadInput("the curvature at the midpoint is not finite: begin where training is")
    u, start = top.eigenvectors[:, 0], now - middle
    x, second = float(u @ start), float(top.eigenvalues[1]) if len(middle) > 1 else -np.inf
    frame = Frame(loss, eta, middle, u, float(top.eigenvalues[0]), second, x, start - x * u, hessian.evaluations)
    if frame.shape.numel() * len(middle) > MOST_ENTRIES:
        raise BadInput(
            f"{frame.shape.numel()} outputs by {len(middle)} weights: their Jacobian has more than {MOST_ENTRIES:.0e} "
            "entries; forecast the end of smaller networks or on fewer examples"
        )
    return frame


def top_eigenpairs(weights: Tensor) -> TopEigenpairs:
    """What finds u and λ₂ of one frame after another."""
    return TopEigenpairs(min(2, len(weights)), relative=PRECISION)


def orthonormal_rows(rows: Tensor, negligible: float) -> Tensor:
    """An orthonormal basis (m, p) of the span of the rows, without singular values below this part of the largest."""
    _, sizes, basis = torch.linalg.svd(rows, full_matrices=False)
    kept: Tensor = basis[sizes > negligible * sizes[0]]
    return kept
