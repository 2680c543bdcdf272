"""The simulations of degree 2 and degree 4 side by side; every one gives two groups of data.nc, one for each degree.

trajectories    the starts of the figure, every iteration recorded, up to RECORDED at least
ends            starts near the minima, a range of excesses y₀ above the edge at one step size: where does each end?
gaps            starts 5 % above the edge at many step sizes: how far below it does each end?
table           the three runs of degree 2 whose ends are tabulated below

`eta` is always the step size of ½(1 − xy)²; ½(1 − xyzw)² has half of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import xarray as xr

from analysis.minimalist.experiments import Experiments
from analysis.minimalist.theory import Theory, derive
from analysis.shallow.theory import degree_two, edge_form
from eos_sym.edge import EdgeNormalForm
from numeric.compile import Array

Progress = Callable[[int], object]

STEP_SIZE_RATIO = {2: 1.0, 4: 0.5}  # of the degree's own step size to eta
TABLE_STEP_SIZE = 0.2
TABLE = {(3.2, 0.33): 9.651, (3.4, 0.25): 7.919, (3.6, 0.3): 5.571}  # start: final sharpness of degree 2
OFFSET = 1e-6  # of P from 1, at starts near the minima: too small for where the run ends
RELATIVE_EXCESS = 0.05
RECORDED = 4000
LONG_ENOUGH = 2_000_000  # iterations; every run below ends by itself before


@dataclass(frozen=True)
class Pair:
    """Theory and simulation of both degrees."""

    @cached_property
    def theories(self) -> Mapping[int, Theory]:
        """The two theories, by degree."""
        return {2: degree_two(), 4: derive()}

    @cached_property
    def forms(self) -> Mapping[int, EdgeNormalForm]:
        """The edge law of both, in their own step sizes."""
        return {degree: edge_form(theory) for degree, theory in self.theories.items()}

    @cached_property
    def experiments(self) -> Mapping[int, Experiments]:
        """The compiled maps and observables of both."""
        return {degree: Experiments(theory) for degree, theory in self.theories.items()}

    def trajectories(
        self, degree: int, starts: Sequence[tuple[float, float]], eta: float, steps: int, progress: Progress
    ) -> xr.Dataset:
        """Recorded runs from the starts, with loss, sharpness, sharpness at the minimum ahead, a and b along them."""
        experiments = self.experiments[degree]
        run = experiments.simulator.run(
            _at(starts),
            {"eta": STEP_SIZE_RATIO[degree] * eta},
            steps=max(steps, RECORDED),
            record_every=1,
            progress=progress,
        )
        for name, observable in experiments.observables.items():
            run[name] = observable.along(run)
        return run

    def ends(self, degree: int, excesses: Array, eta: float, progress: Progress) -> xr.Dataset:
        """Runs that start at P = 1 + OFFSET with the given excess, relative to the edge, to their ends."""
        relative = xr.DataArray(excesses, dims="excess", coords={"excess": excesses})
        return self._from_above(degree, relative, xr.DataArray(eta), progress)

    def gaps(self, degree: int, step_sizes: Array, progress: Progress) -> xr.Dataset:
        """Runs that start with the same relative excess at many step sizes, to their ends."""
        eta = xr.DataArray(step_sizes, dims="eta_of_degree_2", coords={"eta_of_degree_2": step_sizes})
        return self._from_above(degree, xr.DataArray(RELATIVE_EXCESS), eta, progress)

    def _from_above(self, degree: int, relative: xr.DataArray, eta: xr.DataArray, progress: Progress) -> xr.Dataset:
        """Runs from minima of sharpness (1 + relative) · 2/η, where D = √((1 + relative)² 4/η² − 4), and their ends."""
        experiments = self.experiments[degree]
        imbalance = (((1 + relative) * 2 / eta) ** 2 - 4) ** 0.5
        own = STEP_SIZE_RATIO[degree] * eta
        at_edge = ((2 / eta) ** 2 - 4) ** 0.25
        initial = experiments.start_at(imbalance**0.5 - at_edge, xr.zeros_like(imbalance) + OFFSET, own)
        run = experiments.simulator.run(initial, {"eta": own}, steps=LONG_ENOUGH, progress=progress)
        end = experiments.observables["sharpness"].at_end(run).where(run.outcome == "converged")
        return run.assign(final_excess=end - 2 / own, excess_at_start=relative * 2 / own)

    def table(self, progress: Progress) -> xr.Dataset:
        """The tabulated runs of degree 2."""
        experiments = self.experiments[2]
        run = experiments.simulator.run(
            _at(list(TABLE)), {"eta": TABLE_STEP_SIZE}, steps=LONG_ENOUGH, progress=progress
        )
        return run.assign(final_sharpness=experiments.observables["sharpness"].at_end(run))


def _at(starts: Sequence[tuple[float, float]]) -> dict[str, xr.DataArray]:
    return {name: xr.DataArray([start[index] for start in starts], dims="start") for index, name in enumerate("xy")}
