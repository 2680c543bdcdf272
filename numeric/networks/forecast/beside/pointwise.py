"""Models of the loss that have no formula to be evaluated at many points at once: point by point, in one vector.

    V(x, z) = V(y),   y = (x, z) ∈ ℝ^(k + m),   θ = θ* + Y y,   Y = (U, K) (p, k + m)

Shapes: x (…, k), z (…, m), y (k + m,).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from numeric.compile import Array
from numeric.networks.forecast.anchor import Anchor
from numeric.networks.forecast.path import at_each


@dataclass(frozen=True)
class PointwiseModel(ABC):
    """A `path.Model` at an anchor, on these directions across the edge (p, m), by its value, slope and curvature."""

    anchor: Anchor
    directions: Tensor

    @abstractmethod
    def value(self, y: Tensor) -> float:
        """V at one point."""

    @abstractmethod
    def slope(self, y: Tensor) -> Tensor:
        """∇V there, (k + m,)."""

    @abstractmethod
    def curvature(self, y: Tensor) -> Tensor:
        """∇²V there, (k + m, k + m)."""

    @property
    def basis(self) -> Tensor:
        """Y."""
        return torch.cat([self.anchor.edge, self.directions], 1)

    def potential(self, x: Array, z: Array) -> Array:
        """V, (…)."""
        return at_each(lambda x, z: self.value(_joined(x, z)), x, z, ())

    def gradient(self, x: Array, z: Array) -> tuple[Array, Array]:
        """∂V/∂x (…, k) and ∂V/∂z (…, m)."""
        edge, across = x.shape[-1], z.shape[-1]
        found = at_each(lambda x, z: self.slope(_joined(x, z)).numpy(), x, z, (edge + across,))
        return found[..., :edge], found[..., edge:]

    def hessian(self, x: Array, z: Array) -> Array:
        """∇²V, (…, k + m, k + m), the edge coordinates first."""
        size = x.shape[-1] + z.shape[-1]
        return at_each(lambda x, z: self.curvature(_joined(x, z)).numpy(), x, z, (size, size))


def _joined(x: Array, z: Array) -> Tensor:
    return torch.from_numpy(np.concatenate([x, z]))
