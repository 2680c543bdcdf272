"""The first 128 iterations of runs, in which many converge or escape; compiled.

64 runs of one age, 0 or 64, are raised together for a block of 64 iterations, in parts of 16, of which every step is
recorded. So the end of a run that converges or escapes is read off, and nothing is repeated for it. One that may be in
a cycle leaves at the end of a block for the queue of those examined. Runs that are left then are raised for another
block, at once if there are many of them or with others of their age, and fly from an age of 128 on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from numeric.compile.kernel import LANES, advance_recorded, history_rows
from numeric.maps.kernels.cycles import count_still
from numeric.maps.kernels.escapes import any_watched, first_outside, watch_anew
from numeric.maps.kernels.looks import MARKED, find_near_marks, is_closed
from numeric.maps.kernels.queues import (
    BEFORE,
    COUNTING,
    LAST,
    NOBODY,
    NOW,
    PAUSED,
    RETURNING,
    RUN,
    START,
    STILL,
    WAITING,
    Ends,
    Queues,
    Task,
    conclude,
    copy,
    end,
    fill_in,
    keep,
    load,
    new_lanes,
    put,
    take,
)
from numeric.maps.outcomes import (
    CONVERGED,
    DIVERGED,
    EXAMINED_EVERY,
    LONGEST_PERIOD,
    LOOKED_EVERY,
    SETTLED,
    YOUNG,
    Array,
    Integers,
)

MANY = LANES // 2


class Nursery(NamedTuple):
    """The lanes of the kernel, the history of a part, and what is known of the runs in the lanes.

    That is who they are, how many of their last steps were still, and whether they were still at a look in this block;
    their states at marks, at the beginnings of the block, of the one before, and of the part before. The state after
    the first still step is kept where the run may have ended. Flags, counts and near are anything between uses.
    """

    lanes: Array
    history: Array
    running: Integers
    still: Integers
    restless: Integers
    flags: Integers
    counts: Integers
    near: Integers
    marks: Array
    begun: Array
    before: Array
    part: Array


def new_nursery(coordinates: int, parameters: int) -> Nursery:
    """An empty one."""
    return Nursery(
        new_lanes(coordinates, parameters),
        np.zeros((LOOKED_EVERY + 1, history_rows(coordinates), LANES)),
        np.zeros(LANES, np.int64),
        np.zeros(LANES, np.int64),
        np.zeros(LANES, np.int64),
        np.zeros(LANES, np.int64),
        np.zeros(LANES, np.int64),
        np.zeros((len(MARKED), LANES), np.int64),
        np.zeros((len(MARKED), coordinates, LANES)),
        np.zeros((coordinates, LANES)),
        np.zeros((coordinates, LANES)),
        np.zeros((coordinates, LANES)),
    )


def _clear(nursery: Nursery) -> None:
    """Let nobody be in the lanes, with zeros everywhere."""
    for lane in range(LANES):
        nursery.running[lane], nursery.still[lane] = NOBODY, 0
    for row in range(len(nursery.lanes)):
        for lane in range(LANES):
            nursery.lanes[row, lane] = 0.0
    for row in range(len(nursery.begun)):
        for lane in range(LANES):
            nursery.history[0, row, lane] = 0.0


def take_in_fresh(task: Task, nursery: Nursery, state: Array, fresh: int, number: int) -> None:
    """Take in so many of the runs that have not begun."""
    coordinates = len(state)
    _clear(nursery)
    for lane in range(number):
        nursery.running[lane] = fresh + lane
    for row in range(coordinates):
        for lane in range(number):
            nursery.history[0, row, lane] = state[row, fresh + lane]
            inside = abs(state[row, fresh + lane]) <= task.bound
            nursery.lanes[len(nursery.lanes) - 1, lane] += 0.0 if inside else np.inf
    for row in range(len(task.values)):
        for lane in range(number):
            nursery.lanes[coordinates + row, lane] = task.values[row, fresh + lane]


def take_in_paused(task: Task, nursery: Nursery, queues: Queues, number: int) -> None:
    """Take in so many of the runs that are 64 iterations old."""
    numbers, states = queues.numbers[PAUSED], queues.states[PAUSED]
    _clear(nursery)
    for lane in range(number):
        place = take(queues, PAUSED)
        nursery.running[lane], nursery.still[lane] = numbers[RUN, place], numbers[STILL, place]
        load(nursery.lanes, lane, states[NOW], place, task, numbers[RUN, place])
        for row in range(len(nursery.begun)):
            nursery.history[0, row, lane] = states[NOW, row, place]
            nursery.before[row, lane] = states[BEFORE, row, place]


def raise_them(task: Task, nursery: Nursery, queues: Queues, ends: Ends, age: int, number: int) -> int:
    """Bring so many runs of an age to their end, to a queue, or to the age at which they fly; how many ended."""
    history, ended, left = nursery.history, 0, number
    while left:
        if age % EXAMINED_EVERY == 0:
            copy(history[0], nursery.begun)
            for lane in range(LANES):
                nursery.restless[lane] = nursery.still[lane] > 0
        if task.steps - age <= LOOKED_EVERY:
            _leave_last(task, nursery, queues, age)
            return ended
        advance_recorded(task.recording, nursery.lanes, LOOKED_EVERY, history)
        part = age % EXAMINED_EVERY
        for mark in range(len(MARKED)):
            if 0 < MARKED[mark] - part <= LOOKED_EVERY:
                copy(history[MARKED[mark] - part], nursery.marks[mark])
        age += LOOKED_EVERY
        gone = _end_escaped(task, nursery, ends, age) + _end_converged(task, nursery, ends, age)
        ended += gone
        left -= gone
        if age % EXAMINED_EVERY == 0:
            left -= _leave_cycles(task, nursery, queues, age)
            if age == YOUNG or left < MANY:
                _leave_raised(nursery, queues, age)
                return ended
            copy(nursery.begun, nursery.before)
        copy(history[0], nursery.part)
        copy(history[LOOKED_EVERY], history[0])
    return ended


def _empty(nursery: Nursery, lane: int) -> None:
    """Let nobody be in a lane."""
    nursery.running[lane], nursery.still[lane] = NOBODY, 0
    for row in range(nursery.history.shape[1]):
        nursery.history[LOOKED_EVERY, row, lane] = 0.0


def _end_escaped(task: Task, nursery: Nursery, ends: Ends, age: int) -> int:
    """End the runs that have been out of bounds in this part; how many."""
    lanes, history, ended = nursery.lanes, nursery.history, 0
    watch, limit = len(lanes) - 1, task.bound * task.bound
    if not any_watched(lanes, task.bound):
        watch_anew(lanes)
        return 0
    for lane in range(LANES):
        if nursery.running[lane] == NOBODY or lanes[watch, lane] < limit:
            continue
        row = first_outside(history, lane, 0, LOOKED_EVERY, task.bound)
        if row >= 0:
            step = age - LOOKED_EVERY + row
            end(ends, nursery.running[lane], DIVERGED, 0, step, history[max(row - 1, 0)], lane)
            _empty(nursery, lane)
            ended += 1
    watch_anew(lanes)
    return ended


def _end_converged(task: Task, nursery: Nursery, ends: Ends, age: int) -> int:
    """End the runs that are seen to have converged, and count of the others since when they are still; how many."""
    history, still, counts, ended, anything = nursery.history, nursery.still, nursery.counts, 0, 0
    for lane in range(LANES):
        nursery.flags[lane] = nursery.running[lane] != NOBODY
    count_still(history, LOOKED_EVERY, len(ends.final), task.tolerance, nursery.flags, counts)
    for lane in range(LANES):
        anything |= counts[lane]
    if anything == 0:
        for lane in range(LANES):
            still[lane] = 0
        return 0
    for lane in range(LANES):
        number = counts[lane]
        if number == 0:
            still[lane] = 0
            continue
        if number < LOOKED_EVERY or still[lane] == 0:
            still[lane] = 0
            keep(ends, nursery.running[lane], history[LOOKED_EVERY - number + 1], lane)
        number += still[lane]
        still[lane] = number
        if number >= (SETTLED if number < age else EXAMINED_EVERY):
            conclude(ends, nursery.running[lane], CONVERGED, 1, age - number + 1)
            _empty(nursery, lane)
            ended += 1
        elif age % EXAMINED_EVERY:
            nursery.restless[lane] = 1
    return ended


def _leave_cycles(task: Task, nursery: Nursery, queues: Queues, age: int) -> int:
    """Let the runs wait that may be in a cycle, or were still at a look in this block; how many."""
    history, marks, left = nursery.history, nursery.marks, 0
    now = history[LOOKED_EVERY]
    found = find_near_marks(now, marks, task.tolerance, nursery.near)
    for lane in range(LANES):
        if nursery.running[lane] == NOBODY:
            continue
        closed = found and is_closed(now, marks, history[LOOKED_EVERY - 1], nursery.near, lane)
        if closed or nursery.restless[lane]:
            _leave(nursery, queues, lane, WAITING, age, 0)
            _empty(nursery, lane)
            left += 1
    return left


def _leave(nursery: Nursery, queues: Queues, lane: int, queue: int, age: int, due: int) -> int:
    """Put the run in a lane into a queue, with the beginnings of this block and the one before; its place."""
    place = put(queues, queue, nursery.running[lane], age, due)
    fill_in(queues, queue, NOW, place, nursery.begun, lane)
    fill_in(queues, queue, BEFORE, place, nursery.before, lane)
    return place


def _leave_raised(nursery: Nursery, queues: Queues, age: int) -> None:
    """Let all runs go at the end of a block: into the air, or to others of their age, or to where still ones go."""
    for lane in range(LANES):
        if nursery.running[lane] == NOBODY:
            continue
        still = nursery.still[lane]
        if age == YOUNG and still > 0:
            place = _leave(nursery, queues, lane, COUNTING, age - LOOKED_EVERY, age)
            fill_in(queues, COUNTING, START, place, nursery.history[0], lane)
        else:
            queue = RETURNING if age == YOUNG else PAUSED
            place = put(queues, queue, nursery.running[lane], age, still)
            fill_in(queues, queue, NOW, place, nursery.history[LOOKED_EVERY], lane)
            fill_in(queues, queue, BEFORE, place, nursery.begun, lane)


def _leave_last(task: Task, nursery: Nursery, queues: Queues, age: int) -> None:
    """Let all runs go that have at most a part left, those with less than the longest period left a part back."""
    back = task.steps - age < LONGEST_PERIOD and age > 0
    for lane in range(LANES):
        if nursery.running[lane] == NOBODY:
            continue
        if back and age % EXAMINED_EVERY == 0:  # the part before is another block's
            _leave(nursery, queues, lane, WAITING, task.steps, 0)
        elif back:
            place = _leave(nursery, queues, lane, LAST, age - LOOKED_EVERY, 0)
            fill_in(queues, LAST, START, place, nursery.part, lane)
        else:
            place = _leave(nursery, queues, lane, LAST, age, 0)
            fill_in(queues, LAST, START, place, nursery.history[0], lane)
