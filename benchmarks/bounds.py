"""How often the sharpness of a small network is further from the truth than its bound.

    python -m benchmarks.bounds [--networks 300] [--readings 6] [--seed 0]

Networks of up to some two hundred weights, drawn at random (activation, width, depth, normalization, loss, number of
examples, micro-batches, optimizer, step size between a tenth and three times the edge's, steps between readings), are
trained in float32 and read by `SharpnessTracker` on the way. The truth is the dense Hessian in float64 at the same
weights. For each tolerance that a tracker is given, the table has the share of eigenvalues outside their bound, the
largest ratio of error to bound, the eigenvalues that are off by ten times the tolerance or more, as of a direction that
was overlooked, and what the readings cost. Exit code 1 if any are outside.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from benchmarks.command_line import check_whole_numbers, run
from numeric.networks.curvature import hessian, inverse_preconditioner
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker import SharpnessTracker

TOLERANCES = (1e-2, 1e-3, 1e-6)
ACTIVATIONS = (nn.Tanh, nn.ReLU, nn.GELU, nn.SiLU, nn.Softplus, nn.Sigmoid)
BATCH_NORM = partial(nn.BatchNorm1d, track_running_stats=False)
NORMALIZATIONS = (None, None, nn.LayerNorm, BATCH_NORM)
MISSED = 10.0  # times the tolerance


@dataclass(frozen=True)
class Options:
    """How many networks."""

    networks: int = 300
    """drawn at random"""
    readings: int = 6
    """of each, on its way"""
    seed: int = 0
    """of the first network"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "networks", "readings")
        check_whole_numbers(self, 0, "seed")


@dataclass
class Counted:
    """The readings of one tolerance: error, bound and truth of every eigenvalue, and evaluations of every reading."""

    errors: list[float] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)
    truths: list[float] = field(default_factory=list)
    evaluations: list[float] = field(default_factory=list)
    not_finite: int = 0

    def add(self, found: np.ndarray, bounds: np.ndarray, truth: Tensor) -> None:
        """Count eigenvalues."""
        self.errors += np.abs(found - truth.numpy()).tolist()
        self.bounds += bounds.tolist()
        self.truths += truth.abs().tolist()


