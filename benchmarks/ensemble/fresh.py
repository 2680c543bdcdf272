"""What only a fresh process can tell: the time of the first call, and the peak of memory.

The process that is timed begins with Python's start and ends with the states of the minimalist map after one step. Its
imports are timed alone as well. The cache of the kernel that is timed is a folder of its own, empty at first.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECORDED_BYTES = 400_000_000  # well above what imports and compilation may have left behind
RECORDS = 100


def first_call_seconds(rounds: int) -> dict[str, float]:
    """Seconds until the first step without cached kernel (once) and with it, and of the imports alone (medians)."""
    with tempfile.TemporaryDirectory() as cache:
        cold = _seconds("first_call()", cache)
        times = [(_seconds("first_call()", cache), _seconds("imports()", cache)) for _ in range(rounds)]
    cached, imports = (statistics.median(column) for column in zip(*times, strict=True))
    return {"cold": cold, "cached": cached, "imports": imports}


def recording_memory() -> dict[str, float] | None:
    """Peak memory over the arrays asked for, of the engine and of a simulator's run; None where it is not known."""
    if sys.platform == "win32":
        return None
    return {name: float(_output(f"{name}_memory()")) for name in ("engine", "simulator")}


def _seconds(call: str, cache: str) -> float:
    start = time.perf_counter()
    _output(call, XDG_CACHE_HOME=cache)
    return time.perf_counter() - start


def _output(call: str, **environment: str) -> str:
    module, function = __name__, call.partition("(")[0]
    finished = subprocess.run(
        [sys.executable, "-c", f"from {module} import {function}; {call}"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(f"{call} in a fresh process: {finished.stderr}")
    return finished.stdout


def imports() -> None:
    """What `first_call` imports."""
    import eos_sym  # noqa: F401


def first_call() -> None:
    """From the formula to one step."""
    import numpy as np

    from benchmarks.ensemble.engine import our_engine
    from eos_sym import GradientDescent, minimalist

    engine = our_engine(GradientDescent().map(minimalist()), threads=1)
    assert np.isfinite(engine.advance(np.ones((4, 64)), np.full((1, 64), 0.1), 1)).all()


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
