"""Whether a run has settled, from the states of its last iterations; compiled.

The definitions are those of `numeric.maps.outcomes`, which decides the same for arrays of runs in NumPy. A history has
the states of 64 runs, one in a lane, (rows, coordinates, lanes).
"""

from __future__ import annotations

from numeric.compile.kernel import LANES
from numeric.maps.outcomes import (
    CONVERGED,
    CYCLE_RATIO,
    LONGEST_PERIOD,
    NARROWEST_CYCLE,
    PERIODIC,
    SETTLED,
    UNDECIDED,
    Array,
    Integers,
)


def is_near(value: float, other: float, tolerance: float) -> bool:
    """Whether two values of a coordinate differ by no more than is tolerated."""
    return abs(value - other) <= tolerance * (1.0 + abs(value))


def count_still(
    history: Array, last: int, coordinates: int, tolerance: float, still: Integers, number: Integers
) -> None:
    """Fill in, for every lane, the number of steps up to a row of which none moved it by more than the tolerance.

    Of lanes that are not `still` to begin with it is 0.
    """
    for lane in range(LANES):
        number[lane] = 0
    for row in range(last, 0, -1):
        for index in range(coordinates):
            for lane in range(LANES):
                still[lane] &= is_near(history[row, index, lane], history[row - 1, index, lane], tolerance)
        going_on = 0
        for lane in range(LANES):
            number[lane] += still[lane]
            going_on += still[lane]
        if going_on == 0:
            break


def find_cycle(
    history: Array, lane: int, coordinates: int, start: int, at_last: bool, tolerance: float
) -> tuple[int, int, int]:
    """The outcome by a period from 2 on, that period, and the row from which on it is so."""
    last = len(history) - 1
    for period in range(2, min(LONGEST_PERIOD, (last + 1 - start) // 2) + 1):
        row = last
        while row - period >= start and _returns(history, lane, coordinates, row, period, tolerance):
            row -= 1
        if last - row >= (period if at_last else SETTLED):
            widest = 0.0
            for place in range(last - period + 1, last + 1):
                widest = max(widest, _move(history, lane, coordinates, place, 1, True))
            if widest <= NARROWEST_CYCLE:
                return CONVERGED, 1, row + 1
            return PERIODIC, period, row + 1
    return UNDECIDED, 0, last


def _move(history: Array, lane: int, coordinates: int, row: int, count: int, relative: bool) -> float:
    """The longest of the moves |Δθᵢ|, or |Δθᵢ| / (1 + |θᵢ|), over so many steps up to the row."""
    longest = 0.0
    for index in range(coordinates):
        value = history[row, index, lane]
        move = abs(value - history[row - count, index, lane])
        longest = max(longest, move / (1.0 + abs(value)) if relative else move)
    return longest


def _returns(history: Array, lane: int, coordinates: int, row: int, period: int, tolerance: float) -> bool:
    """Whether `period` steps up to this row, and no fewer, led back."""
    for index in range(coordinates):
        if not is_near(history[row, index, lane], history[row - period, index, lane], tolerance):
            return False
    moved = _move(history, lane, coordinates, row, period, False)
    for part in range(1, period):
        if period % part == 0:
            longest = 0.0
            for place in range(row - period + part, row + 1):
                longest = max(longest, _move(history, lane, coordinates, place, part, False))
            if not moved <= CYCLE_RATIO * longest:
                return False
    return True
