"""What an optimizer made of a formula costs, beside that of torch.optim.

    python -m benchmarks.optimizers [--pairs 8] [--rounds 30] [--images 1797]

Both train a 64–200–200–10 network on the digits from the same start, full batch, in one thread, and take turns; several
pairs one after the other, since where in memory a network lies changes its time by some percent. Shown are the medians
of the processor's time: of a step of the optimizer alone, and of the whole training step, which is the loss, its
gradient and the optimizer's step; and of the ratios, ours to torch's. "same bits" says whether the weights of every
pair agree at the end to the last bit.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from benchmarks.command_line import check_whole_numbers, run
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
WARM_UP = 5  # steps that are not counted: the first ones allocate


@dataclass(frozen=True)
class Options:
    """How long to measure."""

    pairs: int = 8
    """of networks, trained one pair after the other"""
    rounds: int = 30
    """training steps that each optimizer of a pair takes, in turns"""
    images: int = 1797
    """in the full batch"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "pairs", "rounds", "images")


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


def compare(rule: Rule, build: Build, options: Options) -> tuple[list[Trained], list[Trained]]:
    """Networks trained by torch's optimizer and by ours."""
    torchs, ours = [], []
    for _ in range(options.pairs):
        pair = Trained(build, options.images), Trained(rule.build, options.images)
        for round_number in range(options.rounds + WARM_UP):
            for one in pair if round_number % 2 else pair[::-1]:
                one.step()
        torchs.append(pair[0])
        ours.append(pair[1])
    return torchs, ours


def main(options: Options) -> None:
    """Train in turns and print medians."""
    torch.set_num_threads(1)
    table = Table(title="microseconds a step, medians", title_justify="left")
    for heading in ("rule", "step: torch", "ours", "ratio", "training step: torch", "ours", "ratio", "same bits"):
        table.add_column(heading, justify="left" if heading == "rule" else "right")
    for name, (rule, build) in PAIRS.items():
        torchs, ours = compare(rule, build, options)
        cells = []
        for spent in (attrgetter("alone"), attrgetter("whole")):
            theirs, mine = ([t for one in trained for t in spent(one)[WARM_UP:]] for trained in (torchs, ours))
            ratio = statistics.median(after / before for before, after in zip(theirs, mine, strict=True))
            cells += [f"{1e6 * statistics.median(theirs):.0f}", f"{1e6 * statistics.median(mine):.0f}", f"{ratio:.3f}"]
        same = all(torch.equal(one.weights(), other.weights()) for one, other in zip(torchs, ours, strict=True))
        table.add_row(name, *cells, "yes" if same else "no")
    Console().print(table)


if __name__ == "__main__":
    run("python -m benchmarks.optimizers", Options, main)
