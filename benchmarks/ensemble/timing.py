"""Contenders are checked, then timed in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.ensemble.contenders import Advance, Contender, cores, pinned
from benchmarks.ensemble.native import Absent
from benchmarks.ensemble.problems import Array, Problem
from eos_sym import BadInput

CHECKED_STEPS = 20
AGREEMENT = 1e-9  # of 1 + |coordinate|: far above what rounding does in so few steps
LONGEST = 0.4  # seconds; whoever takes longer does fewer steps, and the time is divided by those
Progress = Callable[[str], object]


@dataclass(frozen=True)
class Work:
    """Something to time, how many map-steps it does, and the cores it may use."""

    run: Callable[[], object]
    map_steps: int
    cores: set[int]


@dataclass(frozen=True)
class Timing:
    """Seconds of every round, and the map-steps done in each."""

    seconds: tuple[float, ...]
    map_steps: int

    @property
    def nanoseconds(self) -> tuple[float, float, float]:
        """Median, least and most, per map-step."""
        scale = 1e9 / self.map_steps
        return scale * statistics.median(self.seconds), scale * min(self.seconds), scale * max(self.seconds)


@dataclass(frozen=True)
class Comparison:
    """What came of one workload: timings, and the reasons of those who have none."""

    timings: dict[str, Timing] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def one_core() -> set[int]:
    """The core for everything on one core: the last, since the system likes the first."""
    return {max(cores())}


def interleave(works: Mapping[str, Work], rounds: int, progress: Progress) -> dict[str, Timing]:
    """All works once, then all again, `rounds` times."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            progress(name)
            with pinned(work.cores):
                start = time.perf_counter()
                work.run()
                seconds[name].append(time.perf_counter() - start)
    return {name: Timing(tuple(seconds[name]), work.map_steps) for name, work in works.items()}


def compare(
    problem: Problem, contenders: Sequence[Contender], *, steps: int, rounds: int, progress: Progress
) -> Comparison:
    """Check and time the contenders on a problem; the first of them is what the others have to agree with."""
    comparison = Comparison()
    works: dict[str, Work] = {}
    expected: Array | None = None
    for contender in contenders:
        progress(f"{contender.name}: preparing")
        allowed = cores() if contender.all_cores else one_core()
        try:
            with pinned(allowed):
                advance = contender.prepare(problem)
                final = advance(problem.state, problem.values, CHECKED_STEPS)
                if expected is None:
                    expected = final
                    check_starts(problem, final)
                check(final, expected)
                count = affordable(advance, problem, steps)
        except Absent as reason:
            comparison.absent[contender.name] = str(reason)
            continue
        works[contender.name] = work(advance, problem, count, allowed)
    comparison.timings.update(interleave(works, rounds, progress))
    return comparison


def work(advance: Advance, problem: Problem, steps: int, allowed: set[int]) -> Work:
    """So many steps of the problem."""
    return Work(lambda: advance(problem.state, problem.values, steps), problem.state.shape[1] * steps, allowed)


def check_starts(problem: Problem, final: Array) -> None:
    """Refuse a typed problem whose runs do not stay finite."""
    if not np.isfinite(final).all():
        raise BadInput(
            f"{problem.name}: runs diverge within {CHECKED_STEPS} steps; start nearer a minimum or lower eta"
        )


def check(final: Array, expected: Array) -> None:
    """Refuse a contender whose final states are not the expected ones."""
    distance = float((np.abs(final - expected) / (1 + np.abs(expected))).max())
    if not distance <= AGREEMENT:
        raise Absent(f"disagrees with ours by {distance:.1e} after {CHECKED_STEPS} steps; not timed")


def affordable(advance: Advance, problem: Problem, steps: int) -> int:
    """How many of the steps take no longer than `LONGEST`, by what a few more of them cost, without what runs cost."""

    def seconds(count: int) -> float:
        start = time.perf_counter()
        advance(problem.state, problem.values, count)
        return time.perf_counter() - start

    fewer, more = (min(seconds(count) for _ in range(2)) for count in (CHECKED_STEPS, 3 * CHECKED_STEPS))
    per_step = max((more - fewer) / (2 * CHECKED_STEPS), 1e-9)
    return max(1, min(steps, int(LONGEST / per_step)))
