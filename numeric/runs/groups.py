"""The groups of a NetCDF-4 file, read straight from HDF5: in a fifth of the time that readers of any NetCDF take.

A sweep reads a history for every run, and of a history of twenty short variables the general reader looks up thousands
of names. What `numeric.runs.store` writes needs few: one level of groups, in each of them variables with numbered
dimensions, whose attributes are numbers, texts and lists of these.

    _Netcdf4Dimid          of a dimension's own dataset: its number
    _Netcdf4Coordinates    of any variable: the numbers of its dimensions

What is written otherwise is not guessed at: `NotPlain`, and a general reader is to be asked. Names and conventions are
those of the NetCDF-4 format specification; the conventions for missing values, truth values, times and texts are
xarray's, and are decoded by it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
import xarray as xr

DIMENSION_ALONE = b"This is a netCDF dimension but not a netCDF variable"
NUMBER, DIMENSIONS = "_Netcdf4Dimid", "_Netcdf4Coordinates"
HIDDEN = {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_NCProperties", NUMBER, DIMENSIONS}


class NotPlain(Exception):
    """The file has something that is not read here."""


def read_groups(content: bytes | memoryview) -> xr.DataTree:
    """The groups and the attributes of the root, all in memory."""
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            groups = {name: _dataset(group) for name, group in file.items()}
            return xr.DataTree.from_dict({"/": xr.Dataset(attrs=_attributes(file))} | groups)
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:  # a name that is missing, or means something else
        raise NotPlain from error


def _dataset(group: Any) -> xr.Dataset:
    if not isinstance(group, h5py.Group):
        raise NotPlain
    found = {name: (item, _attributes(item)) for name, item in group.items() if isinstance(item, h5py.Dataset)}
    if len(found) < len(group):
        raise NotPlain
    scales = {
        name: item.attrs[NUMBER] for name, (item, _) in found.items() if item.attrs.get("CLASS") == b"DIMENSION_SCALE"
    }
    dimensions = {int(number): name for name, number in scales.items()}
    if len(dimensions) < len(scales):
        raise NotPlain
    variables = {
        name: _variable(item, attributes, dimensions)
        for name, (item, attributes) in found.items()
        if not item.attrs.get("NAME", b"").startswith(DIMENSION_ALONE)
    }
    return xr.decode_cf(xr.Dataset(variables, attrs=_attributes(group)))


def _variable(item: h5py.Dataset, attributes: Mapping[str, Any], dimensions: Mapping[int, str]) -> xr.Variable:
    """The variable before its conventions are decoded."""
    numbers = item.attrs.get(DIMENSIONS, ())
    if len(numbers) != item.ndim:
        raise NotPlain
    along = [dimensions[int(number)] for number in numbers]
    if h5py.check_string_dtype(item.dtype):
        return xr.Variable(along, item.asstr()[...], attributes, {"dtype": str})
    if item.dtype.kind not in "iuf":
        raise NotPlain
    return xr.Variable(along, item[...], attributes, {"dtype": item.dtype})


def _attributes(item: h5py.File | h5py.Group | h5py.Dataset) -> dict[str, Any]:
    return {name: _attribute(item.attrs[name]) for name in item.attrs if name not in HIDDEN}


def _attribute(value: Any) -> Any:
    """Lists of texts are lists, of one text that text, of one number that number."""
    if isinstance(value, str):
        return value
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "iufO":
        raise NotPlain
    if value.dtype.kind == "O" and not all(isinstance(one, str) for one in value):
        raise NotPlain
    if len(value) == 1:
        return value[0]
    return value.tolist() if value.dtype.kind == "O" else value
