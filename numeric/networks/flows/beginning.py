"""Training from weights beyond the edge, where no oscillation can hold it, on the average over two steps.

Of a period of two in a_t nothing is left in (a_{t−1} + 2a_t + a_{t+1})/4, and a smooth drift stays: θ̄ and b̄, the mean
loss and the mean ‖∇L‖² are these, and the variance is ‖θ_t − θ̄_t‖². N, which is made of squares, is that of step t.

Shapes: as in `rules`. Errors: `Undecided` where training diverges.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from torch import Tensor

from eos_sym import Undecided
from numeric.networks.flows.rules import OngoingRule, State
from numeric.networks.loss import FlatLoss

Averaged = TypeVar("Averaged", float, Tensor)


@dataclass(frozen=True)
class Average:
    """θ̄, b̄ and N, the mean loss and ‖∇L‖², and the variance."""

    state: State
    loss: float
    square_gradient: float
    variance: float


def averages_of_training(loss: FlatLoss, training: OngoingRule, start: State) -> Iterator[Average]:
    """About step 1, 2, … of training from a state; each takes a gradient, and the first two more."""
    value, gradient = loss.value_and_gradient(start.weights)
    states, losses, squares = [start], [float(value)], [float(gradient.square().sum())]
    for step in count(1):
        state = training.moved(states[-1], gradient)
        value, gradient = loss.value_and_gradient(state.weights)
        if not (math.isfinite(value) and gradient.isfinite().all()):
            raise Undecided(f"training, which begins beyond the edge, diverges at step {step}")
        states = [*states[-2:], training.gathered(state, gradient)]
        losses, squares = [*losses[-2:], float(value)], [*squares[-2:], float(gradient.square().sum())]
        if step > 1:
            before, now, after = states
            weights = _two_steps(before.weights, now.weights, after.weights)
            middle = State(weights, _two_steps(before.momentum, now.momentum, after.momentum), now.moment)
            variance = float((now.weights - weights).square().sum())
            yield Average(middle, _two_steps(*losses), _two_steps(*squares), variance)


def _two_steps(before: Averaged, now: Averaged, after: Averaged) -> Averaged:
    """(a_{t−1} + 2a_t + a_{t+1})/4."""
    return (before + 2 * now + after) / 4
