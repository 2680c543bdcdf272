"""What recording, stop conditions and progress cost in a training loop, beside a bare loop of torch.

    python -m benchmarks.training [--rounds 200] [--seconds 0.02]

Both train the same network on the digits from the same start with full-batch gradient descent, in one thread and
without any reading. The bare loop keeps nothing; ours keeps the loss and accuracy of every step and looks for
divergence, and in the last columns at every step for a goal of the loss. They take turns, so many rounds, each for as
many steps as take the bare loop so many seconds; shown are the medians of the processor's time, and of the ratios.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.command_line import check_seconds, check_whole_numbers, run
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.training.experiment import Experiment, Stop
from numeric.networks.training.loop.train import Training
from numeric.networks.training.optimizers import GradientDescent
from numeric.networks.training.progress import Report
from numeric.networks.training.running import Running

NETWORKS = {
    "64-10-10, 100 images": ((10,), 100),
    "64-50-50-10, 500 images": ((50, 50), 500),
    "64-200-200-10, 1797 images": ((200, 200), 1797),
}
ETA = 0.05


@dataclass(frozen=True)
class Options:
    """How long to measure."""

    rounds: int = 200
    """times that each loop is run"""
    seconds: float = 0.02
    """for which the bare loop is run each time"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "rounds")
        check_seconds("--seconds", self.seconds)


class Ours:
    """Our loop, some steps at a time, with everything that is done between them."""

    def __init__(self, widths: tuple[int, ...], images: int, stop: Stop) -> None:
        experiment = Experiment(Digits(examples=images), FullyConnected(widths=widths), GradientDescent(ETA), 10**9)
        self.running = Running(replace(experiment, stop=stop))
        self.loop = self.running.advance(Report(lambda _: None), None, math.inf)

    def __call__(self, steps: int) -> None:
        """So many steps."""
        for _ in range(steps):
            next(self.loop)


class Bare:
    """The loop that anybody would write, with the parts of ours."""

    def __init__(self, widths: tuple[int, ...], images: int) -> None:
        training = Ours(widths, images, Stop()).running.training
        assert isinstance(training, Training)
        self.training = training

    def __call__(self, steps: int) -> None:
        """So many steps."""
        module, criterion, optimizer = self.training.module, self.training.criterion, self.training.optimizer
        inputs, targets, _ = self.training.batches.everything
        for _ in range(steps):
            optimizer.zero_grad()
            loss = criterion(module(inputs), targets)
            loss.backward()
            optimizer.step()


def seconds(loop: Callable[[int], None], steps: int) -> float:
    """Of the processor, a step."""
    start = time.process_time()
    loop(steps)
    return (time.process_time() - start) / steps


def main(options: Options) -> None:
    """Time the loops in turns and print medians."""
    torch.set_num_threads(1)
    table = Table(title="microseconds a step, medians", title_justify="left")
    for heading in ("network", "bare", "ours", "ratio", "with a goal", "ratio"):
        table.add_column(heading, justify="left" if heading == "network" else "right")
    for name, (widths, images) in NETWORKS.items():
        loops: list[Callable[[int], None]] = [
            Bare(widths, images),
            Ours(widths, images, Stop()),
            Ours(widths, images, Stop(loss=0.0)),
        ]
        steps = max(2, int(options.seconds / min(seconds(loops[0], 10) for _ in range(5))))
        rounds = [[seconds(loop, steps) for loop in loops] for _ in range(options.rounds)]
        bare, ours, goal = (1e6 * statistics.median(column) for column in zip(*rounds, strict=True))
        ratios = [statistics.median(spent[index] / spent[0] for spent in rounds) for index in (1, 2)]
        table.add_row(name, f"{bare:.0f}", f"{ours:.0f}", f"{ratios[0]:.3f}", f"{goal:.0f}", f"{ratios[1]:.3f}")
    Console().print(table)


if __name__ == "__main__":
    run("python -m benchmarks.training", Options, main)
