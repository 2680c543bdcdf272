"""Gradient, Hessian and sharpness of a network's loss, by automatic differentiation.

    gradient    ∇L(θ),   shape (p,)
    hessian     ∇²L(θ),  shape (p, p), dense: for networks of up to a few thousand parameters
    sharpness   λ₁(∇²L), the algebraically largest eigenvalue

The loss is any function of the flat vector θ: a `FlatLoss`, or a formula through `torch_function`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def gradient(loss: Callable[[Tensor], Tensor], parameters: Tensor) -> Tensor:
    """∇L(θ), (p,)."""
    result: Tensor = torch.func.grad(loss)(parameters)
    return result


def hessian(loss: Callable[[Tensor], Tensor], parameters: Tensor) -> Tensor:
    """∇²L(θ), (p, p); in reverse mode twice, because torch's forward mode uses its deprecated compiler."""
    result: Tensor = torch.func.jacrev(torch.func.grad(loss))(parameters)
    return result


def sharpness(loss: Callable[[Tensor], Tensor], parameters: Tensor) -> float:
    """λ₁(∇²L(θ)), the algebraically largest eigenvalue."""
    return float(torch.linalg.eigvalsh(hessian(loss, parameters))[-1])
