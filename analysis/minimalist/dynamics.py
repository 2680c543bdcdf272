"""The theory in numbers: the compiled map on the symmetric subspace, starts at given a and b, and what is observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from sympy import sqrt

from analysis.minimalist.theory import Theory, a, b
from eos_sym import STEP_SIZE
from numeric import Observable, Simulator, compile_function, compile_map, compile_observable, compile_sharpness


@dataclass(frozen=True)
class Dynamics:
    """Gradient descent of a theory, compiled; the state is (x, y)."""

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

    def record(self, start: Mapping[str, float], step_sizes: Sequence[float], steps: int) -> xr.Dataset:
        """Every iteration from one start at several step sizes, with loss and sharpness along the runs."""
        run = self.simulator.run(start, {"eta": axis("eta", step_sizes)}, steps=steps, record_every=1)
        for name in ("loss", "sharpness", "sharpness_ahead"):
            run[name] = self.observables[name].along(run)
        return self.with_ends(run)

    def start_at(self, start_a: xr.DataArray, start_b: xr.DataArray, eta: xr.DataArray) -> dict[str, xr.DataArray]:
        """x and y at the given a and b: from D and P, x² = (√(D² + 4P²) + D)/2 and y = P/x."""
        inverse = compile_function([(a + self.theory.edge_root) ** 2, b + 1], (a, b, STEP_SIZE))
        start_a, start_b, eta = xr.broadcast(start_a, start_b, eta)
        imbalance, product = inverse(start_a, start_b, eta)
        x = np.sqrt((np.hypot(imbalance, 2 * product) + imbalance) / 2)
        return {"x": start_a.copy(data=x), "y": start_a.copy(data=product / x)}

    def with_ends(self, run: xr.Dataset) -> xr.Dataset:
        """The run with the observables at its end; missing where it did not converge."""
        converged = run.outcome == "converged"
        for name, observable in self.observables.items():
            run[f"final_{name}"] = observable.at_end(run).where(converged)
        return run


def axis(name: str, values: ArrayLike) -> xr.DataArray:
    """The values along a dimension that they label."""
    return xr.DataArray(values, [(name, values)])
