"""The loss of a user's module in double precision, and consecutive weights of gradient descent on it.

    θ_{t+1} = θ_t − η ∇L(θ_t)

Quantities of the edge are differences of consecutive weights, or derivatives by differences of gradients: they are
computed of an `exact_copy` of the loss.

Shapes: weights (count, p). Errors: `BadInput` for what those checks refuse, for a step size that is not positive, and
for weights that are of another shape, not finite, or not steps of gradient descent with this η on this loss.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from eos_sym import BadInput
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.exact_copy import exact_copy
from numeric.networks.tracker.given import checked_loss
from numeric.values import positive_number

GIVEN = 3  # consecutive weights at least: one midpoint
SAME_STEP = 1e-3  # of the largest step: weights of single precision are as near to gradient descent as that


def exact_loss(
    module: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], inputs: Tensor, targets: Tensor
) -> FlatLoss:
    """The loss, checked, of a copy of the module in double precision; the module stays as it is."""
    return exact_copy(checked_loss(module, criterion, inputs, targets))


def consecutive(loss: FlatLoss, eta: float, count: int, weights: Tensor | None = None) -> Tensor:
    """So many consecutive weights: the given ones, followed by steps from the last; from the module's if none are."""
    positive_number("eta", eta)
    path = [loss.parameters] if weights is None else [*_checked(loss, eta, weights)]
    while len(path) < count:
        path.append(path[-1] - eta * loss.value_and_gradient(path[-1])[1])
    if not path[-1].isfinite().all():
        raise BadInput(f"gradient descent with eta = {eta:g} diverges within {count} steps: begin where training is")
    return torch.stack(path[:count])


def descended(loss: FlatLoss, weights: Tensor, eta: float, steps: int) -> Tensor:
    """The weights after so many steps of gradient descent from these, none of them kept."""
    for _ in range(steps):
        weights = weights - eta * loss.value_and_gradient(weights)[1]
    return weights


def outputs_at(loss: FlatLoss, weights: Tensor) -> Tensor:
    """What the module gives the criterion, of any shape, at these weights (p,)."""
    outputs = loss.outputs(loss.split(weights), loss.inputs)
    if not isinstance(outputs, Tensor):
        raise BadInput(
            f"the module's outputs are a {type(outputs).__name__}: let it return one tensor, and the criterion take it"
        )
    return outputs


def jacobian_at(loss: FlatLoss, weights: Tensor) -> Tensor:
    """The derivative of the flat outputs (k,) by the weights, (k, p).

    By torch.autograd, since functions under torch.func may not count batches, as batch normalization does.
    """
    flat = torch.autograd.functional.jacobian(lambda at: outputs_at(loss, at).reshape(-1), weights, vectorize=True)
    assert isinstance(flat, Tensor)
    return flat


def criterion_at(loss: FlatLoss, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The derivatives of the criterion by the flat outputs at these weights, ∇ℓ (k,) and ∇²ℓ (k, k)."""
    outputs = outputs_at(loss, weights)
    flat = outputs.detach().reshape(-1).requires_grad_()
    value = loss.criterion(flat.view(outputs.shape), loss.targets)
    (slope,) = torch.autograd.grad(value, flat, create_graph=True)
    if not slope.requires_grad:  # the criterion is linear in the outputs
        return slope, slope.new_zeros(len(flat), len(flat))
    every = torch.eye(len(flat)).to(flat)
    (curvature,) = torch.autograd.grad(slope, flat, every, is_grads_batched=True, materialize_grads=True)
    return slope.detach(), curvature


def _checked(loss: FlatLoss, eta: float, weights: Tensor) -> Tensor:
    size = len(loss.parameters)
    if not isinstance(weights, Tensor):
        raise BadInput(f"weights: must be a tensor, not {type(weights).__name__}; torch.stack makes one of several")
    if weights.ndim != 2 or weights.shape[1] != size or len(weights) < GIVEN:
        raise BadInput(f"weights of shape {tuple(weights.shape)}: give {GIVEN} or more consecutive ones, (3, {size})")
    weights = weights.detach().to(loss.parameters)
    if not weights.isfinite().all():
        raise BadInput("weights: not finite; give those of a run that does not diverge")
    step = weights[1] - weights[0]
    missed = step + eta * loss.value_and_gradient(weights[0])[1]
    if float(missed.norm()) > SAME_STEP * float(weights.diff(dim=0).norm(dim=1).max()):
        raise BadInput(
            f"weights: the first step is not one of gradient descent with eta = {eta:g} on this loss; give consecutive "
            "weights in the order of module.parameters(), of full-batch training without momentum"
        )
    return weights
