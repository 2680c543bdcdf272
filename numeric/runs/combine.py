"""The datasets of several runs as one, along the dimensions by which the runs differ.

Runs f(a, b, …) in the order of `itertools.product(a values, b values, …)`, the last dimension fastest, become one
dataset with the dimensions a, b, … before those of a run. Runs may end early: along a dimension with a coordinate, such
as `step`, each is padded with nan to the union of the coordinates; and a run that is missing is nan throughout. A
coordinate in which runs differ, such as the time at a step, gets the new dimensions too. So does every attribute in
which they differ, which becomes a variable of its name.

Errors: `BadInput` for a number of runs that is not the product, for repeated labels, and for runs of different shapes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eos_sym import BadInput

RUN = "run"  # the one new dimension that is made before it is split into those wanted


def combine(datasets: Sequence[xr.Dataset | None], along: Mapping[str, Iterable[Any]]) -> xr.Dataset:
    """The datasets in one, `along` giving the labels of each new dimension; None is a run that is missing."""
    if not isinstance(along, Mapping) or not all(isinstance(values, Iterable) for values in along.values()):
        raise BadInput("combine: give the labels of each new dimension, as in {'eta': [0.1, 0.2]}")
    if not isinstance(datasets, Sequence) or not all(isinstance(one, xr.Dataset | None) for one in datasets):
        raise BadInput("combine: give datasets, or None for one that is missing: `histories` of a sweep's result")
    labels = {name: np.array(list(values)) for name, values in along.items()}
    _check(datasets, labels)
    present = [number for number, dataset in enumerate(datasets) if dataset is not None]
    runs = [dataset for dataset in datasets if dataset is not None]
    shape = tuple(map(len, labels.values()))
    try:
        row = xr.concat(
            runs,
            dim=xr.Variable(RUN, present),
            data_vars="all",
            coords="different",
            compat="equals",
            join="outer",
            combine_attrs="drop",
        )
    except ValueError as error:
        sizes = sorted({f"{name} = {size}" for run in runs for name, size in run.sizes.items()})
        raise BadInput(
            f"combine: the runs have different shapes ({', '.join(sizes)}); leave out what they do not share, as in"
            " .drop_vars(...)"
        ) from error
    different = _different(runs)
    taken = {*row.variables, *labels}
    row = row.assign({name: (RUN, values) for name, values in different.items() if name not in taken})
    row = row.reindex({RUN: range(len(datasets))}) if len(present) < len(datasets) else row
    new = tuple(labels)

    def split(variable: xr.Variable) -> xr.Variable:
        if RUN not in variable.dims:
            return variable
        rest = variable.transpose(RUN, ...)
        return xr.Variable(new + rest.dims[1:], rest.values.reshape(shape + rest.shape[1:]), rest.attrs)

    return xr.Dataset(
        {name: split(row[name].variable) for name in row.data_vars},
        {name: split(row[name].variable) for name in row.coords if name != RUN} | labels_as_coordinates(labels),
        {name: value for name, value in runs[0].attrs.items() if name not in different},
    )


def labels_as_coordinates(labels: Mapping[str, NDArray[Any]]) -> dict[str, xr.Variable]:
    """Each dimension's labels along itself."""
    return {name: xr.Variable(name, values) for name, values in labels.items()}


def _check(datasets: Sequence[xr.Dataset | None], labels: Mapping[str, NDArray[Any]]) -> None:
    sizes = " × ".join(f"{len(values)} {name}" for name, values in labels.items())
    number = math.prod(map(len, labels.values()))
    if number != len(datasets):
        raise BadInput(f"combine: {len(datasets)} runs for {sizes} = {number}; give one for each combination")
    for name, values in labels.items():
        if values.ndim != 1 or len(np.unique(values)) < len(values):
            raise BadInput(f"combine: {name} = {values.tolist()}; label each run once, with a number or a text")
        taken = [dataset for dataset in datasets if dataset is not None and name in {*dataset.dims, *dataset.variables}]
        if taken:
            raise BadInput(f"combine: the runs have a {name} of their own; name the dimension otherwise")
    if all(dataset is None for dataset in datasets):
        raise BadInput("combine: every run is missing; see why they failed")


def _different(runs: Sequence[xr.Dataset]) -> dict[str, NDArray[Any]]:
    """The attributes in which the runs differ, one value for each run; nan, or an empty text, where there is none."""
    columns = {str(name): [run.attrs.get(name) for run in runs] for each in runs for name in each.attrs}
    different = {}
    for name, values in columns.items():
        if any(value != values[0] for value in values):
            nothing: str | float = "" if any(isinstance(value, str) for value in values) else math.nan
            different[name] = np.array([nothing if value is None else value for value in values])
    return different
