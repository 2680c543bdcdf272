"""The edge of a torch optimizer: the step size up to which its rule, with its coefficients, stands a sharpness.

On a quadratic a rule without weight decay sees nothing but ηS, so that its critical sharpness is k/η, with k as
eos_sym derives it of the rule's formula. Weight decay γ moves the edge: coupled to the gradient it is the rule on
L + ½γ‖θ‖², of sharpness S + γ; decoupled it turns the weights by −ηγθ beside the step, and the multiplier is −1 where

    1/η_edge = S/k + γ/k    coupled,        1/η_edge = S/k + γ/2    decoupled.

    SGD                                  k = 2;  heavy ball (2 + 2β)/(1 − dampening),  Nesterov (2 + 2β)/(1 + 2β)
    RMSprop                              k = 2 + 2β,              of the effective sharpness λ₁(P⁻¹H)
    Adagrad                              k = 2,                   of the effective sharpness
    Adam, AdamW, Adamax                  k = (2 + 2β₁)/(1 − β₁),  of the effective sharpness

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
from torch.optim import SGD, Adagrad, Adam, Adamax, AdamW, Optimizer, RMSprop

from eos_sym import BadInput
from numeric.networks.curvature.preconditioner import groups_of, preconditions
from numeric.networks.training.optimizers import descriptions
from numeric.networks.training.optimizers.descriptions import GradientDescent, HeavyBall, Nesterov

Described = GradientDescent | HeavyBall | Nesterov | descriptions.Adam


def sgd_rule(
    eta: float, momentum: float, dampening: float, *, nesterov: bool
) -> GradientDescent | HeavyBall | Nesterov:
    """The rule of torch.optim.SGD after its first step; dampening τ is a step size of (1 − τ)η."""
    if not momentum:
        return GradientDescent(eta)
    return Nesterov(eta, momentum) if nesterov else HeavyBall((1 - dampening) * eta, momentum)


def _sgd(group: Mapping[str, Any]) -> Described:
    momentum, dampening = float(group["momentum"]), float(group["dampening"])
    if momentum and dampening >= 1:
        raise BadInput(f"dampening = {dampening:g}: leaves no step along the gradient; must be less than 1")
    return sgd_rule(1.0, momentum, dampening, nesterov=group["nesterov"])


def _adam(group: Mapping[str, Any]) -> Described:
    return descriptions.Adam(1.0, float(group["betas"][0]))


_AT_UNIT_STEP: Mapping[type[Optimizer], Callable[[Mapping[str, Any]], Described]] = {
    SGD: _sgd,
    Adam: _adam,
    AdamW: _adam,
    Adamax: _adam,
    RMSprop: lambda group: sgd_rule(1.0, float(group["momentum"]), 0.0, nesterov=False),
    Adagrad: lambda _: GradientDescent(1.0),
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
    critical = _AT_UNIT_STEP[kind](groups[0]).critical_sharpness
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
