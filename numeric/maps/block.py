"""What a simulation computes for one block of runs, from plain arrays to plain arrays.

The block is a whole grid in memory, or one chunk of a grid in Dask chunks; then it may be computed in another process,
which compiles the map for itself. So a `Block` says what there is to compute, and can be pickled.

Shapes: the arguments broadcast to the shape of the block, one for every state variable and parameter. The results
have that shape and behind it the dimensions of `Result.dims`; they are views of what the engine returned.

Errors: `BadInput` for values that are not finite, and for results larger than the memory that is available.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from sympy import Expr, Symbol, srepr

from eos_sym import BadInput, Map
from numeric.compile import Array, CompiledFunction, compile_function
from numeric.maps.averages import Averages, compile_averages
from numeric.maps.engines import Engine, EngineName, choose_engine
from numeric.maps.observables import Observable
from numeric.maps.outcomes import DIVERGED, OUTCOMES, UNDECIDED, Mask, Outcomes
from numeric.maps.rest import compile_displacement, finish
from numeric.maps.undefined import is_undefined
from numeric.progress import Progress
from numeric.values import MOST_ITERATIONS, refuse_unless_finite

ADVANCED_AT_ONCE = 2**20  # map steps between two reports of progress, and no fewer iterations than a thousand
EVALUATED_AT_ONCE = 2**16  # points at which an observable is evaluated, to keep what that needs beside results small
WORDS = np.array(OUTCOMES)
CHUNKS_AT_ONCE = 4  # that the advice leaves memory for


@dataclass(frozen=True)
class Result:
    """A part of the results: its dimensions behind those of the runs, its type and its unit."""

    dims: tuple[str, ...] = ()
    dtype: str = "float64"
    units: str | None = "1"


@dataclass(frozen=True)
class Block:
    """The computation that `Simulator.run` was asked for, without its initial values and parameters.

    `grid` are the dimensions of all runs with their sizes; a block may be a chunk of it, and is then computed by one
    thread, because several chunks are at a time.
    """

    map: Map
    grid: dict[str, int]
    engine: EngineName
    threads: int | None
    steps: int
    record_every: int | None
    observables: dict[str, Observable]
    means: dict[str, Expr]
    lyapunov: bool
    discard: int
    outcomes: bool
    tolerance: float
    bound: float
    progress: Progress

    def __dask_tokenize__(self) -> tuple[object, ...]:
        """What determines the results, but for the code; neither the number of threads nor who listens does."""
        from numeric.maps.kernels.engine import made_from

        observed = [(name, one.state, one.parameters, one.order) for name, one in self.observables.items()]
        formulas = [*self.map.state, *self.map.parameters, *self.map.step, *self.means.values()]
        formulas += [part for one in self.observables.values() for part in one.function.expressions]
        settings = (self.engine, self.steps, self.record_every, self.lyapunov, self.discard, self.outcomes)
        return (
            *map(srepr, formulas),
            observed,
            [*self.means],
            self.grid,
            settings,
            self.tolerance,
            self.bound,
            made_from(),
        )

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The arguments of the computation, and of the compiled map."""
        return (*self.map.state, *self.map.parameters)

    @property
    def records(self) -> int:
        """How many states are recorded of every run."""
        return 0 if self.record_every is None else self.steps // self.record_every + 1

    @property
    def sizes(self) -> dict[str, int]:
        """The lengths of the dimensions behind those of the runs."""
        return {"state": len(self.map.state)} | ({"iteration": self.records} if self.records else {})

    @property
    def results(self) -> dict[str, Result]:
        """The parts of the results, in their order."""
        parts = {"initial": Result(("state",)), "final": Result(("state",))}
        if self.outcomes:
            counted = Result((), "int64", "iterations")
            parts |= {"outcome": Result((), "<U9", None), "period": counted, "step": counted}
        if self.records:
            parts["trajectory"] = Result(("iteration", "state"))
        for name in self.observables:
            parts[f"final_{name}"] = Result()
            if self.records:
                parts[name] = Result(("iteration",))
        parts |= {f"mean_{name}": Result() for name in self.means}
        return parts | ({"lyapunov_exponent": Result(units="1/iterations")} if self.lyapunov else {})

    @property
    def averages(self) -> Averages:
        """The averages that were asked for, compiled."""
        return compile_averages(self.map, tuple(self.means.values()), exponent=self.lyapunov)

    def engine_for(self, function: CompiledFunction) -> Engine:
        """The engine that advances a map: the one place where it is chosen, alike for all chunks of a grid."""
        runs, steps = math.prod(self.grid.values()), self.steps
        return choose_engine(function, runs=runs, steps=steps, requested=self.engine, threads=self.threads)

    def compile(self) -> Engine:
        """The engine of the map, after compiling everything there is, so that what cannot be is found out now."""
        if self.means or self.lyapunov:
            self.engine_for(self.averages.larger)
        return self.engine_for(compile_function(self.map.step, self.symbols))

    def compute(self, *arrays: Array) -> tuple[NDArray[Any], ...]:
        """All results, in their order."""
        count = len(self.map.state)
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        self.refuse_unless_it_fits(shape)
        for index, (symbol, array) in enumerate(zip(self.symbols, arrays, strict=True)):
            refuse_unless_finite(array, f"{'initial value' if index < count else 'parameter'} {symbol.name}")
        found = self._compute(_lanes(arrays[:count], shape), _lanes(arrays[count:], shape))
        return tuple(
            np.moveaxis(found[name], -1, 0).reshape((*shape, *(self.sizes[dim] for dim in part.dims)))
            for name, part in self.results.items()
        )

    def refuse_unless_it_fits(self, shape: tuple[int, ...]) -> None:
        """Refuse a block whose results are larger than the memory that is available."""
        needed = {
            name: math.prod([*shape, *(self.sizes[dim] for dim in part.dims)]) * np.dtype(part.dtype).itemsize
            for name, part in self.results.items()
        }
        total, available = sum(needed.values()), psutil.virtual_memory().available
        if total <= available:
            return
        runs, largest = math.prod(shape), max(needed, key=needed.__getitem__)
        remedies = ["a larger record_every"] * bool(self.records)
        if total // runs <= available:
            longest, size = max(zip(self.grid, shape, strict=True), key=lambda dim: dim[1])
            length = max(1, size * available // (CHUNKS_AT_ONCE * total))
            remedies.append(f'initial values in Dask chunks, for example .chunk({{"{longest}": {length}}})')
        raise BadInput(
            f"the results of {runs:,} runs of {self.steps:,} steps take {total / 1e9:.3g} GB, the {largest} "
            f"{needed[largest] / 1e9:.3g} GB of it, and {available / 1e9:.3g} GB of memory are available; "
            f"give {' or '.join(remedies)}"
        )

    def _compute(self, state: Array, values: Array) -> dict[str, NDArray[Any]]:
        """The results by name, with the runs along the last axis."""
        engine = self.engine_for(compile_function(self.map.step, self.symbols))
        found: dict[str, NDArray[Any]] = {"initial": state}
        lasting, lost = None, np.array(MOST_ITERATIONS)
        if self.outcomes:
            ends = finish(
                engine,
                compile_displacement(self.map),
                state,
                values,
                steps=self.steps,
                tolerance=self.tolerance,
                bound=self.bound,
                progress=self.progress,
            )
            lasting = ends.outcome != DIVERGED
            lost = np.where(lasting, MOST_ITERATIONS, ends.step) if self.records else lost
            self._tell_undefined(engine, ends, values)
            found |= {"final": ends.final, "outcome": WORDS[ends.outcome], "period": ends.period, "step": ends.step}
        else:
            found["final"] = self._advance(engine, state, values)
        if self.means or self.lyapunov:
            lasting = np.isfinite(found["final"]).all(axis=0) if lasting is None else lasting
            found |= self._averages(state, values, lasting)
        if self.record_every is not None:
            lost = np.broadcast_to(lost, state.shape[1])
            found["trajectory"] = engine.record(state, values, records=self.records, every=self.record_every, lost=lost)
        for name, observable in self.observables.items():
            found[f"final_{name}"] = self._along(observable, found["final"][None], values)[0]
            if self.records:
                found[name] = self._along(observable, found["trajectory"], values)
        return found

    def _tell_undefined(self, engine: Engine, ends: Outcomes, values: Array) -> None:
        """Runs that came to where the map has no value have not diverged: undecided."""
        stopped = np.flatnonzero((ends.outcome == DIVERGED) & (ends.step > 0))
        if stopped.size:
            function = compile_function(self.map.step, self.symbols)
            state, settings = ends.final[:, stopped], values[:, stopped]
            undefined = is_undefined(function, state, settings, engine.advance(state, settings, 1))
            ends.outcome[stopped[undefined]] = UNDECIDED

    def _advance(self, engine: Engine, state: Array, values: Array) -> Array:
        done = 0
        while done < self.steps and state.shape[1]:
            steps = min(max(1000, ADVANCED_AT_ONCE // state.shape[1]), self.steps - done)
            state = engine.advance(state, values, steps)
            done += steps
            self.progress(steps * state.shape[1])
        return state

    def _averages(self, state: Array, values: Array, lasting: Mask) -> dict[str, Array]:
        """The averages of the runs that last, and nan for the others."""
        averages = self.averages
        taken = averages.over(
            self.engine_for(averages.larger),
            state[:, lasting],
            values[:, lasting],
            steps=self.steps,
            discard=self.discard,
            progress=self.progress,
        )
        names = [*(f"mean_{name}" for name in self.means), *["lyapunov_exponent"] * self.lyapunov]
        rows = np.full((len(names), state.shape[1]), np.nan)
        rows[:, lasting] = np.concatenate(taken)
        return dict(zip(names, rows, strict=True))

    def _along(self, observable: Observable, path: Array, values: Array) -> Array:
        """The observable at the states of a path (records, coordinates, runs), an array (records, runs)."""
        states = [[symbol.name for symbol in self.map.state].index(name) for name in observable.state]
        settings = [[symbol.name for symbol in self.map.parameters].index(name) for name in observable.parameters]
        records, _, runs = path.shape
        found = np.empty((records, runs))
        for lanes in _slices(runs, EVALUATED_AT_ONCE):
            for times in _slices(records, max(1, EVALUATED_AT_ONCE // runs)):
                part = path[times, :, lanes]
                at = observable.evaluate(*(part[:, row] for row in states), *(values[row, lanes] for row in settings))
                found[times, lanes] = np.where(np.isnan(part).any(axis=1), np.nan, at)
        return found


def _slices(length: int, most: int) -> Iterator[slice]:
    return (slice(start, start + most) for start in range(0, length, most))


def _lanes(arrays: tuple[Array, ...], shape: tuple[int, ...]) -> Array:
    """The arrays, broadcast to the shape, as the rows of one array."""
    lanes = np.empty((len(arrays), *shape))
    for row, array in enumerate(arrays):
        lanes[row] = array
    return lanes.reshape(len(arrays), math.prod(shape))
