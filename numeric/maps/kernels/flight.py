"""64 runs in the air, each in a lane, which are looked at after every block of 64 iterations; compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from numeric.compile.kernel import LANES, advance
from numeric.maps.kernels.escapes import any_watched, first_outside, watch_anew
from numeric.maps.kernels.looks import MARKED, find_near, find_near_marks, is_closed
from numeric.maps.kernels.queues import (
    AGE,
    BEFORE,
    COUNTING,
    ESCAPED,
    LAST,
    NOBODY,
    NOW,
    RETURNING,
    RUN,
    START,
    WAITING,
    Queues,
    Task,
    Workspace,
    copy,
    fill_in,
    load,
    new_lanes,
    pass_on,
    put,
    record_steps,
    take,
)
from numeric.maps.outcomes import EXAMINED_EVERY, LONGEST_PERIOD, Array, Integers


class Flight(NamedTuple):
    """The lanes of the kernel, who is in them and how old, the empty ones and at last their number.

    And which are still, and near a mark; states at the beginnings of the last two blocks, at marks, before the last
    step.
    """

    lanes: Array
    running: Integers
    ages: Integers
    empty: Integers
    still: Integers
    near: Integers
    begun: Array
    marks: Array
    previous: Array


def new_flight(coordinates: int, parameters: int) -> Flight:
    """Nobody in the air."""
    flight = Flight(
        new_lanes(coordinates, parameters),
        np.zeros(LANES, np.int64),
        np.zeros(LANES, np.int64),
        np.zeros(LANES + 1, np.int64),
        np.zeros(LANES, np.int64),
        np.zeros((len(MARKED), LANES), np.int64),
        np.zeros((2, coordinates, LANES)),
        np.zeros((len(MARKED), coordinates, LANES)),
        np.zeros((coordinates, LANES)),
    )
    for lane in range(LANES):
        flight.running[lane], flight.empty[lane] = NOBODY, lane
    flight.empty[LANES] = LANES
    return flight


def fill(task: Task, flight: Flight, queues: Queues, clock: int) -> None:
    """Give a returning run an empty lane, unless it has no more than a block left."""
    states = queues.states[RETURNING]
    place = take(queues, RETURNING)
    run, age = queues.numbers[RETURNING, RUN, place], queues.numbers[RETURNING, AGE, place]
    if task.steps - age <= EXAMINED_EVERY:
        back = task.steps - age < LONGEST_PERIOD
        there = put(queues, LAST, run, age - back * EXAMINED_EVERY, 0)
        fill_in(queues, LAST, START, there, states[BEFORE if back else NOW], place)
        pass_on(queues, RETURNING, place, LAST, there)
        return
    flight.empty[LANES] -= 1
    lane = flight.empty[flight.empty[LANES]]
    flight.running[lane], flight.ages[lane] = run, age
    load(flight.lanes, lane, states[NOW], place, task, run)
    for row in range(len(flight.previous)):
        flight.begun[clock % 2, row, lane] = states[NOW, row, place]
        flight.begun[(clock - 1) % 2, row, lane] = states[BEFORE, row, place]


def leave_last(task: Task, flight: Flight, queues: Queues, clock: int) -> None:
    """Let the runs leave that have at most a block left, those with less than the longest period left a block back."""
    for lane in range(LANES):
        left = task.steps - flight.ages[lane]
        if flight.running[lane] != NOBODY and left <= EXAMINED_EVERY:
            back = left < LONGEST_PERIOD
            _leave(flight, queues, lane, clock, LAST, flight.ages[lane] - back * EXAMINED_EVERY, 0, back)


def oldest(flight: Flight) -> int:
    """The largest age."""
    found = 0
    for lane in range(LANES):
        found = max(found, flight.ages[lane] if flight.running[lane] != NOBODY else 0)
    return found


def fly(task: Task, flight: Flight, queues: Queues, space: Workspace, clock: int) -> None:
    """A block in all lanes, which those runs leave that may have ended."""
    lanes, marks, previous = flight.lanes, flight.marks, flight.previous
    done = 0
    for mark in range(len(MARKED)):
        advance(task.watching, lanes, MARKED[mark] - done)
        copy(lanes, marks[mark])
        done = MARKED[mark]
    advance(task.watching, lanes, EXAMINED_EVERY - 1 - done)
    copy(lanes, previous)
    advance(task.watching, lanes, 1)
    if any_watched(lanes, task.bound):
        _leave_escaped(task, flight, queues, space, clock)
    watch_anew(lanes)
    _look(task, flight, queues, clock)
    for lane in range(LANES):
        flight.ages[lane] += EXAMINED_EVERY
    copy(lanes, flight.begun[(clock + 1) % 2])


def _look(task: Task, flight: Flight, queues: Queues, clock: int) -> None:
    """Let the runs leave that are still, or may be in a cycle."""
    still = find_near(flight.lanes, flight.previous, task.tolerance, flight.still)
    near = find_near_marks(flight.lanes, flight.marks, task.tolerance, flight.near)
    if not (still or near):
        return
    for lane in range(LANES):
        if flight.running[lane] == NOBODY:
            continue
        age = flight.ages[lane] + EXAMINED_EVERY
        if near and is_closed(flight.lanes, flight.marks, flight.previous, flight.near, lane):
            _leave(flight, queues, lane, clock, WAITING, age, 0, 0)
        elif still and flight.still[lane]:
            _leave(flight, queues, lane, clock, COUNTING, age - EXAMINED_EVERY, age, 0)


def _leave_escaped(task: Task, flight: Flight, queues: Queues, space: Workspace, clock: int) -> None:
    """Let the runs leave that have been out of bounds in this block.

    Of those that are inside at its end, the block is repeated at once: few are, unless they live near their bound.
    """
    lanes, limit = flight.lanes, task.bound * task.bound
    repeated = False
    for lane in range(LANES):
        if flight.running[lane] == NOBODY or lanes[len(lanes) - 1, lane] < limit:
            continue
        outside = False
        for row in range(len(flight.previous)):
            outside |= not abs(lanes[row, lane]) <= task.bound
        if not outside:
            if not repeated:
                _repeat(task, flight, space, clock)
                repeated = True
            outside = first_outside(space.history, lane, 0, EXAMINED_EVERY, task.bound) >= 0
        if outside:
            _leave(flight, queues, lane, clock, ESCAPED, flight.ages[lane], 0, 0)


def _repeat(task: Task, flight: Flight, space: Workspace, clock: int) -> None:
    """Fill the beginning of the history with the states of this block."""
    copy(flight.lanes, space.lanes)
    for row in range(len(flight.previous)):
        for lane in range(LANES):
            space.lanes[row, lane] = flight.begun[clock % 2, row, lane]
    record_steps(task, space, EXAMINED_EVERY)


def _leave(flight: Flight, queues: Queues, lane: int, clock: int, queue: int, age: int, due: int, back: int) -> None:
    """Put the run in a lane into a queue, with its state at the beginning of so many blocks back as START."""
    place = put(queues, queue, flight.running[lane], age, due)
    fill_in(queues, queue, START, place, flight.begun[(clock - back) % 2], lane)
    fill_in(queues, queue, NOW, place, flight.begun[clock % 2], lane)
    fill_in(queues, queue, BEFORE, place, flight.begun[(clock - 1) % 2], lane)
    for row in range(len(flight.lanes)):
        flight.lanes[row, lane] = 0.0
    flight.running[lane] = NOBODY
    flight.empty[flight.empty[LANES]] = lane
    flight.empty[LANES] += 1
