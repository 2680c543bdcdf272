"""Whether flatness goes with test accuracy: rank correlations, each with as many independent values as it needs.

With a measure F of the end (sharpness or trace), the test accuracy A, settings s and independent starts i, the rank
correlation (Spearman's) of F and A

    across settings     of the settings, for each i: does the setting whose end is flatter test better?
    within a setting    of the starts, for each s: does the start whose end is flatter test better?

The starts of different settings are others, so that the values are independent, and their mean has a standard error.
−1 is: the flatter, the better. A flat end that owes its test accuracy to what made it flat shows in the first alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from analysis.flatter.settings import Setting, Way
from analysis.training.estimate import Estimate, mean
from eos_sym import Undecided
from numeric.compile import Array

FEWEST_SETTINGS = 3


@dataclass(frozen=True)
class Ends:
    """What was measured of the settings, along (setting, start), nan for runs that did not come to the loss."""

    measured: xr.Dataset
    compared: Sequence[Setting]

    @property
    def left_out(self) -> list[str]:
        """The settings that have a run without an end."""
        return [one.name for one in self.compared if not self._complete(one)]

    def of(self, way: Way | None = None) -> xr.Dataset:
        """The complete settings on a way, in its order; all of them if none is named."""
        chosen = [one.name for one in self.compared if (way is None or way in one.ways) and self._complete(one)]
        if len(chosen) < FEWEST_SETTINGS:
            without = f"; a run of {', '.join(self.left_out)} did not come to the loss" if self.left_out else ""
            raise Undecided(f"{len(chosen)} settings to compare, {FEWEST_SETTINGS} are needed{without}")
        return self.measured.sel(setting=chosen)

    def _complete(self, setting: Setting) -> bool:
        return bool(np.isfinite(self.measured.sharpness.sel(setting=setting.name)).all())

    def across(self, name: str, way: Way | None = None) -> Estimate:
        """The mean over the starts of the rank correlation with the test accuracy, of settings."""
        chosen = self.of(way)
        return mean([*_correlations(chosen[name].values.T, chosen.test_accuracy.values.T)])

    def within(self, name: str) -> Estimate:
        """The mean over the settings of the rank correlation with the test accuracy, of starts."""
        chosen = self.of()
        return mean([*_correlations(chosen[name].values, chosen.test_accuracy.values)])


def _correlations(rows: Array, others: Array) -> Iterator[float]:
    """The rank correlation of each row with the other of its place; nan where one of them is constant."""
    for row, other in zip(rows, others, strict=True):
        one, two = (ranks - ranks.mean() for ranks in map(rankdata, (row, other)))
        size = float(np.linalg.norm(one) * np.linalg.norm(two))
        yield float(one @ two) / size if size else np.nan
