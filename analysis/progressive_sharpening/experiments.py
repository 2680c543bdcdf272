"""The two training runs, and the rate of their sharpness from third derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
import xarray as xr

from analysis.progress import Advance
from analysis.training import TrainingOptions, flat_loss, train
from numeric.networks.architectures import FullyConnected
from numeric.networks.curvature import HessianAt, directional_gradient
from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.data import Digits
from numeric.networks.training.experiment import Experiment, Measure, Stop
from numeric.networks.training.optimizers import GradientDescent
from numeric.runs import combine, one_thread

NAME = "progressive_sharpening"
LOSSES = ("mse", "cross_entropy")
QUICK = Experiment(
    data=Digits(examples=400),
    network=FullyConnected((50, 50)),
    rule=GradientDescent(0.1),
    steps=2000,
    precision="float64",
    measure=Measure(every=20, relative=1e-4, weights_every=40),
)
NOISE = 0.3  # of the labels, for the cross-entropy: see the package's docstring
FULL = replace(
    QUICK,
    network=FullyConnected((200, 200)),
    rule=GradientDescent(0.001),
    steps=400_000,
    precision="float32",
    stop=Stop(accuracy=0.99),
    measure=Measure(every=200, weights_every=4000),
)
RATE_TOLERANCE = 1e-6  # of the sharpness at which a rate is taken


def experiment(options: TrainingOptions, loss: str, eta: Fraction | None) -> Experiment:
    """The run with this loss."""
    if options.preset == "quick":
        base = replace(QUICK, data=Digits(examples=400, noise=NOISE)) if loss == "cross_entropy" else QUICK
    else:
        base = replace(FULL, data=options.cifar())
    rule = base.rule if eta is None else GradientDescent(float(eta))
    return replace(base, loss=loss, rule=rule, seed=options.seed)


def runs(options: TrainingOptions, experiments: Mapping[str, Experiment], progress: Advance) -> xr.Dataset:
    """The histories along the dimension ``criterion``."""
    histories = train(NAME, options, list(experiments.values()), progress)
    return combine([one.drop_vars("weights") for one in histories], {"criterion": list(experiments)})


def rates(options: TrainingOptions, experiments: Mapping[str, Experiment], progress: Advance) -> xr.Dataset:
    """Sharpness and rate −∇³L(u, u, ∇L) at the weights that the runs kept, in float64."""
    histories = train(NAME, options, list(experiments.values()), lambda steps: None)
    progress.expect(sum(one.sizes["snapshot"] for one in histories))
    with one_thread():
        found = [_rates(one, history, progress) for one, history in zip(experiments.values(), histories, strict=True)]
    return combine(found, {"criterion": list(experiments)})


def _rates(experiment: Experiment, history: xr.Dataset, progress: Advance) -> xr.Dataset:
    loss = flat_loss(experiment)
    eigenpairs = TopEigenpairs(1, relative=RATE_TOLERANCE)
    sharpness, rate = [], []
    for weights in history.weights.values:
        point = torch.from_numpy(weights).double()
        hessian = HessianAt(loss, point)
        reading = eigenpairs.read(hessian, point)
        top = reading.eigenvectors[:, 0]
        sharpness.append(float(reading.eigenvalues[0]))
        rate.append(-float(directional_gradient(loss, point, top, top) @ hessian.gradient))
        progress(1)
    steps = history.snapshot.values
    return xr.Dataset(
        {"sharpness": ("snapshot", np.array(sharpness)), "rate": ("snapshot", np.array(rate))},
        {"snapshot": steps, "snapshot_time": ("snapshot", history.time.sel(step=steps).values)},
    )
