"""The runs of a VGG network with batch normalization, and how its loss depends on the scale of its convolutions.

``training`` has the dimension eta. ``scale`` has the dimension `snapshot`, the start and the end of the run with the
smallest step size, and in float64, with w all weights of the convolutions together and g = ∇_w L:

    norm         ‖w‖
    alignment    |w·g|/(‖w‖ ‖g‖)
    loss_change  |L(2w) − L(w)|/L(w)
    curvature    gᵀ∇²L(w)g/‖g‖²,     curvature_at_twice  the same second derivative, along the same g, at 2w
    tracked      the sharpness that was read there,      independent  the same by SciPy's Lanczos method, at the end
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from analysis.progress import Advance
from analysis.training import TrainingOptions, flat_loss, train
from analysis.training.lanczos import lanczos_sharpness
from numeric.networks.architectures import Vgg
from numeric.networks.curvature import HessianAt
from numeric.networks.data import Digits
from numeric.networks.loss import FlatLoss
from numeric.networks.training.experiment import Experiment, Measure, Stop
from numeric.networks.training.optimizers import GradientDescent
from numeric.runs import combine, one_thread

NAME = "vgg"
IMAGE = 32  # pixels a side: what five poolings need
QUICK = Experiment(Digits(60, size=IMAGE), Vgg(width=4, pooling="average"), GradientDescent(0.2), 96)
EVERY = 8  # steps between two readings
ETAS = {"quick": (0.2, 0.3), "full": (0.025, 0.05, 0.1)}
FULL_NETWORK = Vgg()
FULL_STEPS, FULL_EVERY, FULL_WEIGHTS_EVERY = 20_000, 25, 1000
Runs = Mapping[float, Experiment]


def experiments(options: TrainingOptions, etas: Sequence[float], criterion: str) -> Runs:
    """The runs by step size; the preset's step sizes where none are given."""
    base, every, weights_every = QUICK, EVERY, EVERY
    if options.preset == "full":
        stop = Stop(accuracy=0.99)
        base = replace(base, data=options.cifar(), network=FULL_NETWORK, steps=FULL_STEPS, stop=stop)
        every, weights_every = FULL_EVERY, FULL_WEIGHTS_EVERY
    steps = options.steps or base.steps
    return {
        eta: replace(
            base,
            rule=GradientDescent(eta),
            steps=steps,
            loss=criterion,
            seed=options.seed,
            measure=Measure(every=every, relative=2e-2, weights_every=weights_every),
        )
        for eta in sorted(etas or ETAS[options.preset])
    }


def training(options: TrainingOptions, runs: Runs, progress: Advance) -> xr.Dataset:
    """The histories, without the weights."""
    histories = train(NAME, options, list(runs.values()), progress)
    return combine([_comparable(history) for history in histories], {"eta": list(runs)})


def scale(options: TrainingOptions, runs: Runs, progress: Advance) -> xr.Dataset:
    """What the loss of the first run does when its convolutions are scaled, at the start and the end."""
    first = next(iter(runs.values()))
    (history,) = train(NAME, options, [first], lambda steps: None)
    history = history.isel(snapshot=sorted({0, history.sizes["snapshot"] - 1}))
    loss = flat_loss(first)
    convolutions = convolution_weights(loss)
    progress.expect(history.sizes["snapshot"] + 1)
    found = []
    with one_thread():
        for weights in history.weights.values:
            found.append(_scaled(loss, torch.from_numpy(weights).double(), convolutions))
            progress(1)
        independent = np.full(len(found), np.nan)
        if np.isfinite(history.weights.values[-1]).all():
            independent[-1] = lanczos_sharpness(loss, history.weights.values[-1])
        progress(1)
    steps = history.snapshot.values
    measured: dict[str, Any] = {name: ("snapshot", [one[name] for one in found]) for name in found[0]}
    measured["tracked"] = ("snapshot", history.sharpness.sel(reading=steps).values)
    return xr.Dataset(measured | {"independent": ("snapshot", independent)}, {"snapshot": steps})


def convolution_weights(loss: FlatLoss) -> Tensor:
    """Which of the parameters θ are weights of convolutions, (p,), a mask."""
    own = {f"{name}.weight" for name, module in loss.module.named_modules() if isinstance(module, nn.Conv2d)}
    return torch.cat([torch.full((part.numel(),), name in own) for name, part in loss.trainable.items()])


def _scaled(loss: FlatLoss, weights: Tensor, convolutions: Tensor) -> dict[str, float]:
    here = HessianAt(loss, weights)
    there = HessianAt(loss, torch.where(convolutions, 2 * weights, weights))
    chosen, slope = weights[convolutions], here.gradient[convolutions]
    length = torch.linalg.vector_norm(slope)
    direction = torch.where(convolutions, here.gradient, 0) / length
    values = {
        "norm": torch.linalg.vector_norm(chosen),
        "alignment": (chosen @ slope).abs() / (torch.linalg.vector_norm(chosen) * length),
        "loss_change": (there.value / here.value - 1).abs(),
        "curvature": direction @ here.product(direction[:, None])[:, 0],
        "curvature_at_twice": direction @ there.product(direction[:, None])[:, 0],
    }
    return {name: float(value) for name, value in values.items()}


def _comparable(history: xr.Dataset) -> xr.Dataset:
    return history.drop_dims("snapshot").assign(ending=history.attrs["ending"]).drop_attrs()
