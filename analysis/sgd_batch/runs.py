"""The runs with batches of several sizes, and their late part, in which the sharpness has nearly come to rest."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.training.edge_run import EdgeRun
from analysis.training.measures import sharpness_of
from eos_sym import Undecided

LATE = 0.75  # of a run: from there on the sharpness has nearly come to rest
FEWEST_READINGS, FEWEST_STEPS = 5, 200


@dataclass(frozen=True)
class Run(EdgeRun):
    """A run, what was measured at its end, and why nothing can be said of its late part, if so."""

    batch_size: int
    end: xr.Dataset
    too_short: str | None

    @property
    def is_measured(self) -> bool:
        """Whether it came to its end."""
        return bool(np.isfinite(self.end.curvature))

    def late(self, name: str = "sharpness") -> float:
        """The mean over the late part of what was read, over 2/η."""
        if self.too_short:
            raise Undecided(self.too_short)
        return self.hovering_from(late_start(self), name).mean

    def growth(self, name: str) -> float:
        """The late mean of what was read over that of the part before, of the same length."""
        steps, values = sharpness_of(self.history, name)
        late = steps >= late_start(self)
        before = values[~late][-int(late.sum()) :]
        return float(values[late].mean() / before.mean())

    def read(self, name: str) -> float:
        """What was read at the weights that the end was measured at."""
        return float(self.history[name].sel(reading=int(self.end.read_at)))


def late_start(run: EdgeRun) -> int:
    """The first step of the late part."""
    return math.ceil(LATE * run.last)


def groups(training: xr.Dataset, ends: xr.Dataset) -> Sequence[Sequence[Run]]:
    """The runs by step size, and for each by batch size; the full batch is the last."""
    return [runs_with(float(eta), training.sel(eta=eta), ends.sel(eta=eta)) for eta in training.eta.values]


def runs_with(eta: float, training: xr.Dataset, ends: xr.Dataset) -> Sequence[Run]:
    """The runs with one step size, whose time scale is that of the full batch on its way to the edge."""
    full = EdgeRun(f"eta = {eta:g}", training.isel(batch_size=-1), eta, 2 / eta, FEWEST_READINGS)
    too_short = None
    if full.ending == "steps" and full.last < FEWEST_STEPS:
        too_short = f"{full.name}: the runs have {full.last} steps; {FEWEST_STEPS} are the fewest to come to rest in"
    elif full.ending == "steps" and (full.crossing is None or full.crossing > late_start(full)):
        too_short = f"{full.name}: not even the full batch has brought the sharpness to 2/eta for long; train on"

    def run(size: int) -> Run:
        name, history = f"{full.name}, batch size {size}", training.sel(batch_size=size)
        return Run(name, history, eta, full.edge, FEWEST_READINGS, size, ends.sel(batch_size=size), too_short)

    return [run(size) for size in map(int, training.batch_size.values)]
