"""Training on a model of the loss near a network's weights: the path, its spikes, and how it goes on.

    x⁺ = x − η ∂V/∂x,    z⁺ = z − η ∂V/∂z,    or by another of the `rules`,

in k coordinates x along the edge and m across it, z. Of a step t is told, at the midpoint (θ_{t−1} + 2θ_t + θ_{t+1})/4
where an oscillation of period two is averaged out, its part that changes sign, (2x_t − x_{t−1} − x_{t+1})/4. Where that
does not change its sign twice, from the step before and either to the step after or already to the step before, it is
the bend of a drift, as of gradient flow or of slow momentum far below the edge, and no oscillation: of a catapult the
highest step is the last that does. A spike rises to its height and falls to half of that; the next
one rises to twice the least that lies between.

Shapes: x (n, k), z (n, m) at the steps 0 … n − 1; a path ends where the model leaves its `bound` behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

import numpy as np

from numeric.compile import Array
from numeric.networks.forecast.rules import Rule, as_rule, step_of

FALLEN = 0.5  # of its height: then a spike is over
GONE = 0.01  # of its largest size: an oscillation that has died out
STEADY, BURSTING = 1.6, 3.0  # largest over least oscillation, and over the least one before

Manner = Literal["diverges", "decays", "hovers", "bursts", "undecided"]


class Model(Protocol):
    """A function V(x, z) that stands for L(θ* + U x + K z) − L(θ*)."""

    def potential(self, x: Array, z: Array) -> Array:
        """V, (…)."""

    def gradient(self, x: Array, z: Array) -> tuple[Array, Array]:
        """∂V/∂x (…, k) and ∂V/∂z (…, m)."""

    def hessian(self, x: Array, z: Array) -> Array:
        """∇²V, (…, k + m, k + m), the edge coordinates first."""


def at_each(of: Callable[[Array, Array], Array | float], x: Array, z: Array, shape: tuple[int, ...]) -> Array:
    """What has this shape at one point (k,), (m,), at every one: for models without a formula for many at once.

    There may be no point, or nothing across.
    """
    places = x.shape[:-1]
    return np.array([of(x[place], z[place]) for place in np.ndindex(places)]).reshape(places + shape)


class Peak(NamedTuple):
    """A spike of the oscillation: the step at which it is highest, and ‖x‖ there."""

    step: int
    height: float


@dataclass(frozen=True)
class Path:
    """The steps 0 … n − 1 of so many that were wanted."""

    x: Array
    z: Array
    wanted: int

    @property
    def diverges(self) -> bool:
        """Whether the bound was left."""
        return len(self.x) < self.wanted

    @cached_property
    def oscillation(self) -> Array:
        """The part of x that changes its sign with every step, at the steps 1 … n − 2, (n − 2, k)."""
        return np.asarray((2 * self.x[1:-1] - self.x[:-2] - self.x[2:]) / 4)

    @property
    def midpoints(self) -> tuple[Array, Array]:
        """x and z without that part, at the same steps."""
        x, z = ((one[:-2] + 2 * one[1:-1] + one[2:]) / 4 for one in (self.x, self.z))
        return x, z

    @cached_property
    def size(self) -> Array:
        """‖x‖ of the oscillation, (n − 2,)."""
        return np.asarray(np.linalg.norm(self.oscillation, axis=1))

    @cached_property
    def swings(self) -> Array:
        """The size where the oscillation is one, and 0 where it is the bend of a drift, (n − 2,)."""
        turns = (self.oscillation[1:] * self.oscillation[:-1]).sum(1) < 0
        earlier = np.pad(turns, (2, 0))
        turns = np.pad(turns, 1, constant_values=True)  # of the first and the last step one side is known
        swings = turns[:-1] & (turns[1:] | earlier[:-1])
        return np.where(swings[: len(self.size)], self.size, 0.0)

    @property
    def peak(self) -> Peak | None:
        """The first spike that is over before the path ends."""
        return next((one for one in _peaks(self.size) if self.swings[one.step - 1]), None)

    @property
    def spikes(self) -> list[Peak]:
        """All spikes that are over before the path ends."""
        return [one for one in spikes(self.size) if self.swings[one.step - 1]]

    @property
    def manner(self) -> Manner:
        """What the oscillation does in the last half of the time."""
        if self.diverges:
            return "diverges"
        least = GONE * self.swings.max()
        late = np.maximum(self.swings[len(self.swings) // 2 :], least)
        if not least > 0 or late.max() == least:
            return "decays"
        if (late / np.minimum.accumulate(late)).max() > BURSTING:
            return "bursts"
        if late[-1] == least:
            return "decays"
        return "hovers" if late.max() / late.min() < STEADY else "undecided"


def first_peak(size: Array) -> Peak | None:
    """The first spike of an oscillation of this size at the steps 1, 2 …, if it is over before they end."""
    highest = np.maximum.accumulate(size)
    over = np.flatnonzero(size < FALLEN * highest)
    over = over[highest[over] > size[:1].sum()]  # what falls from the beginning is no spike
    if not len(over):
        return None
    place = int(size[: over[0]].argmax())
    return Peak(place + 1, float(size[place]))


def spikes(size: Array) -> list[Peak]:
    """All spikes of an oscillation of this size, but those that are next to nothing beside its largest."""
    return [one for one in _peaks(size) if one.height >= GONE * size.max()]


def _peaks(size: Array) -> Iterator[Peak]:
    begin = 0
    while peak := first_peak(size[begin:]):
        yield Peak(begin + peak.step, peak.height)
        after = size[begin + peak.step :]
        after = after[np.argmax(after < FALLEN * peak.height) :]
        rises = after > np.minimum.accumulate(after) / FALLEN
        if not rises.any():
            break
        begin = len(size) - len(after) + int(after[: rises.argmax()].argmin())


def top_eigenvalue(model: Model, path: Path) -> Array:
    """The top eigenvalue of ∇²V at the midpoints of a path, (n − 2,)."""
    return np.asarray(np.linalg.eigvalsh(model.hessian(*path.midpoints))[:, -1])


def descend(
    model: Model,
    x: Array,
    z: Array,
    momentum: Array,
    rule: Rule | float,
    steps: int,
    bound: float,
    added: Array | None = None,
) -> Path:
    """So many steps and one more, for the midpoint of the last, or as many as leave every |x_a| below the bound.

    A number for a rule is the step size of gradient descent. The momentum is (k + m,). To the gradient of each step its
    row of what is `added` is, (steps + 1 or more, k + m).
    """
    state, edge = np.concatenate([x, z]), len(x)
    move = step_of(as_rule(rule))
    states = [state]
    for step in range(steps + 1):
        gradient = np.concatenate(model.gradient(state[:edge], state[edge:]))
        if added is not None:
            gradient = gradient + added[step]
        state, momentum = move(state, momentum, gradient)
        if not np.abs(state[:edge]).max() < bound:
            break
        states.append(state)
    return Path(np.array(states)[:, :edge], np.array(states)[:, edge:], steps + 2)
