"""Since when runs have been still whose last step was: counted step by step; compiled.

Up to 64 runs go on from the look before, at which their last step was not still. At every look the number c of last
steps that were still is counted back from it: with c ≥ 16 the run has converged, c − 1 iterations before. A run that
moves again is examined at the end of its block.
"""

from __future__ import annotations

from numeric.compile.kernel import LANES, advance
from numeric.maps.kernels.cycles import is_near
from numeric.maps.kernels.escapes import any_watched, first_outside
from numeric.maps.kernels.queues import (
    AGE,
    BEFORE,
    COUNTING,
    DUE,
    NOBODY,
    NOW,
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
)
from numeric.maps.outcomes import CONVERGED, DIVERGED, EXAMINED_EVERY, LOOKED_EVERY, SETTLED, Array


def count_settled(task: Task, queues: Queues, space: Workspace, ends: Ends) -> int:
    """Count the still steps of up to 64 runs until each has converged, or left for another queue; how many ended."""
    numbers, states = queues.numbers[COUNTING], queues.states[COUNTING]
    size = numbers[SIZE, 0]
    first = max(size - LANES, 0)
    history, still = space.history, space.counts
    for lane in range(LANES):
        still[lane] = 0
    for lane in range(size - first):
        load(space.lanes, lane, states[START], first + lane, task, numbers[RUN, first + lane])
    left, ended, row = size - first, 0, 0
    copy(space.lanes, history[0])
    while left:
        _count_steps(task, space, row)
        row += LOOKED_EVERY
        watched = any_watched(space.lanes, task.bound)
        for lane in range(size - first):
            place = first + lane
            run = numbers[RUN, place]
            if run == NOBODY:
                continue
            age, due = numbers[AGE, place] + row, numbers[DUE, place]
            outside = first_outside(history, lane, row - LOOKED_EVERY, row, task.bound) if watched else -1
            if outside >= 0:
                end(ends, run, DIVERGED, 0, age - row + outside, history[max(outside - 1, 0)], lane)
                ended += 1
            elif age >= due and still[lane] >= (SETTLED if still[lane] < age else EXAMINED_EVERY):
                end(ends, run, CONVERGED, 1, age - still[lane] + 1, history[row - still[lane] + 1], lane)
                ended += 1
            elif (age > due and age % EXAMINED_EVERY == 0) or task.steps - age <= LOOKED_EVERY:
                last = age if task.steps - age > LOOKED_EVERY else task.steps
                _examine(queues, place, run, last, history, row - (age - due), lane)
            else:
                continue
            numbers[RUN, place] = NOBODY
            left -= 1
    numbers[SIZE, 0] = first
    return ended


def _count_steps(task: Task, space: Workspace, row: int) -> None:
    """Record a part from a row on, and count for every lane the last steps that were still."""
    lanes, history, flags, still = space.lanes, space.history, space.flags, space.counts
    for begun in range(row, row + LOOKED_EVERY):
        advance(task.watching, lanes, 1)
        for lane in range(LANES):
            flags[lane] = 1
        for index in range(history.shape[1]):
            for lane in range(LANES):
                flags[lane] &= is_near(lanes[index, lane], history[begun, index, lane], task.tolerance)
                history[begun + 1, index, lane] = lanes[index, lane]
        for lane in range(LANES):
            still[lane] = (still[lane] + 1) & -flags[lane]


def _examine(queues: Queues, place: int, run: int, age: int, history: Array, looked: int, lane: int) -> None:
    """Put a run that is counted, and was seen to be still in a row, into the queue of those examined."""
    there, due = put(queues, WAITING, run, age, age), queues.numbers[COUNTING, DUE, place]
    begun = (age - 1) // EXAMINED_EVERY * EXAMINED_EVERY  # the age at which its last block does
    blocks = begun // EXAMINED_EVERY - (due - 1) // EXAMINED_EVERY  # since it left its lane
    start = looked + begun - due
    if blocks == 0:
        pass_on(queues, COUNTING, place, WAITING, there)
        return
    fill_in(queues, WAITING, NOW, there, history[start], lane)
    if blocks == 1:
        fill_in(queues, WAITING, BEFORE, there, queues.states[COUNTING, NOW], place)
    else:
        fill_in(queues, WAITING, BEFORE, there, history[start - EXAMINED_EVERY], lane)
