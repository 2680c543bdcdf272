"""Escape times: a square of starts of the reduced minimalist map, most of which leave every bound within a few steps.

Ours finds for each run whether it converged, became periodic or diverged, and when; the C only when it leaves the
bound, for blocks of 64 runs that it leaves together. The two have to agree on the iteration at which each run diverges,
except for a few in a thousand: near the boundary between the fates a difference in rounding is another fate.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.ensemble.contenders import (
    BOUND,
    NUMPY_ENGINE,
    OUTCOMES,
    OUTCOMES_EVERYWHERE,
    WIDE_C,
    C,
    cores,
    finish,
    pinned,
)
from benchmarks.ensemble.engine import numpy_engine, our_engine
from benchmarks.ensemble.native import WIDE, Absent, Native, build
from benchmarks.ensemble.problems import Problem, known_problem
from benchmarks.ensemble.timing import Comparison, Progress, Work, interleave, one_core
from numeric.maps import Engine
from numeric.maps.outcomes import DIVERGED

STEPS = 1000
STEP_SIZE = 0.2
NEAREST, FARTHEST = 0.1, 6.0
AGREEMENT = 0.995  # of the runs

Steps = NDArray[np.int64]


def escape_problem(side: int) -> Problem:
    """The map with side² starts, in the order of a picture's points."""
    known = known_problem("reduced_minimalist", 1)
    line = np.linspace(NEAREST, FARTHEST, side)
    state = np.stack([axis.ravel() for axis in np.meshgrid(line, line, indexing="ij")])
    return Problem("escape", known.map, state, np.full((1, side**2), STEP_SIZE), known.source)


def by_engine(engine: Engine, problem: Problem) -> Callable[[], Steps]:
    """The iterations at which an engine says that runs diverge, `STEPS` for those that do not."""

    def run() -> Steps:
        ends = finish(engine, problem.state, problem.values, STEPS)
        return np.where(ends.outcome == DIVERGED, ends.step, STEPS)

    return run


def by_c(native: Native, problem: Problem) -> Callable[[], Steps]:
    """The same from C."""
    return lambda: native.escape(problem.state, problem.values, STEPS, BOUND)[1]


def check_steps(found: Steps, expected: Steps) -> None:
    """Refuse a contender whose runs do not diverge at the expected iterations."""
    same = float((found == expected).mean())
    if same < AGREEMENT:
        raise Absent(f"agrees with ours on {100 * same:.1f} % of the runs only; not timed")


def compare_escape(side: int, rounds: int, progress: Progress) -> tuple[Comparison, float]:
    """Timings of all who can do it, and the share of the runs that diverge."""
    problem = escape_problem(side)
    everywhere, one = cores(), one_core()
    contenders: dict[str, tuple[Callable[[], Callable[[], Steps]], set[int]]] = {
        OUTCOMES: (lambda: by_engine(our_engine(problem.map, threads=1), problem), one),
        OUTCOMES_EVERYWHERE: (lambda: by_engine(our_engine(problem.map, len(everywhere)), problem), everywhere),
        C: (lambda: by_c(build(problem), problem), one),
        WIDE_C: (lambda: by_c(build(problem, flags=WIDE), problem), one),
        NUMPY_ENGINE: (lambda: by_engine(numpy_engine(problem.map), problem), one),
    }
    comparison = Comparison()
    works: dict[str, Work] = {}
    expected: Steps | None = None
    for name, (prepare, allowed) in contenders.items():
        progress(f"escape, {name}: preparing")
        try:
            with pinned(allowed):
                run = prepare()
                found = run()
            expected = found if expected is None else expected
            check_steps(found, expected)
        except Absent as reason:
            comparison.absent[name] = str(reason)
            continue
        works[name] = Work(run, side**2 * STEPS, allowed)
    comparison.timings.update(interleave(works, rounds, progress))
    return comparison, 0.0 if expected is None else float((expected < STEPS).mean())
