"""What only a fresh process can tell: the time of the first call, and the peak of memory.

The first call is that of a simulation by kernels, with outcomes, from the formula to the dataset; the imports of the
two packages stand before it, and are timed alone. The cache is a folder of its own, empty at first.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time

from benchmarks.fresh_process import printed_by

RECORDED_BYTES = 400_000_000  # well above what imports and compilation may have left behind
RECORDS = 100


def first_call_seconds(rounds: int) -> dict[str, float]:
    """Medians of seconds: with nothing in the cache, for a new map, for a known one, and of the imports."""
    turns = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as cache:
            turns.append([_first_call(number, cache) for number in (2, 3, 3)])
    known = [imports for _, _, (_, imports) in turns]
    columns = zip(*((empty, new, again) for (empty, _), (new, _), (again, _) in turns), strict=True)
    empty, new, again = map(statistics.median, columns)
    return {"empty cache": empty, "new map": new, "known map": again, "imports": statistics.median(known)}


def _first_call(number: int, cache: str) -> tuple[float, float]:
    seconds, imports = map(float, printed_by(__name__, f"first_call({number})", XDG_CACHE_HOME=cache).split())
    return seconds, imports


def recording_memory() -> dict[str, float] | None:
    """Peak memory over the arrays asked for, of the engine and of a simulator's run; None where it is not known."""
    if sys.platform == "win32":
        return None
    return {name: float(printed_by(__name__, f"{name}_memory()")) for name in ("engine", "simulator")}


def first_call(number: int) -> None:
    """Print the seconds of the first simulation of a map with this number in it, and of the imports before."""
    start = time.perf_counter()
    from eos_sym import GradientDescent, Objective
    from numeric import compile_map

    imported = time.perf_counter()
    loss = Objective.from_text(f"(1 - x*y)**2/{number}", "x y")
    run = compile_map(GradientDescent().map(loss)).run(
        {"x": 1.0, "y": 1.0}, {"eta": 0.1}, steps=5000, engine="compiled"
    )
    assert run.outcome == "converged"
    print(time.perf_counter() - imported, imported - start)


def engine_memory() -> None:
    """Print the ratio for the trajectories of the engine."""
    import numpy as np

    from benchmarks.ensemble.engine import our_engine
    from benchmarks.ensemble.problems import known_problem

    runs = RECORDED_BYTES // (2 * 8 * RECORDS)
    problem = known_problem("reduced_minimalist", runs)
    engine = our_engine(problem.map, threads=1)
    never = np.full(runs, RECORDS)
    engine.record(problem.state[:, :64], problem.values[:, :64], records=2, every=1, lost=never[:64])
    before = _used()
    trajectory = engine.record(problem.state, problem.values, records=RECORDS, every=1, lost=never)
    print((_peak() - before) / trajectory.nbytes)


def simulator_memory() -> None:
    """Print the ratio for a run of the simulator that records every iteration."""
    import numpy as np
    import xarray as xr

    from benchmarks.ensemble.problems import reduced_minimalist
    from numeric.maps import compile_map

    runs = RECORDED_BYTES // (2 * 8 * RECORDS)
    simulator = compile_map(reduced_minimalist())
    starts = xr.DataArray(np.linspace(0.5, 1.2, runs), dims="start")

    def run(x: xr.DataArray) -> xr.Dataset:
        return simulator.run(
            {"x": x, "y": x + 0.1}, {"eta": 1e-3}, steps=RECORDS - 1, record_every=1, engine="compiled"
        )

    run(starts[:64])
    before = _used()
    dataset = run(starts)
    print((_peak() - before) / dataset.nbytes)


def _used() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def _peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
