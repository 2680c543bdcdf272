"""Runs advanced by NumPy: where they are so few, or so short, that compiling a kernel would cost more than it saves.

The runs are taken in slabs whose states stay in the processor's cache, block after block of iterations; those that have
ended (`numeric.maps.outcomes`) leave the slab. A few runs are advanced with Python's floats, one after the other: an
operation takes 0.05 µs where an array of one takes 0.5 µs.

Shapes: as in `numeric.maps.engines`; a path is an array (states, coordinates, runs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from numeric.compile import Array, CompiledFunction
from numeric.maps.outcomes import (
    CONVERGED,
    DIVERGED,
    EXAMINED_EVERY,
    UNDECIDED,
    Integers,
    Outcomes,
    converged_since,
    first_outside,
    may_be_periodic,
    settled_since,
)
from numeric.progress import Progress

SLAB = 2048
FEW_RUNS = 8

Point = Sequence[Any]


@dataclass(frozen=True)
class NumpyEngine:
    """A map's step as a function of arrays."""

    function: CompiledFunction
    name: ClassVar[str] = "numpy"

    def finish(
        self, state: Array, values: Array, *, steps: int, tolerance: float, bound: float, progress: Progress
    ) -> Outcomes:
        """As `Engine.finish`."""
        ends = Outcomes.undecided(state, steps)
        with np.errstate(all="ignore"):  # an overflow is the outcome `diverged`
            for start in range(0, state.shape[1], SLAB):
                runs = np.arange(start, min(start + SLAB, state.shape[1]))
                self._finish_slab(runs, state[:, runs], values[:, runs], ends, steps, tolerance, bound, progress)
        return ends

    def _finish_slab(
        self,
        runs: Integers,
        state: Array,
        values: Array,
        ends: Outcomes,
        steps: int,
        tolerance: float,
        bound: float,
        progress: Progress,
    ) -> None:
        """Write down how these runs end."""
        path, iteration = state[None], 0  # of the last block, and of the one before
        restless = np.zeros(runs.size, bool)  # whose last step was still
        while iteration < steps and runs.size:
            block = min(EXAMINED_EVERY, steps - iteration)
            new = iterate(self.function, path[-1], values, block, keep=block + 1)
            iteration += block
            path = np.concatenate([path[-EXAMINED_EVERY - 1 : -1], new])
            at_last = iteration == steps
            outside = first_outside(path, bound)
            since, seen, restless = converged_since(path, iteration, at_last, outside, restless, tolerance)
            converged, escaped = np.flatnonzero(since >= 0), np.flatnonzero((since < 0) & (outside >= 0))
            examined = at_last or may_be_periodic(new, tolerance) | seen
            rest = np.flatnonzero((since < 0) & (outside < 0) & examined)
            outcome, period, settled = settled_since(path[:, :, rest], at_last, tolerance)
            ended = (outcome != UNDECIDED) | at_last
            gone = np.concatenate([converged, escaped, rest[ended]])
            since = np.concatenate([since[converged], outside[escaped], settled[ended]])
            sizes = [converged.size, escaped.size]
            ends.outcome[runs[gone]] = np.concatenate([np.repeat([CONVERGED, DIVERGED], sizes), outcome[ended]])
            ends.period[runs[gone]] = np.concatenate([np.repeat([1, 0], sizes), period[ended]])
            ends.step[runs[gone]] = iteration - len(path) + 1 + since
            kept = np.where(ends.outcome[runs[gone]] == DIVERGED, np.maximum(since - 1, 0), since)
            ends.final[:, runs[gone]] = path[kept, :, gone].T
            progress(block * runs.size + (steps - iteration) * gone.size)
            if gone.size:
                staying = np.setdiff1d(np.arange(runs.size), gone, assume_unique=True)
                runs, path, values, restless = runs[staying], path[:, :, staying], values[:, staying], restless[staying]

    def advance(self, state: Array, values: Array, steps: int) -> Array:
        """As `Engine.advance`."""
        slabs = [state[:, :0]]
        with np.errstate(all="ignore"):
            for start in range(0, state.shape[1], SLAB):
                runs = slice(start, start + SLAB)
                slabs.append(iterate(self.function, state[:, runs], values[:, runs], steps, keep=1)[0])
        return np.concatenate(slabs, axis=1)

    def record(self, state: Array, values: Array, *, records: int, every: int, lost: Integers) -> Array:
        """As `Engine.record`."""
        trajectory = np.empty((records, *state.shape))
        for index in range(records if state.shape[1] else 0):
            trajectory[index] = state
            trajectory[index][:, lost <= index * every] = np.nan
            if index + 1 < records:
                state = self.advance(state, values, every)
        return trajectory


def iterate(function: CompiledFunction, state: Array, values: Array, steps: int, keep: int) -> Array:
    """The last `keep` of the states θ₀ … θ_steps, an array (kept states, coordinates, runs)."""
    runs = state.shape[1]
    if 1 < runs <= FEW_RUNS:
        lanes = (slice(run, run + 1) for run in range(runs))
        return np.concatenate([iterate(function, state[:, at], values[:, at], steps, keep) for at in lanes], axis=2)
    recent = _float_states(function, state[:, 0].tolist(), values[:, 0].tolist(), steps, keep) if runs == 1 else None
    if recent is None:
        recent = _last_states(_on_arrays(function), list(state), list(values), steps, keep)
    kept = np.empty((len(recent), *state.shape))
    for index, point in enumerate(recent):
        for coordinate, values_of_runs in enumerate(point):
            kept[index, coordinate] = values_of_runs
    return kept


def _last_states(step: Callable[..., Point], point: Point, values: Point, steps: int, keep: int) -> list[Point]:
    """The last `keep` points of the orbit, each a sequence of floats or of arrays."""
    for _ in range(steps + 1 - keep):
        point = step(*point, *values)
    recent = [point]
    for _ in range(min(keep - 1, steps)):
        recent.append(step(*recent[-1], *values))
    return recent


def _on_arrays(function: CompiledFunction) -> Callable[..., Point]:
    """The function with constants made arrays, because 1/0 is an exception for floats and infinite for arrays."""
    return lambda *point: [np.asarray(value) for value in function.evaluate(*point)]


def _float_states(function: CompiledFunction, point: Point, values: Point, steps: int, keep: int) -> list[Point] | None:
    """The same for one run, with Python's floats.

    None where floats are not like arrays: they raise where those overflow, and become complex where those are nan,
    which the functions for arrays may refuse to take.
    """
    try:
        recent = _last_states(function.evaluate, point, values, steps, keep)
    except (ArithmeticError, TypeError, ValueError):
        return None
    return None if any(isinstance(value, complex) for point in recent for value in point) else recent
