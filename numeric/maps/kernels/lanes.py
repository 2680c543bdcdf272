"""The loop around a kernel that brings every run to its own end, compiled once for all maps.

Runs are raised together for their first 128 iterations (`numeric.maps.kernels.nursery`). Those that have not ended by
then fly, each in a lane, and are looked at every 64 iterations (`numeric.maps.kernels.flight`). A run that may have
ended leaves its lane to the next one and waits until there are 64 of the kind (`numeric.maps.kernels.queues`). Then all
of them are repeated from a little before, which tells outcome and step; those that have not ended return. So no run
depends on another, nor on the number of threads, and lanes that fly pay for no more than the looks.

Shapes: states (coordinates, runs) and parameter values (parameters, runs), C-contiguous; `Ends` is filled in, for the
runs from `first` to before `last`. `signals` are the map steps that are done or unnecessary, and a request to stop.
"""

from __future__ import annotations

import numpy as np

from numeric.compile.kernel import LANES
from numeric.compile.procedures import ArrayOf
from numeric.maps.kernels.counting import count_settled
from numeric.maps.kernels.endings import repeat_last, repeat_settled
from numeric.maps.kernels.escapes import repeat_escaped
from numeric.maps.kernels.flight import Flight, fill, fly, leave_last, new_flight, oldest
from numeric.maps.kernels.nursery import new_nursery, raise_them, take_in_fresh, take_in_paused
from numeric.maps.kernels.queues import (
    BEFORE,
    CAPACITY,
    COUNTING,
    ESCAPED,
    LAST,
    PADDING,
    PAUSED,
    QUEUES,
    RETURNING,
    SIZE,
    WAITING,
    Ends,
    Queues,
    Task,
    Workspace,
    new_lanes,
)
from numeric.maps.outcomes import EXAMINED_EVERY, Array, Integers

ROWS, INTEGERS = ArrayOf(np.float64, 2), ArrayOf(np.int64, 1)
ENDS = Ends._make((ROWS, ArrayOf(np.int8, 1), INTEGERS, INTEGERS))
FINISH = (int, int, ROWS, ROWS, int, float, float, ENDS, int, int, INTEGERS)


def _work_off(task: Task, queues: Queues, space: Workspace, ends: Ends, least: int) -> int:
    """Repeat the runs of all queues in which there are so many; how many ended."""
    numbers, ended = queues.numbers, 0
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


def _fly(task: Task, flight: Flight, queues: Queues, space: Workspace, clock: int) -> None:
    """A block in all lanes, to which runs return before; runs leave before it that have no more than a block left."""
    if task.steps - oldest(flight) <= EXAMINED_EVERY:
        leave_last(task, flight, queues, clock)
    while flight.empty[LANES] > 0 and queues.numbers[RETURNING, SIZE, 0] > 0:
        fill(task, flight, queues, clock)
    if flight.empty[LANES] < LANES:
        fly(task, flight, queues, space, clock)


def finish(
    watching: int,
    recording: int,
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
    coordinates, task = len(state), Task(watching, recording, values, steps, tolerance, bound)
    flight, nursery = new_flight(coordinates, len(values)), new_nursery(coordinates, len(values))
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
    numbers, fresh, ended, clock = queues.numbers, first, 0, 0
    while signals[1] == 0 and ended < last - first:
        few = numbers[RETURNING, SIZE, 0] < flight.empty[LANES]
        paused, idle = numbers[PAUSED, SIZE, 0], False
        if few and (fresh < last or paused > 0):
            age = EXAMINED_EVERY if paused >= LANES or fresh == last else 0
            number = min(LANES, last - fresh if age == 0 else paused)
            if age:
                take_in_paused(task, nursery, queues, number)
            else:
                take_in_fresh(task, nursery, state, fresh, number)
                fresh += number
            ended += raise_them(task, nursery, queues, ends, age, number)
        elif flight.empty[LANES] < LANES or numbers[RETURNING, SIZE, 0] > 0:
            _fly(task, flight, queues, space, clock)
            clock += 1
        else:
            idle = True
        ended += _work_off(task, queues, space, ends, 1 if idle else LANES)
        signals[0] = ended * steps
