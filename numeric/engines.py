"""How the runs of a map are advanced: the operations that `numeric.simulate` needs, and the two that provide them.

    finish     every run to its end, with outcome, period and step (`numeric.outcomes`)
    advance    every run so many iterations, whatever becomes of it
    record     every run, its state at every so many iterations

Shapes: states (coordinates, runs), parameter values (parameters, runs), trajectories (records, coordinates, runs); all
float64 and C-contiguous. No operation changes its arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from numeric.compile import CompiledFunction
from numeric.outcomes import Array, Outcomes, advance, iterate

Progress = Callable[[int], object]


class Engine(Protocol):
    """What advances runs."""

    @property
    def name(self) -> str:
        """What the results say about it, for example ``numpy``."""

    def finish(
        self, state: Array, values: Array, *, steps: int, tolerance: float, bound: float, progress: Progress
    ) -> Outcomes:
        """The ends of all runs, after at most `steps` iterations; progress in iterations."""

    def advance(self, state: Array, values: Array, steps: int) -> Array:
        """The states after `steps` iterations, infinite or nan where they are."""

    def record(self, state: Array, values: Array, *, records: int, every: int, lost: NDArray[np.int64]) -> Array:
        """The states at the iterations 0, every, 2·every, …, `records` of them; nan from the iteration `lost` on."""


@dataclass(frozen=True)
class NumpyEngine:
    """NumPy on arrays of all runs, and Python's floats for a few."""

    function: CompiledFunction
    name: str = "numpy"

    def finish(
        self, state: Array, values: Array, *, steps: int, tolerance: float, bound: float, progress: Progress
    ) -> Outcomes:
        """As `Engine.finish`."""
        return advance(
            self.function, state, values, steps=steps, tolerance=tolerance, bound=bound, progress=progress
        )

    def advance(self, state: Array, values: Array, steps: int) -> Array:
        """As `Engine.advance`."""
        with np.errstate(all="ignore"):
            return iterate(self.function, state, values, steps, keep=1)[0]

    def record(self, state: Array, values: Array, *, records: int, every: int, lost: NDArray[np.int64]) -> Array:
        """As `Engine.record`."""
        trajectory = np.empty((records, *state.shape))
        for index in range(records):
            trajectory[index] = state
            trajectory[index][:, lost <= index * every] = np.nan
            if index + 1 < records:
                state = self.advance(state, values, every)
        return trajectory
