"""The simulations of the cubic family, and of gradient descent that drifts through its diagram.

diagram       the attractors over a grid of K: how often the critical orbit visits every row of z, and its exponent
onset         the same at distances from the onset of chaos that are evenly spaced in the logarithm, on either side
window        the same about the window of period three
escape        the exponent at K = 2
thresholds    runs a relative distance NEAR below and above every threshold, to their ends; also of the reduced map
passage       gradient descent on the minimalist example, many runs from far above the edge, as a density over K = ηD
lag           single runs at several small step sizes, from within the two-cycle's interval, for the claims

An exponent is the Lyapunov exponent, the mean of log|F'| along the orbit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from sympy import Expr, diff, log

from analysis.bifurcation.cascade import FEIGENBAUM
from analysis.bifurcation.densities import Bins, Density, blocks
from analysis.bifurcation.period_three import PeriodThree
from analysis.bifurcation.theory import Family, K, z
from analysis.minimalist.experiments import Experiments
from analysis.minimalist.theory import derive
from numeric import Simulator, compile_function, compile_map, compile_observable
from numeric.compile import Array, CompiledFunction

Progress = Callable[[int], object]

GRID = (0.85, 2.0)  # of K; the escape at K = 2 is left out
STATES = (-1.5, 1.5)  # all that attractors visit, |z| < √2, and some space
FARTHEST = 0.3  # distance from the onset of chaos: from the first doubling to the merging of the two sides
NEAR = 2e-3
LONG_ENOUGH = 20_000
DRIFT_START = 1.9  # K
DECIDED = 0.25
LAG_STEP_SIZES = (0.01, 0.02, 0.04)
LAG_START, LAG_INTERVAL = 1.2, (1.05, 1.15)  # of K, within the interval of the two-cycle
OFFSET = 0.05  # of P from 1


@dataclass(frozen=True, kw_only=True)
class Size:
    """The resolution of the pictures, and the iterations for them."""

    columns: int
    rows: int
    steps: int  # of the transient and the exponent
    kept: int  # states of every column that are counted after those
    passing: int  # states of all runs of gradient descent together
    doublings: int  # that the picture about the onset shows


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

    @cached_property
    def period_three(self) -> PeriodThree:
        """The three-cycles of the family."""
        return PeriodThree(self.family)

    @cached_property
    def growth(self) -> CompiledFunction:
        """log|F'| as a function of z and K."""
        return compile_function([log(abs(diff(self.family.map.step[0], z)))], (z, K))

    def critical(self, values: xr.DataArray) -> xr.DataArray:
        """The critical point z_c > 0 at these values of K; every attractor about z = 1 attracts it."""
        return values.copy(data=compile_function([self.family.critical_square], (K,))(values)[0]) ** 0.5

    def diagram(self, size: Size, progress: Progress) -> xr.Dataset:
        """The attractors over the whole range of K."""
        return self.attractors(Bins(GRID, size.columns).centres, STATES, size, progress)

    def onset(self, onset: float, size: Size, progress: Progress) -> xr.Dataset:
        """The attractors at the distances FARTHEST δ^(−u) below and above the onset, 0 < u < `doublings`."""
        doublings = Bins((0, size.doublings), size.columns // 2).centres
        distances = FARTHEST * FEIGENBAUM**-doublings
        return self.attractors(np.concatenate([onset - distances, onset + distances[::-1]]), STATES, size, progress)

    def window(self, ends: tuple[float, float], size: Size, progress: Progress) -> xr.Dataset:
        """The attractors between two values of K below the merging."""
        return self.attractors(Bins(ends, size.columns).centres, (0.0, STATES[1]), size, progress)

    def attractors(self, parameters: Array, ends: tuple[float, float], size: Size, progress: Progress) -> xr.Dataset:
        """Where the critical orbit goes, between two ends of z, after a transient, and its exponent."""
        values = xr.DataArray(parameters, {"K": parameters}, "K")
        settled = self.simulator.run(
            {"z": self.critical(values)},
            {"K": values},
            steps=size.steps,
            discard=size.steps // 4,  # with them the start, where log|F'| is infinite
            lyapunov=True,
            outcomes=False,
            progress=progress,
        )
        point = settled.final.sel(state="z", drop=True)
        density, columns = Density(values.size, Bins(ends, size.rows)), np.arange(values.size)[:, None]
        for block in blocks(size.kept, values.size):
            run = self.simulator.run(
                {"z": point}, {"K": values}, steps=block, record_every=1, outcomes=False, engine=settled.engine
            )
            point = run.final.sel(state="z", drop=True)
            visited = run.trajectory.sel(state="z").transpose("K", "iteration").values[:, 1:]
            density.add(np.broadcast_to(columns, visited.shape), visited)
            progress(visited.size)
        counts = density.labelled("K", parameters, "z")
        return xr.Dataset({"counts": counts, "exponent": settled.lyapunov_exponent})

    def escape(self, steps: int, progress: Progress) -> xr.Dataset:
        """The exponent at K = 2."""
        value = float(self.family.thresholds["escape"])
        run = self.simulator.run(
            {"z": 0.5}, {"K": value}, steps=steps, lyapunov=True, outcomes=False, progress=progress
        )
        return run[["lyapunov_exponent"]].rename(lyapunov_exponent="exponent")

    def thresholds(self, progress: Progress) -> xr.Dataset:
        """Runs on both sides of every threshold in K, from near the critical point."""
        values = _both_sides(self.family.thresholds | {"period_three": self.period_three.births[0]})
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

    def drift(self, eta: float, steps: int, start: float) -> xr.Dataset:
        """Gradient descent on the minimalist example from K = ηD = start, with K and P along the run."""
        return self._drifting(xr.DataArray(eta), start, steps, lambda count: None)

    def passage(self, eta: float, steps: int, size: Size, progress: Progress) -> xr.Dataset:
        """Where P goes while K = ηD falls, and the mean of log|F'| there, over the columns of the diagram.

        Runs that end at P = −1 are mirrored, which is exact: y ↦ −y is a symmetry of the example. Where they end is
        decided as soon as K is below the merging, after the first `DECIDED` of the steps.
        """
        simulator, count = self.minimalist.simulator, max(1, size.passing // steps)
        products = xr.DataArray(1 + OFFSET * (1 + np.arange(count) / count), dims="run")
        point = start_at(DRIFT_START, xr.DataArray(eta), products)
        plainly: Any = {"outcomes": False, "engine": "compiled"}  # few runs, but of many steps in many blocks
        ends = simulator.run(point, {"eta": eta}, steps=round(DECIDED * steps), **plainly).final
        point["y"] = point["y"] * np.sign(ends.prod("state"))

        parameters = Bins(GRID, size.columns)
        density, growth = Density(size.columns, Bins(STATES, size.rows)), np.zeros(size.columns)
        visits = np.zeros(size.columns, np.int64)
        for block in blocks(steps, 2 * count):
            run = simulator.run(point, {"eta": eta}, steps=block, record_every=1, **plainly)
            point = {name: run.final.sel(state=name, drop=True) for name in point}
            x, y = (run.trajectory.sel(state=name).values[:, 1:].ravel() for name in point)
            product, sharpness = x * y, eta * (x**2 - y**2)
            columns = parameters.number(sharpness)
            density.add(columns, product)
            inside = columns >= 0
            (rates,) = self.growth(product[inside], sharpness[inside])
            growth += np.bincount(columns[inside], rates, size.columns)
            visits += np.bincount(columns[inside], minlength=size.columns)
            progress(product.size)
        with np.errstate(invalid="ignore"):  # no visits, no mean
            exponent = xr.DataArray(growth / visits, dims="K", attrs={"units": "1/iterations"})
        counts = density.labelled("K", parameters.centres, "P")
        return xr.Dataset({"counts": counts, "exponent": exponent}, attrs={"eta": eta, "runs": count})

    def lag(self, progress: Progress) -> xr.Dataset:
        """Gradient descent at small step sizes through the interval in which the frozen map has a stable two-cycle."""
        eta = xr.DataArray(list(LAG_STEP_SIZES), dims="eta", coords={"eta": list(LAG_STEP_SIZES)})
        return self._drifting(eta, LAG_START, int(2 / min(LAG_STEP_SIZES) ** 2), progress)

    def _drifting(self, eta: xr.DataArray, start: float, steps: int, progress: Progress) -> xr.Dataset:
        experiments = self.minimalist
        x, y = experiments.theory.reduced_map.state
        initial = start_at(start, eta, xr.DataArray(1 + OFFSET))
        run = experiments.simulator.run(
            initial, {"eta": eta}, steps=steps, record_every=1, engine="compiled", progress=progress
        )
        run["P"] = compile_observable(x * y, (x, y)).along(run)
        run["K"] = eta * compile_observable(x**2 - y**2, (x, y)).along(run)
        return run.drop_vars("trajectory")


def start_at(value: float, eta: xr.DataArray, product: xr.DataArray) -> dict[str, xr.DataArray]:
    """The point (x, y) with K = ηD = value and P = product."""
    imbalance = value / eta
    x = (((imbalance**2 + 4 * product**2) ** 0.5 + imbalance) / 2) ** 0.5
    return {"x": x, "y": product / x}


def _both_sides(thresholds: Mapping[str, Expr]) -> xr.DataArray:
    exact = np.array([float(value) for value in thresholds.values()])
    sides = xr.DataArray([1 - NEAR, 1 + NEAR], dims="side", coords={"side": ["below", "above"]})
    return xr.DataArray(exact, dims="threshold", coords={"threshold": list(thresholds)}) * sides
