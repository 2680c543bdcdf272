"""The range of step sizes that train, and the part of it at the edge of stability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eos_sym import Undecided
from numeric.compile import Array

Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Range:
    """The step sizes tried, ascending; which of them train, and which of those are at the edge before they are done."""

    etas: Array
    steps: Array
    trains: Mask
    edge: Mask
    diverged: Mask

    def between(self, mask: Mask) -> float:
        """Half-way, on the logarithmic scale, between the first step size of a kind and the one below it."""
        first = int(mask.argmax())
        return float(np.sqrt(self.etas[first] * self.etas[max(first - 1, 0)]))

    @property
    def first(self) -> float:
        """Where training within the budget begins."""
        return self.between(self.trains)

    @property
    def last(self) -> float:
        """Where it ends."""
        return self.between(np.cumsum(self.trains[::-1])[::-1] == 0)

    @property
    def edge_begins(self) -> float:
        """Where training to completion begins to reach the edge."""
        return self.between(self.edge)

    @property
    def share(self) -> float:
        """The part of the range at the edge, on the logarithmic scale; needs both ends among the step sizes tried."""
        if not self.trains.any():
            raise Undecided("no step size trains within the budget of steps; give more steps")
        for end, name, remedy in ((0, "smallest", "smaller"), (-1, "largest", "larger")):
            if self.trains[end]:
                raise Undecided(f"the {name} step size tried, {self.etas[end]:.3g}, trains; try {remedy} ones")
        if not self.edge.any():
            return 0.0
        return float(np.log(self.last / self.edge_begins) / np.log(self.last / self.first))


def range_of(training: xr.Dataset, criterion: str) -> Range:
    """The outcomes with one criterion."""
    runs = training.sel(criterion=criterion)
    runs = runs.isel(number=np.flatnonzero(np.isfinite(runs.eta.values)))
    trains = runs.ending.values == "accuracy"
    return Range(
        runs.eta.values,
        runs.steps.values,
        trains,
        trains & (runs.largest.values >= 1),
        runs.ending.values == "diverged",
    )


def summary(training: xr.Dataset, criterion: str) -> dict[str, float] | None:
    """The range in numbers; none if it was not found."""
    found = range_of(training, criterion)
    try:
        share = found.share
    except Undecided:
        return None
    fastest = int(np.where(found.trains, found.steps, np.inf).argmin())
    known = {"trains_from": found.first, "trains_to": found.last, "share_at_the_edge": share}
    known |= {"edge_begins": found.edge_begins} if found.edge.any() else {}
    return known | {"fastest": float(found.etas[fastest]), "steps_of_the_fastest": float(found.steps[fastest])}
