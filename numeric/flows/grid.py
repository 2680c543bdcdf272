"""The grid of runs of a flow: what initial values, parameters and thresholds of events broadcast to.

They broadcast by the names of their dimensions, and every combination is one run. Datasets of runs are made with the
dimension ``run`` and given those of the grid at the end.

Errors: `BadInput` for values as in `numeric.maps.simulator`, for a grid without runs, and for parameters and dimensions
named like a part of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from sympy import Symbol

from eos_sym import BadInput
from numeric.compile import Array
from numeric.values import Values, labelled_values

OF_RUNS = ("initial", "final", "outcome", "reason", "end", "evaluations", "trajectory", "time", "state")
OF_EVENTS = ("event", "crossing", "threshold", "crossings", "crossing_time", "crossing_direction", "crossing_state")


@dataclass(frozen=True)
class Grid:
    """The runs of a grid: starts (run, state), values of the parameters (run, parameter), thresholds (run, event).

    `template` has the dimensions and coordinates of the grid, `settings` the parameters by name, not broadcast.
    """

    template: xr.DataArray
    starts: Array
    values: Array
    thresholds: Array
    settings: Mapping[str, xr.DataArray]

    def over(self, runs: xr.Dataset) -> xr.Dataset:
        """The dataset with the dimensions of the grid in place of ``run``, and with the parameters."""
        dims, shape = self.template.dims, self.template.shape
        variables = {
            name: xr.Variable(
                (*dims, *variable.dims[1:]),
                variable.values.reshape((*shape, *variable.shape[1:])),
                variable.attrs,
            )
            for name, variable in runs.data_vars.items()
        }
        return xr.Dataset(variables, coords={**self.template.coords, **runs.coords}).assign(self.settings)


def make_grid(
    initial: Values,
    parameters: Values,
    thresholds: Values,
    state: Sequence[Symbol],
    names: Sequence[Symbol],
    described: Sequence[str],
) -> Grid:
    """The grid of the values of the state and of the parameters with these names, and of the thresholds by event.

    `described` are parts of the answer in addition to those of every run.
    """
    results = {*OF_RUNS, *OF_EVENTS, *described}
    taken = sorted({name.name for name in names} & results)
    if taken:
        raise BadInput(f"parameter {taken[0]}: the name of a part of every run's results; rename it")
    starts = labelled_values(initial, tuple(state), "initial value")
    settings = labelled_values(parameters, tuple(names), "parameter")
    limits = labelled_values(thresholds, tuple(map(Symbol, thresholds)), "threshold of event")
    try:
        broadcast = xr.broadcast(*xr.align(*starts, *settings, *limits, join="exact"))
    except ValueError as error:
        raise BadInput(f"initial values, parameters, thresholds: {error}; give them the same coordinates") from error
    template = broadcast[0]
    taken = sorted({str(dim) for dim in template.dims} & results)
    if taken:
        raise BadInput(f"the dimension {taken[0]} is the integrator's own; rename it")
    if not template.size:
        raise BadInput("initial values, parameters, thresholds: a dimension has no entries; give one or more")
    lanes = np.stack([array.values.reshape(-1) for array in broadcast], axis=1)
    first, second = len(starts), len(starts) + len(settings)
    named = {name.name: setting for name, setting in zip(names, settings, strict=True)}
    return Grid(template, lanes[:, :first], lanes[:, first:second], lanes[:, second:], named)
