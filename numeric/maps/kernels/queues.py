"""Where a run is, in lanes or in a queue, and what is known of it there; compiled.

A run is raised for its first iterations (`numeric.maps.kernels.nursery`), then flies (`numeric.maps.kernels.flight`),
until its end may be near. Then it waits in a queue until there are 64 of the kind:

    PAUSED       it is 64 iterations old, and is raised on
    RETURNING    it is grown up, and flies on
    ESCAPED      it has been out of bounds in the 64 iterations that follow
    COUNTING     it was still at a look that follows: it is counted since when
    WAITING      it may have settled in a cycle, or has done all its iterations: its last ones are examined
    LAST         its last iterations are all that is left

A queue knows of a run its number, its iterations, and those at which it was seen to be still, or of a paused one how
many of its last steps were. Its states are that after its iterations, START, in the queues from which it goes on from
there (ESCAPED, COUNTING, LAST), that at the beginning of its block of 64 iterations, NOW, and of the block before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from numeric.compile.kernel import LANES, advance
from numeric.maps.outcomes import Array, Integers

PADDING = 8  # numbers between the rows of a history, whose addresses would otherwise agree in their last bits

PAUSED, RETURNING, ESCAPED, COUNTING, WAITING, LAST = range(6)
QUEUES = LAST + 1
CAPACITY = 8 * LANES + PADDING  # of a queue: runs are raised only where few return, so that there are never more
RUN, AGE, DUE, SIZE = range(4)
STILL = DUE  # of paused runs
START, NOW, BEFORE = range(3)
NOBODY = -1  # in an empty lane, in which zeros are iterated


class Ends(NamedTuple):
    """What becomes of every run; the outcome as its place in `numeric.maps.outcomes.OUTCOMES`."""

    final: Array
    outcome: NDArray[np.int8]
    period: NDArray[np.int64]
    step: NDArray[np.int64]


class Task(NamedTuple):
    """What all runs have in common: the addresses of kernels, parameter values by run, and the limits."""

    watching: int
    recording: int
    values: Array
    steps: int
    tolerance: float
    bound: float


class Queues(NamedTuple):
    """Numbers (queues, RUN … SIZE, places) and states (queues, START … BEFORE, coordinates, places)."""

    numbers: Integers
    states: Array


class Workspace(NamedTuple):
    """For runs that are repeated: lanes of the kernel, a history, (rows, coordinates, lanes), two numbers for each."""

    lanes: Array
    history: Array
    flags: Integers
    counts: Integers


def put(queues: Queues, queue: int, run: int, age: int, due: int) -> int:
    """Put a run at the end of a queue; its place, whose states are to be filled in."""
    place = queues.numbers[queue, SIZE, 0]
    queues.numbers[queue, SIZE, 0] = place + 1
    queues.numbers[queue, RUN, place], queues.numbers[queue, AGE, place] = run, age
    queues.numbers[queue, DUE, place] = due
    return place


def take(queues: Queues, queue: int) -> int:
    """Take the last run from a queue; the place in which it was."""
    place = queues.numbers[queue, SIZE, 0] - 1
    queues.numbers[queue, SIZE, 0] = place
    return place


def fill_in(queues: Queues, queue: int, kind: int, place: int, states: Array, lane: int) -> None:
    """Fill in one of the states of a place: one column of states (coordinates, lanes)."""
    for row in range(queues.states.shape[2]):
        queues.states[queue, kind, row, place] = states[row, lane]


def pass_on(queues: Queues, queue: int, place: int, other: int, there: int) -> None:
    """Fill in NOW and BEFORE as they were in another queue."""
    for kind in range(NOW, BEFORE + 1):
        fill_in(queues, other, kind, there, queues.states[queue, kind], place)


def conclude(ends: Ends, run: int, outcome: int, period: int, step: int) -> None:
    """Write down how a run ended whose state is kept."""
    ends.outcome[run], ends.period[run], ends.step[run] = outcome, period, step


def keep(ends: Ends, run: int, states: Array, lane: int) -> None:
    """Write down the state in which a run may have ended, from one column of states (coordinates or more, lanes)."""
    for row in range(len(ends.final)):
        ends.final[row, run] = states[row, lane]


def end(ends: Ends, run: int, outcome: int, period: int, step: int, states: Array, lane: int) -> None:
    """Write down how a run ended, and in which state."""
    conclude(ends, run, outcome, period, step)
    keep(ends, run, states, lane)


def copy(states: Array, to: Array) -> None:
    """States of all lanes."""
    for row in range(len(to)):
        for lane in range(LANES):
            to[row, lane] = states[row, lane]


def load(lanes: Array, lane: int, states: Array, place: int, task: Task, run: int) -> None:
    """Put a state, and the parameters of its run, into a lane of a watching kernel."""
    coordinates = len(states)
    inside = True
    for row in range(coordinates):
        lanes[row, lane] = states[row, place]
        inside &= abs(lanes[row, lane]) <= task.bound
    for row in range(len(task.values)):
        lanes[coordinates + row, lane] = task.values[row, run]
    lanes[len(lanes) - 1, lane] = 0.0 if inside else np.inf


def new_lanes(coordinates: int, parameters: int) -> Array:
    """The lanes of a watching kernel: coordinates, parameters, and the sum of squares."""
    return np.zeros((coordinates + parameters + 1, LANES))


def record_steps(task: Task, space: Workspace, steps: int) -> None:
    """Fill the beginning of the history with the states of the lanes, and those after each of so many steps."""
    lanes, history = space.lanes, space.history
    copy(lanes, history[0])
    for step in range(1, steps + 1):
        advance(task.watching, lanes, 1)
        copy(lanes, history[step])
