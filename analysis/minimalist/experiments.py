"""The simulations of the minimalist example: each gives one group of data.nc.

trajectories       one start, several step sizes, every iteration recorded
reference          the three runs whose ends are tabulated below
initializations    a grid of starts in the (a, b) plane at η = 0.2: where does each end?
terminal_gap       starts above the edge at many step sizes: how far below 2/η does each end?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sympy import sqrt

from analysis.minimalist.theory import Theory, a, b
from eos_sym import STEP_SIZE
from numeric import Observable, Simulator, compile_function, compile_map, compile_observable, compile_sharpness

Progress = Callable[[int], object]

REFERENCE = {  # step size: start; final sharpness and endpoint a/κ³, as tabulated
    0.01: ((12.5, 0.05), (199.9950040, -0.12494)),
    0.05: ((4.9, 0.21), (39.9754980, -0.12346)),
    0.2: ((2.6, 0.4), (9.9273602, -0.10378)),
}
GRID_STEP_SIZE = 0.2
GRID_A = (-0.4, 0.9)
GRID_B = (-0.75, 0.75)
LONG_ENOUGH = 5_000_000  # iterations; every run below ends by itself long before


@dataclass(frozen=True)
class Experiments:
    """The compiled maps and observables of a theory, and the simulations made with them."""

    theory: Theory

    @cached_property
    def simulator(self) -> Simulator:
        """Gradient descent on the symmetric subspace."""
        return compile_map(self.theory.reduced_map)

    @cached_property
    def observables(self) -> dict[str, Observable]:
        """The loss, the sharpness here and at the minimum ahead, a and b, all as functions of x and y."""
        x, y = self.theory.reduced_map.state
        loss = self.theory.objective.loss.subs(self.theory.subspace)
        root = sqrt(x**2 - y**2) - self.theory.edge_root
        return {
            "loss": compile_observable(loss, (x, y)),
            "sharpness": compile_sharpness(self.theory.objective, self.theory.subspace),
            "sharpness_ahead": compile_observable(self.theory.sharpness_of_imbalance(x**2 - y**2), (x, y)),
            "a": compile_observable(root, (x, y), (STEP_SIZE,)),
            "b": compile_observable(x * y - 1, (x, y)),
        }

    def trajectories(
        self, step_sizes: Sequence[float], start: Mapping[str, float], steps: int, progress: Progress
    ) -> xr.Dataset:
        """Recorded runs from one start, with the observables along them."""
        eta = _labelled("eta", step_sizes)
        run = self.simulator.run(start, {"eta": eta}, steps=steps, record_every=1, progress=progress)
        for name in ("loss", "sharpness", "sharpness_ahead"):
            run[name] = self.observables[name].along(run)
        return self._with_ends(run)

    def reference(self, progress: Progress) -> xr.Dataset:
        """The tabulated runs, to their ends."""
        eta = _labelled("eta", list(REFERENCE))
        starts = np.array([start for start, _ in REFERENCE.values()])
        initial = {name: eta.copy(data=starts[:, index]) for index, name in enumerate(("x", "y"))}
        return self._with_ends(self.simulator.run(initial, {"eta": eta}, steps=LONG_ENOUGH, progress=progress))

    def initializations(self, resolution: int, progress: Progress) -> xr.Dataset:
        """A grid of starts in the (a, b) plane, each run to its end."""
        grid_a = _labelled("a0", np.linspace(*GRID_A, resolution))
        grid_b = _labelled("b0", np.linspace(*GRID_B, resolution))
        run = self.simulator.run(
            self.start_at(grid_a, grid_b, xr.DataArray(GRID_STEP_SIZE)),
            {"eta": GRID_STEP_SIZE},
            steps=20_000,
            progress=progress,
        )
        return self._with_ends(run)

    def terminal_gap(self, step_sizes: Sequence[float] | NDArray[np.float64], progress: Progress) -> xr.Dataset:
        """Runs that start near the minima and above the edge, far enough for the end not to remember the start.

        In units of κ³ and κ² the start is A = min(3, 1/(10 η²)), B = 1/10: the memory decays as exp(−8A), and beyond
        A = 1/(4η²) the oscillation would escape.
        """
        eta = _labelled("eta", step_sizes)
        height = (0.1 / eta**2).clip(max=3.0)
        initial = self.start_at(height * eta**1.5, 0.1 * eta, eta)
        return self._with_ends(self.simulator.run(initial, {"eta": eta}, steps=LONG_ENOUGH, progress=progress))

    def start_at(self, start_a: xr.DataArray, start_b: xr.DataArray, eta: xr.DataArray) -> dict[str, xr.DataArray]:
        """x and y at the given a and b: from D and P, x² = (√(D² + 4P²) + D)/2 and y = P/x."""
        inverse = compile_function([(a + self.theory.edge_root) ** 2, b + 1], (a, b, STEP_SIZE))
        start_a, start_b, eta = xr.broadcast(start_a, start_b, eta)
        imbalance, product = inverse(start_a, start_b, eta)
        x = np.sqrt((np.hypot(imbalance, 2 * product) + imbalance) / 2)
        return {"x": start_a.copy(data=x), "y": start_a.copy(data=product / x)}

    def _with_ends(self, run: xr.Dataset) -> xr.Dataset:
        """The run with the observables at its end; missing where it did not converge."""
        converged = run.outcome == "converged"
        for name, observable in self.observables.items():
            run[f"final_{name}"] = observable.at_end(run).where(converged)
        return run


def _labelled(name: str, values: Sequence[float] | NDArray[np.float64]) -> xr.DataArray:
    return xr.DataArray(np.asarray(values, dtype=float), dims=name, coords={name: np.asarray(values, dtype=float)})
