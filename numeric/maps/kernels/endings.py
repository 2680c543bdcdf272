"""How the runs ended that may have settled, from their last iterations repeated; compiled.

Up to 64 runs are repeated together, one in a lane. A history has their states, (rows, coordinates, lanes), and ends for
every run with its last row; a run that is repeated for fewer iterations starts in a later one: from the beginning of
the block before its last one, or of its only one.
"""

from __future__ import annotations

from numeric.compile.kernel import LANES, advance
from numeric.maps.kernels.cycles import count_still, find_cycle, is_near
from numeric.maps.kernels.escapes import first_outside
from numeric.maps.kernels.queues import (
    AGE,
    BEFORE,
    COUNTING,
    LAST,
    NOW,
    PAUSED,
    RETURNING,
    RUN,
    SIZE,
    START,
    WAITING,
    Ends,
    Queues,
    Task,
    Workspace,
    copy,
    end,
    fill_in,
    load,
    pass_on,
    put,
    record_steps,
)
from numeric.maps.outcomes import (
    CONVERGED,
    DIVERGED,
    EXAMINED_EVERY,
    LONGEST_PERIOD,
    LOOKED_EVERY,
    SETTLED,
    UNDECIDED,
    YOUNG,
    Array,
    Integers,
)


def _repeated(age: int) -> int:
    """The iterations of a run's last block and of the one before, if there is one."""
    block = (age - 1) % EXAMINED_EVERY + 1
    return block + EXAMINED_EVERY if age > EXAMINED_EVERY else block


def _record(task: Task, queues: Queues, first: int, space: Workspace) -> None:
    """Fill the history with the repeated runs."""
    numbers, states = queues.numbers[WAITING], queues.states[WAITING]
    lanes, history = space.lanes, space.history
    last, size = len(history) - 1, numbers[SIZE, 0]
    longest = 0
    for place in range(first, size):
        longest = max(longest, _repeated(numbers[AGE, place]))
    following = last - longest
    for row in range(last - longest, last + 1):
        advance(task.watching, lanes, 1)
        if row == following:
            following = last + 1
            for place in range(first, size):
                age = numbers[AGE, place]
                begun = last - _repeated(age)
                if begun == row:
                    kind = BEFORE if age > EXAMINED_EVERY else NOW
                    load(lanes, place - first, states[kind], place, task, numbers[RUN, place])
                elif begun > row:
                    following = min(following, begun)
        copy(lanes, history[row])


def repeat_settled(task: Task, queues: Queues, space: Workspace, ends: Ends) -> int:
    """Repeat the last iterations of up to 64 runs, write down how they ended or let them return; how many ended."""
    numbers = queues.numbers[WAITING]
    history, still = space.history, space.counts
    coordinates, size, last = history.shape[1], numbers[SIZE, 0], len(history) - 1
    first, ended = max(size - LANES, 0), 0
    _record(task, queues, first, space)
    for lane in range(LANES):
        space.flags[lane] = 1
    count_still(history, last, coordinates, task.tolerance, space.flags, still)
    for lane in range(size - first):
        run, age = numbers[RUN, first + lane], numbers[AGE, first + lane]
        at_last, start = age == task.steps, last - _repeated(age)
        steps = min(still[lane], last - start)
        block = last - ((age - 1) % EXAMINED_EVERY + 1)
        outside = first_outside(history, lane, block, last, task.bound)
        if outside >= 0:
            outcome, period, row, final = DIVERGED, 0, outside, max(outside - 1, start)
        elif steps >= (1 if at_last else SETTLED):
            outcome, period, row = CONVERGED, 1, last - steps + 1
            final = row
        else:
            outcome, period, row = find_cycle(history, lane, coordinates, start, at_last, task.tolerance)
            final = row
        if outcome != UNDECIDED or at_last:
            end(ends, run, outcome, period, age - last + row, history[final], lane)
            ended += 1
        elif steps > 0:
            there = put(queues, COUNTING, run, age - LOOKED_EVERY, age)
            fill_in(queues, COUNTING, START, there, history[last - LOOKED_EVERY], lane)
            fill_in(queues, COUNTING, NOW, there, history[last - EXAMINED_EVERY], lane)
            fill_in(queues, COUNTING, BEFORE, there, history[last - 2 * EXAMINED_EVERY], lane)
        else:
            queue = RETURNING if age >= YOUNG else PAUSED
            there = put(queues, queue, run, age, 0)
            fill_in(queues, queue, NOW, there, history[last], lane)
            fill_in(queues, queue, BEFORE, there, history[last - EXAMINED_EVERY], lane)
    numbers[SIZE, 0] = first
    return ended


def repeat_last(task: Task, queues: Queues, space: Workspace, ends: Ends) -> int:
    """Bring up to 64 runs to their last iteration; how many ended, undecided, and need not be examined.

    Those need not that have stayed inside the bound, and are nowhere near where they were up to eight iterations ago.
    """
    numbers, states = queues.numbers[LAST], queues.states[LAST]
    size = numbers[SIZE, 0]
    first, ended = max(size - LANES, 0), 0
    lanes, history, near = space.lanes, space.history, space.counts
    steps = task.steps - numbers[AGE, first]  # the same for all
    rows = min(LONGEST_PERIOD, steps)
    for lane in range(size - first):
        load(lanes, lane, states[START], first + lane, task, numbers[RUN, first + lane])
    advance(task.watching, lanes, steps - rows)
    record_steps(task, space, rows)
    _find_near_lately(history, rows, task.tolerance, space.flags, near)
    watch, limit = len(lanes) - 1, task.bound * task.bound
    for lane in range(size - first):
        place = first + lane
        run = numbers[RUN, place]
        if near[lane] or not lanes[watch, lane] < limit:
            pass_on(queues, LAST, place, WAITING, put(queues, WAITING, run, task.steps, task.steps))
        else:
            end(ends, run, UNDECIDED, 0, task.steps, history[rows], lane)
            ended += 1
    numbers[SIZE, 0] = first
    return ended


def _find_near_lately(history: Array, last: int, tolerance: float, near: Integers, found: Integers) -> None:
    """Fill in the lanes that are in this row near where they were in one of the rows before."""
    for lane in range(LANES):
        found[lane] = 0
    for row in range(last):
        for lane in range(LANES):
            near[lane] = 1
        for index in range(history.shape[1]):
            for lane in range(LANES):
                near[lane] &= is_near(history[last, index, lane], history[row, index, lane], tolerance)
        for lane in range(LANES):
            found[lane] |= near[lane]
