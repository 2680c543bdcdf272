"""The Zarr store of a grid of runs: what it is made of, which of its chunks are done, and whose grid it is.

A grid is a lazy dataset with sizes n_d and chunks of c_d along its dimensions d; its ∏_d ⌈n_d / c_d⌉ chunks are the
chunks of the arrays in the store. The array `chunks-done` has one element for each, and one file for each element, so
that a chunk's mark is set in one step, after all of its results are in their files.

The format is Zarr's version 2, which specifies text of fixed length. `outcome` takes one byte per run, a code with its
words in the attributes `flag_values` and `flag_meanings` (CF conventions 1.11, section 3.5).

Two grids are the same if their configurations, sizes, chunks, attributes and the contents of all variables in memory
(coordinates, mostly) are; values that are lazy themselves are known by the configuration only.

Errors: `BadInput` for a place that cannot be written, and for one that holds another grid or none.
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
import shutil
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import DTypeLike, NDArray

from eos_sym import BadInput
from numeric.maps.outcomes import OUTCOMES
from numeric.runs import provenance

if TYPE_CHECKING:
    from zarr import Array as ZarrArray

DONE = "chunks-done"  # no identifier, so no variable has this name

Chunks = dict[str, int]


def lazy_variables(dataset: xr.Dataset) -> dict[Hashable, xr.Variable]:
    """The variables that are computed chunk by chunk."""
    return {name: variable for name, variable in dataset.variables.items() if variable.chunks is not None}


def blocks(dataset: xr.Dataset, chunks: Chunks) -> tuple[int, ...]:
    """How many chunks a grid has along every dimension; an empty one has a chunk without runs."""
    return tuple(max(1, math.ceil(dataset.sizes[dim] / max(1, size))) for dim, size in chunks.items())


def identity(lazy: xr.Dataset, chunks: Chunks, configuration: Mapping[str, Any]) -> dict[str, str]:
    """What agrees for two grids if they are the same, by names that an error message can use."""

    def content(variable: xr.Variable) -> str:
        if variable.chunks is not None:
            return "lazy"
        values = variable.values
        data = repr(values.tolist()).encode() if values.dtype.hasobject else np.ascontiguousarray(values).tobytes()
        return hashlib.sha256(data).hexdigest()

    facts = {
        "configuration": configuration,
        "attributes": {name: str(value) for name, value in lazy.attrs.items()},
        "outcomes": OUTCOMES,  # whose places are the codes in the store
        "sizes": dict(lazy.sizes),
        "chunks": chunks,
        **{
            f"variable {name}": [variable.dims, str(variable.dtype), content(variable)]
            for name, variable in lazy.variables.items()
        },
    }
    try:
        return {name: json.dumps(fact, sort_keys=True) for name, fact in facts.items()}
    except TypeError as error:
        raise BadInput(f"configuration: {error}; give numbers, texts, lists and mappings of these") from error


def check_identity(path: Path, wanted: Mapping[str, str]) -> None:
    """Refuse a store of another grid."""
    try:
        there: Any = marks(path).attrs["identity"]
    except (OSError, LookupError, ValueError) as error:
        raise BadInput(f"{path}: exists and holds no grid of runs; choose another name") from error
    different = sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))
    if different:
        raise BadInput(f"{path}: holds another grid (other {', '.join(different)}); choose another name or remove it")


def marks(path: Path) -> ZarrArray[Any]:
    """Which chunks are done."""
    import zarr

    return zarr.open_array(path / DONE, mode="r+", zarr_format=2)


def create(
    encoded: xr.Dataset, path: Path, chunks: Chunks, same: Mapping[str, str], configuration: Mapping[str, Any]
) -> None:
    """Write everything but the chunks beside `path`, and move it there when it is complete."""
    import dask.array as da
    import zarr

    template = encoded.drop_encoding().assign_attrs(provenance(configuration))
    encoding = {}
    for name, variable in lazy_variables(encoded).items():
        shape_only = da.zeros(variable.shape, dtype=variable.dtype, chunks=variable.shape)
        template[name] = template[name].copy(data=shape_only)
        encoding[name] = {"chunks": tuple(max(1, chunks[str(dim)]) for dim in variable.dims)}
    number = blocks(encoded, chunks)
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(8)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        template.to_zarr(temporary, mode="w-", compute=False, consolidated=True, zarr_format=2, encoding=encoding)
        zarr.create_array(
            temporary / DONE,
            shape=number,
            chunks=(1,) * len(number),
            dtype=bool,
            fill_value=False,
            compressors=None,
            zarr_format=2,
            attributes={"identity": dict(same)},
        )
        temporary.rename(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror}); choose another folder") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@dataclass(frozen=True)
class ChunkWriter:
    """Writes the results of one chunk into the store, then its mark; `dims` are those of the results."""

    path: Path
    chunks: Chunks
    dims: Mapping[Hashable, tuple[Hashable, ...]]

    def __call__(self, number: NDArray[np.int64], *results: NDArray[Any]) -> NDArray[np.bool_]:
        """Write the chunk with this number, counted along the last dimension first."""
        try:
            self._write(number.item(), results)
        except OSError as error:
            reason = error.strerror or error
            raise BadInput(f"{self.path}: cannot be written ({reason}); the chunks before are kept") from error
        return np.ones(number.shape, dtype=bool)

    def _write(self, number: int, results: tuple[NDArray[Any], ...]) -> None:
        import zarr

        done = marks(self.path)
        index = dict(zip(self.chunks, map(int, np.unravel_index(number, done.shape)), strict=True))
        for (name, dims), values in zip(self.dims.items(), results, strict=True):
            if any(index[dim] for dim in index.keys() - set(dims)):
                continue  # the chunks along these dimensions share the values: the first one writes them
            starts = [index[str(dim)] * self.chunks[str(dim)] for dim in dims]
            region = tuple(slice(start, start + size) for start, size in zip(starts, values.shape, strict=True))
            zarr.open_array(self.path / str(name), mode="r+", zarr_format=2)[region] = values
        done[tuple(index.values())] = True


def encode(lazy: xr.Dataset) -> xr.Dataset:
    """The dataset with its outcomes as codes of one byte, 1 for the first word; 0 is what was not computed."""

    def codes(words: NDArray[np.str_]) -> NDArray[np.int8]:
        found = np.zeros(words.shape, dtype=np.int8)
        for code, word in enumerate(OUTCOMES, 1):
            found[words == word] = code
        return found

    if "outcome" not in lazy_variables(lazy):
        return lazy
    flags = {"flag_values": list(range(1, len(OUTCOMES) + 1)), "flag_meanings": " ".join(OUTCOMES)}
    return lazy.assign(outcome=_mapped(codes, lazy.outcome, np.int8, {**lazy.outcome.attrs, **flags}))


def open_store(path: Path) -> xr.Dataset:
    """The dataset in a store, lazy, with its outcomes as words."""
    stored: xr.Dataset = xr.open_zarr(path, chunks={}, consolidated=True)
    if "outcome" not in stored or "flag_meanings" not in stored.outcome.attrs:
        return stored
    words = np.array(["", *stored.outcome.attrs["flag_meanings"].split()])
    attributes = {name: value for name, value in stored.outcome.attrs.items() if not name.startswith("flag_")}
    return stored.assign(outcome=_mapped(words.__getitem__, stored.outcome, words.dtype, attributes))


def _mapped(function: Callable[..., Any], array: xr.DataArray, dtype: DTypeLike, attributes: Mapping[Any, Any]) -> Any:
    mapped = xr.apply_ufunc(function, array.variable, dask="parallelized", output_dtypes=[dtype], keep_attrs=False)
    mapped.attrs = dict(attributes)
    return mapped
