"""Curvature from values of the loss alone: a channel that shares no derivative with automatic differentiation.

    uᵀ∇²L u ≈ (L(θ + hu) − 2L(θ) + L(θ − hu))/h²,    ‖u‖ = 1

The error is of the order h², and of rounding over h². Shapes: θ, u (p,).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from numeric.networks.loss import FlatLoss

DISTANCE = 1e-4


@torch.no_grad()
def second_difference(at: Callable[[float], Tensor]) -> Tensor:
    """Of what is told by its distance along a line, of any shape."""
    return (at(DISTANCE) - 2 * at(0.0) + at(-DISTANCE)) / DISTANCE**2


def curvature_along(loss: FlatLoss, weights: Tensor, direction: Tensor) -> float:
    """The curvature of the loss along a unit vector."""
    return float(second_difference(lambda distance: loss(weights + distance * direction)))
