"""Grids of runs larger than memory: chunk by chunk into a Zarr store, and on from where an interruption left it.

A grid is a lazy dataset, what `Simulator.run` answers for chunked input. Each of its chunks is computed, written and
forgotten, so that memory holds

    (chunks in flight) × (a chunk's results and the work on them),

however large the grid is. A chunk is marked as done when all of its results are in their files; a second call with the
same grid (`numeric.grids.identity`) computes the chunks without a mark and no other, and a finished grid is only opened
(`numeric.grids.reading`), also from a folder that may only be read.

Chunks are computed by Dask: in threads of this process, or by the workers of a `distributed.Client` if one is active,
which need to see the same files. Ctrl-C leaves the finished chunks, and so does whatever else ends the process.

Errors: `BadInput` for datasets that are not lazy or have unequal chunks, for a chunk that does not fit into memory, and
for a store that cannot be written, is being written by another process, holds another grid, or is damaged; `NoSpace`
for a full device; `RunFailed` where the cluster's workers are gone for long.
"""

from __future__ import annotations

import itertools
import math
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from eos_sym import BadInput
from numeric.files import locked, sweep_up
from numeric.grids.identity import Chunks, differences, identity, lazy_variables
from numeric.grids.reading import DONE, chunks_done, read_grid
from numeric.grids.store import ChunkWriter, blocks, create, encode, open_grid
from numeric.progress import Progress, listener
from numeric.runs.cluster import next_event
from numeric.values import RESULTS

if TYPE_CHECKING:
    import dask.array as da
    from distributed import Client

COPIES = 3  # of a chunk's results: as computed, as encoded, as compressed
STATES_HELD = 3  # by an engine at work; 2.0 to 2.5 measured

Key = tuple[str | int, ...]


def compute_grid(
    lazy: xr.Dataset,
    path: Path | str,
    *,
    configuration: Mapping[str, Any],
    progress: Progress | None = None,
) -> xr.Dataset:
    """Compute the chunks of `lazy` that are not in the Zarr store at `path` yet; the whole grid, opened lazily from it.

    `configuration` (JSON) says in words what the grid is, and becomes part of its identity and its provenance.
    `progress`, or who is listening, is called with the number of chunks just finished, first with the number of those
    that were there, up to `number_of_chunks(lazy)`.
    """
    path, progress = Path(path), listener(progress)
    chunks = _chunks(lazy)
    same = identity(lazy, chunks, configuration)
    missing = _missing(path, same, blocks(lazy, chunks))
    if missing:
        _check_memory(lazy, chunks)
        with locked(path.parent, path.name):
            missing = _missing(path, same, blocks(lazy, chunks))  # by another process in the meantime
            _write_missing(lazy, path, chunks, same, configuration, missing, progress)
    else:
        progress(number_of_chunks(lazy))
    return open_grid(path)


