"""How near everyone came: errors relative to training's averages, as medians over the steps of a phase.

    onset    the first `ONSET` steps from the crossing of the edge on, beside the averages over two steps themselves
    after    from there to the end, beside averages over `WINDOW` steps of those, of everyone's own as well
    late     the second half of the time from the crossing to the end, likewise

    loss, gradient_norm, sharpness     |ŷ − y|/y, the gradient's norm as the root of the mean square
    distance                           ‖ŵ − θ̄‖/‖θ̄ − θ₀‖

A contestant that ended before a step is infinitely far there; where it tells nothing of a quantity, or only of steps
in another phase, its score is NaN. Within the bars are those steps of a phase at which the average of training is
no farther from the central flow's than the error that this tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.central_flow.contest import SHORT, WORDS
from numeric.compile import Array

ONSET, WINDOW = 50, 50
PHASES = ("onset", "after", "late")
QUANTITIES: Mapping[str, str] = {
    "distance": "distance of the weights",
    "loss": "loss",
    "gradient_norm": "norm of the gradient",
    "sharpness": "sharpness",
}
FROM_THE_ONSET = ("predicted", "forecast")


@dataclass(frozen=True, eq=False)
class Met:
    """A contest by its kind and seed, and what was measured in it."""

    kind: str
    seed: int
    told: xr.Dataset

    def __str__(self) -> str:
        return f"{self.kind}, seed {self.seed}"

    @property
    def onset(self) -> int:
        """The step of the crossing; −1 if there is none."""
        return int(self.told.onset)

    @property
    def length(self) -> int:
        """The last step of training that has an average."""
        return int(self.told.step.values[self.told.loss.notnull().values][-1])

    @property
    def iterations(self) -> xr.DataArray:
        """How many everyone tells; NaN for none."""
        known: xr.DataArray = self.told.iterations.where(self.told.iterations > 0)
        return known

    @property
    def most_at_the_edge(self) -> int:
        """The largest rank of the central flow's covariance."""
        rank = self.told.told_rank.sel(contestant="central")
        return int(np.nan_to_num(rank.values).max())

    def steps_of(self, phase: str) -> tuple[int, int]:
        """The first and the last step of a phase."""
        if phase == "onset":
            return self.onset, self.onset + ONSET
        return self.onset + ONSET if phase == "after" else (self.onset + self.length) // 2, self.length

    def errors(self, contestant: str, quantity: str, phase: str) -> Array:
        """The relative errors at the steps of a phase; infinite where the contestant has ended."""
        told = self.told.sel(contestant=contestant)
        if quantity == "distance":
            found = (told.distance / self.told.moved).where(told.distance.notnull(), np.inf)
        else:
            mine, true = told[f"told_{quantity}"], self.told[quantity]
            if phase != "onset":
                mine, true = windowed(mine, quantity), windowed(true, quantity)
            found = abs(mine - true) / true
            found = found.where(mine.notnull() | true.isnull(), np.inf)
        first, last = self.steps_of(phase)
        along = found.dims[0]
        if contestant in FROM_THE_ONSET:
            last = min(last, self.onset + SHORT - 2)  # the last steps have no average over two
        chosen = found[along].values
        values: Array = found.values[(chosen >= first) & (chosen <= last)]
        return values[~np.isnan(values)]

    def score(self, contestant: str, quantity: str, phase: str) -> float:
        """The median of these."""
        if self.onset < 0 or (contestant in FROM_THE_ONSET and (phase != "onset" or quantity in SILENT)):
            return np.nan
        if str(self.told.contestant_ending.sel(contestant=contestant).values) == "not asked":
            return np.nan
        found = self.errors(contestant, quantity, phase)
        return float(np.median(found)) if len(found) else np.nan

    def within(self, quantity: str) -> Array:
        """Whether training's average is within the central flow's bars, at the steps of the phase after the onset."""
        told = self.told.sel(contestant="central")
        mine, true = (windowed(one, quantity) for one in (told[f"told_{quantity}"], self.told[quantity]))
        bars = told[f"told_{quantity}_error"]
        if quantity == "sharpness":
            bars = bars.sel(step=self.told.reading.values).rename(step="reading")
        bars = windowed(bars, quantity)
        first, last = self.steps_of("after")
        steps = true[true.dims[0]].values
        known = true.notnull().values & mine.notnull().values & (steps >= first) & (steps <= last)
        inside: Array = (abs(mine - true).values <= bars.values)[known]
        return inside


SILENT = ("distance", "gradient_norm")  # of which those from the onset tell nothing


def windowed(values: xr.DataArray, quantity: str) -> xr.DataArray:
    """The mean over `WINDOW` steps; of the gradient's norm that of its square; of readings, of those in the window."""
    along = values.dims[0]
    every = int(np.diff(values[along].values[:2])[0]) if values.sizes[along] > 1 else 1
    many = max(1, round(WINDOW / every))
    power = 2 if quantity == "gradient_norm" else 1
    means: xr.DataArray = (values**power).rolling({along: many}, center=True).mean() ** (1 / power)
    return means


def scored(met: list[Met]) -> xr.Dataset:
    """The scores of all runs, over run, contestant, quantity and phase, and what everyone cost."""
    names = [*WORDS]
    values = [[[[one.score(name, q, phase) for phase in PHASES] for q in QUANTITIES] for name in names] for one in met]
    costs = {
        "gradients_an_iteration": [one.told.evaluations / one.iterations for one in met],
        "seconds_in_gradients": [one.told.seconds / one.iterations / one.told.gradient_seconds for one in met],
        "seconds": [one.told.seconds for one in met],
    }
    return xr.Dataset(
        {
            "error": (("run", "contestant", "quantity", "phase"), np.array(values)),
            **{
                name: (("run", "contestant"), np.array([cost.sel(contestant=names).values for cost in of_runs]))
                for name, of_runs in costs.items()
            },
            "kind": ("run", [one.kind for one in met]),
            "seed": ("run", [one.seed for one in met]),
            "onset": ("run", [one.onset for one in met]),
            "rank": ("run", [one.most_at_the_edge for one in met]),
        },
        {"contestant": names, "quantity": [*QUANTITIES], "phase": [*PHASES]},
    )
