"""The edge of a torch optimizer: the step size up to which its rule, with its coefficients, stands a sharpness.

On a quadratic a rule without weight decay sees nothing but ηS, so that its critical sharpness is k/η, with k as
eos_sym derives it of the rule's formula. Weight decay γ moves the edge: coupled to the gradient it is the rule on
L + ½γ‖θ‖², of sharpness S + γ; decoupled it turns the weights by −ηγθ beside the step, and the multiplier is −1 where

    1/η_edge = S/k + γ/k    coupled,        1/η_edge = S/k + γ/2    decoupled.

    SGD                                  k = 2;  heavy ball (2 + 2β)/(1 − dampening),  Nesterov (2 + 2β)/(1 + 2β)
    RMSprop                              k = 2 + 2β,              of the effective sharpness λ₁(P⁻¹H)
    Adagrad                              k = 2,                   of the effective sharpness
    Adam, AdamW, Adamax, RAdam           k = (2 + 2β₁)/(1 − β₁),  of the effective sharpness
    NAdam                                k = (2 + 2β₁)/((1 + β₁)a + (1 − β₁)b),  of the effective sharpness

with NAdam's a = (1 − μ_t)/(1 − Π_t), b = μ_{t+1}/(1 − Π_t μ_{t+1}), Π_t = μ₁⋯μ_t and μ_t = β₁(1 − ½·0.96^(ψt)), ψ the
momentum's decay: of its last step, as P is. They come to 1 − β₁ and β₁ within some 100/ψ steps.

η is the largest step size of the parameter groups, and P⁻¹ holds their shares of it, and that of the last step, as in
`numeric.networks.curvature.preconditioner`. Decoupled decay is diagonal where P^{-1/2}HP^{-1/2} is, so that AdamW's
edge is exact while P stands still.

Errors: `BadInput` for what `preconditions` refuses, for an optimizer that is not in the table, and where weight decay
leaves no common edge: coupled beside a P that varies, or not the same for all groups, in its γ or by their step sizes.
Source: :cite:t:`cohen2021edge`, appendix B, and :cite:t:`cohen2022adaptive` for the thresholds without decay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, Optimizer, RAdam, RMSprop

from eos_sym import BadInput
from eos_sym.rules import MOMENTUM, STEP_SIZE, PreconditionedNesterov
from eos_sym.rules.optimizers import AVERAGE_SHARE, GRADIENT_SHARE
from numeric.networks.curvature.preconditioner import groups_of, preconditions
from numeric.networks.training.optimizers import descriptions
from numeric.networks.training.optimizers.descriptions import (
    GradientDescent,
    HeavyBall,
    Nesterov,
    critical_sharpness_at,
)

Numbers = Mapping[str, Any]
_NESTEROV = PreconditionedNesterov()  # NAdam with P and its momentum's schedule held fixed


def sgd_rule(
    eta: float, momentum: float, dampening: float, *, nesterov: bool
) -> GradientDescent | HeavyBall | Nesterov:
    """The rule of torch.optim.SGD after its first step; dampening τ is a step size of (1 − τ)η."""
    if not momentum:
        return GradientDescent(eta)
    return Nesterov(eta, momentum) if nesterov else HeavyBall((1 - dampening) * eta, momentum)


def _sgd(group: Numbers, _state: Numbers) -> float | None:
    momentum, dampening = float(group["momentum"]), float(group["dampening"])
    if momentum and dampening >= 1:
        raise BadInput(f"dampening = {dampening:g}: leaves no step along the gradient; must be less than 1")
    return sgd_rule(1.0, momentum, dampening, nesterov=group["nesterov"]).critical_sharpness


def _adam(group: Numbers, _state: Numbers) -> float | None:
    return descriptions.Adam(1.0, float(group["betas"][0])).critical_sharpness


def _nadam(group: Numbers, state: Numbers) -> float | None:
    beta, step = float(group["betas"][0]), max(float(state.get("step", 0)), 1.0)
    last, following = (beta * (1 - 0.96 ** (one * group["momentum_decay"]) / 2) for one in (step, step + 1))
    product = float(state.get("mu_product", last))
    shares = {
        GRADIENT_SHARE.name: (1 - last) / (1 - product),
        AVERAGE_SHARE.name: following / (1 - product * following),
    }
    return critical_sharpness_at(_NESTEROV, {STEP_SIZE.name: 1.0, MOMENTUM.name: beta} | shares)


_AT_UNIT_STEP: Mapping[type[Optimizer], Callable[[Numbers, Numbers], float | None]] = {
    SGD: _sgd,
    Adam: _adam,
    AdamW: _adam,
    Adamax: _adam,
    RAdam: _adam,
    NAdam: _nadam,
    RMSprop: lambda group, _: sgd_rule(1.0, float(group["momentum"]), 0.0, nesterov=False).critical_sharpness,
    Adagrad: lambda *_: GradientDescent(1.0).critical_sharpness,
}


@dataclass(frozen=True)
class OwnEdge:
    """1/η_edge = S/k + decay; `effective` says whether S is the effective sharpness."""

    k: float
    decay: float
    effective: bool

    def sharpness(self, step_size: float) -> float:
        """S whose edge this step size is; infinite for one of zero, with which nothing moves."""
        return self.k / step_size - self.k * self.decay if step_size else math.inf

    @property
    def formula(self) -> str:
        """The same as text, of η."""
        return f"{self.k:.4g}/η" + (f" − {self.k * self.decay:.4g}" if self.decay else "")

    def largest_step(self, sharpness: float) -> float:
        """η_edge; infinite where nothing bends up, and there is no edge."""
        inverse = sharpness / self.k + self.decay
        return 1 / inverse if inverse > 0 else math.inf


def own_edge_of(optimizer: Optimizer, parameters: Sequence[Tensor]) -> OwnEdge:
    """The edge of an optimizer of these parameters, with its present coefficients."""
    effective, kind = preconditions(optimizer, parameters), type(optimizer)
    if kind not in _AT_UNIT_STEP:
        known = ", ".join(one.__name__ for one in _AT_UNIT_STEP)
        raise BadInput(f"optimizer {kind.__name__}: its edge is not known; take one of torch.optim's {known}")
    groups = groups_of(optimizer, parameters)
    moved = {id(own) for group in groups for own in group["params"]}
    states = [optimizer.state.get(own) or {} for own in parameters if id(own) in moved]
    if kind is NAdam and len({float(state.get("step", 0)) for state in states}) > 1:
        raise BadInput("parameters that NAdam has moved more often than others leave no common edge: take AdamW")
    critical = _AT_UNIT_STEP[kind](groups[0], states[0])
    assert critical is not None  # theirs is known
    decays = {float(group["weight_decay"]) for group in groups}
    if decays == {0.0}:
        return OwnEdge(critical, 0.0, effective)
    if len(decays) > 1 or len({float(group["lr"]) for group in groups}) > 1:
        raise BadInput("weight decay that is not the same for all parameter groups leaves no common edge: make it so")
    (gamma,) = decays
    if groups[0].get("decoupled_weight_decay", False):
        return OwnEdge(critical, gamma / 2, effective)
    if kind is not SGD:
        raise BadInput(
            f"optimizer {kind.__name__} with weight_decay = {gamma:g}: P does not scale it as it scales the curvature; "
            "take AdamW, where it is decoupled, or none"
        )
    return OwnEdge(critical, gamma / critical, effective)
