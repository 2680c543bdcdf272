"""What an optimizer made of a formula costs, beside that of torch.optim.

    python -m benchmarks.optimizers [--rounds 200] [--images 1797]

Both train a 64–200–200–10 network on the digits from the same start, full batch, in one thread, and take turns. Shown
are the medians of the processor's time: of a step of the optimizer alone, and of the whole training step, which is the
loss, its gradient and the optimizer's step; and of the ratios, ours to torch's. The weights of the two must agree at
the end to the last bit.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
import tyro
from rich.console import Console
from rich.table import Table
from torch import nn

from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.loss import half_squared_error
from numeric.networks.training.optimizers import Adam, GradientDescent, HeavyBall, Nesterov, RMSProp, Rule, WeightDecay

Build = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
PAIRS: dict[str, tuple[Rule, Build]] = {
    "gradient descent": (GradientDescent(0.05), lambda own: torch.optim.SGD(own, lr=0.05)),
    "heavy ball": (HeavyBall(0.01, 0.9), lambda own: torch.optim.SGD(own, lr=0.01, momentum=0.9)),
    "Nesterov": (Nesterov(0.01, 0.9), lambda own: torch.optim.SGD(own, lr=0.01, momentum=0.9, nesterov=True)),
    "RMSProp": (RMSProp(1e-4), lambda own: torch.optim.RMSprop(own, lr=1e-4)),
    "Adam": (Adam(1e-4), lambda own: torch.optim.Adam(own, lr=1e-4)),
    "AdamW": (
        WeightDecay(Adam(1e-4), 0.01, coupled=False),
        lambda own: torch.optim.AdamW(own, lr=1e-4, weight_decay=0.01),
    ),
}


@dataclass(frozen=True)
class Options:
    """How long to measure."""

    rounds: int = 200
    """training steps that each optimizer takes, in turns"""
    images: int = 1797
    """in the full batch"""


class Trained:
    """A network in training, and the seconds that each step took."""

    def __init__(self, build: Build, images: int) -> None:
        data = Digits(examples=images).load()
        self.module = FullyConnected((200, 200)).build(data, torch.Generator().manual_seed(0))
        self.inputs, self.targets = data.inputs, data.targets
        self.optimizer = build(self.module.parameters())
        self.alone: list[float] = []
        self.whole: list[float] = []

    def step(self) -> None:
        """A training step."""
        start = time.process_time()
        self.optimizer.zero_grad()
        half_squared_error(self.module(self.inputs), self.targets).backward()
        middle = time.process_time()
        self.optimizer.step()
        end = time.process_time()
        self.alone.append(end - middle)
        self.whole.append(end - start)

    def weights(self) -> torch.Tensor:
        """All of them."""
        return nn.utils.parameters_to_vector(self.module.parameters()).detach()


def main(options: Options) -> None:
    """Train in turns and print medians."""
    torch.set_num_threads(1)
    table = Table(title="microseconds a step, medians", title_justify="left")
    for heading in ("rule", "step: torch", "ours", "ratio", "training step: torch", "ours", "ratio", "same bits"):
        table.add_column(heading, justify="left" if heading == "rule" else "right")
    for name, (rule, build) in PAIRS.items():
        torchs, ours = Trained(build, options.images), Trained(rule.build, options.images)
        for round_number in range(options.rounds + 5):
            for one in (torchs, ours) if round_number % 2 else (ours, torchs):
                one.step()
        cells = []
        for before, after in ((torchs.alone, ours.alone), (torchs.whole, ours.whole)):
            pairs = list(zip(before[5:], after[5:], strict=True))  # the first steps allocate
            medians = [1e6 * statistics.median(column) for column in zip(*pairs, strict=True)]
            ratio = statistics.median(mine / theirs for theirs, mine in pairs)
            cells += [f"{medians[0]:.0f}", f"{medians[1]:.0f}", f"{ratio:.3f}"]
        table.add_row(name, *cells, "yes" if torch.equal(torchs.weights(), ours.weights()) else "no")
    Console().print(table)


if __name__ == "__main__":
    main(tyro.cli(Options, prog="python -m benchmarks.optimizers"))
