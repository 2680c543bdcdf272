"""The network's own loss on the directions of a model: the best that an expansion on them can be, at training's cost.

    V(x, z) = L(θ* + U x + K z) − L(θ*)

Gradient descent on it is training that moves in these directions alone. What a forecast misses beside it, the expansion
misses; what it misses itself, the directions do.

The sharpness along a path is read as that of training is, from one point to the next (`TopEigenpairs`), at a few
Hessian products each instead of the k + m of `hessian`.

Units: `anchor.cost` counts a gradient for each value and slope, and every Hessian product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from numeric.compile import Array
from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.forecast.beside.pointwise import PointwiseModel

PRECISION = 1e-3  # of the sharpness along a path, relative


@dataclass(frozen=True)
class RestrictedLoss(PointwiseModel):
    """The loss at an anchor, on these directions across the edge."""

    def value(self, y: Tensor) -> float:
        """L(θ* + Y y) − L(θ*)."""
        self.anchor.cost.evaluations += 1
        return float(self.anchor.loss.value_and_gradient(self._weights(y))[0]) - self.anchor.value

    def slope(self, y: Tensor) -> Tensor:
        """Yᵀ ∇L."""
        return self.basis.T @ self.anchor.gradient_at(self._weights(y))

    def curvature(self, y: Tensor) -> Tensor:
        """Yᵀ ∇²L Y."""
        found = self.basis.T @ self.anchor.hessian_at(self._weights(y), self.basis)
        return (found + found.T) / 2

    def sharpness(self, x: Array, z: Array) -> Array:
        """The top eigenvalue of ∇²V at the points of a path, x (n, k) and z (n, m), within `PRECISION`, (n,)."""
        tracked, found, basis = TopEigenpairs(1, relative=PRECISION), [], self.basis
        for y in torch.from_numpy(np.concatenate([x, z], 1)):
            hessian = _Restricted(HessianAt(self.anchor.loss, self._weights(y)), basis)
            found.append(float(tracked.read(hessian, y).eigenvalues[0]))
            self.anchor.cost.evaluations += hessian.evaluations
        return np.array(found)

    def _weights(self, y: Tensor) -> Tensor:
        return self.anchor.weights + self.basis @ y.to(self.basis)


@dataclass(frozen=True)
class _Restricted:
    """Yᵀ ∇²L Y as an operator."""

    hessian: HessianAt
    basis: Tensor

    @property
    def evaluations(self) -> float:
        return self.hessian.evaluations

    def product(self, block: Tensor) -> Tensor:
        return self.basis.T @ self.hessian.product(self.basis @ block)

    def repeated(self, block: Tensor) -> tuple[Tensor, Tensor]:
        once, again = self.hessian.repeated(self.basis @ block)
        return self.basis.T @ once, self.basis.T @ again
