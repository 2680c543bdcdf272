"""Everything measured, its ratios, and what they should be."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.ensemble.contenders import JAX, NUMPY, OURS, OUTCOMES, VECTOR_C, WHOLE_CALL, C
from benchmarks.ensemble.converge import CONVERGING
from benchmarks.ensemble.problems import ACTIVATIONS, MAPS
from benchmarks.ensemble.timing import Comparison

ESCAPE = "escape"
SPREAD = ("median", "least", "most")
FIRST_CALLS = {"empty cache": 6.0, "new map": 1.0}
TITLES = {
    "reduced_minimalist": "reduced minimalist",
    "minimalist": "minimalist, 4-D",
    "normalized_gd": "normalized GD",
    "depth_8_product": "depth-8 product",
    "tanh": "tanh",
    "log_cosh": "log cosh",
    "softplus": "log(1 + exp)",
    "typed_loss": "typed loss",
    ESCAPE: "escape times",
}
TITLES |= {f"{name}, converging": f"{TITLES[name]}, converging" for name in CONVERGING}


@dataclass(frozen=True)
class Goal:
    """A ratio that should be at most, or at least, so much."""

    statement: str
    measured: float
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        """Whether it is."""
        return (self.least is None or self.measured >= self.least) and (self.most is None or self.measured <= self.most)


def baseline(comparison: Comparison) -> str:
    """Whom the times are compared with: C, or our kernel where there is none."""
    return next(name for name in (C, OURS, OUTCOMES) if name in comparison.timings)


def ratio(comparison: Comparison, name: str, to: str) -> tuple[float, float, float]:
    """Time of a contender relative to another's median: median, least and most."""
    middle = comparison.timings[to].nanoseconds[0]
    median, least, most = (value / middle for value in comparison.timings[name].nanoseconds)
    return median, least, most


@dataclass(frozen=True)
class Results:
    """Everything measured: workloads by name, the share of their runs that end early, seconds, and ratios of memory."""

    comparisons: Mapping[str, Comparison]
    ended: Mapping[str, float]
    first_call: Mapping[str, float]
    memory: Mapping[str, float] | None

    @property
    def goals(self) -> list[Goal]:
        """What our kernel should reach, for all that could be measured."""
        found = [goal for name, comparison in self.comparisons.items() for goal in _goals_of_time(name, comparison)]
        for name, share in (self.memory or {}).items():
            found.append(Goal(f"peak memory / arrays asked for, {name}", share, most=1.2))
        for name, most in FIRST_CALLS.items():
            found.append(Goal(f"first call, {name}, seconds", self.first_call[name], most=most))
        return found

    def as_json(self) -> dict[str, Any]:
        """The same as one document."""
        return {
            "processor": processor(),
            "workloads": {
                name: {
                    "ended": self.ended[name],
                    "relative_to": baseline(comparison),
                    "contenders": {contender: _as_json(comparison, contender) for contender in comparison.timings},
                    "absent": comparison.absent,
                }
                for name, comparison in self.comparisons.items()
            },
            "first_call_seconds": self.first_call,
            "memory_over_arrays": self.memory,
            "goals": [{**asdict(goal), "met": goal.met} for goal in self.goals],
        }


def _as_json(comparison: Comparison, contender: str) -> dict[str, Any]:
    timing = comparison.timings[contender]
    return {
        "ratio": dict(zip(SPREAD, ratio(comparison, contender, baseline(comparison)), strict=True)),
        "nanoseconds_per_map_step": dict(zip(SPREAD, timing.nanoseconds, strict=True)),
        "map_steps": timing.map_steps,
        "seconds": timing.seconds,
    }


def _goals_of_time(name: str, comparison: Comparison) -> Iterator[Goal]:
    title = TITLES[name]
    if C in comparison.timings:
        if name in MAPS:
            yield Goal(f"{title}: kernel / C", ratio(comparison, OURS, C)[0], most=1.05)
            if WHOLE_CALL in comparison.timings:
                yield Goal(f"{title}: whole call / C", ratio(comparison, WHOLE_CALL, C)[0], most=1.3)
        if name in (*MAPS, ESCAPE):
            yield Goal(f"{title}: with outcomes / C", ratio(comparison, OUTCOMES, C)[0], most=1.25)
        if name.endswith("converging"):
            yield Goal(f"{title}: with outcomes / C", ratio(comparison, OUTCOMES, C)[0], most=2)
    if name in ACTIVATIONS:
        for other in (VECTOR_C, JAX):
            if other in comparison.timings:
                yield Goal(f"{title}: kernel / {other}", ratio(comparison, OURS, other)[0], most=1)
    if name == "reduced_minimalist":
        yield Goal(f"{title}: NumPy lambdify / kernel", ratio(comparison, NUMPY, OURS)[0], least=30)


def processor() -> str:
    """The name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
