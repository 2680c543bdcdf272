"""Who takes part: our kernel, C, and what users of SymPy write with NumPy, Numba and JAX.

A contender is prepared for a problem, which compiles what is to be compiled, and is then called with states, parameter
values and a number of steps. NumPy, Numba and JAX start from SymPy's `lambdify`: NumPy and JAX on arrays of all runs,
Numba on one run after the other. All run on one core, but for our kernel on all of them.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from sympy import lambdify

from benchmarks.ensemble.engine import numpy_engine, our_engine
from benchmarks.ensemble.native import IN_VECTORS, WIDE, Absent, build
from benchmarks.ensemble.problems import Array, Problem
from numeric.maps import Engine, Outcomes, compile_map
from numeric.maps.outcomes import UNDECIDED

TOLERANCE, BOUND = 1e-12, 1e8

Advance = Callable[[Array, Array, int], Array]


@dataclass(frozen=True)
class Contender:
    """What advances the runs of a problem; `prepare` raises `Absent` where it cannot."""

    name: str
    prepare: Callable[[Problem], Advance]
    all_cores: bool = False


def cores() -> set[int]:
    """The cores this process may use, or only their numbers where the system does not say."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


@contextlib.contextmanager
def pinned(chosen: set[int]) -> Iterator[None]:
    """This thread, and all that it starts, on the chosen cores, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def plain(engine: Engine) -> Advance:
    """All steps of all runs, whatever becomes of them."""
    return engine.advance


def with_outcomes(engine: Engine) -> Advance:
    """Until every run has converged, become periodic or diverged."""

    def advance(state: Array, values: Array, steps: int) -> Array:
        return finish(engine, state, values, steps).final

    return advance


def finish(engine: Engine, state: Array, values: Array, steps: int) -> Outcomes:
    """The ends of all runs, at the tolerance and the bound that simulations have unless told otherwise."""
    return engine.finish(state, values, steps=steps, tolerance=TOLERANCE, bound=BOUND, progress=lambda iterations: None)


def share_ended(problem: Problem, steps: int) -> float:
    """The share of the runs that converge, become periodic or diverge within the steps."""
    ends = finish(our_engine(problem.map, threads=1), problem.state, problem.values, steps)
    return float((ends.outcome != UNDECIDED).mean())


def whole_call(problem: Problem) -> Advance:
    """All steps of all runs, asked of a simulator, with labels around the arrays."""
    simulator = compile_map(problem.map)

    def advance(state: Array, values: Array, steps: int) -> Array:
        starts, settings = (
            {symbol.name: xr.DataArray(row, dims="run") for symbol, row in zip(symbols, rows, strict=True)}
            for symbols, rows in ((problem.map.state, state), (problem.map.parameters, values))
        )
        run = simulator.run(starts, settings, steps=steps, outcomes=False, engine="compiled")
        final: Array = run.final.transpose("state", "run").values
        return final

    return advance


def numpy_lambdify(problem: Problem, cse: bool) -> Advance:
    """A Python loop over the steps, NumPy on arrays of all runs."""
    dynamics = problem.map
    step = lambdify((*dynamics.state, *dynamics.parameters), dynamics.step, "numpy", cse=cse)

    def advance(state: Array, values: Array, steps: int) -> Array:
        point: Any = tuple(state)
        parameters = tuple(values)
        for _ in range(steps):
            point = step(*point, *parameters)
        return np.array(point)

    return advance


def numba_lambdify(problem: Problem) -> Advance:
    """Loops over runs and steps compiled by Numba, around lambdify's function of floats."""
    numba = _installed("numba")
    to_fixed_tuple = importlib.import_module("numba.np.unsafe.ndarray").to_fixed_tuple
    dynamics = problem.map
    coordinates, parameters = len(dynamics.state), len(dynamics.parameters)
    step = numba.njit(lambdify((*dynamics.state, *dynamics.parameters), dynamics.step, "math", cse=True))

    @numba.njit  # type: ignore[untyped-decorator]
    def advance(state: Array, values: Array, steps: int) -> Array:
        final = np.empty_like(state)
        for run in range(state.shape[1]):
            point = to_fixed_tuple(state[:, run], coordinates)
            parameter = to_fixed_tuple(values[:, run], parameters)
            for _ in range(steps):
                point = step(*point, *parameter)
            for coordinate in range(coordinates):
                final[coordinate, run] = point[coordinate]
        return final

    return advance  # type: ignore[no-any-return]


def jax_lambdify(problem: Problem) -> Advance:
    """XLA's loop over the steps on arrays of all runs."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    jax = _installed("jax")
    jax.config.update("jax_enable_x64", True)
    dynamics = problem.map
    step = lambdify((*dynamics.state, *dynamics.parameters), dynamics.step, "jax", cse=True)

    @jax.jit  # type: ignore[untyped-decorator]
    def loop(state: Any, values: Any, steps: Any) -> Any:
        return jax.lax.fori_loop(0, steps, lambda _, point: tuple(step(*point, *values)), state)

    return lambda state, values, steps: np.asarray(loop(tuple(state), tuple(values), steps))


def _installed(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Absent("not installed") from error


OURS, OUTCOMES, C, NUMPY = "our kernel", "our kernel with outcomes", "C", "NumPy lambdify"
OUTCOMES_EVERYWHERE, WIDE_C, NUMPY_ENGINE = f"{OUTCOMES}, all cores", "C, 512-bit vectors", "our NumPy engine"
WHOLE_CALL = "our simulator, the whole call"
VECTOR_C, JAX = "C, glibc's vector functions", "JAX"
CONTENDERS = (
    Contender(OURS, lambda problem: plain(our_engine(problem.map, threads=1))),
    Contender(OUTCOMES, lambda problem: with_outcomes(our_engine(problem.map, threads=1))),
    Contender(WHOLE_CALL, whole_call),
    Contender(f"{OURS}, all cores", lambda problem: plain(our_engine(problem.map, len(cores()))), all_cores=True),
    Contender(
        OUTCOMES_EVERYWHERE, lambda problem: with_outcomes(our_engine(problem.map, len(cores()))), all_cores=True
    ),
    Contender(C, lambda problem: build(problem).advance),
    Contender(WIDE_C, lambda problem: build(problem, flags=WIDE).advance),
    Contender(VECTOR_C, lambda problem: build(problem, flags=IN_VECTORS).advance),
    Contender("C, scalar", lambda problem: build(problem, lanes=1).advance),
    Contender(JAX, jax_lambdify),
    Contender(NUMPY_ENGINE, lambda problem: plain(numpy_engine(problem.map))),
    Contender(f"{NUMPY} with cse", lambda problem: numpy_lambdify(problem, cse=True)),
    Contender(NUMPY, lambda problem: numpy_lambdify(problem, cse=False)),
    Contender("Numba lambdify", numba_lambdify),
)
