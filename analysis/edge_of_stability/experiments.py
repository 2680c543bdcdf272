"""The training runs: three architectures, two criteria, several step sizes; and their sharpness by another method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.progress import Advance
from analysis.training import TrainingOptions, flat_loss, train
from analysis.training.lanczos import lanczos_sharpness
from numeric.networks.architectures import Architecture, Convolutional, FullyConnected, Transformer
from numeric.networks.data import Digits
from numeric.networks.training.experiment import Experiment, Measure, Stop
from numeric.networks.training.optimizers import GradientDescent
from numeric.runs import combine, one_thread

NAME = "edge_of_stability"
GOAL = Stop(accuracy=0.99)  # the paper's "training to completion"


@dataclass(frozen=True)
class Setting:
    """One architecture with one criterion: what it learns, with which step sizes, and for how long at most."""

    network: Architecture
    examples: int
    noise: float
    etas: tuple[float, ...]
    steps: int
    every: int = 10  # steps from one reading to the next


QUICK = {
    ("fully_connected", "mse"): Setting(FullyConnected((50, 50)), 200, 0.5, (0.2, 0.3, 0.5), 800, 16),
    ("fully_connected", "cross_entropy"): Setting(FullyConnected((30, 30)), 600, 0.5, (0.25, 0.4, 0.8), 800, 16),
    ("convolutional", "mse"): Setting(Convolutional((8, 8), pooling="average"), 150, 0.3, (0.36, 0.45), 520, 16),
    ("convolutional", "cross_entropy"): Setting(Convolutional((8, 8), pooling="average"), 150, 1.0, (1.0, 1.6), 600),
    ("transformer", "mse"): Setting(Transformer(16, layers=1, patch=4), 64, 0.5, (0.05, 0.06), 600, 20),
    ("transformer", "cross_entropy"): Setting(Transformer(16, layers=1, patch=4), 64, 0.5, (0.04, 0.08), 500),
}
FULL_NETWORKS: Mapping[str, Architecture] = {
    "fully_connected": FullyConnected((200, 200)),
    "convolutional": Convolutional((32, 32)),
    "transformer": Transformer(64, heads=4, layers=2, patch=4),
}
FULL_ETAS = {
    ("fully_connected", "mse"): (2 / 60, 2 / 100, 2 / 200),
    ("fully_connected", "cross_entropy"): (2 / 30, 2 / 60, 2 / 100),
    ("convolutional", "mse"): (2 / 60, 2 / 100, 2 / 200),
    ("convolutional", "cross_entropy"): (2 / 30, 2 / 60, 2 / 100),
    ("transformer", "mse"): (2 / 150, 2 / 200, 2 / 300),
    ("transformer", "cross_entropy"): (2 / 100, 2 / 200, 2 / 300),
}
FULL_STEPS = 100_000
MICRO_BATCH = 1000  # of the 5,000 images
ARCHITECTURES = tuple(FULL_NETWORKS)
CRITERIA = ("mse", "cross_entropy")
Runs = Mapping[tuple[str, str], Sequence[Experiment]]


def experiments(
    options: TrainingOptions, architectures: Sequence[str], criteria: Sequence[str], etas: Sequence[float]
) -> Runs:
    """The runs of every architecture with every criterion, by descending edge; with the preset's step sizes if none."""
    return {
        (architecture, criterion): [
            _experiment(options, architecture, criterion, eta)
            for eta in sorted(etas or _etas(options, architecture, criterion))
        ]
        for architecture in architectures
        for criterion in criteria
    }


def _etas(options: TrainingOptions, architecture: str, criterion: str) -> tuple[float, ...]:
    place = (architecture, criterion)
    return QUICK[place].etas if options.preset == "quick" else FULL_ETAS[place]


def _experiment(options: TrainingOptions, architecture: str, criterion: str, eta: float) -> Experiment:
    if options.preset == "full":
        return Experiment(
            options.cifar(),
            FULL_NETWORKS[architecture],
            GradientDescent(eta),
            FULL_STEPS,
            loss=criterion,
            micro_batch=MICRO_BATCH,
            seed=options.seed,
            stop=GOAL,
            measure=Measure(every=100, weights_every=FULL_STEPS // 10),
        )
    setting = QUICK[architecture, criterion]
    return Experiment(
        Digits(setting.examples, noise=setting.noise),
        setting.network,
        GradientDescent(eta),
        setting.steps,
        loss=criterion,
        seed=options.seed,
        stop=GOAL,
        measure=Measure(every=setting.every, relative=2e-2, weights_every=5 * setting.every),
    )


def training(options: TrainingOptions, runs: Runs, progress: Advance) -> xr.Dataset:
    """The histories along (architecture, criterion, number), the last by ascending step size; nan where none is."""
    trained = iter(train(NAME, options, [one for several in runs.values() for one in several], progress))
    most = max(map(len, runs.values()))
    padded: list[xr.Dataset | None] = []
    for several in runs.values():
        padded += [_for_comparison(next(trained)) for _ in several] + [None] * (most - len(several))
    architectures, criteria = (list(dict.fromkeys(names)) for names in zip(*runs, strict=True))
    return combine(padded, {"architecture": architectures, "criterion": criteria, "number": range(1, most + 1)})


def _for_comparison(history: xr.Dataset) -> xr.Dataset:
    """What all architectures have in common, with step size and ending as variables."""
    described = {name: history.attrs[name] for name in ("eta", "ending")}
    return history.drop_dims("snapshot").assign(described).drop_attrs()


def second_readings(options: TrainingOptions, runs: Runs, progress: Advance) -> xr.Dataset:
    """The sharpness at the last weights that each architecture's first run kept, in float64 by SciPy's eigsh."""
    chosen = {architecture: several[0] for (architecture, _), several in reversed([*runs.items()])}
    histories = train(NAME, options, list(chosen.values()), lambda steps: None)
    progress.expect(len(chosen))
    found = []
    with one_thread():
        for one, history in zip(chosen.values(), histories, strict=True):
            step = int(history.snapshot[-1])
            scipy = lanczos_sharpness(flat_loss(one), history.weights.values[-1])
            found.append((step, float(history.sharpness.sel(reading=step)), scipy))
            progress(1)
    steps, tracked, independent = np.array(found).T
    return xr.Dataset(
        {name: ("architecture", values) for name, values in (("tracked", tracked), ("independent", independent))},
        {"architecture": list(chosen), "snapshot": ("architecture", steps.astype(int))},
    )
