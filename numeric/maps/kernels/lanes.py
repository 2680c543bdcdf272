"""The loop around a kernel that brings every run to its own end, compiled once for all maps.

A run takes up a lane, and is looked at for an escape every `WATCHED_EVERY` iterations, in which the kernel has watched
it, and for its end when `numeric.maps.outcomes` says. A run that may have ended leaves its lane to the next one and
waits until there are 64 of the kind. Then the last iterations of all of them are repeated
(`numeric.maps.kernels.endings`), which tells outcome and step; those that have not ended return to a lane. So no run
depends on another, nor on the number of threads.

Shapes: states (coordinates, runs) and parameter values (parameters, runs), C-contiguous; `Ends` is filled in, for the
runs from `first` to before `last`. `signals` are the map steps that are done or unnecessary, and a request to stop.
"""

from __future__ import annotations

import numpy as np

from numeric.compile.kernel import LANES, advance
from numeric.compile.procedures import ArrayOf
from numeric.maps.kernels.endings import (
    AGE,
    BEFORE,
    COUNT,
    ESCAPED,
    FLYING,
    NOW,
    PADDING,
    PARTS,
    QUEUES,
    RETURNING,
    RUN,
    SIZE,
    WAITING,
    WATCHED_EVERY,
    Ends,
    append,
    load,
    new_lanes,
    repeat_escaped,
    repeat_settled,
)
from numeric.maps.outcomes import CLOSED, EXAMINED_EVERY, MARKS, SLACK, Array, Integers

CAPACITY = 4 * LANES  # of a queue; there are never more than three times the lanes in one
NOBODY = -1  # in an empty lane, in which zeros are iterated
ROWS, INTEGERS = ArrayOf(np.float64, 2), ArrayOf(np.int64, 1)
ENDS = Ends._make((ROWS, ArrayOf(np.int8, 1), INTEGERS, INTEGERS))
FINISH = (int, ROWS, ROWS, int, float, float, ENDS, int, int, INTEGERS)


def _leave(lanes: Array, numbers: Integers, states: Array, lane: int, queue: int, iterations: int, now: int) -> None:
    """Put the run, which has done so many iterations of its block, into the queue, and empty its lane."""
    age, count = numbers[FLYING, AGE, lane] + iterations, numbers[FLYING, COUNT, lane] + iterations
    append(numbers, states, queue, numbers[FLYING, RUN, lane], age, count, lane, now)
    numbers[FLYING, RUN, lane] = NOBODY
    for row in range(states.shape[2]):
        lanes[row, lane] = 0.0
    lanes[len(lanes) - 1, lane] = 0.0


def _fill(
    lanes: Array,
    numbers: Integers,
    states: Array,
    state: Array,
    values: Array,
    fresh: int,
    last: int,
    steps: int,
    now: int,
) -> int:
    """Give every empty lane to a run that returns, or else to the next fresh one; what is then the next one.

    Runs with less than a block left leave first: they wait, to be repeated up to their last iteration.
    """
    wanted = 0
    for lane in range(LANES):
        wanted += numbers[FLYING, RUN, lane] == NOBODY
    for lane in range(LANES):
        wanted += numbers[FLYING, AGE, lane] > steps - EXAMINED_EVERY
    if wanted == 0:
        return fresh
    for lane in range(LANES):
        left = steps - numbers[FLYING, AGE, lane]
        if numbers[FLYING, RUN, lane] != NOBODY and left < EXAMINED_EVERY:
            _leave(lanes, numbers, states, lane, WAITING, left, now)
        while numbers[FLYING, RUN, lane] == NOBODY and numbers[WAITING, SIZE, 0] < LANES:
            back = numbers[RETURNING, SIZE, 0] - 1
            if back >= 0:
                numbers[RETURNING, SIZE, 0] = back
                run, age, count = numbers[RETURNING, RUN, back], numbers[RETURNING, AGE, back], EXAMINED_EVERY
                for row in range(len(state)):
                    states[FLYING, now, row, lane] = states[RETURNING, NOW, row, back]
                    states[FLYING, 1 - now, row, lane] = states[RETURNING, BEFORE, row, back]
            elif fresh < last:
                run, age, count = fresh, 0, 0
                for row in range(len(state)):
                    states[FLYING, now, row, lane] = state[row, fresh]
                fresh += 1
            else:
                break
            left = steps - age
            if left < EXAMINED_EVERY:
                append(numbers, states, WAITING, run, steps, count + left, lane, now)
                continue
            numbers[FLYING, RUN, lane], numbers[FLYING, AGE, lane], numbers[FLYING, COUNT, lane] = run, age, count
            load(lanes, lane, states, FLYING, now, lane, values, run)
    return fresh


def _leave_escaped(lanes: Array, numbers: Integers, states: Array, part: int, now: int) -> None:
    """Let the runs leave that have been out of bounds in this part of the block."""
    outside, watch = 0, len(lanes) - 1
    for lane in range(LANES):
        outside += lanes[watch, lane] != 0.0
    if outside == 0:
        return
    for lane in range(LANES):
        if lanes[watch, lane] != 0.0 and numbers[FLYING, RUN, lane] != NOBODY:
            _leave(lanes, numbers, states, lane, ESCAPED + part, (part + 1) * WATCHED_EVERY, now)


