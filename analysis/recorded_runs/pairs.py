"""A recorded run beside the same run here: how far they are apart, from where on, and how they compare beyond.

    difference   |L_recorded/L − 1|
    moved        the largest |L_shadow/L − 1| so far, over the shadows: what rounding alone does
    calm         the steps at which nothing has moved by `CALM`
    parted       the first step at which the difference is above `PARTED`, and above `UNITS` times the resolution

What was recorded has a last digit: half a unit of it is the `resolution`, relative to the smallest number with as many
digits. Beyond the parting no step can be compared with another, and what remains are statistics over the second half
of the steps: of the sharpness the ratio of means, in `BLOCKS` blocks of time; of the loss the mean and quantiles,
beside those of the run here and its shadows, which foretell with 95 % confidence where one more such run has them.

Errors: `Undecided` for a run that has not parted, or is too short beyond.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import stdtrit

from analysis.recorded_runs.replay import OFF
from analysis.training.estimate import CONFIDENCE, Estimate, mean
from analysis.training.recorded import Recorded
from eos_sym import Undecided
from numeric.compile import Array

CALM = 1e-10
PARTED, UNITS = 1e-6, 4.0  # of the loss, or so many times the resolution where that is more
BLOCKS, FEWEST = 10, 200  # values beyond the parting


def resolution(values: Array) -> float:
    """Half a unit of the last digit of numbers that are all written with as many, relative, at most."""
    for digits in range(1, 17):
        if all(float(f"{value:.{digits - 1}e}") == value for value in values.flat):
            return 0.5 * 10.0 ** (1 - digits)
    return 0.5 * 10.0**-16


@dataclass(frozen=True, eq=False)
class Pair:
    """A recorded run, and what its replay says."""

    record: Recorded
    told: xr.Dataset

    def __str__(self) -> str:
        return self.record.name

    @property
    def edge(self) -> float:
        """The sharpness 2/η."""
        return 2 / self.record.eta

    @cached_property
    def difference(self) -> Array:
        """Of the losses, (step,)."""
        apart: Array = np.abs(self.told.recorded_loss.values / self.told.loss.values - 1)
        return apart

    @cached_property
    def each_moved(self) -> Array:
        """Of each shadow, the largest so far, of all steps between those recorded too, (shadow, step)."""
        moved: Array = self.told.shadow_moved.values
        return moved

    @cached_property
    def moved(self) -> Array:
        """By rounding, (step,)."""
        largest: Array = self.each_moved.max(0)
        return largest

    @property
    def calm(self) -> NDArray[np.bool_]:
        """Where rounding is not seen, (step,)."""
        return np.less(self.moved, CALM)

    @property
    def calm_readings(self) -> NDArray[np.bool_]:
        """The same of the readings that have a recorded one beside them, (reading,)."""
        calm = self.calm[np.searchsorted(self.told.step.values, self.told.reading.values)]
        known: NDArray[np.bool_] = np.logical_and(calm, np.isfinite(self.told.recorded_sharpness.values))
        return known

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """The readings at which the recorded eigenvalue is too large, before rounding is seen, (reading,)."""
        return np.logical_and(self.calm_readings, self.sharpness_difference > OFF)

    @property
    def has_kinks(self) -> bool:
        """Whether its activation has."""
        return bool(self.told.nearest_kink.notnull().any())

    @cached_property
    def parted(self) -> int | None:
        """The step at which the recorded run parts from the one here; None if it does not."""
        return self._first(self.difference)

    @cached_property
    def shadows_parted(self) -> list[int | None]:
        """The same of each shadow."""
        return [self._first(one) for one in self.each_moved]

    def _first(self, difference: Array) -> int | None:
        (off,) = np.nonzero(difference > max(PARTED, UNITS * resolution(self.record.loss)))
        return int(self.told.step[off[0]]) if len(off) else None

    @cached_property
    def sharpness_difference(self) -> Array:
        """The recorded largest eigenvalue over that here, less 1, (reading,)."""
        apart: Array = self.told.recorded_sharpness.values / self.told.sharpness.values - 1
        return apart

    def late(self, along: str) -> xr.Dataset:
        """What is beyond the parting, of the second half of the steps."""
        if self.parted is None:
            raise Undecided(f"{self}: has not parted")
        found = self.told.sel({along: self.told[along] >= max(self.parted, self.told[along].values[-1] / 2)})
        if found.sizes[along] < FEWEST:
            raise Undecided(f"{self}: {found.sizes[along]} values beyond the parting; {FEWEST} are compared")
        return found

    def sharpness_ratio(self) -> Estimate:
        """The mean sharpness, recorded over here, beyond the parting."""
        found = self.late("reading")
        blocks = np.array_split(np.array([found.recorded_sharpness.values, found.sharpness.values]), BLOCKS, axis=1)
        return mean([float(recorded.mean() / here.mean()) for recorded, here in blocks])

    def loss_beyond(self, statistic: Callable[[Array], float]) -> tuple[float, float, float]:
        """A statistic of the recorded loss beyond the parting, and the bounds foretold for it."""
        found = self.late("step")
        own = np.log([statistic(found.loss.values), *map(statistic, found.shadow_loss.values)])
        half = float(stdtrit(len(own) - 1, (1 + CONFIDENCE) / 2)) * own.std(ddof=1) * (1 + 1 / len(own)) ** 0.5
        least, largest = np.exp(own.mean() + np.array([-half, half]))
        return statistic(found.recorded_loss.values), float(least), float(largest)
