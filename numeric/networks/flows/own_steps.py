"""Steps of a rule with momentum on the average over an oscillation: the rule's own, with the mean gradient.

A rule that is linear in θ, b and g is its own average. With E g in the place of g nothing is expanded, neither the step
size nor the lag 1/(1 − β) of momentum, and where nothing oscillates the flow is training itself. (The flow of first
order, θ̇ = −η/(1 − β) E g, lags behind by ½ + β/(1 − β) steps: an eigenvalue λ relaxes in it without turning, where
(z − 1)(z − β) + ηλz = 0 has complex roots as soon as ηλ > (1 − √β)².)

Along the u_a of the eigenvalues near the edge the average does not go with the rule, which would swing about it: it is
where E g has no part along them, Δθ·u_a = −E g·u_a/λ_a, with the momentum of such a step.

Shapes: as in `rules`. Units: evaluations in gradients, one a step but for the first. Source: derived here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from numeric.networks.flows.edge_space import EdgeSpace
from numeric.networks.flows.flow_step import Taken
from numeric.networks.flows.oscillation import Oscillation
from numeric.networks.flows.rules import OngoingRule, State
from numeric.networks.loss import FlatLoss


def own_steps(
    loss: FlatLoss,
    training: OngoingRule,
    read: Callable[[State], EdgeSpace],
    state: State,
    here: EdgeSpace,
    oscillation: Oscillation,
    count: int,
) -> Taken:
    """So many steps with the oscillation as it is here."""
    gradient, between = here.gradient, []
    for left in reversed(range(count)):
        mean = gradient + oscillation.pull
        state = _settled(here, training.rule.eta, state, training.moved(state, mean), mean)
        if left:
            value, gradient = loss.value_and_gradient(state.weights)
            between.append(float(value))
    return Taken(state, read(state), len(between), between=between)


def _settled(here: EdgeSpace, eta: float, before: State, after: State, mean: Tensor) -> State:
    """The state after a step, with the average along the u_a where E g has no part along them."""
    along = here.directions
    wanted = -(along.T @ mean) / torch.from_numpy(here.eigenvalues[: here.near]).to(mean)
    weights = after.weights + along @ (wanted - along.T @ (after.weights - before.weights))
    momentum = after.momentum + along @ (-wanted / eta - along.T @ after.momentum)
    return replace(after, weights=weights, momentum=momentum)
