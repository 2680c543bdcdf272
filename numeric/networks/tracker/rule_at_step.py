"""What the optimizer's rule is at a step: its step size η, its edge, and its preconditioner.

    edge             the sharpness up to which the rule is stable with this η: 2/η, (2 + 2β)/η, 2/η − γ with a decay γ
    effective_edge   the effective sharpness up to which it is, where it preconditions, or its groups differ

both by `numeric.networks.training.optimizers.own_edge`, from the rule's formula. The sharpness has an edge where P = 1.
η is the largest of the step sizes of the groups that hold anything of θ; P⁻¹ has their shares of it. Of an optimizer
whose P or whose edge is not known the numbers are NaN, and `edge_in_words` says why.

Units: η in those of the optimizer's lr, the edges in those of the (effective) sharpness.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.curvature import inverse_preconditioner, preconditions
from numeric.networks.curvature.preconditioner import groups_of

NUMBERS = ("step_size", "edge", "effective_edge")


@dataclass(frozen=True)
class RuleAtStep:
    """Step size, edges, and P⁻¹ (p,) if there is one by now."""

    step_size: float = math.nan
    edge: float = math.nan
    effective_edge: float = math.nan
    inverse: Tensor | None = None

    def state(self) -> dict[str, Any]:
        """By name, what there is."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @classmethod
    def restored(cls, state: Mapping[str, Any], like: Tensor) -> RuleAtStep:
        """From such a state."""
        inverse = state.get("inverse")
        numbers = {name: float(state[name]) for name in NUMBERS}
        return cls(**numbers, inverse=None if inverse is None else inverse.to(like))


def has_effective_sharpness(optimizer: torch.optim.Optimizer, parameters: Sequence[Tensor]) -> bool:
    """Whether its P is known and can be anything but 1; refuses an optimizer of none of these parameters."""
    try:
        return preconditions(optimizer, parameters)
    except BadInput:
        if not groups_of(optimizer, parameters):
            raise
        return False


def rule_at_step(optimizer: torch.optim.Optimizer, parameters: Sequence[Tensor], *, effective: bool) -> RuleAtStep:
    """The rule as the optimizer stands now, before its next step."""
    from numeric.networks.training.optimizers.own_edge import own_edge_of  # training has a tracker

    step_size = max(float(group.get("lr", math.nan)) for group in groups_of(optimizer, parameters))
    inverse = inverse_preconditioner(optimizer, parameters) if effective else None
    try:
        level = own_edge_of(optimizer, parameters).sharpness(step_size)
    except BadInput:
        return RuleAtStep(step_size, inverse=inverse)
    if not effective:
        return RuleAtStep(step_size, level, math.nan)
    plain = inverse is not None and bool((inverse == 1).all())
    return RuleAtStep(step_size, level if plain else math.nan, level, inverse)


def edge_in_words(optimizer: torch.optim.Optimizer, parameters: Sequence[Tensor]) -> dict[str, dict[str, str]]:
    """The formula of the edges with the present coefficients; or the reason why there is none."""
    from numeric.networks.training.optimizers.own_edge import own_edge_of

    try:
        own = own_edge_of(optimizer, parameters)
    except BadInput as refusal:
        return {name: {"reason": str(refusal)} for name in ("edge", "effective_edge")}
    formula = {"formula": own.formula}
    if not own.effective:
        return {"edge": formula}
    reason = "where P is not 1 the effective sharpness has the edge: effective_edge"
    return {"edge": {"reason": reason} | formula, "effective_edge": formula}
