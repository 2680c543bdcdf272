"""Gradient, Hessian and sharpness of a network's loss, by automatic differentiation.

    gradient    ∇L(θ),   shape (p,)
    hessian     ∇²L(θ),  shape (p, p), dense: for networks of up to a few thousand parameters
    sharpness   λ₁(∇²L), the algebraically largest eigenvalue

θ is the vector of all trainable parameters, flattened in the order of ``module.parameters()``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call


@dataclass(frozen=True)
class FlatLoss:
    """The loss of a module on a data set, criterion(module(inputs), targets), as a function of the flat vector θ."""

    module: nn.Module
    inputs: Tensor
    targets: Tensor
    criterion: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, parameters: Tensor) -> Tensor:
        """L(θ), a scalar, differentiable in θ."""
        named = dict(self.module.named_parameters())
        pieces = parameters.split([parameter.numel() for parameter in named.values()])
        views = {name: piece.view_as(named[name]) for name, piece in zip(named, pieces, strict=True)}
        return self.criterion(functional_call(self.module, views, (self.inputs,)), self.targets)

    @property
    def parameters(self) -> Tensor:
        """A copy of the module's present parameters, flattened, (p,)."""
        return nn.utils.parameters_to_vector(self.module.parameters()).detach().clone()


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
