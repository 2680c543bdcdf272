"""A step of the central flow of a rule without momentum, and what is wrong with it.

    θ̇ = −ηP⁻¹(∇L + ½∇³L[Σ]),        Ṅ = c (E g² − N)

with X and T as they are at the start and ∇L as it goes, by a stabilized method (`stabilized`): the flow is stiff, with
ηλ = 2 a step of training. The error that is estimated from both ends is relative to `ERROR` of the step; along the p_a
it is none, as the average is there where the pull holds it, however it relaxes. The step of duration h and error e is
late by h |∇L·e|/|∇L·Δθ|, and training by as much again as `rules` says.

Shapes: as in `rules`. Units: the time in steps of training, evaluations in gradients beside those of the reading.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from numeric.networks.flows.edge_space import EdgeSpace
from numeric.networks.flows.oscillation import Oscillation
from numeric.networks.flows.rules import LAG, OngoingRule, State
from numeric.networks.flows.stabilized import error_of_step, stabilized_step, stages_for
from numeric.networks.loss import FlatLoss

ERROR = 0.02  # of the step
AT_REST = 1e-6  # of the weights: an error that is always allowed, where the flow comes to rest
STIFFER = 1.1  # than the eigenvalues followed: what the step allows for


@dataclass(frozen=True)
class Taken:
    """A step: where it leads, its error, 1 being too much, by how much it is late, and L at whole steps between."""

    state: State
    there: EdgeSpace
    evaluations: int
    error: float = 0.0
    late: float = 0.0
    between: Sequence[float] = ()


def flow_step(
    loss: FlatLoss,
    training: OngoingRule,
    read: Callable[[State], EdgeSpace],
    before: State,
    here: EdgeSpace,
    oscillation: Oscillation,
    h: float,
) -> Taken:
    """A step h with the oscillation as it is here."""
    size, scale, eta = len(before.weights), training.scale(before.moment), training.rule.eta

    def rate(joint: Tensor, gradient: Tensor | None = None) -> Tensor:
        point, moment = joint[:size], joint[size:]
        slope = loss.value_and_gradient(point)[1] if gradient is None else gradient
        scale = training.scale(moment)
        velocity = -eta * (slope + oscillation.pull) / (1 if scale is None else scale)
        return torch.cat([velocity, training.moment_rate(moment, slope.square() + oscillation.squares)])

    start = torch.cat([before.weights, before.moment])
    first = rate(start, here.gradient)
    stages = stages_for(STIFFER * eta * max(float(here.eigenvalues[0]), 0.0) * h)
    end = stabilized_step(rate, start, first, h, stages)
    after = replace(before, weights=end[:size], moment=end[size:])
    there = read(after)
    error = error_of_step(start, first, end, rate(end, there.gradient), h)[:size]
    if here.near:
        error = error - here.directions @ (here.dual(scale).T @ error)
    moved = after.weights - before.weights
    relative = float(error.norm() / (ERROR * moved.norm() + AT_REST * after.weights.norm()))
    of_error, of_step = (abs(float(here.gradient @ one)) for one in (error, moved))
    late = h * of_error / of_step if of_step else 0.0
    slopes = [float((at.gradient + oscillation.pull).norm()) for at in (here, there)]
    if min(slopes) > 0:
        late += LAG * abs(math.log(slopes[1] / slopes[0]))
    return Taken(after, there, stages - 1, relative, late)
