"""A factor of progressive sharpening: its values, and the runs that they stand for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from analysis.training.options import ImageOptions
from analysis.training.sharpening.options import SharpeningOptions
from analysis.training.sharpening.trend import Measured, sharpening
from numeric.networks.architectures import Architecture
from numeric.networks.data import DataSet, Digits
from numeric.networks.training.experiment import Experiment, Measure, Stop
from numeric.networks.training.flow import GradientFlow
from numeric.networks.training.optimizers import GradientDescent

ACCURATE = Stop(accuracy=0.99)
PRECISION = 1e-2  # of the readings: far below the differences between seeds
DESCENT_EVERY = 10
MORE_STEPS = 20  # that descent may take than the flow


@dataclass(frozen=True)
class Factor:
    """What is varied: a number, with the experiment that each of its values, rising, stands for.

    `label` is the axis of the figure, `symbol`, in TeX, the name in the titles of its panels; `measure` is what is
    claimed to rise or fall with it; `small_step` is the step size with which one run is repeated by gradient descent.
    """

    name: str
    label: str
    symbol: str
    experiments: Mapping[Any, Experiment]
    small_step: float
    logarithmic: bool = False
    measure: Measured = sharpening

    @property
    def values(self) -> tuple[Any, ...]:
        """The values, rising."""
        return tuple(self.experiments)

    @property
    def middle(self) -> Any:
        """The value whose first run is repeated."""
        return self.values[len(self.values) // 2]

    def flows(self, seeds: Iterable[int]) -> list[Experiment]:
        """The flows of all values, from all seeds."""
        return [replace(one, seed=seed) for one in self.experiments.values() for seed in seeds]

    def descent(self, seed: int) -> Experiment:
        """The flow of the middle value from this seed, repeated by gradient descent with small steps."""
        followed = self.experiments[self.middle]
        return replace(
            followed,
            rule=GradientDescent(self.small_step),
            steps=MORE_STEPS * followed.steps,
            seed=seed,
            measure=Measure(every=DESCENT_EVERY, relative=PRECISION),
        )


def flow(
    options: SharpeningOptions,
    data: DataSet,
    network: Architecture,
    *,
    goal: Stop = ACCURATE,
    steps: int = 1000,
    every: int = 4,
) -> Experiment:
    """The gradient flow to the goal; the quick preset takes at most so many steps, near the longest that are stable."""
    quick = options.preset == "quick"
    return Experiment(
        data,
        network,
        GradientFlow(2.0 if quick else 1.0, every=every),
        steps if quick else 100 * steps,
        stop=goal,
        measure=Measure(every=every, relative=PRECISION),
    )


def few_examples(options: ImageOptions) -> DataSet:
    """For the quick preset few digits, which sharpen all the same as some have random labels; else CIFAR-10."""
    return Digits(50, noise=0.3) if options.preset == "quick" else options.cifar()
