"""What identifies a grid of runs: two grids are the same if all of this is.

    configuration, attributes, sizes, chunks     as they are
    variables in memory (coordinates, mostly)    by the SHA-256 of their values
    lazy variables                               by the names of their Dask arrays, which are tokens of everything that
                                                 they are computed from: maps, values, options
    code                                         of all functions and classes that compute them (`numeric.runs.code`)

An array that is random, or otherwise has another name each time, is of another grid each time.

Errors: `BadInput` for a configuration that is no JSON.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Hashable, Mapping
from contextlib import suppress
from types import FunctionType
from typing import Any

import cloudpickle
import numpy as np
import xarray as xr

from eos_sym import BadInput
from numeric.maps.outcomes import OUTCOMES
from numeric.runs.code import code

Chunks = dict[str, int]


def lazy_variables(dataset: xr.Dataset) -> dict[Hashable, xr.Variable]:
    """The variables that are computed chunk by chunk."""
    return {name: variable for name, variable in dataset.variables.items() if variable.chunks is not None}


def identity(lazy: xr.Dataset, chunks: Chunks, configuration: Mapping[str, Any]) -> dict[str, str]:
    """What agrees for two grids if they are the same, by names that an error message can use."""
    facts = {
        "configuration": configuration,
        "attributes": {name: str(value) for name, value in lazy.attrs.items()},
        "outcomes": OUTCOMES,  # whose places are the codes in the store
        "sizes": dict(lazy.sizes),
        "chunks": chunks,
        "code": code(*functions_of(lazy)),
        **{
            f"variable {name}": [variable.dims, str(variable.dtype), _content(variable)]
            for name, variable in lazy.variables.items()
        },
    }
    try:
        return {name: json.dumps(fact, sort_keys=True) for name, fact in facts.items()}
    except TypeError as error:
        raise BadInput(f"configuration: {error}; give numbers, texts, lists and mappings of these") from error


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The names of what does not agree."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _content(variable: xr.Variable) -> str:
    if variable.chunks is not None:
        return str(variable.data.name)
    values = variable.values
    data = repr(values.tolist()).encode() if values.dtype.hasobject else np.ascontiguousarray(values).tobytes()
    return hashlib.sha256(data).hexdigest()


def functions_of(lazy: xr.Dataset) -> list[FunctionType | type]:
    """The functions and classes that one chunk of every lazy variable is computed by."""
    met = _Met()
    for variable in lazy_variables(lazy).values():
        first = variable.data.blocks[(0,) * variable.ndim]
        with suppress(
            TypeError, AttributeError, pickle.PicklingError
        ):  # what cannot be sent may still be computed here
            met.dump(first.__dask_optimize__(first.dask, first.__dask_keys__()))
    return sorted(met.found, key=lambda one: (one.__module__, one.__qualname__))


class _Met(cloudpickle.Pickler):  # type: ignore[misc]
    """Goes through an object as it would be sent, to find the code in it."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())
        self.found: set[FunctionType | type] = set()

    def reducer_override(self, value: Any) -> Any:
        """Note the value if it is code, or its class."""
        self.found.add(value if isinstance(value, FunctionType | type) else type(value))
        return super().reducer_override(value)
