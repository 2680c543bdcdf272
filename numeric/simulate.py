"""Runs of a compiled map from a grid of starts and parameters, as one labelled dataset.

    θ_{t+1} = F(θ_t; p),   t = 0, 1, …, steps − 1

Initial values and parameters are numbers or `xarray.DataArray`s; they broadcast by the names of their dimensions, and
the answer keeps those names. Every combination is one run, and each run ends with an outcome, defined in
`numeric.outcomes`.

Errors: `BadInput` for missing, unknown or non-finite values, for coordinates that do not match along a shared
dimension, for parameters and dimensions named like a part of the answer, and for steps < 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sympy import Symbol

from eos_sym import BadInput, Map
from numeric.compile import CompiledFunction, compile_function
from numeric.outcomes import Array, Outcomes, advance, iterate

RESULTS = frozenset({"initial", "final", "outcome", "period", "step", "trajectory", "state", "iteration"})

Values = Mapping[str, float | xr.DataArray]


def compile_map(dynamics: Map) -> Simulator:
    """The simulator of a map."""
    for parameter in dynamics.parameters:
        if parameter.name in RESULTS:
            raise BadInput(f"parameter {parameter.name}: the name of a part of every run's results; rename it")
    return Simulator(dynamics, compile_function(dynamics.step, (*dynamics.state, *dynamics.parameters)))


@dataclass(frozen=True)
class Simulator:
    """A map and its compiled step."""

    map: Map
    step: CompiledFunction

    def run(
        self,
        initial: Values,
        parameters: Values,
        *,
        steps: int,
        record_every: int | None = None,
        tolerance: float = 1e-12,
        bound: float = 1e8,
        progress: Callable[[int], object] = lambda iterations: None,
    ) -> xr.Dataset:
        """Run every combination of initial values and parameters for at most `steps` iterations.

        The dataset holds, over the dimensions of the input: `initial` and `final` (with the dimension ``state``),
        `outcome`, `period` (1 converged, 2 or more a cycle, 0 otherwise), `step`, and the parameters by name. With
        `record_every` it holds `trajectory` as well, with the dimension ``iteration``: the state at every so many
        iterations up to `steps`, missing (nan) from where a run diverged. `progress` is called with the number of
        iterations just done.
        """
        for name, value in {"steps": steps, "record_every": record_every}.items():
            if value is not None and value < 1:
                raise BadInput(f"{name} = {value}: must be 1 or more")
        starts = labelled_values(initial, self.map.state, "initial value")
        settings = labelled_values(parameters, self.map.parameters, "parameter")
        try:
            broadcast = xr.broadcast(*xr.align(*starts, *settings, join="exact"))
        except ValueError as error:
            raise BadInput(f"initial values and parameters: {error}; give them the same coordinates") from error
        template = broadcast[0]
        lanes = np.stack([array.values.reshape(-1) for array in broadcast])
        state, values = lanes[: len(starts)], lanes[len(starts) :]

        ends = advance(self.step, state, values, steps=steps, tolerance=tolerance, bound=bound, progress=progress)
        dataset = self._dataset(template, state, ends)
        for parameter, setting in zip(self.map.parameters, settings, strict=True):
            dataset[parameter.name] = setting
        if record_every is not None:
            dataset = self._record(dataset, template, state, values, steps, record_every)
        return dataset

    def _dataset(self, template: xr.DataArray, state: Array, ends: Outcomes) -> xr.Dataset:
        def over_runs(array: NDArray[Any]) -> xr.Variable:
            return xr.Variable(template.dims, array.reshape(template.shape))

        def over_states(array: Array) -> xr.Variable:
            return xr.Variable((*template.dims, "state"), array.T.reshape(*template.shape, len(array)))

        dataset = xr.Dataset(
            {
                "initial": over_states(state),
                "final": over_states(ends.final),
                "outcome": over_runs(ends.outcome),
                "period": over_runs(ends.period),
                "step": over_runs(ends.step),
            },
            coords={**template.coords, "state": [variable.name for variable in self.map.state]},
        )
        for name in ("initial", "final"):
            dataset[name].attrs["units"] = "1"
        for name in ("period", "step"):
            dataset[name].attrs["units"] = "iterations"
        return dataset

    def _record(
        self, dataset: xr.Dataset, template: xr.DataArray, state: Array, values: Array, steps: int, every: int
    ) -> xr.Dataset:
        """The dataset with the trajectory, from a second pass that keeps every so many states."""
        iterations = np.arange(0, steps + 1, every)
        trajectory = np.empty((len(iterations), *state.shape))
        with np.errstate(all="ignore"):
            for index in range(len(iterations)):
                trajectory[index] = state
                if index + 1 < len(iterations):
                    state = iterate(self.step, state, values, every, keep=1)[0]
        diverged = (dataset.outcome.values == "diverged").reshape(-1)
        lost = diverged & (iterations[:, None] >= dataset.step.values.reshape(-1))
        trajectory[np.broadcast_to(lost[:, None, :], trajectory.shape)] = np.nan
        shape = (*template.shape, len(iterations), len(self.map.state))
        dims = (*template.dims, "iteration", "state")
        dataset["trajectory"] = (dims, trajectory.transpose(2, 0, 1).reshape(shape), {"units": "1"})
        return dataset.assign_coords(iteration=("iteration", iterations, {"units": "iterations"}))


def labelled_values(values: Values, symbols: tuple[Symbol, ...], kind: str) -> list[xr.DataArray]:
    """One finite array per symbol, in the order of the symbols."""
    names = [symbol.name for symbol in symbols]
    missing, unknown = sorted(set(names) - set(values)), sorted(set(values) - set(names))
    if missing or unknown:
        faults = [f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(unknown)}"] * bool(unknown)
        raise BadInput(f"{kind}s: {' and '.join(faults)}; give exactly {', '.join(names) or 'none'}")
    arrays = []
    for name in names:
        array = xr.DataArray(values[name]).astype(np.float64).assign_attrs(units="1")
        if not np.isfinite(array).all():
            raise BadInput(f"{kind} {name}: not a finite number")
        reserved = sorted({str(dim) for dim in array.dims} & RESULTS)
        if reserved:
            raise BadInput(f"{kind} {name}: its dimension {reserved[0]} is the simulator's own; rename it")
        arrays.append(array)
    return arrays
