"""The loop around a kernel that brings every run to its own end, compiled once for all maps.

A run takes up a lane, and flies in parts of `LOOKED_EVERY` iterations, in which the kernel watches whether it leaves
its bound. It is looked at when `numeric.maps.outcomes` says. A run that may have ended leaves its lane to the next one
and waits until there are 64 of the kind (`numeric.maps.kernels.queues`). Then all of them are repeated from a little
before, which tells outcome and step; those that have not ended return to a lane. So no run depends on another, nor on
the number of threads, and lanes that fly pay for no more than the looks.

Shapes: states (coordinates, runs) and parameter values (parameters, runs), C-contiguous; `Ends` is filled in, for the
runs from `first` to before `last`. `signals` are the map steps that are done or unnecessary, and a request to stop.
"""

from __future__ import annotations

import numpy as np

from numeric.compile.kernel import LANES, advance
from numeric.compile.procedures import ArrayOf
from numeric.maps.kernels.counting import count_settled
from numeric.maps.kernels.endings import repeat_last, repeat_settled
from numeric.maps.kernels.escapes import any_watched, leave_escaped, repeat_escaped
from numeric.maps.kernels.queues import (
    AGE,
    BEFORE,
    CAPACITY,
    COUNTING,
    ESCAPED,
    LAST,
    NOBODY,
    NOW,
    PADDING,
    PARTS,
    QUEUES,
    RETURNING,
    RING,
    RUN,
    SIZE,
    START,
    WAITING,
    Ends,
    Flight,
    Queues,
    Task,
    Workspace,
    leave,
    load,
    new_lanes,
    put,
)
from numeric.maps.outcomes import (
    CLOSED,
    EXAMINED_EVERY,
    LONGEST_PERIOD,
    LOOKED_EVERY,
    MARKS,
    SLACK,
    YOUNG,
    Array,
    Integers,
)

MARKED, EXAMINED = EXAMINED_EVERY - MARKS[0], EXAMINED_EVERY - LOOKED_EVERY  # ages of a block at which a part begins
FIRST = EXAMINED_EVERY - MARKS[1] - MARKED  # iterations of the part that begins at the one mark to the other
ALL_PHASES = (1 << PARTS) - 1
OLD = 2**62
TOGETHER = 8  # lanes are looked at, if any of them is to be

ROWS, INTEGERS = ArrayOf(np.float64, 2), ArrayOf(np.int64, 1)
ENDS = Ends._make((ROWS, ArrayOf(np.int8, 1), INTEGERS, INTEGERS))
FINISH = (int, ROWS, ROWS, int, float, float, ENDS, int, int, INTEGERS)


def _fill(task: Task, flight: Flight, queues: Queues, state: Array, fresh: int, last: int, clock: int) -> int:
    """Give every empty lane to a run that returns, or else to the next fresh one; what is then the next one."""
    numbers, states, coordinates = queues.numbers, queues.states, len(state)
    while flight.empty[LANES] > 0 and numbers[LAST, SIZE, 0] < LANES:
        place, lane = numbers[RETURNING, SIZE, 0] - 1, flight.empty[flight.empty[LANES] - 1]
        if place >= 0:
            numbers[RETURNING, SIZE, 0] = place
            run, age = numbers[RETURNING, RUN, place], numbers[RETURNING, AGE, place]
            if task.steps - age <= LOOKED_EVERY:
                there = put(queues, WAITING, run, task.steps, 0)
                for row in range(coordinates):
                    states[WAITING, NOW, row, there] = states[RETURNING, NOW, row, place]
                    states[WAITING, BEFORE, row, there] = states[RETURNING, BEFORE, row, place]
                continue
            load(flight.lanes, lane, states[RETURNING, NOW], place, task, run)
            for row in range(coordinates):
                flight.ring[(clock - PARTS) % RING, row, lane] = states[RETURNING, BEFORE, row, place]
        elif fresh < last:
            run, age = fresh, 0
            fresh += 1
            if task.steps <= LOOKED_EVERY:
                there = put(queues, LAST, run, 0, 0)
                for row in range(coordinates):
                    states[LAST, START, row, there] = states[LAST, NOW, row, there] = state[row, run]
                continue
            load(flight.lanes, lane, state, run, task, run)
        else:
            break
        flight.empty[LANES] -= 1
        flight.running[lane], flight.ages[lane] = run, age
        for row in range(coordinates):
            flight.ring[clock % RING, row, lane] = flight.lanes[row, lane]
    return fresh


