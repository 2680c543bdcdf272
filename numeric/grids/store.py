"""The Zarr store of a grid of runs: how it is made, and how its chunks are written.

A grid is a lazy dataset with sizes n_d and chunks of c_d along its dimensions d; its ∏_d ⌈n_d / c_d⌉ chunks are the
chunks of the arrays in the store. The folder `chunks-done` has one file for each that is done, written in one step
after all of its results are in their files, whose checksums it holds (`numeric.grids.reading`).

The format is Zarr's version 2, which specifies text of fixed length. `outcome` takes one byte per run, a code with its
words in the attributes `flag_values` and `flag_meanings` (CF conventions 1.11, section 3.5).

Errors: `BadInput` for a place that cannot be written; `NoSpace` for a full device.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import DTypeLike, NDArray

from numeric.files import beside, not_written, write_sealed
from numeric.grids.identity import Chunks, lazy_variables
from numeric.grids.reading import DONE, GRID, open_store
from numeric.maps.outcomes import OUTCOMES
from numeric.runs import provenance


def blocks(dataset: xr.Dataset, chunks: Chunks) -> tuple[int, ...]:
    """How many chunks a grid has along every dimension; an empty one has a chunk without runs."""
    return tuple(max(1, math.ceil(dataset.sizes[dim] / max(1, size))) for dim, size in chunks.items())


def create(
    encoded: xr.Dataset, path: Path, chunks: Chunks, same: Mapping[str, str], configuration: Mapping[str, Any]
) -> None:
    """Write everything but the chunks beside `path`, and move it there when it is complete."""
    import dask.array as da

    template = encoded.drop_encoding().assign_attrs(provenance(configuration))
    encoding = {}
    for name, variable in lazy_variables(encoded).items():
        shape_only = da.zeros(variable.shape, dtype=variable.dtype, chunks=variable.shape)
        template[name] = template[name].copy(data=shape_only)
        encoding[name] = {"chunks": tuple(max(1, chunks[str(dim)]) for dim in variable.dims)}
    temporary = beside(path)
    try:
        template.to_zarr(temporary, mode="w-", compute=False, consolidated=True, zarr_format=2, encoding=encoding)
        names = [file.relative_to(temporary).as_posix() for file in temporary.rglob("*") if file.is_file()]
        files = {name: checksum(temporary / name) for name in sorted(names)}
        described = {"identity": dict(same), "blocks": blocks(encoded, chunks), "files": files}
        write_sealed(temporary / GRID, json.dumps(described, indent=1).encode())
        (temporary / DONE).mkdir()
        temporary.rename(path)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def checksum(file: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


@dataclass(frozen=True)
class ChunkWriter:
    """Writes the results of one chunk into the store, then its mark; `dims` are those of the results."""

    path: Path
    chunks: Chunks
    blocks: tuple[int, ...]
    dims: Mapping[Hashable, tuple[Hashable, ...]]

    def __call__(self, number: NDArray[np.int64], *results: NDArray[Any]) -> NDArray[np.bool_]:
        """Write the chunk with this number, counted along the last dimension first."""
        try:
            self._write(number.item(), results)
        except OSError as error:
            raise not_written(self.path, error) from error
        return np.ones(number.shape, dtype=bool)

    def _write(self, number: int, results: tuple[NDArray[Any], ...]) -> None:
        import zarr

        index = dict(zip(self.chunks, map(int, np.unravel_index(number, self.blocks)), strict=True))
        written = {}
        for (name, dims), values in zip(self.dims.items(), results, strict=True):
            if any(index[dim] for dim in index.keys() - set(dims)):
                continue  # the chunks along these dimensions share the values: the first one writes them
            starts = [index[str(dim)] * self.chunks[str(dim)] for dim in dims]
            region = tuple(slice(start, start + size) for start, size in zip(starts, values.shape, strict=True))
            zarr.open_array(self.path / str(name), mode="r+", zarr_format=2)[region] = values
            file = f"{name}/{'.'.join(str(index[str(dim)]) for dim in dims) or '0'}"
            if (self.path / file).exists():  # Zarr writes no chunk that holds nothing but the fill value
                written[file] = checksum(self.path / file)
        write_sealed(self.path / DONE / ".".join(map(str, index.values())), json.dumps(written).encode())


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


def open_grid(path: Path) -> xr.Dataset:
    """The dataset in a store, lazy, with its outcomes as words."""
    stored = open_store(path)
    if "outcome" not in stored or "flag_meanings" not in stored.outcome.attrs:
        return stored
    words = np.array(["", *stored.outcome.attrs["flag_meanings"].split()])
    attributes = {name: value for name, value in stored.outcome.attrs.items() if not name.startswith("flag_")}
    return stored.assign(outcome=_mapped(words.__getitem__, stored.outcome, words.dtype, attributes))


def _mapped(function: Callable[..., Any], array: xr.DataArray, dtype: DTypeLike, attributes: Mapping[Any, Any]) -> Any:
    mapped = xr.apply_ufunc(function, array.variable, dask="parallelized", output_dtypes=[dtype], keep_attrs=False)
    mapped.attrs = dict(attributes)
    return mapped
