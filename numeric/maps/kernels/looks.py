"""What is seen of 64 runs at a look: who is near where it was, and who comes back; compiled.

States are (coordinates or more, lanes), as in a part of a history; marks (2, coordinates, lanes).
"""

from __future__ import annotations

from numeric.compile.kernel import LANES
from numeric.maps.kernels.cycles import is_near
from numeric.maps.outcomes import CLOSED, EXAMINED_EVERY, MARKS, SLACK, Array, Integers

MARKED = tuple(EXAMINED_EVERY - mark for mark in MARKS)  # iterations of a block


def find_near(states: Array, other: Array, tolerance: float, near: Integers) -> bool:
    """Fill in the lanes no coordinate of which differs by more than tolerated; whether there is one."""
    for lane in range(LANES):
        near[lane] = 1
    for row in range(len(other)):
        anything = 0
        for lane in range(LANES):
            near[lane] &= is_near(states[row, lane], other[row, lane], tolerance)
            anything |= near[lane]
        if anything == 0:
            return False
    return True


def find_near_marks(states: Array, marks: Array, tolerance: float, near: Integers) -> bool:
    """Fill in the lanes that are near where they were at each mark; whether there is one."""
    even = find_near(states, marks[0], MARKS[0] * SLACK * tolerance, near[0])
    odd = find_near(states, marks[1], MARKS[1] * SLACK * tolerance, near[1])
    return even or odd


def is_closed(states: Array, marks: Array, previous: Array, near: Integers, lane: int) -> bool:
    """Whether a run is nearer by far to where it was at a mark than it moves in between."""
    if near[0, lane] | near[1, lane] == 0:
        return False
    even = odd = once = 0.0
    for row in range(marks.shape[1]):
        value = states[row, lane]
        even = max(even, abs(value - marks[0, row, lane]))
        odd = max(odd, abs(value - marks[1, row, lane]))
        once = max(once, abs(value - previous[row, lane]))
    closed = near[0, lane] != 0 and even <= CLOSED * max(once, odd)
    return closed or (near[1, lane] != 0 and odd <= CLOSED * max(once, even))