def _near_marks(lanes: Array, numbers: Integers, marks: Array, near: Integers, steps: int, tolerance: float) -> bool:
    """Fill in the lanes that are near where they were at the marks; whether there is one, or one in its last block."""
    anything = 0
    for mark in range(len(MARKS)):
        slack = MARKS[mark] * SLACK * tolerance
        for lane in range(LANES):
            near[mark, lane] = 1
        for row in range(marks.shape[1]):
            for lane in range(LANES):
                value = lanes[row, lane]
                near[mark, lane] &= abs(value - marks[mark, row, lane]) <= slack * (1.0 + abs(value))
    for lane in range(LANES):
        anything += near[0, lane] | near[1, lane]
    for lane in range(LANES):
        anything += numbers[FLYING, AGE, lane] + EXAMINED_EVERY == steps
    return anything > 0


def _leave_settled(
    lanes: Array, numbers: Integers, states: Array, marks: Array, near: Integers, steps: int, now: int
) -> None:
    """Let the runs leave that may have settled, or have done all their iterations."""
    for lane in range(LANES):
        even = odd = once = 0.0
        for row in range(marks.shape[1]):
            even = max(even, abs(lanes[row, lane] - marks[0, row, lane]))
            odd = max(odd, abs(lanes[row, lane] - marks[1, row, lane]))
            once = max(once, abs(lanes[row, lane] - marks[2, row, lane]))
        still = near[0, lane] & near[2, lane]
        cycle = near[0, lane] and even <= CLOSED * max(once, odd)
        odd_cycle = near[1, lane] and odd <= CLOSED * max(once, even)
        done = numbers[FLYING, AGE, lane] + EXAMINED_EVERY == steps
        if (still or cycle or odd_cycle or done) and numbers[FLYING, RUN, lane] != NOBODY:
            _leave(lanes, numbers, states, lane, WAITING, EXAMINED_EVERY, now)


def _fly(
    kernel: int,
    lanes: Array,
    numbers: Integers,
    states: Array,
    marks: Array,
    near: Integers,
    steps: int,
    tolerance: float,
    now: int,
) -> None:
    """One block of iterations in all lanes, which those runs leave that may have ended."""
    done, coordinates = 0, states.shape[2]
    for part in range(PARTS):
        for mark in range(len(MARKS)):
            marked = EXAMINED_EVERY - MARKS[mark]
            if part * WATCHED_EVERY < marked <= (part + 1) * WATCHED_EVERY:
                advance(kernel, lanes, marked - done)
                for row in range(coordinates):
                    for lane in range(LANES):
                        marks[mark, row, lane] = lanes[row, lane]
                done = marked
        advance(kernel, lanes, (part + 1) * WATCHED_EVERY - done)
        done = (part + 1) * WATCHED_EVERY
        _leave_escaped(lanes, numbers, states, part, now)
    if _near_marks(lanes, numbers, marks, near, steps, tolerance):
        _leave_settled(lanes, numbers, states, marks, near, steps, now)
    for row in range(coordinates):
        for lane in range(LANES):
            states[FLYING, 1 - now, row, lane] = lanes[row, lane]
    for lane in range(LANES):
        numbers[FLYING, AGE, lane] += EXAMINED_EVERY
    for lane in range(LANES):
        numbers[FLYING, COUNT, lane] = EXAMINED_EVERY


def finish(
    kernel: int,
    state: Array,
    values: Array,
    steps: int,
    tolerance: float,
    bound: float,
    ends: Ends,
    first: int,
    last: int,
    signals: Integers,
) -> None:
    """Every run to its end, at most `steps` iterations."""
    coordinates = len(state)
    lanes = new_lanes(coordinates, len(values), bound)
    marks, near = np.zeros((len(MARKS), coordinates, LANES)), np.zeros((len(MARKS), LANES), np.int64)
    history = np.zeros((2 * EXAMINED_EVERY + 1, coordinates, LANES + PADDING))
    numbers = np.zeros((QUEUES, SIZE + 1, CAPACITY), np.int64)
    states = np.zeros((QUEUES, BEFORE + 1, coordinates, CAPACITY))
    for lane in range(LANES):
        numbers[FLYING, RUN, lane] = NOBODY
    fresh, ended, now = first, 0, 0
    while signals[1] == 0 and ended < last - first:
        fresh = _fill(lanes, numbers, states, state, values, fresh, last, steps, now)
        idle = True
        for lane in range(LANES):
            idle &= numbers[FLYING, RUN, lane] == NOBODY
        if not idle:
            _fly(kernel, lanes, numbers, states, marks, near, steps, tolerance, now)
            now = 1 - now
        for part in range(PARTS):
            while numbers[ESCAPED + part, SIZE, 0] >= LANES or (idle and numbers[ESCAPED + part, SIZE, 0]):
                ended += repeat_escaped(kernel, numbers, states, values, part, bound, ends)
        while numbers[WAITING, SIZE, 0] >= LANES or (idle and numbers[WAITING, SIZE, 0]):
            ended += repeat_settled(kernel, numbers, states, values, history, steps, tolerance, bound, ends)
        signals[0] = ended * steps
