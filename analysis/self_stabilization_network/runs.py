"""The runs of the study: training to the edge, and from there gradient descent beside the predicted dynamics.

A network is trained by gradient descent until its sharpness at midpoints is first read at 2/η. There the constrained
trajectory begins, and gradient descent with it, displaced by `KICK`·δ along u: a run that comes to the edge by itself
oscillates there by less than its distance from M, which the theory neglects, and its first burst is all the higher.

    turns       a run through four turns of each network with each criterion, at the middle step size
    step sizes  runs through the first turn, of the period √2 π/ε, at the others

Shapes: a history is that of `beside_descent`, and has besides its attribute `crossing`, the step at which the edge was
met, and `coefficient_error`, of ∇S and Q there against nested differentiation; one that was not met has `ending` alone.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TypeAlias

import torch
import xarray as xr

from analysis.training import TrainingOptions, flat_loss
from analysis.training.measures import crossing_from_below, sharpness_of
from analysis.training.runs import as_asked
from eos_sym import Undecided
from numeric.networks.architectures import Convolutional, FullyConnected
from numeric.networks.architectures.architecture import Architecture
from numeric.networks.curvature import expansion_along
from numeric.networks.data import Digits
from numeric.networks.edge import EdgeReader, beside_descent
from numeric.networks.edge.turns.coefficients import EdgeCoefficients
from numeric.networks.loss import FlatLoss
from numeric.networks.training import Experiment, GradientDescent, Measure
from numeric.progress import Progress

Label: TypeAlias = tuple[str, str, int, int]  # network, criterion, number of the step size, seed

TURN = math.sqrt(2) * math.pi  # of a small turn, in the time εt
KICK = 0.5
LONG, SHORT = 4.2, 1.05  # turns, at the ε of the start, which grows
FEWEST, MOST = 2, 1500  # steps
CRITERIA = {"mse": "squared error", "cross_entropy": "cross-entropy"}
NETWORKS = {"fully_connected": "fully connected", "convolutional": "convolutional"}
KINDS = tuple(product(NETWORKS, CRITERIA))


@dataclass(frozen=True)
class Scale:
    """A preset: data, networks, step sizes, and the time ηt within which training is to come to the edge.

    With the cross-entropy there are more examples: fewer are fitted before four turns are over.
    """

    data: Mapping[str, Digits]
    networks: Mapping[str, Architecture]
    etas: Mapping[tuple[str, str], tuple[float, ...]]
    times: Mapping[tuple[str, str], float]
    seeds: int


QUICK = Scale(
    {"mse": Digits(60, classes=2, noise=0.3), "cross_entropy": Digits(120, classes=2, noise=0.3)},
    {"fully_connected": FullyConnected((14, 14)), "convolutional": Convolutional((3, 6), pooling="average")},
    {
        ("fully_connected", "mse"): (0.05, 0.07, 0.1, 0.14, 0.2),
        ("fully_connected", "cross_entropy"): (0.1,),
        ("convolutional", "mse"): (0.4,),
        ("convolutional", "cross_entropy"): (0.6,),
    },
    dict(zip(KINDS, (40.0, 30.0, 160.0, 180.0), strict=True)),
    1,
)
FULL = Scale(
    {"mse": Digits(100, classes=2, noise=0.3), "cross_entropy": Digits(200, classes=2, noise=0.3)},
    {"fully_connected": FullyConnected((32, 32)), "convolutional": Convolutional((4, 8), pooling="average")},
    {
        ("fully_connected", "mse"): (0.05, 0.07, 0.1, 0.14, 0.2),
        ("fully_connected", "cross_entropy"): (0.08, 0.09, 0.1, 0.12, 0.15),
        ("convolutional", "mse"): (0.3, 0.37, 0.43, 0.5, 0.6),
        ("convolutional", "cross_entropy"): (0.5, 0.6, 0.7, 0.85, 1.0),
    },
    dict(zip(KINDS, (60.0, 50.0, 300.0, 300.0), strict=True)),
    5,
)
SCALES = {"quick": QUICK, "full": FULL}


@dataclass(frozen=True)
class Turning:
    """A network in training, and from the edge on so many turns beside the prediction, at most `most` steps."""

    training: Experiment
    turns: float
    most: int

    @property
    def steps(self) -> int:
        """Those of training and those compared, at most."""
        return self.training.steps + self.most

    @property
    def eta(self) -> float:
        """The step size."""
        assert isinstance(self.training.rule, GradientDescent)
        return self.training.rule.eta

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """The history; training is kept in the run's own folder, and goes on from its checkpoints."""
        trained = self.training.run(folder / "training", progress)
        eta = self.eta
        try:
            met = crossing_from_below(trained, 2 / eta)
        except Undecided as reason:
            return xr.Dataset(attrs={"ending": str(reason)})
        if met is None:
            return xr.Dataset(
                attrs={"ending": f"below the edge, at {sharpness_of(trained)[1].max() * eta / 2:.2f} of it"}
            )
        loss = flat_loss(self.training)
        weights = torch.from_numpy(trained.weights.sel(snapshot=met).values)
        try:
            at = EdgeReader(loss).read(weights)
            turns = self.turns * TURN / at.epsilon(eta) if at.alpha > 0 else FEWEST  # of which there are none
            told = beside_descent(loss, weights, eta, min(math.ceil(turns), self.most), KICK, progress)
        except Undecided as reason:
            return xr.Dataset(attrs={"ending": str(reason)})
        return told.assign_attrs(crossing=met, coefficient_error=against_nested(loss, weights, at))


def against_nested(loss: FlatLoss, weights: torch.Tensor, at: EdgeCoefficients) -> float:
    """The largest relative error of ∇S and of Q, with torch's nested derivatives for the truth."""
    nested = expansion_along(loss, weights, at.direction)
    slope = float((at.sharpness_gradient - nested.third).norm() / nested.third.norm())
    return max(slope, abs(at.quartic / nested.quartic - 1))


def planned_runs(options: TrainingOptions, seeds: int | None) -> Iterator[tuple[Label, Turning]]:
    """The runs of a preset, by their labels; the middle step size is the one whose run is long."""
    scale = SCALES[options.preset]
    for (network, criterion), number in product(KINDS, range(scale.seeds if seeds is None else seeds)):
        etas = scale.etas[network, criterion]
        for place, eta in enumerate(etas):
            training = Experiment(
                scale.data[criterion],
                scale.networks[network],
                GradientDescent(eta),
                steps=int(scale.times[network, criterion] / eta),
                loss=criterion,
                seed=options.seed + number,
                precision="float64",
                measure=Measure(5, relative=1e-2, midpoint=True, weights_every=5),
            )
            turns = LONG if place == len(etas) // 2 else SHORT
            most = MOST if options.steps is None else min(MOST, options.steps)
            label = network, criterion, place, options.seed + number
            yield label, Turning(as_asked(options, training), turns, most)