def draw(seed: int) -> tuple[nn.Module, nn.Module, Tensor, Tensor, int | None, int, float]:
    """A network with its criterion, data, micro-batch, steps between readings, and step size over the edge's."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    inputs, width, depth, outputs = (int(rng.integers(low, high)) for low, high in ((1, 6), (2, 9), (1, 4), (1, 4)))
    examples = int(np.exp(rng.uniform(np.log(6), np.log(300))))
    activation, normalization = rng.choice(np.array(ACTIVATIONS)), NORMALIZATIONS[rng.integers(len(NORMALIZATIONS))]
    layers: list[nn.Module] = []
    for layer in range(depth):
        layers.append(nn.Linear(width if layer else inputs, width))
        layers += [] if normalization is None else [normalization(width)]
        layers.append(activation())
    module = nn.Sequential(*layers, nn.Linear(width if depth else inputs, outputs))
    x = torch.randn(examples, inputs) * float(np.exp(rng.uniform(-1, 1)))
    kind = rng.integers(3) if outputs > 1 else 0
    if kind == 0:
        return module, nn.MSELoss(), x, torch.randn(examples, outputs), *_way(rng, examples, normalization)
    if kind == 1:
        labels = torch.tensor(rng.integers(outputs, size=examples))
        return module, nn.CrossEntropyLoss(), x, labels, *_way(rng, examples, normalization)
    marks = torch.tensor(rng.integers(2, size=(examples, outputs))).float()
    return module, nn.BCEWithLogitsLoss(), x, marks, *_way(rng, examples, normalization)


def _way(rng: np.random.Generator, examples: int, normalization: object) -> tuple[int | None, int, float]:
    divided = normalization is not BATCH_NORM and rng.random() < 0.3
    micro_batch = int(rng.integers(2, examples)) if divided else None
    return micro_batch, int(rng.integers(1, 30)), float(np.exp(rng.uniform(np.log(0.1), np.log(3))))


def dense(loss: FlatLoss, weights: Tensor) -> Tensor:
    """The Hessian in float64."""
    module = copy.deepcopy(loss.module).double()
    targets = loss.targets.double() if loss.targets.is_floating_point() else loss.targets
    exact = FlatLoss(module, loss.inputs.double(), targets, loss.criterion)
    return hessian(exact, weights.double())


def follow(seed: int, readings: int, counted: dict[float, Counted], effective: Counted) -> None:
    """Train a network, read it and count."""
    module, criterion, inputs, targets, micro_batch, between, factor = draw(seed)
    rate = factor * 2 / max(1e-3, float(torch.linalg.eigvalsh(_first(module, criterion, inputs, targets))[-1]))
    optimizer: torch.optim.Optimizer = torch.optim.SGD(module.parameters(), lr=rate)
    if seed % 3 == 0:
        optimizer = torch.optim.Adam(module.parameters(), lr=min(0.3, rate))
    make = partial(SharpnessTracker, module, criterion, inputs, targets, optimizer=optimizer)
    make = partial(make, eigenvalues=1 + seed % 3, micro_batch=micro_batch, seed=seed)
    trackers = {relative: make(relative=relative) for relative in counted}
    for _ in range(readings):
        inverse, truth = inverse_preconditioner(optimizer, [*module.parameters()]), None
        for relative, tracker in trackers.items():
            tracker.measure()
            row = tracker.history.isel(reading=-1)
            tracker.steps += 1
            if row.status == "not_finite":
                counted[relative].not_finite += 1
                continue
            if truth is None:
                matrix = dense(FlatLoss(module, inputs, targets, criterion), tracker.loss.parameters)
                truth = torch.linalg.eigvalsh(matrix).flip(0)[: tracker.eigenvalues]
            counted[relative].add(row.eigenvalue.values, row.bound.values, truth)
            counted[relative].evaluations.append(float(row.evaluations))
            if seed % 3 == 0 and inverse is not None:
                root = inverse.double().sqrt()
                top = torch.linalg.eigvalsh(root[:, None] * matrix * root)[-1:]
                effective.add(np.atleast_1d(row.effective_sharpness), np.atleast_1d(row.effective_bound), top)
        for _ in range(between):
            optimizer.zero_grad()
            criterion(module(inputs), targets).backward()
            optimizer.step()


def _first(module: nn.Module, criterion: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    loss = FlatLoss(module, inputs, targets, criterion)
    return dense(loss, loss.parameters)


def main(options: Options) -> int:
    """Follow, print, and say by the exit code whether all are inside."""
    torch.set_num_threads(1)
    counted, effective = {relative: Counted() for relative in TOLERANCES}, Counted()
    for number in range(options.networks):
        follow(options.seed + number, options.readings, counted, effective)
    table = Table(title=f"{options.networks} networks, {options.readings} readings each", title_justify="left")
    for heading in ("tolerance", "eigenvalues", "outside", "share", "largest error/bound", "missed", "evaluations"):
        table.add_column(heading, justify="right")
    outside = 0
    for relative, one in [*counted.items(), (math.nan, effective)]:
        errors, bounds, truths = (np.array(values) for values in (one.errors, one.bounds, one.truths))
        wrong = errors > bounds
        outside += int(wrong.sum())
        loose = max(TOLERANCES) if math.isnan(relative) else relative
        missed = int((wrong & (errors > MISSED * loose * truths)).sum())
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = float(np.nanmax(errors / bounds, initial=0.0))
        cost = f"{np.median(one.evaluations):.1f}" if one.evaluations else ""
        name = "effective" if math.isnan(relative) else f"{relative:g}"
        share = f"{100 * wrong.mean():.2f} %" if len(wrong) else ""
        table.add_row(name, str(len(errors)), str(int(wrong.sum())), share, f"{ratio:.2g}", str(missed), cost)
    Console(width=110).print(table)
    return int(outside > 0)


if __name__ == "__main__":
    run("python -m benchmarks.bounds", Options, main)
