"""A training run beside its edge: the reading that first reaches it, and the level at which the sharpness hovers then.

With the sharpness S at the readings and the edge S*, the rule's critical sharpness (2/η for gradient descent):

    crossing        the step of the first reading with S ≥ S*
    level           the mean of S/S* over the second half of the time from the crossing to the end, when S is back from
                    its overshoot: 1 if S hovers at the edge
    level_exponent  a in S ~ η^a, over the levels of several runs: −1 if they hover at 2/η, 0 if η had no part in it

A level takes readings at two-step midpoints, or at even and odd steps alike: at the edge the weights oscillate with
period two, and even steps alone see one phase of that (`numeric.networks.tracker`).

Errors: `Undecided`, with the reason, where a run cannot tell: it diverged, or starts above its edge, or ends below it,
or has fewer readings there than tell whether it hovers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from analysis.study import exponent
from analysis.training.measures import Hovering, crossing, crossing_from_below, hovering, loss_of, sharpness_of
from eos_sym import Undecided
from numeric.compile import Array


@dataclass(frozen=True)
class EdgeRun:
    """A run by its name in words, its step size and edge, and how many readings tell whether it hovers there."""

    name: str
    history: xr.Dataset
    eta: float
    edge: float
    fewest_readings: int

    @property
    def ending(self) -> str:
        """Why the run ended."""
        return str(np.asarray(self.history.ending))

    @cached_property
    def loss(self) -> Array:
        """The loss at every step, (step,)."""
        return loss_of(self.history)

    @cached_property
    def last(self) -> int:
        """The step of the last reading."""
        return int(sharpness_of(self.history)[0][-1])

    @cached_property
    def crossing(self) -> int | None:
        """The step of the first reading at or above the edge."""
        return crossing(self.history, self.edge)

    @cached_property
    def crossed(self) -> int:
        """The crossing, of a run that starts below the edge and has one, and enough readings after it."""
        self._refuse_diverged()
        found = crossing_from_below(self.history, self.edge, self.name)
        if found is None:
            raise self._below_the_edge
        self.hovering_from(found)
        return found

    @property
    def reaches_edge(self) -> bool:
        """Whether the sharpness rises to the edge before training is complete; a run out of steps cannot tell."""
        self._refuse_diverged()
        found = crossing_from_below(self.history, self.edge, self.name)
        if found is None and self.ending == "steps":
            raise self._below_the_edge
        return found is not None

    def hovering_from(self, step: int, name: str = "sharpness") -> Hovering:
        """The sharpness, or what else was read, over the edge, from a step to the end."""
        self._refuse_diverged()
        found = hovering(self.history, self.edge, step, name)
        if found.readings < self.fewest_readings:
            some = f"{found.readings} readings from step {step} on"
            raise Undecided(f"{self.name}: {some}; {self.fewest_readings} tell whether it hovers")
        return found

    @property
    def settled(self) -> int:
        """The middle of the time from the crossing to the last reading."""
        return (self.crossed + self.last) // 2

    @property
    def level(self) -> float:
        """The mean of the sharpness over the edge, over the second half of that time."""
        return self.hovering_from(self.settled).mean

    @property
    def _below_the_edge(self) -> Undecided:
        highest = sharpness_of(self.history)[1].max() / self.edge
        return Undecided(f"{self.name}: ended by its {self.ending} at {highest:.2f} of the edge")

    def _refuse_diverged(self) -> None:
        if self.ending == "diverged":
            raise Undecided(f"{self.name}: diverged")


def level_exponent(runs: Sequence[EdgeRun]) -> float:
    """The exponent in η of the sharpness at which the runs hover."""
    if len(runs) < 2:
        raise Undecided("one step size has no exponent; give two or more")
    return exponent([run.eta for run in runs], [run.level * run.edge for run in runs])
