"""A factor of progressive sharpening: its values, and the runs that they stand for.

Runs of a factor have the dimensions of the factor and ``seed`` before those of a history; the repeated run has those of
a history. Errors: `BadInput` for too few values or seeds to see a trend in, and for values that do not rise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr

from analysis.progress import Advance
from analysis.training import TrainingOptions, train
from eos_sym import BadInput
from numeric.networks.architectures import Architecture
from numeric.networks.data import DataSet
from numeric.networks.training.experiment import Experiment, Measure, Stop
from numeric.networks.training.flow import GradientFlow
from numeric.networks.training.optimizers import GradientDescent
from numeric.runs import combine

LEAST_VALUES, LEAST_SEEDS = 3, 2  # what a test for a trend needs
ACCURATE = Stop(accuracy=0.99)
PRECISION = 1e-2  # of the readings: far below the differences between seeds
DESCENT_EVERY = 10
MORE_STEPS = 20  # that descent may take than the flow


@dataclass(frozen=True, kw_only=True)
class SharpeningOptions(TrainingOptions):
    """The options of every analysis of how far sharpening goes."""

    seeds: int = 5
    """random starts for each value"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seeds < LEAST_SEEDS:
            raise BadInput(f"--seeds {self.seeds}: a trend takes {LEAST_SEEDS} or more")


@dataclass(frozen=True)
class Factor:
    """What is varied: a number in the description of an experiment.

    `option` is where the values are given; `experiment` makes the flow's run from a value and a seed; `label` is the
    axis of the figure, `symbol`, in TeX, the name in the titles of its panels; `small_step` is the step size with which
    one run is repeated by gradient descent.
    """

    name: str
    option: str
    label: str
    symbol: str
    values: tuple[Any, ...]
    experiment: Callable[[Any, int], Experiment]
    small_step: float
    logarithmic: bool = False

    def __post_init__(self) -> None:
        shown = f"{self.option} {' '.join(f'{value:g}' for value in self.values)}".strip()
        if len(self.values) < LEAST_VALUES:
            raise BadInput(f"{shown}: a trend takes {LEAST_VALUES} values or more")
        if sorted(set(self.values)) != list(self.values):
            raise BadInput(f"{shown}: give rising values, each once")

    @property
    def middle(self) -> Any:
        """The value whose first run is repeated."""
        return self.values[len(self.values) // 2]

    @property
    def repeated(self) -> str:
        """The name of the repeated run."""
        return f"{self.name}_by_descent"


def flow(
    options: SharpeningOptions,
    data: DataSet,
    network: Architecture,
    seed: int,
    *,
    goal: Stop = ACCURATE,
    steps: int = 1000,
    every: int = 10,
) -> Experiment:
    """The gradient flow to the goal; the quick preset takes at most so many steps, near the longest that are stable."""
    quick = options.preset == "quick"
    return Experiment(
        data,
        network,
        GradientFlow(2.0 if quick else 1.0, every=every),
        steps if quick else 100 * steps,
        seed=seed,
        stop=goal,
        measure=Measure(every=every, relative=PRECISION),
    )


class Runs:
    """The runs of some factors: trained when the first of them is asked for, all in one sweep."""

    def __init__(self, analysis: str, options: SharpeningOptions, factors: Sequence[Factor]) -> None:
        self.analysis, self.options, self.factors = analysis, options, factors
        self._histories: dict[Experiment, xr.Dataset] = {}

    @property
    def seeds(self) -> range:
        """The seeds of the random starts."""
        return range(self.options.seed, self.options.seed + self.options.seeds)

    def flows(self, factor: Factor, progress: Advance) -> xr.Dataset:
        """The flows of all values and seeds."""
        known = self._trained(progress)
        histories = [known[experiment] for experiment in self._flows(factor)]
        return combine(histories, {factor.name: factor.values, "seed": self.seeds})

    def descent(self, factor: Factor, progress: Advance) -> xr.Dataset:
        """The first run of the middle value, by gradient descent with small steps."""
        return self._trained(progress)[self._descent(factor)]

    def _trained(self, progress: Advance) -> dict[Experiment, xr.Dataset]:
        if not self._histories:
            flows = [experiment for factor in self.factors for experiment in self._flows(factor)]
            experiments = [*flows, *map(self._descent, self.factors)]
            histories = train(self.analysis, self.options, experiments, progress)
            self._histories = dict(zip(experiments, map(_essentials, histories), strict=True))
        return self._histories

    def _flows(self, factor: Factor) -> list[Experiment]:
        return [factor.experiment(value, seed) for value in factor.values for seed in self.seeds]

    def _descent(self, factor: Factor) -> Experiment:
        followed = factor.experiment(factor.middle, self.options.seed)
        return replace(
            followed,
            rule=GradientDescent(factor.small_step),
            steps=MORE_STEPS * followed.steps,
            measure=Measure(every=DESCENT_EVERY, relative=PRECISION),
        )


def _essentials(history: xr.Dataset) -> xr.Dataset:
    """What claims and figure need of a history, its ending among it."""
    kept = history[["loss", "sharpness"]].assign_coords(reading_time=history.reading_time)
    return kept.assign(ending=history.attrs["ending"]).drop_attrs()
