"""The rules whose training is forecast: those that are linear in weights, momentum and gradient, by eos_sym's formulas.

    gradient descent   θ' = θ − ηg          heavy ball   b' = βb + g,  θ' = θ − ηb'          edge 2(1 + β)/η
    with g = ∇L(θ)     edge 2/η             Nesterov     b' = βb + g,  θ' = θ − η(g + βb')   edge 2(1 + β)/(η(1 + 2β))

in the variables that torch.optim.SGD keeps (`numeric.networks.training.optimizers`). Being linear, they commute with
the projection on the coordinates of a model, where b is b's projection, and their maps there are those of the formulas.
Dampening τ is a step size of (1 − τ)η with b/(1 − τ) for b; torch leaves it out of the first step, as does a start from
b = τg/((1 − τ)β).

Shapes: θ, b and g alike. Errors: `BadInput` for an optimizer that is none of these, or does not move all of θ.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from eos_sym import BadInput
from eos_sym.rules import THETA, Update
from eos_sym.rules.update import GRADIENT
from numeric.networks.loss import FlatLoss
from numeric.networks.training.optimizers import GradientDescent, HeavyBall, Nesterov
from numeric.networks.training.optimizers.descriptions import BUFFER
from numeric.networks.training.optimizers.own_edge import sgd_rule

Rule = GradientDescent | HeavyBall | Nesterov


def as_rule(rule: Rule | float) -> Rule:
    """The rule; a number is the step size of gradient descent."""
    return GradientDescent(rule) if isinstance(rule, float | int) else rule


def formula_of(rule: Rule) -> Update:
    """The rule's formula in θ and b."""
    return rule.in_stored_variables(rule.formula.update)


@cache
def step_of(rule: Rule) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
    """(θ, b, g) ↦ (θ', b'), of arrays as of tensors, by the coefficients of the formula."""
    step = formula_of(rule).step
    values = {symbol: rule.values[symbol.name] for symbol in formula_of(rule).parameters}
    (theta, theta_b, theta_g), (buffer, buffer_b, buffer_g) = (
        [float(new.diff(old).subs(values)) for old in (THETA, BUFFER, GRADIENT)]
        for new in (step[THETA], step.get(BUFFER, BUFFER))
    )

    def move(weights: Any, momentum: Any, gradient: Any) -> tuple[Any, Any]:
        return (
            theta * weights + theta_b * momentum + theta_g * gradient,
            buffer * weights + buffer_b * momentum + buffer_g * gradient,
        )

    return move


def edge_of(rule: Rule) -> float:
    """The critical sharpness."""
    critical = rule.critical_sharpness
    assert critical is not None  # theirs is known
    return critical


def rule_of(optimizer: torch.optim.Optimizer, loss: FlatLoss) -> tuple[Rule, Tensor | None]:
    """The rule of an optimizer of all that the loss is a function of, and its b (p,); none before its first step."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise BadInput(f"optimizer: must be a torch.optim.Optimizer, not {type(optimizer).__name__}; or give eta")
    groups = optimizer.param_groups
    known = isinstance(optimizer, torch.optim.SGD) and not any(
        group["weight_decay"] or group["maximize"] or group["dampening"] >= 1 for group in groups
    )
    settings = {
        tuple(float(group[name]) for name in ("lr", "momentum", "dampening", "nesterov")) for group in groups if known
    }
    if len(settings) != 1:
        raise BadInput(
            "known here is gradient descent, with momentum or without: torch.optim.SGD with one lr and one momentum,"
            " no weight decay"
        )
    moved = {id(one) for group in groups for one in group["params"]}
    if left := [name for name, own in loss.trainable.items() if id(own) not in moved]:
        raise BadInput(
            f"the optimizer does not move '{left[0]}': give the one that trains this module, or freeze what is not"
            " trained, requires_grad_(False)"
        )
    ((eta, momentum, dampening, nesterov),) = settings
    rule = sgd_rule(eta, momentum, dampening, nesterov=bool(nesterov))
    if not momentum:
        return rule, None
    kept = [optimizer.state.get(own, {}).get("momentum_buffer") for own in loss.trainable.values()]
    if any(one is None for one in kept):
        if dampening:
            buffer = dampening / ((1 - dampening) * momentum) * loss.value_and_gradient(loss.parameters)[1].double()
            return rule, buffer
        return rule, None
    return rule, torch.cat([one.detach().reshape(-1) for one in kept]).double() / (1 - dampening)
