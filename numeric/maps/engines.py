"""What advances the runs of a map: the operations that a simulator needs, and the choice between two engines.

    finish     every run to its end, with outcome, period and step (`numeric.maps.outcomes`)
    advance    every run so many iterations, whatever becomes of it
    record     every run, its state at every so many iterations

The NumPy engine starts at once; the compiled engine takes a tenth of a second the first time in a process, a second the
first time on a machine, and is then ten to a hundred times as fast. So ``auto`` compiles where NumPy would take longer
than that, by an estimate from the numbers of runs and steps alone: the same simulation is always computed alike.

Shapes: states (coordinates, runs), parameter values (parameters, runs), trajectories (records, coordinates, runs); all
float64. No operation changes its arguments. Progress is reported in map steps, runs times iterations,
that are done or have become unnecessary.

Errors: `BadInput` where the compiled engine is asked for and there is no kernel for the map.
"""

from __future__ import annotations

from typing import Literal, Protocol

from eos_sym import BadInput
from numeric.compile import Array, CompiledFunction
from numeric.compile.printers import UnprintableError
from numeric.maps.numpy_engine import FEW_RUNS, SLAB, NumpyEngine
from numeric.maps.outcomes import Integers, Outcomes
from numeric.progress import Progress

EngineName = Literal["auto", "numpy", "compiled"]

# Seconds that NumPy takes: a step of an operation on an array, on each of its numbers, and on a float of Python's.
ARRAY_OPERATION, ARRAY_NUMBER, FLOAT_OPERATION = 1e-6, 1e-9, 5e-8
WORTH_COMPILING = 0.2


class Engine(Protocol):
    """What advances runs."""

    @property
    def name(self) -> str:
        """What the results say about it: ``numpy`` or ``compiled``."""

    def finish(
        self, state: Array, values: Array, *, steps: int, tolerance: float, bound: float, progress: Progress
    ) -> Outcomes:
        """The ends of all runs, after at most `steps` iterations."""

    def advance(self, state: Array, values: Array, steps: int) -> Array:
        """The states after `steps` iterations, infinite or nan where they are."""

    def record(self, state: Array, values: Array, *, records: int, every: int, lost: Integers) -> Array:
        """The states at the iterations 0, every, 2·every, …, `records` of them; nan from the iteration `lost` on."""


def choose_engine(
    function: CompiledFunction, *, runs: int, steps: int, requested: EngineName, threads: int | None = None
) -> Engine:
    """The engine that was requested; with ``auto`` the one that will be done first."""
    if requested not in ("auto", "numpy", "compiled"):
        raise BadInput(f"engine = {requested}: give auto, numpy or compiled")
    if requested == "numpy" or (requested == "auto" and numpy_seconds(function, runs, steps) < WORTH_COMPILING):
        return NumpyEngine(function)
    from numeric.maps.kernels.engine import CompiledEngine  # loads LLVM

    try:
        return CompiledEngine.of(function, threads)
    except UnprintableError as error:
        if requested == "auto":
            return NumpyEngine(function)
        raise BadInput(f"engine = compiled: there is no kernel for {error}; give engine = numpy") from error


def numpy_seconds(function: CompiledFunction, runs: int, steps: int) -> float:
    """About how long NumPy takes for all iterations of all runs."""
    operations = len(function.program.assignments)
    slabs = -(-runs // SLAB)
    each = FLOAT_OPERATION * runs if runs <= FEW_RUNS else ARRAY_OPERATION * slabs + ARRAY_NUMBER * runs
    return steps * operations * each
