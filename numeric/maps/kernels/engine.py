"""Runs advanced by a kernel, spread over the processor's cores.

The loops around the kernel (`numeric.maps.kernels.lanes`, `numeric.maps.kernels.recording`) are compiled once on a
machine, which takes some seconds, and found in the cache from then on. They release Python's lock, so the runs are
shared out among threads in slabs; no run depends on another, so the answer is the same for any number of threads. An
interruption stops all of them within a fraction of a second.

Shapes: as in `numeric.maps.engines`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import ClassVar

import numpy as np

from numeric.compile import Array, CompiledFunction
from numeric.compile.cache import files_in, fingerprint, sources
from numeric.compile.kernel import REMEMBERED, compile_kernel, print_kernel
from numeric.compile.procedures import COMPILED_BY, Kind, Procedure, compile_procedure
from numeric.maps.kernels.lanes import FINISH, finish
from numeric.maps.kernels.queues import Ends
from numeric.maps.kernels.recording import MOVE, RECORD, move, record
from numeric.maps.outcomes import Integers, Outcomes
from numeric.progress import Progress

LOOPS = ("compile/kernel.py", "maps/outcomes.py", *files_in("maps/kernels"))  # what the loops are written in
KERNELS = ("compile/scalars.py", *files_in("compile/functions"))  # and kernels
REPORTED_EVERY = 0.1  # seconds
LARGEST_SLAB = 2**14  # runs
SLABS_EACH = 4  # for every thread at least, so that none is left with much more than the others

Work = Callable[[int, int, Integers], None]  # on the runs from the first to before the last, with signals


@cache
def loop(function: Callable[..., None], kinds: tuple[Kind, ...]) -> Procedure:
    """A loop around kernels, compiled, or taken from the cache."""
    return compile_procedure(function, kinds, b"\0".join(sources(LOOPS)))


@cache
def made_from() -> str:
    """A checksum of all that results of this engine depend on beside the formulas: of files of this program."""
    return fingerprint(*sources((*LOOPS, *COMPILED_BY, *KERNELS)))


@lru_cache(maxsize=REMEMBERED)
def refuse_unless_printable(function: CompiledFunction) -> None:
    """Refuse a map that has no kernel before anything is computed."""
    print_kernel(function.program, watching=True)


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
        refuse_unless_printable(function)
        return cls(function, threads or available_threads())

    def finish(
        self, state: Array, values: Array, *, steps: int, tolerance: float, bound: float, progress: Progress
    ) -> Outcomes:
        """As `Engine.finish`."""
        watching = compile_kernel(self.function, watching=True)
        recording = compile_kernel(self.function, watching=True, recording=True)
        state, values = np.ascontiguousarray(state), np.ascontiguousarray(values)
        runs = state.shape[1]
        ends = Outcomes(
            np.empty(state.shape), np.empty(runs, np.int8), np.empty(runs, np.int64), np.empty(runs, np.int64)
        )
        filled = Ends(ends.final, ends.outcome, ends.period, ends.step)
        run = loop(finish, FINISH)

        def work(first: int, last: int, signals: Integers) -> None:
            kernels = watching.address, recording.address
            run(*kernels, state, values, steps, tolerance, bound, filled, first, last, signals)

        self._share_out(work, runs, progress)
        return ends

    def advance(self, state: Array, values: Array, steps: int) -> Array:
        """As `Engine.advance`."""
        kernel = compile_kernel(self.function, watching=False)
        state, values = np.ascontiguousarray(state), np.ascontiguousarray(values)
        moved = np.empty(state.shape)
        run = loop(move, MOVE)

        def work(first: int, last: int, signals: Integers) -> None:
            run(kernel.address, state, values, moved, steps, first, last, signals)

        self._share_out(work, state.shape[1], lambda done: None)
        return moved

    def record(self, state: Array, values: Array, *, records: int, every: int, lost: Integers) -> Array:
        """As `Engine.record`."""
        kernel = compile_kernel(self.function, watching=False)
        state, values, lost = np.ascontiguousarray(state), np.ascontiguousarray(values), np.ascontiguousarray(lost)
        trajectory = np.empty((records, *state.shape))
        run = loop(record, RECORD)

        def work(first: int, last: int, signals: Integers) -> None:
            run(kernel.address, state, values, trajectory, lost, every, first, last, signals)

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
