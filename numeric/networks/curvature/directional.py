"""Third and fourth derivatives of a network's loss along directions, without a tensor of order three.

    directional_derivative    ∇ᵏL(u₁, …, u_k),          a scalar
    directional_gradient      ∇ᵏ⁺¹L(u₁, …, u_k, ·),     shape (p,); the gradient of the former
    expansion_along           L, ∇L, ∇²L u, ∇³L(u,u,·), ∇⁴L(u,u,u,·) for one unit vector u, from one graph
    third_derivatives         ∇³L(u_a, u_b, ·) for all pairs of a few directions, from one graph

With the top eigenvector u of ∇²L, ∇S = ∇³L(u,u,·) is the gradient of the sharpness, if that is a simple eigenvalue. The
expansion has what self-stabilization asks for: α = −∇L·∇S⊥, β = ‖∇S⊥‖², with ∇S⊥ = ∇S − (u·∇S)u, and
Q = ∇⁴L(u,u,u,u).

The gradient of a scalar is contracted with the next direction to a scalar again, in nested reverse mode: every order
doubles the graph or more. It costs about as much as 3, 8 and 18 gradients to go up to ∇²L, ∇³L and ∇⁴L. A `BatchedLoss`
is summed over its micro-batches, so the memory is that of one of them.

Shapes: θ and directions (p,). Errors: `BadInput` for directions of another shape or not finite, for a direction to
expand along that is not of length 1, for a loss that is not a scalar, for operations whose higher derivatives torch
gets wrong (`numeric.networks.loss.wrong_derivatives`) or has none of. Source: :cite:t:`damian2022selfstabilization`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.loss import BatchedLoss, refuse_wrong_derivatives

Loss = Callable[[Tensor], Tensor]
LENGTH = 1e-4  # how far from 1 the length of a unit vector may be; float32 leaves 1e-7


def directional_derivative(loss: Loss, parameters: Tensor, *directions: Tensor) -> Tensor:
    """∇ᵏL(u₁, …, u_k) at θ, a scalar, for one direction or more."""
    if not directions:
        raise BadInput("directional_derivative: give one direction or more")
    _check(parameters, directions)
    return directional_gradient(loss, parameters, *directions[:-1]) @ directions[-1]


def directional_gradient(loss: Loss, parameters: Tensor, *directions: Tensor) -> Tensor:
    """∇ᵏ⁺¹L(u₁, …, u_k, ·) at θ, (p,); without a direction the gradient, with two ∇³L(u₁, u₂, ·)."""
    return _along(loss, parameters, directions)[-1]


@dataclass(frozen=True)
class Expansion:
    """The derivatives of a loss at a point, contracted with a unit vector u in all places but one."""

    direction: Tensor
    value: Tensor
    gradient: Tensor
    curvature: Tensor
    third: Tensor
    fourth: Tensor

    @property
    def sharpness(self) -> float:
        """∇²L(u,u), the sharpness if u is the top eigenvector."""
        return _inner(self.curvature, self.direction)

    @property
    def perpendicular(self) -> Tensor:
        """∇S⊥, the part of ∇³L(u,u,·) orthogonal to u, (p,)."""
        return self.third - (self.third @ self.direction) * self.direction

    @property
    def alpha(self) -> float:
        """α = −∇L·∇S⊥, the rate of progressive sharpening."""
        return -_inner(self.gradient, self.perpendicular)

    @property
    def beta(self) -> float:
        """β = ‖∇S⊥‖², the strength of self-stabilization."""
        return _inner(self.perpendicular, self.perpendicular)

    @property
    def quartic(self) -> float:
        """Q = ∇⁴L(u,u,u,u)."""
        return _inner(self.fourth, self.direction)


def expansion_along(loss: Loss, parameters: Tensor, direction: Tensor) -> Expansion:
    """The loss and its four first derivatives along a unit vector, from one graph."""
    length = float(torch.linalg.vector_norm(direction))
    if not abs(length - 1) <= LENGTH:
        raise BadInput(f"a direction of length {length:.6g}: expand along a unit vector, such as an eigenvector")
    return Expansion(direction, *_along(loss, parameters, [direction] * 3))


@torch.enable_grad()
def third_derivatives(loss: Loss, parameters: Tensor, block: Tensor) -> Tensor:
    """∇³L(u_a, u_b, ·) of the columns u_a of the block (p, k), which is (k, k, p) and symmetric in a and b.

    With one column it costs about 8 gradients; each further pair one product's backward, about 3.
    """
    directions = block.detach().T
    _check(parameters, list(directions))
    found = parameters.new_zeros(len(directions), len(directions), len(parameters))
    for term in _terms(loss):
        point = parameters.detach().requires_grad_()
        value = term(point)
        refuse_wrong_derivatives(value, 3, loss.module if isinstance(loss, BatchedLoss) else None)
        gradient = _gradient(value, point, keep=True)
        for a, along in enumerate(directions):
            image = _gradient(gradient @ along, point, keep=True)
            for b in range(a + 1):
                third = _gradient(image @ directions[b], point, keep=True).detach()
                found[a, b] += third
                if b < a:
                    found[b, a] += third
    return found


@torch.enable_grad()
def _along(loss: Loss, parameters: Tensor, directions: Sequence[Tensor]) -> list[Tensor]:
    """The loss, ∇L, ∇²L(u₁,·), …, ∇ᵏ⁺¹L(u₁,…,u_k,·), each summed over the batches."""
    _check(parameters, directions)
    module = loss.module if isinstance(loss, BatchedLoss) else None
    total: list[Tensor] = []
    for term in _terms(loss):
        point = parameters.detach().requires_grad_()
        value = term(point)
        if value.ndim:
            raise BadInput(f"a loss of shape {tuple(value.shape)}: must be a scalar")
        refuse_wrong_derivatives(value, len(directions) + 1, module)
        parts = [value.detach()]
        for position in range(len(directions) + 1):
            more = position < len(directions)
            gradient = _gradient(value, point, keep=more)
            parts.append(gradient.detach())
            if more:
                value = gradient @ directions[position].detach()
        total = [whole + part for whole, part in zip(total, parts, strict=True)] if total else parts
    return total


def _check(parameters: Tensor, directions: Sequence[Tensor]) -> None:
    for direction in directions:
        if direction.shape != parameters.shape or not direction.isfinite().all():
            raise BadInput(
                f"a direction of shape {tuple(direction.shape)}: must be finite and of shape {tuple(parameters.shape)}"
            )


def _terms(loss: Loss) -> Iterator[Loss]:
    """The functions of θ that the loss is the sum of: a batch each."""
    if not isinstance(loss, BatchedLoss):
        yield loss
        return

    def term(batch: Any, share: float, parameters: Tensor) -> Tensor:
        value: Tensor = share * loss.at(loss.split(parameters), batch)
        return value

    for batch, share in loss.batches():
        yield partial(term, batch, share)


def _inner(one: Tensor, other: Tensor) -> float:
    """Their inner product in float64: squares of what float32 holds are beyond it."""
    return float(one.double() @ other.double())


def _gradient(value: Tensor, point: Tensor, *, keep: bool) -> Tensor:
    """The gradient of a scalar, with its own graph if it is to be kept; zero where nothing depends on θ any more."""
    if not value.requires_grad:
        return torch.zeros_like(point)
    try:
        return torch.autograd.grad(value, point, create_graph=keep, materialize_grads=True)[0]
    except RuntimeError as error:
        if "not implemented" not in str(error):
            raise
        raise BadInput(
            f"{str(error).splitlines()[0]}: torch cannot differentiate this network so often; for attention choose "
            "torch.nn.attention.SDPBackend.MATH, elsewhere write the operation out"
        ) from error
