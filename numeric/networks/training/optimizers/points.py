"""Norms of vectors, losses and gradients at other points: what a rule's formula says of the whole vector of weights.

A number that a formula divides by, ‖g‖ or √L, is taken for the least positive number at least: where the gradient is 0
such a rule stays in place.

Errors: `BadInput` where a rule takes the gradient elsewhere, and nobody gave the function that evaluates it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from sympy import Expr, Mul
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.training.optimizers.numbers import evaluator, fraction


def norm(vector: list[Tensor]) -> Tensor:
    """‖·‖ of all its tensors together."""
    length: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(vector)))
    return length


def times_number(scale: Expr, number: Expr) -> Callable[[Mapping[str, Any]], Tensor]:
    """Scale · number, of which the number is a tensor without dimensions."""
    above, below = fraction(number)
    factor, denominator = evaluator(Mul(scale, *above)), evaluator(Mul(*below))

    def product(values: Mapping[str, Any]) -> Tensor:
        found: Tensor = factor(values)
        if below:
            divisor = denominator(values)
            found = found * (1 / divisor.clamp_min(torch.finfo(divisor.dtype).tiny))
        return found

    return product


def evaluate_elsewhere(
    evaluate: Callable[[], Any] | None, parameters: list[Tensor], point: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Loss and gradient at the point, to which the parameters move for that, and come back with what they held."""
    if evaluate is None:
        raise BadInput("the rule takes the gradient elsewhere: give step() a function that evaluates loss and gradient")
    here, held = [parameter.clone() for parameter in parameters], [parameter.grad for parameter in parameters]
    torch._foreach_copy_(parameters, point)
    try:
        for parameter in parameters:
            parameter.grad = None  # so that what is found is not added to what they hold
        with torch.enable_grad():
            loss = evaluate()
        gradient = [torch.zeros_like(one) if one.grad is None else one.grad for one in parameters]
    finally:
        torch._foreach_copy_(parameters, here)
        for parameter, gradient_here in zip(parameters, held, strict=True):
            parameter.grad = gradient_here
    return torch.as_tensor(loss).detach(), gradient
