"""The simulations of the cubic family, and of gradient descent that drifts through its diagram.

diagram       attractors over a grid of K, from the critical point: after a transient, the states that are visited
lyapunov      the Lyapunov exponent, the mean of log|F'| along the orbit, over the same grid
thresholds    runs a relative distance NEAR below and above every threshold, to their ends; also of the reduced map
drift         gradient descent on the minimalist example from far above the edge, every iteration recorded
lag           the same at several small step sizes, from within the two-cycle's interval, for the claims
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from sympy import Expr, diff, log

from analysis.bifurcation.theory import Family, K, z
from analysis.minimalist.experiments import Experiments
from analysis.minimalist.theory import derive
from numeric import Simulator, compile_function, compile_map, compile_observable

Progress = Callable[[int], object]

GRID = (0.8, 2.0)
FINEST = (1.24, 1.32)  # about the onset of chaos, where a third of the grid is
KEPT = 160  # states of the diagram for every K
NEAR = 2e-3
LONG_ENOUGH = 20_000
DRIFT_START = 1.9  # K
LAG_STEP_SIZES = (0.01, 0.02, 0.04)
LAG_START, LAG_INTERVAL = 1.2, (1.05, 1.15)  # of K, within the interval of the two-cycle
OFFSET = 0.05  # of P from 1


@dataclass(frozen=True)
class Simulations:
    """The compiled family and the simulations made with it."""

    family: Family

    @cached_property
    def simulator(self) -> Simulator:
        """The cubic family."""
        return compile_map(self.family.map)

    @cached_property
    def minimalist(self) -> Experiments:
        """Gradient descent on the minimalist example."""
        return Experiments(derive())

    def grid(self, resolution: int) -> xr.DataArray:
        """Values of K, denser about the onset of chaos; the escape at K = 2 is left out."""
        coarse = np.linspace(*GRID, resolution - resolution // 3, endpoint=False)
        values = np.unique(np.concatenate([coarse, np.linspace(*FINEST, resolution // 3)]))
        return xr.DataArray(values, dims="K", coords={"K": values})

    def critical(self, values: xr.DataArray) -> xr.DataArray:
        """The critical point z_c > 0 at these values of K; every attractor about z = 1 attracts it."""
        return values.copy(data=compile_function([self.family.critical_square], (K,))(values)[0]) ** 0.5

    def diagram(self, resolution: int, transient: int, progress: Progress) -> xr.Dataset:
        """The states visited after the transient, over the grid."""
        values = self.grid(resolution)
        first = self.simulator.run({"z": self.critical(values)}, {"K": values}, steps=transient, progress=progress)
        settled = first.final.sel(state="z", drop=True)
        run = self.simulator.run({"z": settled}, {"K": values}, steps=KEPT, record_every=1, progress=progress)
        return run[["trajectory", "outcome"]].assign(settled_outcome=first.outcome, settled_period=first.period)

    def lyapunov(self, resolution: int, steps: int, progress: Progress) -> xr.Dataset:
        """The Lyapunov exponent over the grid and at K = 2, from the second half of the steps."""
        values = np.append(self.grid(resolution).values, 2.0)
        growth = log(abs(diff(self.family.map.step[0], z)))
        move = compile_function([self.family.map.step[0], growth], (z, K))
        point = 0.9 * self.critical(xr.DataArray(values, dims="K")).values  # not itself, where log|F'| is infinite
        total = np.zeros_like(values)
        for iteration in range(steps):
            point, stretched = move(point, values)
            if iteration >= steps // 2:
                total += stretched
            if iteration % 100 == 99:
                progress(100)
        exponents = xr.DataArray(total / (steps - steps // 2), dims="K", coords={"K": values}, attrs={"units": "1"})
        return xr.Dataset({"exponent": exponents})

    def thresholds(self, progress: Progress) -> xr.Dataset:
        """Runs on both sides of every threshold in K, from near the critical point."""
        values = _both_sides(self.family.thresholds)
        start = 0.9 * self.critical(values)
        run = self.simulator.run({"z": start}, {"K": values}, steps=LONG_ENOUGH, progress=progress)
        return run.assign(lowest=self.lowest(start, values))

    def reduced_thresholds(self, progress: Progress) -> xr.Dataset:
        """The same for the reduced map and its thresholds in A = K/8."""
        heights = _both_sides({name: value / 8 for name, value in self.family.thresholds.items()})
        start = 0.9 * self.critical(8 * heights) * (heights / 2) ** 0.5
        simulator = compile_map(self.family.reduced_map)
        return simulator.run({"b": start}, {"A": heights}, steps=LONG_ENOUGH, progress=progress)

    def lowest(self, start: xr.DataArray, values: xr.DataArray) -> xr.DataArray:
        """The least z of the first 5000 steps: negative where orbits cross from z = 1 to z = −1."""
        run = self.simulator.run({"z": start}, {"K": values}, steps=5000, record_every=1)
        lowest: xr.DataArray = run.trajectory.min("iteration").sel(state="z", drop=True)
        return lowest

    def drift(self, eta: float, steps: int, progress: Progress, start: float = DRIFT_START) -> xr.Dataset:
        """Gradient descent on the minimalist example from K = ηD = start, with K and P along the run."""
        return self._drifting(xr.DataArray(eta), start, steps, progress)

    def lag(self, progress: Progress) -> xr.Dataset:
        """Gradient descent at small step sizes through the interval in which the frozen map has a stable two-cycle."""
        eta = xr.DataArray(list(LAG_STEP_SIZES), dims="eta", coords={"eta": list(LAG_STEP_SIZES)})
        return self._drifting(eta, LAG_START, int(2 / min(LAG_STEP_SIZES) ** 2), progress)

    def _drifting(self, eta: xr.DataArray, start: float, steps: int, progress: Progress) -> xr.Dataset:
        experiments = self.minimalist
        x, y = experiments.theory.reduced_map.state
        imbalance, product = start / eta, 1 + OFFSET
        square = ((imbalance**2 + 4 * product**2) ** 0.5 + imbalance) / 2
        initial = {"x": square**0.5, "y": product / square**0.5}
        run = experiments.simulator.run(initial, {"eta": eta}, steps=steps, record_every=1, progress=progress)
        run["P"] = compile_observable(x * y, (x, y)).along(run)
        run["K"] = eta * compile_observable(x**2 - y**2, (x, y)).along(run)
        return run.drop_vars("trajectory")


def _both_sides(thresholds: Mapping[str, Expr]) -> xr.DataArray:
    exact = np.array([float(value) for value in thresholds.values()])
    sides = xr.DataArray([1 - NEAR, 1 + NEAR], dims="side", coords={"side": ["below", "above"]})
    return xr.DataArray(exact, dims="threshold", coords={"threshold": list(thresholds)}) * sides
