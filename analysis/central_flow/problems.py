"""What is trained: problems small enough for every step to be compared, chosen by what training does in them alone.

    regression      8–16–16–1, tanh, 50 inputs and targets drawn at random, mean squared error, η = .1
    digits          fully connected, squared error and cross-entropy, several eigenvalues at the edge
    convolutional   two convolutions on digits, average pooling, squared error
    other rules     the regression by heavy ball and by RMSProp, of which only the central flow knows
    recorded        the runs of a folder, as somebody else's program recorded them: data, weights at the start, η, loss

Errors: `BadInput` for a folder without recorded runs, files that are none, and those that skip steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from analysis.training.recorded import half_mean_squares, recorded_in
from eos_sym import BadInput
from numeric.networks.architectures import Architecture, Convolutional, FullyConnected
from numeric.networks.data import Digits
from numeric.networks.data.examples import DataSet, Examples
from numeric.networks.flows.rules import Rule
from numeric.networks.loss import CRITERIA, FlatLoss
from numeric.networks.training.optimizers import GradientDescent, HeavyBall, RMSProp

LONGEST = 2500


def mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean over examples and outputs."""
    return (outputs - targets).square().mean()


LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    **CRITERIA,
    "mean_squares": mean_squared_error,
    "half_mean_squares": half_mean_squares,
}


@dataclass(frozen=True)
class RandomRegression:
    """Inputs (examples, inputs) and targets (examples, 1), all drawn from the standard normal distribution."""

    examples: int = 50
    inputs: int = 8
    seed: int = 0

    def load(self) -> Examples:
        """The examples, in float64."""
        generator = torch.Generator().manual_seed(self.seed)
        inputs = torch.randn(self.examples, self.inputs, generator=generator, dtype=torch.float64)
        return Examples(inputs, torch.randn(self.examples, 1, generator=generator, dtype=torch.float64), classes=False)


@dataclass(frozen=True)
class Problem:
    """A module in training: its kind in words, what is trained, and for how many steps."""

    kind: str
    data: DataSet
    network: Architecture
    rule: Rule
    loss: str
    steps: int
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.kind}, seed {self.seed}"

    @property
    def plain(self) -> bool:
        """Whether it is trained by gradient descent."""
        return isinstance(self.rule, GradientDescent)

    def module(self) -> tuple[nn.Module, Callable[[Tensor, Tensor], Tensor], Tensor, Tensor]:
        """Module, criterion, inputs and targets, in float64."""
        examples = self.data.load()
        module = self.network.build(examples, torch.Generator().manual_seed(self.seed)).double()
        return module, LOSSES[self.loss], examples.inputs, examples.targets

    def flat_loss(self) -> FlatLoss:
        """The loss at the start."""
        module, criterion, inputs, targets = self.module()
        return FlatLoss(module, inputs, targets, criterion)


def regression(seed: int, rule: Rule, steps: int, kind: str = "8–16–16–1") -> Problem:
    """The regression from a start and with data of its own."""
    return Problem(kind, RandomRegression(seed=seed), FullyConnected((16, 16)), rule, "mean_squares", steps, seed)


def problems(preset: Literal["quick", "full"], seed: int, recorded: Path | None) -> Iterator[Problem]:
    """The preset's, and those recorded in the folder."""
    if preset == "quick":
        yield regression(seed, GradientDescent(0.1), 300)
        return
    for number in range(5):
        yield regression(seed + number, GradientDescent(0.1), 1000)
    digits = Digits(100, classes=10, noise=0.2)
    for number in range(2):
        start = seed + number
        yield Problem("digits, squared error", digits, FullyConnected((16,)), GradientDescent(0.3), "mse", 1000, start)
        rule = GradientDescent(1.0)
        yield Problem("digits, cross-entropy", digits, FullyConnected((16,)), rule, "cross_entropy", 600, start)
        images = Digits(60, classes=4, noise=0.2)
        network = Convolutional((4, 6), pooling="average")
        yield Problem("convolutional", images, network, GradientDescent(0.5), "mse", 800, start)
        yield regression(start, HeavyBall(0.1, 0.7), 1000, "8–16–16–1, heavy ball")
        yield regression(start, RMSProp(1e-3, 0.99), 1000, "8–16–16–1, RMSProp")
    if recorded is not None:
        yield from recorded_runs(recorded)


def recorded_runs(folder: Path) -> Iterator[Problem]:
    """The runs of a folder, over the steps that they recorded, `LONGEST` of them at most."""
    for run in recorded_in(folder):
        if run.every > 1:
            raise BadInput(
                f"--recorded {folder}: {run.file.name} has every {run.every}th step alone; give all its steps"
            )
        steps = min(run.steps, LONGEST)
        yield Problem(run.name, run, run, GradientDescent(run.eta), "half_mean_squares", steps)
