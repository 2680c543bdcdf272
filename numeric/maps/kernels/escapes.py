"""When runs left their bound, from the iterations in which they did, repeated; compiled."""

from __future__ import annotations

from numeric.compile.kernel import LANES
from numeric.maps.kernels.queues import (
    AGE,
    ESCAPED,
    NOBODY,
    RING,
    RUN,
    SIZE,
    START,
    Ends,
    Flight,
    Queues,
    Task,
    Workspace,
    leave,
    load,
    record_steps,
)
from numeric.maps.outcomes import DIVERGED, LOOKED_EVERY, Array


def any_watched(lanes: Array, bound: float) -> bool:
    """Whether the sum of squares of any lane says that its run may have been out of bounds."""
    number, limit = 0, bound * bound
    watch = lanes[len(lanes) - 1]
    for lane in range(LANES):
        number += not watch[lane] < limit
    return number > 0


def first_outside(history: Array, lane: int, start: int, last: int, bound: float) -> int:
    """The first row from `start` to `last` in which the lane is out of bounds; -1 if none."""
    for row in range(start, last + 1):
        for index in range(history.shape[1]):
            if not abs(history[row, index, lane]) <= bound:
                return row
    return -1


def leave_escaped(task: Task, flight: Flight, queues: Queues, space: Workspace, clock: int) -> int:
    """Let the runs leave that have been out of bounds in this part; how many.

    Of those that are inside at its end, the part is repeated at once: few are, unless they live near their bound.
    """
    lanes, watch, left, limit = flight.lanes, len(flight.lanes) - 1, 0, task.bound * task.bound
    history = space.history
    repeated = False
    for lane in range(LANES):
        if flight.running[lane] == NOBODY or lanes[watch, lane] < limit:
            continue
        outside = False
        for row in range(history.shape[1]):
            outside |= not abs(lanes[row, lane]) <= task.bound
        if not outside:
            if not repeated:
                _repeat(task.kernel, flight, space, clock)
                repeated = True
            outside = first_outside(history, lane, 0, LOOKED_EVERY, task.bound) >= 0
        if outside:
            leave(flight, queues, lane, clock, ESCAPED, flight.ages[lane] + LOOKED_EVERY, 0, 0)
            left += 1
    return left


def _repeat(kernel: int, flight: Flight, space: Workspace, clock: int) -> None:
    """Fill the beginning of the history with the states of this part."""
    for row in range(len(space.lanes)):
        for lane in range(LANES):
            space.lanes[row, lane] = flight.lanes[row, lane]
    for row in range(space.history.shape[1]):
        for lane in range(LANES):
            space.lanes[row, lane] = flight.ring[clock % RING, row, lane]
    record_steps(kernel, space, 0, LOOKED_EVERY)


def repeat_escaped(task: Task, queues: Queues, space: Workspace, ends: Ends) -> int:
    """Repeat the last iterations of up to 64 runs that escaped in them, and write down when; the number of these."""
    numbers, states = queues.numbers[ESCAPED], queues.states[ESCAPED, START]
    first = max(numbers[SIZE, 0] - LANES, 0)
    number = numbers[SIZE, 0] - first
    history = space.history
    for lane in range(number):
        load(space.lanes, lane, states, first + lane, task, numbers[RUN, first + lane])
    record_steps(task.kernel, space, 0, LOOKED_EVERY)
    for lane in range(number):
        run = numbers[RUN, first + lane]
        row = first_outside(history, lane, 0, LOOKED_EVERY, task.bound)
        ends.outcome[run], ends.period[run] = DIVERGED, 0
        ends.step[run] = numbers[AGE, first + lane] - LOOKED_EVERY + row
        for index in range(len(states)):
            ends.final[index, run] = history[max(row - 1, 0), index, lane]
    numbers[SIZE, 0] = first
    return number
