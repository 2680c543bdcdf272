"""How the runs ended that leave their lanes, from their last iterations repeated; compiled.

Up to 64 runs are repeated together, one in a lane. A history has their states, (rows, coordinates, lanes), and ends for
every run with its last row; a run that is repeated for fewer iterations starts in a later one.

Where a run is: in a lane, in a queue for the part of the block in which it escaped, in one to wait until it is
repeated, or in one to return to a lane. What is known of it: its number, its iterations, how many of these are to be
repeated, and, once for each queue, the length; its state at the beginning of its block, and at that of the block
before. In a lane these two states change places after every block, instead of being copied.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from numeric.compile.kernel import LANES, advance
from numeric.maps.kernels.cycles import count_still, find_cycle
from numeric.maps.outcomes import CONVERGED, DIVERGED, EXAMINED_EVERY, SETTLED, UNDECIDED, Array, Integers

PADDING = 8  # numbers between the rows of a history, whose addresses would otherwise agree in their last bits
WATCHED_EVERY = 16  # iterations between two looks at which runs have been out of bounds

PARTS = EXAMINED_EVERY // WATCHED_EVERY
FLYING, WAITING, RETURNING, ESCAPED = range(4)
QUEUES = ESCAPED + PARTS
RUN, AGE, COUNT, SIZE = range(4)
NOW, BEFORE = range(2)


class Ends(NamedTuple):
    """What becomes of every run; the outcome as its place in `numeric.maps.outcomes.OUTCOMES`."""

    final: Array
    outcome: NDArray[np.int8]
    period: NDArray[np.int64]
    step: NDArray[np.int64]


def append(numbers: Integers, states: Array, queue: int, run: int, age: int, count: int, lane: int, now: int) -> None:
    """Put a run at the end of a queue, with the states it has in its lane."""
    place = numbers[queue, SIZE, 0]
    numbers[queue, SIZE, 0] = place + 1
    numbers[queue, RUN, place], numbers[queue, AGE, place], numbers[queue, COUNT, place] = run, age, count
    for row in range(states.shape[2]):
        states[queue, NOW, row, place] = states[FLYING, now, row, lane]
        states[queue, BEFORE, row, place] = states[FLYING, 1 - now, row, lane]


def load(lanes: Array, lane: int, states: Array, queue: int, kind: int, place: int, values: Array, run: int) -> None:
    """Put a state of a run in a queue, and its parameters, into a lane of a watching kernel."""
    coordinates = states.shape[2]
    inside = True
    for row in range(coordinates):
        lanes[row, lane] = states[queue, kind, row, place]
        inside &= abs(lanes[row, lane]) <= lanes[len(lanes) - 2, lane]
    for row in range(len(values)):
        lanes[coordinates + row, lane] = values[row, run]
    lanes[len(lanes) - 1, lane] = 0.0 if inside else 1.0


def new_lanes(coordinates: int, parameters: int, bound: float) -> Array:
    """The lanes of a watching kernel: coordinates, parameters, bound, and whether a run has been outside."""
    lanes = np.zeros((coordinates + parameters + 2, LANES))
    for lane in range(LANES):
        lanes[coordinates + parameters, lane] = bound
    return lanes


def repeat_escaped(
    kernel: int, numbers: Integers, states: Array, values: Array, part: int, bound: float, ends: Ends
) -> int:
    """Repeat the part of a block in which up to 64 runs escaped, and write down when; the number of these runs."""
    queue, coordinates = ESCAPED + part, states.shape[2]
    first = max(numbers[queue, SIZE, 0] - LANES, 0)
    number = numbers[queue, SIZE, 0] - first
    lanes, final = new_lanes(coordinates, len(values), bound), np.zeros((coordinates, LANES))
    inside, survived = np.ones(LANES, np.int64), np.zeros(LANES, np.int64)
    for lane in range(number):
        load(lanes, lane, states, queue, NOW, first + lane, values, numbers[queue, RUN, first + lane])
    advance(kernel, lanes, part * WATCHED_EVERY)
    for row in range(coordinates):
        for lane in range(LANES):
            final[row, lane] = lanes[row, lane]
    for _ in range(WATCHED_EVERY):
        for row in range(coordinates):
            for lane in range(LANES):
                inside[lane] &= abs(lanes[row, lane]) <= bound
        for row in range(coordinates):
            for lane in range(LANES):
                final[row, lane] = lanes[row, lane] if inside[lane] else final[row, lane]
        for lane in range(LANES):
            survived[lane] += inside[lane]
        advance(kernel, lanes, 1)
    for lane in range(number):
        run = numbers[queue, RUN, first + lane]
        ends.outcome[run], ends.period[run] = DIVERGED, 0
        ends.step[run] = numbers[queue, AGE, first + lane] - WATCHED_EVERY + survived[lane]
        for row in range(coordinates):
            ends.final[row, run] = final[row, lane]
    numbers[queue, SIZE, 0] = first
    return number


def _record(kernel: int, numbers: Integers, states: Array, first: int, values: Array, history: Array) -> None:
    """Fill the history with the repeated runs."""
    coordinates, last, size = states.shape[2], len(history) - 1, numbers[WAITING, SIZE, 0]
    lanes = new_lanes(coordinates, len(values), math.inf)
    starting, earliest = np.zeros(len(history), np.int64), last
    for place in range(first, size):
        row = last - numbers[WAITING, COUNT, place]
        starting[row] += 1
        earliest = min(earliest, row)
    for row in range(earliest, last + 1):
        advance(kernel, lanes, 1)
        for place in range(first, size if starting[row] else first):
            if row == last - numbers[WAITING, COUNT, place]:
                kind = BEFORE if numbers[WAITING, COUNT, place] > EXAMINED_EVERY else NOW
                load(lanes, place - first, states, WAITING, kind, place, values, numbers[WAITING, RUN, place])
        for index in range(coordinates):
            for lane in range(LANES):
                history[row, index, lane] = lanes[index, lane]


def repeat_settled(
    kernel: int,
    numbers: Integers,
    states: Array,
    values: Array,
    history: Array,
    steps: int,
    tolerance: float,
    bound: float,
    ends: Ends,
) -> int:
    """Repeat the last iterations of up to 64 runs, write down how they ended or let them return; how many ended."""
    coordinates, size, last = states.shape[2], numbers[WAITING, SIZE, 0], len(history) - 1
    first, ended = max(size - LANES, 0), 0
    _record(kernel, numbers, states, first, values, history)
    still = count_still(history, coordinates, tolerance)
    for lane in range(size - first):
        run, age = numbers[WAITING, RUN, first + lane], numbers[WAITING, AGE, first + lane]
        count = numbers[WAITING, COUNT, first + lane]
        needed = 1 if age == steps else SETTLED
        outside = _first_outside(history, lane, coordinates, last - age % EXAMINED_EVERY, bound)
        if outside >= 0:
            outcome, period, row, final = DIVERGED, 0, outside, max(outside - 1, last - count)
        elif min(still[lane], count) >= needed:
            outcome, period, row = CONVERGED, 1, last - min(still[lane], count) + 1
            final = row
        else:
            outcome, period, row = find_cycle(history, lane, coordinates, last - count, age == steps, tolerance)
            final = row
        if outcome == UNDECIDED and age < steps:
            append(numbers, states, RETURNING, run, age, EXAMINED_EVERY, lane, NOW)
            back = numbers[RETURNING, SIZE, 0] - 1
            for index in range(coordinates):
                states[RETURNING, NOW, index, back] = history[last, index, lane]
                states[RETURNING, BEFORE, index, back] = history[last - EXAMINED_EVERY, index, lane]
        else:
            ends.outcome[run], ends.period[run], ends.step[run] = outcome, period, age - last + row
            for index in range(coordinates):
                ends.final[index, run] = history[final, index, lane]
            ended += 1
    numbers[WAITING, SIZE, 0] = first
    return ended


def _first_outside(history: Array, lane: int, coordinates: int, start: int, bound: float) -> int:
    """The first row from `start` on in which the lane is out of bounds; -1 if none."""
    for row in range(start, len(history)):
        for index in range(coordinates):
            if not abs(history[row, index, lane]) <= bound:
                return row
    return -1