def _leave_last(task: Task, flight: Flight, queues: Queues, clock: int) -> None:
    """Let the runs leave that have at most a part left, those with less than the longest period left a part back."""
    for lane in range(LANES):
        age = flight.ages[lane]
        left = task.steps - age
        if flight.running[lane] != NOBODY and left <= LOOKED_EVERY:
            back = 1 if left < LONGEST_PERIOD and age > 0 else 0
            leave(flight, queues, lane, clock, LAST, age - back * LOOKED_EVERY, 0, back)


def _survey(flight: Flight) -> tuple[int, int, int]:
    """The parts of their blocks that runs in lanes are in, as bits, the least age and the largest."""
    phases, youngest, oldest = 0, OLD, 0
    for lane in range(LANES):
        nobody, age = flight.running[lane] == NOBODY, flight.ages[lane]
        phases |= 0 if nobody else 1 << (age // LOOKED_EVERY & (PARTS - 1))
        youngest = min(youngest, OLD if nobody else age)
        oldest = max(oldest, 0 if nobody else age)
    return phases, youngest, oldest


def _find_near(lanes: Array, other: Array, tolerance: float, near: Integers) -> bool:
    """Fill in the lanes no coordinate of which differs by more than tolerated; whether there is one."""
    for lane in range(LANES):
        near[lane] = 1
    for row in range(len(other)):
        anything = 0
        for lane in range(LANES):
            value = lanes[row, lane]
            near[lane] &= abs(value - other[row, lane]) <= tolerance * (1.0 + abs(value))
            anything |= near[lane]
        if anything == 0:
            return False
    return True


def _is_closed(flight: Flight, previous: Array, clock: int, lane: int, near_even: int, near_odd: int) -> bool:
    """Whether a run is nearer by far to where it was at a mark than it moves in between."""
    even = odd = once = 0.0
    for row in range(len(previous)):
        value = flight.lanes[row, lane]
        even = max(even, abs(value - flight.ring[(clock + 1 - MARKS[0] // LOOKED_EVERY) % RING, row, lane]))
        odd = max(odd, abs(value - flight.marks[(clock - 2) % PARTS, row, lane]))
        once = max(once, abs(value - previous[row, lane]))
    closed = near_even != 0 and even <= CLOSED * max(once, odd)
    return closed or (near_odd != 0 and odd <= CLOSED * max(once, even))


def _look(
    task: Task, flight: Flight, queues: Queues, previous: Array, near: Integers, clock: int, examined: bool
) -> int:
    """Let the runs leave that are still, or may be in a cycle; how many."""
    left = 0
    still, even, odd = near[0], near[1], near[2]
    tolerance, early = task.tolerance, flight.ring[(clock + 1 - MARKS[0] // LOOKED_EVERY) % RING]
    found = _find_near(flight.lanes, previous, tolerance, still)
    if examined:
        found |= _find_near(flight.lanes, early, MARKS[0] * SLACK * tolerance, even)
        found |= _find_near(flight.lanes, flight.marks[(clock - 2) % PARTS], MARKS[1] * SLACK * tolerance, odd)
    if not found:
        return 0
    for lane in range(LANES):
        age = flight.ages[lane] + LOOKED_EVERY
        at_block = age & (EXAMINED_EVERY - 1) == 0
        looked = (flight.running[lane] != NOBODY) & (at_block | (age <= YOUNG))
        still[lane] &= looked
        even[lane] &= looked & at_block
        odd[lane] &= looked & at_block
    for group in range(0, LANES, TOGETHER):
        anything = 0
        for lane in range(group, group + TOGETHER):
            anything |= still[lane] | even[lane] | odd[lane]
        if anything == 0:
            continue
        for lane in range(group, group + TOGETHER):
            age = flight.ages[lane] + LOOKED_EVERY
            if even[lane] | odd[lane] and _is_closed(flight, previous, clock, lane, even[lane], odd[lane]):
                leave(flight, queues, lane, clock, WAITING, age, 0, 0)
                left += 1
            elif still[lane]:
                parts = 1 if age <= YOUNG else PARTS
                leave(flight, queues, lane, clock, COUNTING, age - parts * LOOKED_EVERY, age, parts - 1)
                left += 1
    return left


def _fly(
    task: Task,
    flight: Flight,
    queues: Queues,
    space: Workspace,
    previous: Array,
    near: Integers,
    clock: int,
    phases: int,
    youngest: int,
) -> int:
    """One part of a block in all lanes, which those runs leave that may have ended; how many."""
    lanes, done = flight.lanes, 0
    coordinates, watch = len(previous), len(lanes) - 1
    if phases >> (MARKED // LOOKED_EVERY) & 1:
        advance(task.kernel, lanes, FIRST)
        done = FIRST
        for row in range(coordinates):
            for lane in range(LANES):
                flight.marks[clock % PARTS, row, lane] = lanes[row, lane]
    examined = phases >> (EXAMINED // LOOKED_EVERY) & 1 != 0
    looked = examined or youngest + LOOKED_EVERY <= YOUNG
    if looked:
        advance(task.kernel, lanes, LOOKED_EVERY - 1 - done)
        done = LOOKED_EVERY - 1
        for row in range(coordinates):
            for lane in range(LANES):
                previous[row, lane] = lanes[row, lane]
    advance(task.kernel, lanes, LOOKED_EVERY - done)
    left = 0
    if any_watched(lanes, task.bound):
        left += leave_escaped(task, flight, queues, space, clock)
    for lane in range(LANES):
        lanes[watch, lane] = 0.0
    if looked:
        left += _look(task, flight, queues, previous, near, clock, examined)
    for lane in range(LANES):
        flight.ages[lane] += LOOKED_EVERY
    for row in range(coordinates):
        for lane in range(LANES):
            flight.ring[(clock + 1) % RING, row, lane] = lanes[row, lane]
    return left


def _work_off(task: Task, queues: Queues, space: Workspace, ends: Ends, idle: bool) -> int:
    """Repeat the runs of all queues that are full, or of all that have any if nothing flies; how many ended."""
    numbers, ended = queues.numbers, 0
    least = 1 if idle else LANES
    while True:
        if numbers[ESCAPED, SIZE, 0] >= least:
            ended += repeat_escaped(task, queues, space, ends)
        elif numbers[WAITING, SIZE, 0] >= least:
            ended += repeat_settled(task, queues, space, ends)
        elif numbers[COUNTING, SIZE, 0] >= least:
            ended += count_settled(task, queues, space, ends)
        elif numbers[LAST, SIZE, 0] >= least:
            ended += repeat_last(task, queues, space, ends)
        else:
            return ended


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
    coordinates, task = len(state), Task(kernel, values, steps, tolerance, bound)
    flight = Flight(
        new_lanes(coordinates, len(values)),
        np.zeros(LANES, np.int64),
        np.zeros(LANES, np.int64),
        np.zeros(LANES + 1, np.int64),
        np.zeros((RING, coordinates, LANES)),
        np.zeros((PARTS, coordinates, LANES)),
    )
    queues = Queues(
        np.zeros((QUEUES, SIZE + 1, CAPACITY), np.int64),
        np.zeros((QUEUES, BEFORE + 1, coordinates, CAPACITY)),
    )
    space = Workspace(
        new_lanes(coordinates, len(values)),
        np.zeros((2 * EXAMINED_EVERY + 1, coordinates, LANES + PADDING)),
        np.zeros(LANES, np.int64),
        np.zeros(LANES, np.int64),
    )
    previous, near = np.zeros((coordinates, LANES)), np.zeros((3, LANES), np.int64)
    for lane in range(LANES):
        flight.running[lane], flight.empty[lane] = NOBODY, lane
    flight.empty[LANES] = LANES
    fresh, ended, clock = first, 0, 0
    phases, youngest, oldest = 0, 0, 0
    while signals[1] == 0 and ended < last - first:
        if steps - oldest <= LOOKED_EVERY:
            _leave_last(task, flight, queues, clock)
        if flight.empty[LANES] > 0:
            fresh = _fill(task, flight, queues, state, fresh, last, clock)
            phases, youngest, oldest = _survey(flight)
        idle = flight.empty[LANES] == LANES
        if not idle:
            _fly(task, flight, queues, space, previous, near, clock, phases, youngest)
            clock += 1
            phases = (phases << 1 | phases >> (PARTS - 1)) & ALL_PHASES
            youngest += LOOKED_EVERY
            oldest += LOOKED_EVERY
        ended += _work_off(task, queues, space, ends, idle)
        signals[0] = ended * steps
