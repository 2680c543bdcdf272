"""Whether runs have left their bound, and when, from the iterations in which they did, repeated; compiled."""

from __future__ import annotations

from numeric.compile.kernel import LANES
from numeric.maps.kernels.queues import (
    AGE,
    ESCAPED,
    RUN,
    SIZE,
    START,
    Ends,
    Queues,
    Task,
    Workspace,
    end,
    load,
    record_steps,
)
from numeric.maps.outcomes import DIVERGED, EXAMINED_EVERY, Array


def any_watched(lanes: Array, bound: float) -> bool:
    """Whether the sum of squares of any lane says that its run may have been out of bounds."""
    number, limit = 0, bound * bound
    watch = lanes[len(lanes) - 1]
    for lane in range(LANES):
        number += not watch[lane] < limit
    return number > 0


def watch_anew(lanes: Array) -> None:
    """Let the sums of squares begin again."""
    for lane in range(LANES):
        lanes[len(lanes) - 1, lane] = 0.0


def first_outside(history: Array, lane: int, start: int, last: int, bound: float) -> int:
    """The first row from `start` to `last` in which the lane is out of bounds; -1 if none."""
    for row in range(start, last + 1):
        for index in range(history.shape[1]):
            if not abs(history[row, index, lane]) <= bound:
                return row
    return -1


def repeat_escaped(task: Task, queues: Queues, space: Workspace, ends: Ends) -> int:
    """Repeat the last iterations of up to 64 runs that escaped in them, and write down when; the number of these."""
    numbers, states = queues.numbers[ESCAPED], queues.states[ESCAPED, START]
    first = max(numbers[SIZE, 0] - LANES, 0)
    number = numbers[SIZE, 0] - first
    history = space.history
    for lane in range(number):
        load(space.lanes, lane, states, first + lane, task, numbers[RUN, first + lane])
    record_steps(task, space, EXAMINED_EVERY)
    for lane in range(number):
        row = first_outside(history, lane, 0, EXAMINED_EVERY, task.bound)
        run, age = numbers[RUN, first + lane], numbers[AGE, first + lane]
        end(ends, run, DIVERGED, 0, age + row, history[max(row - 1, 0)], lane)
    numbers[SIZE, 0] = first
    return number
