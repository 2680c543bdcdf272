"""How a run of a map ends: the definitions, and the decision for many runs at once in NumPy.

    converged    at iteration `step` and all later ones, the step before has moved no coordinate θᵢ by more than
                 tolerance · (1 + |θᵢ|), and a fixed point is near, by `numeric.maps.rest`, which tells it from a
                 plateau; so `step` is 1 for a start at a fixed point
    periodic     at iteration `step` and all later ones, the `period` steps before have moved none by more, and the
                 moves over a proper divisor of the period, single steps among them, are 1e9 times longer; for every
                 point of the cycle
    diverged     at iteration `step` a coordinate exceeds the bound, or overflows; the state before it is kept
    undecided    none of these yet, or at rest on a plateau; or, with a `step` before the last, the map has no value at
                 the state that is kept, on a kink, in a hole 0/0, or outside of its domain (`numeric.maps.undefined`)

The comparison with shorter moves keeps a slow oscillating convergence from being called a two-cycle: at a multiplier
−1 + δ the two-step move is 2δ times the one-step move, small soon, but never 1e-9 of it unless δ is. In the same way
a slow convergence to a two-cycle is no four-cycle. At that multiplier rounding stops the convergence at a distance of
about 10⁻¹⁶/δ, in an exact cycle of floating-point numbers; so a cycle whose steps are all shorter than
1e-9 · (1 + |θᵢ|) is called converged, and a true one so narrow is not told from it.

A run ends when it is seen that the above was so for its last 16 iterations (64 if it has been at rest since its start,
as runs at a saddle are for a while), or, at the last one of all, for one period. It is looked at for convergence at

    16, 32, 48, …, 128, 192, 256, 320, …

and, from one of these at which its last step was short, at all multiples of 16 up to the next multiple of 64: so looks
cost little beside the iterations between them. For a cycle it is examined every 64 iterations, if it is near where it
was 48 or 35 iterations before (every period up to 8 divides one of these), nearer by far than it moves in between, or
if its last step was short at a look since the time before. Both engines look at the same iterations, so they say the
same.

Shapes: a path is an array (states, coordinates, runs).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

OUTCOMES = ("undecided", "converged", "periodic", "diverged")
UNDECIDED, CONVERGED, PERIODIC, DIVERGED = range(4)
EXAMINED_EVERY = 64  # iterations, for having settled in a cycle
LOOKED_EVERY = 16  # iterations, for having converged, by runs that are
YOUNG = 128  # iterations
SETTLED = 16
MARKS = (48, 35)  # iterations ago
SLACK = 2.0  # times the tolerance of single steps: how much the moves since a mark may add up to
CLOSED = 1e-3  # of the distance to another mark: how near a cycle must come to where it was
LONGEST_PERIOD = 8
CYCLE_RATIO = 1e-9
NARROWEST_CYCLE = 1e-9

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass
class Outcomes:
    """For every run: the state it ended with (coordinates, runs), its outcome as a place in `OUTCOMES`, period, step.

    The period is 1 for a run that converged, and 0 where there is none.
    """

    final: Array
    outcome: NDArray[np.int8]
    period: Integers
    step: Integers

    @classmethod
    def undecided(cls, state: Array, steps: int) -> Outcomes:
        """What is known of the runs before they are started."""
        runs = state.shape[1]
        outcome, period = np.full(runs, UNDECIDED, np.int8), np.zeros(runs, np.int64)
        return cls(state.copy(), outcome, period, np.full(runs, steps))


def may_be_periodic(path: Array, tolerance: float) -> Mask:
    """The runs that are near enough to where they were at the marks to be worth a decision; the path has a block."""
    last = path[-1]
    near_even, near_odd = (_near(last, path[-1 - mark], mark * SLACK * tolerance) for mark in MARKS)
    even, odd, once = (np.abs(last - path[-1 - mark]).max(axis=0) for mark in (*MARKS, 1))
    cycle = near_even & (even <= CLOSED * np.maximum(once, odd))
    odd_cycle = near_odd & (odd <= CLOSED * np.maximum(once, even))
    return np.asarray(cycle | odd_cycle)


def first_outside(path: Array, bound: float) -> Integers:
    """The first state of every path that is out of bounds; −1 if none."""
    outside = ~(np.abs(path) <= bound).all(axis=1)
    return np.where(outside.any(axis=0), outside.argmax(axis=0), -1)


def converged_since(
    path: Array, iteration: int, at_last: bool, outside: Integers, restless: Mask, tolerance: float
) -> tuple[Integers, Mask, Mask]:
    """For every run the state of the path from which on a look in its last block saw it converged; −1 if none did.

    And whether it was still at a look before the end of the block, or restless, which is still at its beginning; and
    whether it is still at the end. The path ends at the iteration; from `outside` on the runs are gone.
    """
    since, seen, still = np.full(path.shape[2], -1), restless.copy(), np.zeros(path.shape[2], bool)
    last = len(path) - 1
    begun = last - ((iteration - 1) % EXAMINED_EVERY + 1)
    for row in range(begun + LOOKED_EVERY, last + (not at_last), LOOKED_EVERY):
        age, at_end = iteration - last + row, row == last
        looked = (since < 0) & ((outside < 0) | (outside > row))
        looked &= True if age <= YOUNG or at_end else restless
        runs = np.flatnonzero(looked)
        runs = runs[_near(path[row][:, runs], path[row - 1][:, runs], tolerance)]
        back = path[: row + 1][:, :, runs]
        steps = np.logical_and.accumulate(_near(back[1:], back[:-1], tolerance)[::-1]).sum(axis=0)
        settled = (steps >= SETTLED) & ((steps < age) | (age >= EXAMINED_EVERY))
        since[runs[settled]] = row - steps[settled] + 1
        (still if at_end else seen)[runs[~settled]] = True
    return since, seen, still


def settled_since(path: Array, at_last: bool, tolerance: float) -> tuple[NDArray[np.int8], Integers, Integers]:
    """For every run the outcome, the period and the state of the path from which on it is so."""
    runs, last = path.shape[2], len(path) - 1
    outcome, period = np.full(runs, UNDECIDED, np.int8), np.zeros(runs, np.int64)
    since = np.full(runs, last)
    for length in range(1, min(LONGEST_PERIOD, len(path) // 2) + 1):
        here = _near(path[-1], path[-1 - length], tolerance)
        open_ = np.flatnonzero((outcome == UNDECIDED) & here)
        if not open_.size:
            continue
        returned = _returned(path[:, :, open_], length, tolerance)
        stretch = np.logical_and.accumulate(returned[::-1]).sum(axis=0)
        found = stretch >= (length if at_last else SETTLED)
        runs_found = open_[found]
        narrow = _width(path[-length - 1 :, :, runs_found]) <= NARROWEST_CYCLE
        still = narrow | (length == 1)
        outcome[runs_found] = np.where(still, CONVERGED, PERIODIC)
        period[runs_found] = np.where(still, 1, length)
        since[runs_found] = last - stretch[found] + 1
    return outcome, period, since


def _near(state: Array, other: Array, tolerance: float) -> Mask:
    """Whether no coordinate differs by more than tolerated; the coordinates are the last axis but one."""
    return np.asarray((np.abs(state - other) <= tolerance * (1 + np.abs(state))).all(axis=-2))


def _returned(path: Array, period: int, tolerance: float) -> Mask:
    """Whether `period` steps, and no fewer, lead back; for every such move along the paths."""
    returned = _near(path[period:], path[:-period], tolerance)
    moved = np.abs(path[period:] - path[:-period]).max(axis=1)
    for part in range(1, period):
        if period % part == 0 and returned.any():
            shorter = np.abs(path[part:] - path[:-part]).max(axis=1)
            longest = sliding_window_view(shorter, period - part + 1, axis=0).max(axis=-1)
            np.logical_and(returned, moved <= CYCLE_RATIO * longest, out=returned)
    return returned


def _width(cycle: Array) -> Array:
    """The longest single step of every cycle, max |Δθᵢ| / (1 + |θᵢ|)."""
    width: Array = (np.abs(np.diff(cycle, axis=0)) / (1 + np.abs(cycle[1:]))).max(axis=(0, 1), initial=0.0)
    return width
