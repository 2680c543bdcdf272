"""Runs advanced by a kernel, spread over the processor's cores.

The loops around the kernel (`numeric.maps.kernels.lanes`, `numeric.maps.kernels.recording`) are compiled once on a
machine, which takes about a second, and found in the cache from then on. They release Python's lock, so the runs are
shared out among threads in slabs; no run depends on another, so the answer is the same for any number of threads. An
interruption stops all of them within a fraction of a second.

Shapes: as in `numeric.maps.engines`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from numeric.compile import Array, CompiledFunction
from numeric.compile.cache import sources
from numeric.compile.kernel import compile_kernel
from numeric.compile.procedures import Procedure, compile_procedure
from numeric.maps.kernels.endings import Ends
from numeric.maps.kernels.lanes import FINISH, finish
from numeric.maps.kernels.recording import RECORD, record
from numeric.maps.outcomes import Integers, Outcomes
from numeric.progress import Progress

MADE_FROM = ("compile/kernel.py", "maps/outcomes.py")
LOOPS = tuple(f"maps/kernels/{name}.py" for name in ("cycles", "endings", "lanes", "recording"))
REPORTED_EVERY = 0.1  # seconds
LARGEST_SLAB = 2**14  # runs
SLABS_EACH = 4  # for every thread at least, so that none is left with much more than the others

Work = Callable[[int, int, Integers], None]  # on the runs from the first to before the last, with signals


@cache
def loops() -> tuple[Procedure, Procedure]:
    """`lanes.finish` and `recording.record`, compiled, or taken from the cache."""
    made_from = b"\0".join(sources((*MADE_FROM, *LOOPS)))
    return compile_procedure(finish, FINISH, made_from), compile_procedure(record, RECORD, made_from)


def available_threads() -> int:
    """How many of the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class CompiledEngine:
    """A map's step, and the number of threads that share the runs."""

    function: CompiledFunction
    threads: int
    name: ClassVar[str] = "compiled"

    @classmethod
    def of(cls, function: CompiledFunction, threads: int | None = None) -> CompiledEngine:
        """The engine of a step, by default with all cores."""
        compile_kernel(function, watching=True)  # so that a map without a kernel is refused now
        return cls(function, threads or available_threads())

    def finish(
        self, state: Array, values: Array, *, steps: int, tolerance: float, bound: float, progress: Progress
    ) -> Outcomes:
        """As `Engine.finish`."""
        finish, _ = loops()
        kernel = compile_kernel(self.function, watching=True)
        state, values = np.ascontiguousarray(state), np.ascontiguousarray(values)
        ends = Outcomes.undecided(state, steps)
        filled = Ends(ends.final, ends.outcome, ends.period, ends.step)

        def work(first: int, last: int, signals: Integers) -> None:
            finish(kernel.address, state, values, steps, tolerance, bound, filled, first, last, signals)

        self._share_out(work, state.shape[1], progress)
        return ends

    def advance(self, state: Array, values: Array, steps: int) -> Array:
        """As `Engine.advance`."""
        kept = np.full(state.shape[1], np.iinfo(np.int64).max)
        ends: Array = self.record(state, values, records=2, every=steps, lost=kept)[1]
        return ends

    def record(self, state: Array, values: Array, *, records: int, every: int, lost: Integers) -> Array:
        """As `Engine.record`."""
        _, record = loops()
        kernel = compile_kernel(self.function, watching=False)
        state, values, lost = np.ascontiguousarray(state), np.ascontiguousarray(values), np.ascontiguousarray(lost)
        trajectory = np.empty((records, *state.shape))

        def work(first: int, last: int, signals: Integers) -> None:
            record(kernel.address, state, values, trajectory, lost, every, first, last, signals)

        self._share_out(work, state.shape[1], lambda done: None)
        return trajectory

    def _share_out(self, work: Work, runs: int, progress: Progress) -> None:
        """Let the threads do the work on all runs."""
        slab = min(LARGEST_SLAB, max(1, -(-runs // (self.threads * SLABS_EACH))))
        starts = range(0, runs, slab)
        signals = np.zeros((len(starts), 2), np.int64)
        reported = 0
        with ThreadPoolExecutor(self.threads) as pool:
            futures = {
                pool.submit(work, first, min(first + slab, runs), signal)
                for first, signal in zip(starts, signals, strict=True)
            }
            try:
                while futures:
                    ended, futures = wait(futures, REPORTED_EVERY, FIRST_EXCEPTION)
                    for future in ended:
                        future.result()
                    done = int(signals[:, 0].sum())
                    progress(done - reported)
                    reported = done
            except BaseException:
                signals[:, 1] = 1
                for future in futures:
                    future.cancel()
                raise
