"""The training runs, and what is left of each: how it ended, and how far its sharpness went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from analysis.progress import Advance
from analysis.training import TrainingOptions, train
from analysis.training.measures import loss_of, sharpness_of
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.training.experiment import Experiment, Measure, Stop
from numeric.networks.training.optimizers import GradientDescent
from numeric.runs import combine

NAME = "reasonable_steps"
CRITERIA = {"mse": "squared error", "cross_entropy": "cross-entropy"}
GOAL = 0.99  # accuracy
STEP_SIZES = {
    "quick": {"mse": np.geomspace(0.1, 3.2, 6), "cross_entropy": np.geomspace(0.04, 10.24, 9)},
    "full": {"mse": np.geomspace(0.0025, 0.32, 8), "cross_entropy": np.geomspace(0.005, 1.28, 9)},
}
STEPS = {"quick": 1500, "full": 50_000}


def training(options: TrainingOptions, etas: Mapping[str, list[float]], progress: Advance) -> xr.Dataset:
    """How every run went, along (criterion, number): step size, steps taken, ending, and S over 2/η at its largest."""
    runs = [(criterion, _experiment(options, criterion, eta)) for criterion, several in etas.items() for eta in several]
    histories = iter(train(NAME, options, [run for _, run in runs], progress))
    found = {name: [_outcome(next(histories)) for _ in several] for name, several in etas.items()}
    most = max(map(len, found.values()))
    padded = [one for several in found.values() for one in [*several, *[None] * (most - len(several))]]
    return combine(padded, {"criterion": list(CRITERIA), "number": range(1, most + 1)})


def _experiment(options: TrainingOptions, criterion: str, eta: float) -> Experiment:
    quick = Experiment(
        Digits(300, noise=0.3),
        FullyConnected((50, 50)),
        GradientDescent(eta),
        STEPS["quick"],
        loss=criterion,
        seed=options.seed,
        stop=Stop(accuracy=GOAL),
        measure=Measure(every=10, relative=1e-2),
    )
    if options.preset == "quick":
        return quick
    return replace(
        quick,
        data=options.cifar(),
        network=FullyConnected((200, 200)),
        steps=STEPS["full"],
        micro_batch=1000,
        measure=Measure(every=100),
    )


def _outcome(history: xr.Dataset) -> xr.Dataset:
    """What is left of a run: one number a question."""
    eta = float(history.attrs["eta"])
    ratios = sharpness_of(history)[1] * eta / 2
    return xr.Dataset(
        {
            "eta": eta,
            "steps": len(loss_of(history)) - 1.0,
            "ending": history.attrs["ending"],
            "largest": ratios[1:].max(initial=0.0),  # after the start, which training has no part in
        }
    )
