"""Where a run is, in a lane or in a queue, and what is known of it there; compiled.

A run flies in a lane until its end may be near, and then waits in a queue until there are 64 of the kind:

    ESCAPED      it has been out of bounds in its last 16 iterations
    COUNTING     its last step was still: it is counted since when
    WAITING      it may have settled in a cycle, or has done all its iterations: its last ones are examined
    LAST         it has at most 16 iterations left
    RETURNING    it has not ended, and returns to a lane

A queue knows of a run its number, its iterations, and those at which it was seen to be still; its state at the former,
START, at the beginning of its block of 64 iterations, NOW, and of the block before. Runs in lanes fly in parts of 16
iterations, and their states at the beginnings of the last eight parts are kept in a ring, for all lanes at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from numeric.compile.kernel import LANES, advance
from numeric.maps.outcomes import EXAMINED_EVERY, LOOKED_EVERY, Array, Integers

PADDING = 8  # numbers between the rows of a history, whose addresses would otherwise agree in their last bits

WAITING, RETURNING, COUNTING, LAST, ESCAPED = range(5)
QUEUES = ESCAPED + 1
CAPACITY = 8 * LANES  # of a queue: runs are fetched only while none returns, so that there are never more
RUN, AGE, DUE, SIZE = range(4)
START, NOW, BEFORE = range(3)
NOBODY = -1  # in an empty lane, in which zeros are iterated
PARTS = EXAMINED_EVERY // LOOKED_EVERY  # of a block
RING = 2 * PARTS


class Ends(NamedTuple):
    """What becomes of every run; the outcome as its place in `numeric.maps.outcomes.OUTCOMES`."""

    final: Array
    outcome: NDArray[np.int8]
    period: NDArray[np.int64]
    step: NDArray[np.int64]


class Task(NamedTuple):
    """What all runs have in common: the address of the watching kernel, parameter values by run, and the limits."""

    kernel: int
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


class Flight(NamedTuple):
    """The lanes of the kernel, who is in them, their ages, which are empty, and states: (parts, coordinates, lanes)."""

    lanes: Array
    running: Integers
    ages: Integers
    empty: Integers
    ring: Array
    marks: Array


def put(queues: Queues, queue: int, run: int, age: int, due: int) -> int:
    """Put a run at the end of a queue; its place, whose states are to be filled in."""
    place = queues.numbers[queue, SIZE, 0]
    queues.numbers[queue, SIZE, 0] = place + 1
    queues.numbers[queue, RUN, place], queues.numbers[queue, AGE, place] = run, age
    queues.numbers[queue, DUE, place] = due
    return place


def leave(flight: Flight, queues: Queues, lane: int, clock: int, queue: int, age: int, due: int, back: int) -> None:
    """Put the run in a lane into a queue, with its state so many parts back as START, and empty the lane."""
    place = put(queues, queue, flight.running[lane], age, due)
    block = clock - flight.ages[lane] // LOOKED_EVERY % PARTS
    for row in range(queues.states.shape[2]):
        queues.states[queue, START, row, place] = flight.ring[(clock - back) % RING, row, lane]
        queues.states[queue, NOW, row, place] = flight.ring[block % RING, row, lane]
        queues.states[queue, BEFORE, row, place] = flight.ring[(block - PARTS) % RING, row, lane]
        flight.lanes[row, lane] = 0.0
    flight.lanes[len(flight.lanes) - 1, lane] = 0.0
    flight.running[lane] = NOBODY
    flight.empty[flight.empty[LANES]] = lane
    flight.empty[LANES] += 1


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


def record_steps(kernel: int, space: Workspace, row: int, steps: int) -> None:
    """Fill the rows of a history from one on with the states of the lanes, and those after each of so many steps."""
    lanes, history = space.lanes, space.history
    for step in range(steps + 1):
        if step:
            advance(kernel, lanes, 1)
        for index in range(history.shape[1]):
            for lane in range(LANES):
                history[row + step, index, lane] = lanes[index, lane]
