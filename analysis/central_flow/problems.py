"""What is trained: problems small enough for every step to be compared, chosen by what training does in them alone.

    regression      8–16–16–1, tanh, 50 inputs and targets drawn at random, mean squared error, η = .1
    digits          fully connected, squared error and cross-entropy, several eigenvalues at the edge
    convolutional   two convolutions on digits, average pooling, squared error
    other rules     the regression by heavy ball and by RMSProp, of which only the central flow knows
    recorded        the runs of a folder, as somebody else's program recorded them: data, weights at the start, η, loss

A recorded run is a file ``NAME.npz`` with `inputs`, `targets`, `sizes` of the layers, `weights` (each layer's matrix
row by row, then its biases), `eta`, `activation` and `loss` before every step, half the squared error in the mean over
examples and outputs. Errors: `BadInput` for a folder without any, and for files that are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from eos_sym import BadInput
from numeric.compile import Array
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


def half_mean_squares(outputs: Tensor, targets: Tensor) -> Tensor:
    """Half of it, the loss of recorded runs."""
    return mean_squared_error(outputs, targets) / 2


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
class Recorded:
    """A recorded run, which is its data, and as a network begins with its weights."""

    file: Path

    @property
    def _record(self) -> Mapping[str, Array]:
        try:
            with np.load(self.file) as record:
                return {name: record[name] for name in record.files}
        except (OSError, ValueError) as error:
            raise BadInput(f"{self.file}: not a recorded run: {error}") from error

    def load(self) -> Examples:
        """Its inputs and targets."""
        record = self._record
        return Examples(torch.from_numpy(record["inputs"]), torch.from_numpy(record["targets"]), classes=False)

    def build(self, examples: Examples, generator: torch.Generator) -> nn.Sequential:
        """Its network with its weights; nothing is drawn."""
        record = self._record
        sizes = [int(size) for size in record["sizes"]]
        activation: Any = {"linear": "identity"}.get(str(record["activation"]), str(record["activation"]))
        network = FullyConnected(tuple(sizes[1:-1]), activation).build(examples, generator).double()
        nn.utils.vector_to_parameters(torch.from_numpy(record["weights"]), network.parameters())
        return network

    @property
    def eta(self) -> float:
        """Its step size."""
        return float(self._record["eta"])

    @property
    def loss(self) -> Array:
        """Its loss before every step."""
        return self._record["loss"]


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
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise BadInput(f"--recorded {folder}: no file NAME.npz of a recorded run there")
    for file in files:
        run = Recorded(file)
        steps = min(len(run.loss) - 1, LONGEST)
        kind = file.stem.replace("_", " ")
        yield Problem(kind, run, run, GradientDescent(run.eta), "half_mean_squares", steps)
