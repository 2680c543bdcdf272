"""Models of the loss that have no formula to be evaluated at many points at once: point by point, in one vector.

    V(x, z) = V(y),   y = (x, z) ∈ ℝ^(k + m),   θ = θ* + Y y,   Y = (U, K) (p, k + m)

Shapes: x (…, k), z (…, m), y (k + m,).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from numeric.compile import Array
from numeric.networks.forecast.anchor import Anchor


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
        return _at_each(lambda y: np.array(self.value(y)), x, z)

    def gradient(self, x: Array, z: Array) -> tuple[Array, Array]:
        """∂V/∂x (…, k) and ∂V/∂z (…, m)."""
        found = _at_each(lambda y: self.slope(y).numpy(), x, z)
        return found[..., : x.shape[-1]], found[..., x.shape[-1] :]

    def hessian(self, x: Array, z: Array) -> Array:
        """∇²V, (…, k + m, k + m), the edge coordinates first."""
        return _at_each(lambda y: self.curvature(y).numpy(), x, z)


def _at_each(function: Callable[[Tensor], Array], x: Array, z: Array) -> Array:
    points = np.concatenate([x, z], -1)
    found = [function(torch.from_numpy(y)) for y in points.reshape(-1, points.shape[-1])]
    return np.stack(found).reshape(points.shape[:-1] + found[0].shape)