def _missing(path: Path, same: Mapping[str, str], number: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The chunks that are not in the store; a store of another grid is refused."""
    everything = [*np.ndindex(number)]
    if not path.exists():
        return everything
    if different := differences(read_grid(path)["identity"], same):
        raise BadInput(f"{path}: holds another grid (other {', '.join(different)}); choose another name or remove it")
    done = {place for place, _ in chunks_done(path)}
    return [place for place in everything if place not in done]


def _write_missing(
    lazy: xr.Dataset,
    path: Path,
    chunks: Chunks,
    same: Mapping[str, str],
    configuration: Mapping[str, Any],
    missing: Sequence[tuple[int, ...]],
    progress: Progress,
) -> None:
    """Compute and write these chunks, into a store that is made where it is missing."""
    if done := number_of_chunks(lazy) - len(missing):
        progress(done)
    encoded = encode(lazy)
    if path.exists():
        sweep_up(path / DONE)
        for stray in path.glob("*/*.partial"):  # of a write by Zarr that was killed
            stray.unlink()
    else:
        create(encoded, path, chunks, same, configuration)
    writes = _writes(encoded, path, chunks)
    try:
        _compute(writes, [(writes.name, *place) for place in missing], _bytes_needed(lazy, chunks), progress)
    except MemoryError as error:
        raise BadInput(
            f"{path}: memory ran out over a chunk of {_runs(chunks)}; finished chunks are kept;"
            " go on with more memory, or choose smaller chunks and another name"
        ) from error


def number_of_chunks(lazy: xr.Dataset) -> int:
    """How many chunks a grid has."""
    return math.prod(blocks(lazy, _chunks(lazy)))


def _chunks(lazy: xr.Dataset) -> Chunks:
    """The size of a chunk along every dimension of the lazy variables, in an order that does not depend on theirs."""
    try:
        sizes = {str(dim): parts for dim, parts in sorted(lazy.chunksizes.items())}
    except ValueError as error:
        raise BadInput(f"grid: {error}; apply unify_chunks() to it") from error
    if not sizes:
        raise BadInput('grid: nothing in it is lazy; chunk the initial values or parameters, as in .chunk({"x": 1000})')
    for dim, parts in sizes.items():
        if any(part != parts[0] for part in parts[:-1]) or parts[-1] > parts[0]:
            raise BadInput(f'grid: chunks of unequal sizes along {dim}; use .chunk({{"{dim}": {max(parts)}}})')
    return {dim: parts[0] for dim, parts in sizes.items()}


def _writes(encoded: xr.Dataset, path: Path, chunks: Chunks) -> da.Array:
    """One element per chunk, whose computation writes it."""
    import dask.array as da

    variables = lazy_variables(encoded)
    dims = list(chunks)
    number = blocks(encoded, chunks)
    numbers = da.from_array(np.arange(math.prod(number)).reshape(number), chunks=1)
    arguments = ((variable.data, [dims.index(str(dim)) for dim in variable.dims]) for variable in variables.values())
    writes: da.Array = da.blockwise(
        ChunkWriter(path.absolute(), chunks, number, {name: variable.dims for name, variable in variables.items()}),
        range(len(dims)),
        numbers,
        range(len(dims)),
        *itertools.chain.from_iterable(arguments),
        align_arrays=False,
        token=f"write-{secrets.token_hex(8)}",  # a scheduler that remembers an earlier write must not reuse it
        dtype=bool,
        meta=np.empty((0,) * len(dims), dtype=bool),
    )
    return writes


def _compute(writes: da.Array, keys: list[Key], needed: int, progress: Progress) -> None:
    """Let Dask compute these elements of `writes`; `progress` by one for each."""
    from dask import config
    from dask.base import get_scheduler
    from dask.callbacks import Callback
    from dask.system import CPU_COUNT

    graph = writes.__dask_optimize__(writes.dask, keys)
    client = _client()
    if client is not None:
        _compute_on_cluster(client, graph, keys, progress)
        return
    wanted = set(keys)
    in_flight = max(1, min(config.get("num_workers", CPU_COUNT), int(_free_memory() // needed)))
    with Callback(posttask=lambda key, *state: progress(1) if key in wanted else None):
        get_scheduler(collections=[writes])(graph, keys, num_workers=in_flight)


def _compute_on_cluster(client: Client, graph: Mapping[Any, Any], keys: list[Key], progress: Progress) -> None:
    from distributed import Future, KilledWorker

    futures: list[Future[Any]] = client.get(graph, keys, sync=False)
    done: SimpleQueue[Future[Any]] = SimpleQueue()
    try:
        for future in futures:
            future.add_done_callback(done.put)
        for _ in futures:
            next_event(client, done).result()
            progress(1)
    except KilledWorker as error:
        raise MemoryError from error  # what kills one worker after the other at the same chunk
    finally:
        client.cancel(futures)


def _client() -> Client | None:
    """The active client of a cluster, if Dask would use one."""
    from dask.base import get_scheduler

    return getattr(get_scheduler(), "__self__", None)


def _free_memory() -> float:
    """The bytes that one chunk may take: of this machine, or of a cluster's worker shared by its threads."""
    import psutil

    client = _client()
    if client is None:
        return float(psutil.virtual_memory().available)
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    limits = [worker["memory_limit"] / worker["nthreads"] for worker in workers if worker["memory_limit"]]
    return min(limits, default=math.inf)


def _bytes_needed(lazy: xr.Dataset, chunks: Chunks) -> int:
    """The memory that computing one chunk takes."""
    needed = 1
    for name, variable in lazy_variables(lazy).items():
        copies = COPIES + (STATES_HELD if name == "final" else 0)
        needed += copies * variable.dtype.itemsize * math.prod(chunks[str(dim)] for dim in variable.dims)
    return needed


def _runs(chunks: Chunks) -> str:
    """The part of a chunk that its user chooses, as xarray is told it."""
    return "{" + ", ".join(f'"{dim}": {size}' for dim, size in chunks.items() if dim not in RESULTS) + "}"


def _check_memory(lazy: xr.Dataset, chunks: Chunks) -> None:
    """Refuse chunks that do not fit into memory, and say which would."""
    free, needed = _free_memory(), _bytes_needed(lazy, chunks)
    if needed <= free:
        return
    smaller = dict(chunks)
    while _bytes_needed(lazy, smaller) > free:
        longest = max((dim for dim in smaller if dim not in RESULTS), key=lambda dim: smaller[dim], default=None)
        if longest is None or smaller[longest] <= 1:
            remedy = "not even one run fits; record fewer iterations"
            break
        smaller[longest] //= 2
    else:
        remedy = f"use smaller chunks, as in .chunk({_runs(smaller)})"
    there = "is free" if _client() is None else "is there for each thread of a worker"
    raise BadInput(
        f"grid: a chunk of {_runs(chunks)} takes about {needed / 2**30:.3g} GiB of memory and"
        f" {free / 2**30:.3g} GiB {there}; {remedy}"
    )
