"""The groups of a NetCDF-4 file, straight from HDF5 and to it: in a fifth of the time that programs of any NetCDF take.

A sweep writes and reads a history for every run, and of a history of twenty short variables the general program looks
up thousands of names. What `numeric.runs.store` keeps needs few: one level of groups, in each of them variables with
numbered dimensions, whose attributes are numbers, texts and lists of these.

    _Netcdf4Dimid          of a dimension's own dataset, its scale: its number in the file
    _Netcdf4Coordinates    of any variable: the numbers of its dimensions

What is otherwise is not guessed at: `NotPlain`, and a general reader or writer is to be asked. Names and conventions
are those of the NetCDF-4 format specification; the conventions for missing values, truth values, times and texts are
xarray's, and are encoded and decoded by it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import h5py
import numpy as np
import xarray as xr
from xarray.backends.common import WritableCFDataStore

DIMENSION_ALONE = b"This is a netCDF dimension but not a netCDF variable"
NUMBER, DIMENSIONS = "_Netcdf4Dimid", "_Netcdf4Coordinates"
HIDDEN = {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_NCProperties", NUMBER, DIMENSIONS}
TEXT = h5py.string_dtype()


class NotPlain(Exception):
    """There is something that is not read, or written, here."""


def write_groups(groups: Mapping[str, xr.Dataset], attributes: Mapping[str, str]) -> bytes:
    """A file of these groups, all in memory, with the attributes of its root."""
    memory, numbers = io.BytesIO(), count()
    with h5py.File(memory, "w", track_order=True) as file:
        file.attrs.update(attributes)
        for name, dataset in groups.items():
            dataset.dump_to_store(_Group(file.create_group(name, track_order=True), numbers))
    return memory.getvalue()


class _Group(WritableCFDataStore):
    """Where xarray puts what it has encoded: the attributes and the variables of a group."""

    def __init__(self, group: h5py.Group, numbers: Iterator[int]) -> None:
        self._group, self._numbers = group, numbers

    def store(self, variables: Any, attributes: Any, *_: object, **__: object) -> None:
        """Write them all, each dimension after them that none of them labels."""
        variables, attributes = self.encode(variables, attributes)  # type: ignore[no-untyped-call]
        sizes = {name: size for one in variables.values() for name, size in zip(one.dims, one.shape, strict=True)}
        dimensions = {name: np.int32(next(self._numbers)) for name in sizes}
        _describe(self._group, attributes)
        written = {name: self._written(str(name), one, dimensions) for name, one in variables.items()}
        for name, number in dimensions.items():
            scale, label = written.get(name), str(name).encode()
            if scale is None:
                scale = self._group.create_dataset(str(name), (sizes[name],), ">f4", track_order=True)
                label = DIMENSION_ALONE + b".%10d" % sizes[name]
            elif variables[name].dims != (name,):
                raise NotPlain
            scale.make_scale(label)
            scale.attrs[NUMBER] = number
            for other, one in variables.items():
                for axis in [axis for axis, along in enumerate(one.dims) if along == name and other not in dimensions]:
                    written[other].dims[axis].attach_scale(scale)

    def _written(self, name: str, variable: xr.Variable, dimensions: Mapping[Any, np.int32]) -> h5py.Dataset:
        values, attributes = np.asarray(variable.values), dict(variable.attrs)
        missing = attributes.pop("_FillValue", None)
        if "/" in name or values.dtype.kind not in "iufUO" or isinstance(missing, str):
            raise NotPlain
        if values.dtype.kind in "UO":
            item = self._group.create_dataset(name, data=values.astype(object), dtype=TEXT, track_order=True)
        else:
            item = self._group.create_dataset(name, data=values, fillvalue=missing, track_order=True)
        if variable.ndim:
            item.attrs[DIMENSIONS] = np.array([dimensions[along] for along in variable.dims])
        if missing is not None:
            item.attrs["_FillValue"] = np.array([missing], values.dtype)
        _describe(item, attributes)
        return item


def _describe(item: h5py.Group | h5py.Dataset, attributes: Mapping[Any, Any]) -> None:
    """Give it these attributes: texts as they are, numbers as lists of one."""
    for name, value in attributes.items():
        kind = np.asarray(value).dtype.kind
        if name in HIDDEN or kind not in "iufU" or (kind == "U" and isinstance(value, np.ndarray)):
            raise NotPlain
        item.attrs[name] = value if isinstance(value, str | list | tuple) else np.atleast_1d(value)


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
