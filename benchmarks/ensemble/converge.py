"""Runs that converge after some 45 steps: when and where, beside C that only stops.

Ours finds for each run its outcome, the step at which it converged, and the state there. The C looks every 16 steps at
how far the last one has moved the runs of a block, and leaves the block when that is within the tolerance for all. The
states have to agree; the time is per step up to ours, so that it is the time of a run in 45ths.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from benchmarks.ensemble.contenders import (
    NUMPY_ENGINE,
    OUTCOMES,
    OUTCOMES_EVERYWHERE,
    TOLERANCE,
    WIDE_C,
    C,
    Contender,
    cores,
    finish,
    pinned,
    with_outcomes,
)
from benchmarks.ensemble.engine import numpy_engine, our_engine
from benchmarks.ensemble.native import WIDE, Absent, build
from benchmarks.ensemble.problems import Interval, Problem, known_problem
from benchmarks.ensemble.timing import Comparison, Progress, Work, check, interleave, one_core
from numeric.maps.outcomes import CONVERGED

STEPS = 1000
# The maps with the intervals from which starts and step sizes are drawn.
CONVERGING: Mapping[str, tuple[Interval, Interval]] = {
    "reduced_minimalist": ((0.8, 1.2), (0.09, 0.12)),
    "minimalist": ((0.8, 1.2), (0.08, 0.1)),
    "depth_8_product": ((0.9, 1.1), (0.04, 0.056)),
}


def converging_problem(name: str, runs: int) -> Problem:
    """One of the maps, with starts and step sizes from which it converges."""
    known, (starts, step_sizes) = known_problem(name, 1), CONVERGING[name]
    generator = np.random.default_rng(0)
    state = generator.uniform(*starts, size=(len(known.state), runs))
    return Problem(name, known.map, state, generator.uniform(*step_sizes, size=(1, runs)), known.source)


CONTENDERS = (
    Contender(OUTCOMES, lambda problem: with_outcomes(our_engine(problem.map, threads=1))),
    Contender(
        OUTCOMES_EVERYWHERE, lambda problem: with_outcomes(our_engine(problem.map, len(cores()))), all_cores=True
    ),
    Contender(C, lambda problem: build(problem).settle(TOLERANCE)),
    Contender(WIDE_C, lambda problem: build(problem, flags=WIDE).settle(TOLERANCE)),
    Contender(NUMPY_ENGINE, lambda problem: with_outcomes(numpy_engine(problem.map))),
)


def compare_converging(name: str, runs: int, rounds: int, progress: Progress) -> tuple[Comparison, float]:
    """Timings of all who can do it, and the share of the runs that converge."""
    problem = converging_problem(name, runs)
    expected = finish(our_engine(problem.map, threads=1), problem.state, problem.values, STEPS)
    comparison, works = Comparison(), {}
    for contender in CONTENDERS:
        progress(f"{name}, converging, {contender.name}: preparing")
        allowed = cores() if contender.all_cores else one_core()
        try:
            with pinned(allowed):
                advance = contender.prepare(problem)
                check(advance(problem.state, problem.values, STEPS), expected.final)
        except Absent as reason:
            comparison.absent[contender.name] = str(reason)
            continue
        run = partial(advance, problem.state, problem.values, STEPS)
        works[contender.name] = Work(run, int(expected.step.sum()), allowed)
    comparison.timings.update(interleave(works, rounds, progress))
    return comparison, float((expected.outcome == CONVERGED).mean())
