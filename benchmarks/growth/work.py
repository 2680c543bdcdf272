"""The work that is measured, each piece in a process of its own.

It prints one JSON object: `seconds`, `bytes` by which its peak of memory grew over what it held when the work
began, imports and compilation done (null where children did it), and what else the piece of work tells of itself.

    runs          so many runs of the minimalist map, 512 steps each, in memory, final states only
    chunks        the same from a lazy grid of 2²⁰ runs a chunk, written to a Zarr store
    formula       a product of so many weights, (1 − Πx)²/2: from the formula to its first step, kernel cold; and a step
    gradient      a step of gradient descent of a 64–w–w–10 network of about so many weights, on 300 digits, float32
    reading       a reading of its sharpness at 1e-3, the mean of the eight after the first
    processes     a sweep of 16 trainings, by so many processes
    cluster       the same by a Dask cluster on this machine, of so many processes
    empty_runs    a sweep of 200 runs that do nothing, by so many processes
    empty_cluster the same by such a cluster
"""

from __future__ import annotations

import json
import math
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.growth.sweeps import EXAMPLES, Measured, cluster, empty_cluster, empty_runs, processes

if TYPE_CHECKING:
    import xarray as xr

    from numeric.maps.engines import EngineName
    from numeric.maps.kernels.engine import CompiledEngine
    from numeric.networks.loss import FlatLoss

STEPS = 512
CHUNK = 2**20
FORMULA_RUNS = 4096
LATER = 8  # readings, and steps


def peak() -> int:
    """The most memory this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def resident() -> int:
    """The memory this process has now, in bytes."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def timed(work: Callable[[], object]) -> Measured:
    """Seconds and growth of the peak of a piece of work."""
    before, start = resident(), time.perf_counter()
    work()
    return {"seconds": time.perf_counter() - start, "bytes": max(0, peak() - before)}


def runs(size: int) -> Measured:
    """So many runs in memory."""
    from benchmarks.ensemble.problems import known_problem
    from numeric import compile_map

    def run(count: int, engine: EngineName = "auto") -> Callable[[], object]:
        problem = known_problem("minimalist", count)
        state = dict(zip((s.name for s in problem.map.state), map(labelled, problem.state), strict=True))
        values = dict(zip((p.name for p in problem.map.parameters), map(labelled, problem.values), strict=True))
        simulator = compile_map(problem.map)
        return lambda: simulator.run(state, values, steps=STEPS, outcomes=False, engine=engine)

    run(16, "compiled")()
    return timed(run(size))


def labelled(values: object) -> xr.DataArray:
    """Values along the dimension of the runs."""
    import xarray as xr

    return xr.DataArray(values, dims="run")


def chunks(size: int) -> Measured:
    """So many runs from a lazy grid: starts and step sizes are drawn chunk by chunk."""
    import dask.array as da

    from benchmarks.ensemble.problems import known_problem
    from numeric import compile_map, compute_grid

    dynamics = known_problem("minimalist", 1).map
    simulator = compile_map(dynamics)

    def grid(count: int, path: Path, engine: EngineName = "auto") -> Callable[[], object]:
        draw = da.random.default_rng(0)
        drawn = [draw.uniform(0.5, 1.2, size=count, chunks=CHUNK) for _ in dynamics.state]
        state = {symbol.name: labelled(values) for symbol, values in zip(dynamics.state, drawn, strict=True)}
        eta = {"eta": labelled(draw.uniform(5e-4, 1e-3, size=count, chunks=CHUNK))}
        lazy = simulator.run(state, eta, steps=STEPS, outcomes=False, engine=engine)[["final"]]
        return lambda: compute_grid(lazy, path, configuration={"runs": count})

    with tempfile.TemporaryDirectory() as folder:
        grid(16, Path(folder) / "first.zarr", "compiled")()
        return timed(grid(size, Path(folder) / "grid.zarr"))


def formula(size: int) -> Measured:
    """A product of so many weights, of which the cache has nothing, and the nanoseconds of a step of a run."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache  # asked for once in a process, so before anything is compiled

        import numpy as np

        from benchmarks.ensemble.engine import our_engine
        from eos_sym import GradientDescent, product

        our_engine(GradientDescent().map(product(3)), threads=1).advance(np.ones((3, 4)), np.full((1, 4), 1e-3), 1)
        state = np.random.default_rng(0).uniform(0.8, 1.1, (size, FORMULA_RUNS))
        values = np.full((1, FORMULA_RUNS), 1e-3 / size)

        def engine() -> CompiledEngine:
            return our_engine(GradientDescent().map(product(size)), threads=1)

        measured = timed(lambda: engine().advance(state[:, :4], values[:, :4], 1))
        compiled = engine()
        start = time.perf_counter()
        compiled.advance(state, values, STEPS)
        return measured | {"step": (time.perf_counter() - start) / (FORMULA_RUNS * STEPS)}


def gradient(size: int) -> Measured:
    """A step of gradient descent, the median of some."""
    from benchmarks.sharpness.problem import ETA

    loss = network_loss(size)
    weights = loss.parameters
    loss.value_and_gradient(weights)
    seconds = []

    def steps() -> None:
        nonlocal weights
        for _ in range(LATER):
            start = time.perf_counter()
            weights = weights - ETA * loss.value_and_gradient(weights)[1]
            seconds.append(time.perf_counter() - start)

    return timed(steps) | {"seconds": statistics.median(seconds), "weights": len(weights)}


def reading(size: int) -> Measured:
    """Readings of the sharpness at every step: the first, and the mean of later ones."""
    from benchmarks.sharpness.problem import ETA
    from numeric.networks.curvature import HessianAt
    from numeric.networks.curvature.eigen import TopEigenpairs

    loss, eigenpairs = network_loss(size), TopEigenpairs(1, relative=1e-3)
    weights, seconds = loss.parameters, []
    loss.value_and_gradient(weights)

    def readings() -> None:
        nonlocal weights
        for _ in range(1 + LATER):
            start = time.perf_counter()
            hessian = HessianAt(loss, weights)
            eigenpairs.read(hessian, weights, hessian.gradient)
            seconds.append(time.perf_counter() - start)
            weights = weights - ETA * hessian.gradient

    measured = timed(readings)
    return measured | {"seconds": statistics.mean(seconds[1:]), "first": seconds[0], "weights": len(weights)}


def network_loss(size: int) -> FlatLoss:
    """Of the network nearest to so many weights: w² + 76w + 10 of them."""
    import torch

    from benchmarks.sharpness.problem import digits_loss

    torch.set_num_threads(1)
    return digits_loss(torch.float32, round(math.sqrt(size + 38**2 - 10) - 38), EXAMPLES)


WORK: Mapping[str, Callable[[int], Measured]] = {
    work.__name__: work
    for work in (runs, chunks, formula, gradient, reading, processes, cluster, empty_runs, empty_cluster)
}


def tell(name: str, size: int) -> None:
    """Do a piece of work, and print what came of it."""
    print(json.dumps(WORK[name](size)))
