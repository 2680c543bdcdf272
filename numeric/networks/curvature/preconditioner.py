"""The preconditioner P of a torch optimizer, read from its state, and the preconditioned Hessian.

    θ_{t+1} = θ_t − η P⁻¹ m,    P diagonal;    effective sharpness λ₁(P⁻¹ H) = λ₁(P^{-1/2} H P^{-1/2})

On a quadratic with P held fixed, the effective sharpness up to which the optimizer is stable:

    SGD            P = 1                                     2/η; (2 + 2β)/η, and (2 + 2β)/(η(1 + 2β)) for Nesterov
    Adam, AdamW    P = (1 − β₁ᵗ) (√(v/(1 − β₂ᵗ)) + ε)        (2 + 2β₁)/(η(1 − β₁));  AMSGrad with the largest v
    RAdam          P = (1 − β₁ᵗ) (√v + ε)/(r √(1 − β₂ᵗ))     (2 + 2β₁)/(η(1 − β₁));  P = 1 − β₁ᵗ while ρ ≤ 5
    NAdam          P = √(v/(1 − β₂ᵗ)) + ε                    (2 + 2β₁)/(η((1 + β₁)a + (1 − β₁)b))
    Adamax         P = (1 − β₁ᵗ) u                           (2 + 2β₁)/(η(1 − β₁))
    RMSprop        P = √v + ε;  centered √(v − ḡ²) + ε       2/η; (2 + 2β)/η with momentum β
    Adagrad        P = (1 + (t − 1) decay) (√s + ε)          2/η

with t the steps taken so far and the moments as torch.optim keeps and corrects them: the P of the last step. RAdam
rectifies by r² = (ρ − 4)(ρ − 2)ρ∞/((ρ∞ − 4)(ρ∞ − 2)ρ), ρ = ρ∞ − 2tβ₂ᵗ/(1 − β₂ᵗ), ρ∞ = 2/(1 − β₂) − 1; NAdam's step is
along ag + bm, with a and b of its momentum's schedule. With step sizes that differ between parameter groups, η is the
largest of them, and P is divided by each group's share of it. A parameter that the optimizer does not move has P⁻¹ = 0.
Weight decay is no part of P, and no part of H either. Another optimizer may know its own P: it is asked.

Shapes: P⁻¹ (p,), in the order of θ. Errors: `BadInput` for an optimizer that is not in the table, one that ascends, one
that moves none of the parameters, and groups of different momentum, which have no common threshold.
Source: :cite:t:`cohen2022adaptive`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, Optimizer, RAdam, RMSprop

from eos_sym import BadInput
from numeric.networks.curvature.eigen import Operator

Numbers = Mapping[str, Any]
RECTIFIED = 5.0  # the length of RAdam's average beyond which it divides by the second moment


def _adam(state: Numbers, group: Numbers) -> Tensor:
    moment: Tensor = state["max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"]
    first, second = (_correction(beta, state) for beta in group["betas"])
    return first * ((moment / second).sqrt() + float(group["eps"]))


def _radam(state: Numbers, group: Numbers) -> Tensor:
    moment: Tensor = state["exp_avg_sq"]
    step, (beta, other) = float(state["step"]), map(float, group["betas"])
    first, second = (_correction(one, state) for one in (beta, other))
    most = 2 / (1 - other) - 1
    length = most - 2 * step * other**step / second
    if length <= RECTIFIED:
        return torch.full_like(moment, first)
    rectified = math.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
    return first * (moment.sqrt() + float(group["eps"])) / (rectified * math.sqrt(second))


def _nadam(state: Numbers, group: Numbers) -> Tensor:
    moment: Tensor = state["exp_avg_sq"]
    return (moment / _correction(group["betas"][1], state)).sqrt() + float(group["eps"])


def _adamax(state: Numbers, group: Numbers) -> Tensor:
    largest: Tensor = state["exp_inf"]
    return _correction(group["betas"][0], state) * largest


def _rmsprop(state: Numbers, group: Numbers) -> Tensor:
    moment: Tensor = state["square_avg"]
    if group["centered"]:
        moment = moment - state["grad_avg"].square()
    return moment.sqrt() + float(group["eps"])


def _adagrad(state: Numbers, group: Numbers) -> Tensor:
    total: Tensor = state["sum"]
    return (1 + (float(state["step"]) - 1) * float(group["lr_decay"])) * (total.sqrt() + float(group["eps"]))


def _correction(beta: float | Tensor, state: Numbers) -> float:
    """1 − βᵗ, by which a moving average that began at 0 is divided."""
    return 1.0 - math.pow(float(beta), float(state["step"]))


_DIAGONALS: dict[type[Optimizer], Callable[[Numbers, Numbers], Tensor]] = {
    Adam: _adam,
    AdamW: _adam,
    RAdam: _radam,
    NAdam: _nadam,
    Adamax: _adamax,
    RMSprop: _rmsprop,
    Adagrad: _adagrad,
}
_MOMENTA = ("momentum", "dampening", "nesterov")


@runtime_checkable
class KnowsPreconditioner(Protocol):
    """An optimizer that says itself what its P is."""

    @property
    def preconditions(self) -> bool:
        """Whether it can be anything but 1."""

    def diagonal(self, parameter: Tensor) -> Tensor | None:
        """P of the last step for this parameter, of its shape; None before the first."""


@dataclass(frozen=True)
class Preconditioned:
    """P^{-1/2} H P^{-1/2}, of the eigenvalues of P⁻¹ H, by the products of H."""

    hessian: Operator
    inverse: Tensor

    @property
    def evaluations(self) -> float:
        """What H has cost so far, in gradient evaluations."""
        return self.hessian.evaluations

    def product(self, block: Tensor) -> Tensor:
        """The preconditioned Hessian times every column of the block (p, m)."""
        root = self.inverse.sqrt()[:, None]
        return root * self.hessian.product(root * block)

    def repeated(self, block: Tensor) -> tuple[Tensor, Tensor]:
        """The product twice, in two arithmetics, as that of H."""
        root = self.inverse.sqrt()[:, None]
        one, other = self.hessian.repeated(root * block)
        return root * one, root * other


def preconditions(optimizer: Optimizer, parameters: Sequence[Tensor]) -> bool:
    """Whether P can be anything but 1 for an optimizer of these parameters; refuses what has no P known here."""
    groups = groups_of(optimizer, parameters)
    if not groups:
        raise BadInput(
            "the optimizer moves none of the module's parameters: give the one that trains this module, or none for the"
            " sharpness alone, as of averaged weights"
        )
    given = type(optimizer)
    if given is not SGD and given not in _DIAGONALS and not isinstance(optimizer, KnowsPreconditioner):
        known = ", ".join(sorted({SGD.__name__, *(kind.__name__ for kind in _DIAGONALS)}))
        raise BadInput(f"optimizer {given.__name__}: P is known for {known}; leave it out for the sharpness alone")
    if isinstance(optimizer, KnowsPreconditioner):
        return optimizer.preconditions
    if any(group["maximize"] for group in groups):
        raise BadInput("the optimizer ascends (maximize=True): stability is about descent; give minus the loss to it")
    if len({_momentum(group) for group in groups}) > 1:
        raise BadInput("the optimizer's groups differ in momentum: they have no common threshold; leave it out")
    moved = {id(own) for group in groups for own in group["params"]}
    return given in _DIAGONALS or len(groups) > 1 or any(id(own) not in moved for own in parameters)


def inverse_preconditioner(optimizer: Optimizer, parameters: Sequence[Tensor]) -> Tensor | None:
    """P⁻¹ of the last step, (p,) for these parameters one after the other; None before the first step."""
    group_of = {id(own): group for group in optimizer.param_groups for own in group["params"]}
    largest = max(float(group["lr"]) for group in groups_of(optimizer, parameters))
    pieces, moved = [], False
    for parameter in parameters:
        piece, group = torch.zeros_like(parameter, requires_grad=False), group_of.get(id(parameter))
        diagonal = None if group is None else _diagonal(optimizer, parameter, group)
        if group is not None and diagonal is not None:
            step_size = float(group["lr"])
            share = 1.0 if step_size == largest else step_size / largest
            piece = share / diagonal
            moved = True
        pieces.append(piece.reshape(-1))
    return torch.cat(pieces).detach() if moved else None


def _diagonal(optimizer: Optimizer, parameter: Tensor, group: Numbers) -> Tensor | None:
    """P of the last step for one parameter; None before the first."""
    if isinstance(optimizer, KnowsPreconditioner):
        return optimizer.diagonal(parameter)
    if type(optimizer) not in _DIAGONALS:
        return torch.ones_like(parameter, requires_grad=False)
    state = optimizer.state.get(parameter) or {}
    return _DIAGONALS[type(optimizer)](state, group) if float(state.get("step", 0)) > 0 else None


def groups_of(optimizer: Optimizer, parameters: Sequence[Tensor]) -> list[dict[str, Any]]:
    """The groups that hold any of the parameters."""
    wanted = {id(parameter) for parameter in parameters}
    return [group for group in optimizer.param_groups if any(id(own) in wanted for own in group["params"])]


def _momentum(group: Numbers) -> tuple[float, ...]:
    """What a group's threshold depends on besides its step size."""
    if "betas" in group:
        return float(group["betas"][0]), float(group.get("momentum_decay", 0.0))
    return tuple(float(group[name]) for name in _MOMENTA if name in group)
