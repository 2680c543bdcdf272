"""How a run of a map ends, and the loop that finds out for many runs at once.

    converged    from iteration `step` on, one step moves no coordinate θᵢ by more than tolerance · (1 + |θᵢ|)
    periodic     from iteration `step` on, `period` steps move none by more, and the moves over a proper divisor of the
                 period, single steps among them, are 1e9 times longer; for every point of the cycle
    diverged     at iteration `step` a coordinate exceeds the bound or is no number; the state before it is kept
    undecided    none of these yet

The comparison with shorter moves keeps a slow oscillating convergence from being called a two-cycle: at a multiplier
−1 + δ the two-step move is 2δ times the one-step move, small soon, but never 1e-9 of it unless δ is. In the same way
a slow convergence to a two-cycle is no four-cycle. At that multiplier rounding stops the convergence at a distance of
about 10⁻¹⁶/δ, in an exact cycle of floating-point numbers; so a cycle whose steps are all shorter than
1e-9 · (1 + |θᵢ|) is called converged, and a true one so narrow is not told from it.

Shapes: a state is an array (coordinates, runs), and so is everything computed from it. Runs are examined every
`BLOCK` iterations; the block in which one may have ended is replayed for it alone, which gives the exact step. Ended
runs leave the computation. A run that leaves the bound and is back for the last `LONGEST_PERIOD` iterations of a block
is not seen to leave it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from numeric.compile import CompiledFunction

BLOCK = 64
LONGEST_PERIOD = 8
REMEMBERED = 2 * LONGEST_PERIOD  # states: every point of a cycle and its return
CYCLE_RATIO = 1e-9
NARROWEST_CYCLE = 1e-9
FEW_RUNS = 8

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Point = Sequence[Any]


@dataclass
class Outcomes:
    """For every run: the state it ended with, its outcome, the period (0 if none) and the step."""

    final: Array
    outcome: NDArray[np.str_]
    period: NDArray[np.int64]
    step: NDArray[np.int64]


def advance(
    function: CompiledFunction,
    state: Array,
    values: Array,
    *,
    steps: int,
    tolerance: float,
    bound: float,
    progress: Callable[[int], object],
) -> Outcomes:
    """Run every column of `state` with its column of parameter `values` to its end, at most `steps` iterations."""
    runs = state.shape[1]
    ends = Outcomes(
        state.copy(), np.full(runs, "undecided", "<U9"), np.zeros(runs, np.int64), np.full(runs, steps, np.int64)
    )
    active = np.arange(runs)
    past = state[None]  # the last states of the active runs, REMEMBERED of them as soon as there are so many
    iteration = 0
    with np.errstate(all="ignore"):  # an overflow is the outcome `diverged`
        while iteration < steps and active.size:
            block = min(BLOCK, steps - iteration)
            recent = iterate(function, past[-1], values, block, keep=REMEMBERED)
            if len(recent) < REMEMBERED:
                recent = np.concatenate([past[:-1], recent])[-REMEMBERED:]
            candidates = np.flatnonzero(_may_have_ended(recent, tolerance, bound))
            if candidates.size:
                replayed = iterate(function, past[-1][:, candidates], values[:, candidates], block, keep=block + 1)
                history = np.concatenate([past[:-1, :, candidates], replayed])
                start = iteration - len(past) + 1
                ended = _settle(history, active[candidates], start, ends, tolerance, bound)
                staying = np.setdiff1d(np.arange(active.size), candidates[ended], assume_unique=True)
                active, recent, values = active[staying], recent[:, :, staying], values[:, staying]
            past = recent
            iteration += block
            progress(block)
    ends.final[:, active] = past[-1]
    return ends


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
    """The same for one run, with Python's floats: an operation takes 0.05 µs where an array of one takes 0.5 µs.

    None where floats are not like arrays: they raise where those overflow, and become complex where those are nan,
    which the functions for arrays may refuse to take.
    """
    try:
        recent = _last_states(function.evaluate, point, values, steps, keep)
    except (ArithmeticError, TypeError, ValueError):
        return None
    return None if any(isinstance(value, complex) for point in recent for value in point) else recent


def _may_have_ended(recent: Array, tolerance: float, bound: float) -> Mask:
    """The runs that were out of bounds, or where they are now, in the last `LONGEST_PERIOD` steps; maybe some more."""
    last, before = recent[-1], recent[-1 - LONGEST_PERIOD : -1]
    ended = ~(np.abs(recent[-LONGEST_PERIOD:]) <= bound).all(axis=(0, 1))
    moved = np.abs(last - before)
    near = (moved / (1 + np.abs(last))).max(axis=1) <= tolerance
    close = np.flatnonzero(near.any(axis=0))
    if close.size:
        lengths = moved[:, :, close].max(axis=1)
        near[:-1, close] &= lengths[:-1] <= CYCLE_RATIO * 2 * lengths.max(axis=0)  # no step is longer than twice that
        ended |= near.any(axis=0)
    return np.asarray(ended)


def _returned(path: Array, period: int, tolerance: float) -> Mask:
    """Whether `period` steps, and no fewer, bring one run back to where it was; for every such move along its path."""
    moved = np.abs(path[period:] - path[:-period])
    returned: Mask = (moved / (1 + np.abs(path[period:]))).max(axis=1) <= tolerance
    for part in range(1, period):
        if period % part == 0 and returned.any():
            shorter = np.abs(path[part:] - path[:-part]).max(axis=1)
            longest = sliding_window_view(shorter, period - part + 1).max(axis=1)
            returned &= moved.max(axis=1) <= CYCLE_RATIO * longest
    return returned


def _width(cycle: Array) -> float:
    """The longest single step of a cycle, max |Δθᵢ| / (1 + |θᵢ|)."""
    return float((np.abs(np.diff(cycle, axis=0)) / (1 + np.abs(cycle[1:]))).max())


def _settle(
    history: Array, runs: NDArray[np.int64], start: int, ends: Outcomes, tolerance: float, bound: float
) -> NDArray[np.int64]:
    """Write down the outcome of the runs that ended in the history from `start` on; the positions of those that did."""
    ended = []
    for position, run in enumerate(runs):
        path = history[:, :, position]
        outside = np.flatnonzero(~(np.abs(path) <= bound).all(axis=1))
        if outside.size:
            first = int(outside[0])
            _write(ends, run, "diverged", 0, start + first, path[max(first - 1, 0)])
            ended.append(position)
            continue
        for period in range(1, min(LONGEST_PERIOD, len(path) // 2) + 1):
            returned = _returned(path, period, tolerance)
            if returned[-period:].all():
                away = np.flatnonzero(~returned)
                first = period + (int(away[-1]) + 1 if away.size else 0)
                if period == 1 or _width(path[-period - 1 :]) <= NARROWEST_CYCLE:
                    _write(ends, run, "converged", 1, start + first, path[first])
                else:
                    _write(ends, run, "periodic", period, start + first, path[first])
                ended.append(position)
                break
    return np.array(ended, dtype=np.int64)


def _write(ends: Outcomes, run: int, outcome: str, period: int, step: int, final: Array) -> None:
    ends.outcome[run], ends.period[run], ends.step[run] = outcome, period, step
    ends.final[:, run] = final
