"""The loops around a kernel that keep states, the last ones or trajectories, compiled once for all maps.

For trajectories a thousand runs at a time go through all iterations, so that what is written at once is a long stretch
of memory; their lanes are in the second-level cache. Trajectories are (records, coordinates, runs): time first, as they
are written. `signals` are as in `numeric.maps.kernels.lanes`.
"""

from __future__ import annotations

import numpy as np

from numeric.compile.kernel import LANES, advance
from numeric.compile.procedures import ArrayOf
from numeric.maps.kernels.lanes import INTEGERS, ROWS
from numeric.maps.outcomes import Array, Integers

GROUP = 16  # times the lanes of a kernel
AT_A_TIME = 2**14  # iterations between two looks at the request to stop
RECORD = (int, ROWS, ROWS, ArrayOf(np.float64, 3), INTEGERS, int, int, int, INTEGERS)
MOVE = (int, ROWS, ROWS, ROWS, int, int, int, INTEGERS)


def move(
    kernel: int, state: Array, values: Array, moved: Array, steps: int, first: int, last: int, signals: Integers
) -> None:
    """Fill in the states, so many iterations later, of the runs from `first` to before `last`."""
    coordinates = len(state)
    lanes = np.zeros((coordinates + len(values), LANES))
    for start in range(first, last, LANES):
        width, done = min(LANES, last - start), 0
        for row in range(coordinates):
            for lane in range(width):
                lanes[row, lane] = state[row, start + lane]
        for row in range(len(values)):
            for lane in range(width):
                lanes[coordinates + row, lane] = values[row, start + lane]
        while done < steps and signals[1] == 0:
            iterations = min(AT_A_TIME, steps - done)
            advance(kernel, lanes, iterations)
            done += iterations
        for row in range(coordinates):
            for lane in range(width):
                moved[row, start + lane] = lanes[row, lane]


def record(
    kernel: int,
    state: Array,
    values: Array,
    trajectory: Array,
    lost: Integers,
    every: int,
    first: int,
    last: int,
    signals: Integers,
) -> None:
    """Fill the trajectories of the runs from `first` to before `last`; nan from the iteration `lost` on."""
    coordinates, parameters, records = len(state), len(values), len(trajectory)
    rows = coordinates + parameters
    lanes = np.zeros((GROUP, rows, LANES))
    for start in range(first, last, GROUP * LANES):
        size = min(GROUP * LANES, last - start)
        groups = (size + LANES - 1) // LANES
        for run in range(size):
            for row in range(coordinates):
                lanes[run // LANES, row, run % LANES] = state[row, start + run]
            for row in range(parameters):
                lanes[run // LANES, coordinates + row, run % LANES] = values[row, start + run]
        for index in range(records):
            for group in range(groups):
                width = min(LANES, size - group * LANES)
                for row in range(coordinates):
                    for lane in range(width):
                        run = start + group * LANES + lane
                        kept = lost[run] > index * every
                        trajectory[index, row, run] = lanes[group, row, lane] if kept else np.nan
            done = 0
            while index + 1 < records and done < every:
                if signals[1]:
                    return
                iterations = min(AT_A_TIME, every - done)
                for group in range(groups):
                    advance(kernel, lanes[group], iterations)
                done += iterations
                signals[0] += size * iterations
