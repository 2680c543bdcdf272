"""The run across 2/η, and what alternates along its top eigenvector."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import comb

import numpy as np
import torch
import xarray as xr

from analysis.progress import Advance
from analysis.training import TrainingOptions, flat_loss, train
from analysis.training.measures import crossing
from numeric.compile import Array
from numeric.networks.architectures import FullyConnected
from numeric.networks.curvature import HessianAt
from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.data import Digits
from numeric.networks.training.experiment import Experiment, Measure
from numeric.networks.training.optimizers import GradientDescent
from numeric.runs import one_thread

NAME = "instability"
ORDER = 8  # of the differences
EIGENVECTOR = 1e-8  # relative tolerance of the sharpness where the eigenvector is taken
QUICK = Experiment(
    data=Digits(examples=400),
    network=FullyConnected((50, 50)),
    rule=GradientDescent(0.3),
    steps=500,
    precision="float64",
    measure=Measure(every=1, weights_every=1),
)
FULL = replace(
    QUICK,
    network=FullyConnected((200, 200)),
    rule=GradientDescent(0.01),
    steps=6000,
    precision="float32",
    measure=Measure(every=1, relative=1e-5),
)


def experiment(options: TrainingOptions, eta: Fraction | None) -> Experiment:
    """The run."""
    base = QUICK if options.preset == "quick" else replace(FULL, data=options.cifar())
    rule = base.rule if eta is None else GradientDescent(float(eta))
    return replace(base, rule=rule, seed=options.seed)


def measured(options: TrainingOptions, run: Experiment, progress: Advance) -> xr.Dataset:
    """The history, with ``oscillation`` (reading,): what alternates along the top eigenvector.

    From the weights where they were kept, along the eigenvector at the crossing; else from the gradient's projections
    on the eigenvector of each step, divided by −η: an order of magnitude less exact, but without 3 GB of weights.
    """
    history = train(NAME, options, [run], progress)[0]
    first = crossing(history, 2 / history.attrs["eta"])
    if "weights" in history:
        with one_thread():
            along = _eigenvector(run, history.weights.values[0 if first is None else first])
        series = history.weights.values @ along
    else:
        series = history.gradient_projection.isel(index=0).values * history.attrs["eta"]
    return history.drop_vars("weights", errors="ignore").assign(oscillation=("reading", alternating(series)))


def alternating(series: Array) -> Array:
    """The alternating part of a series, by differences about each place; NaN within half the order of its ends."""
    if len(series) <= ORDER:
        return np.full(len(series), np.nan)
    kernel = np.array([(-1) ** i * comb(ORDER, i) for i in range(ORDER + 1)]) / 2**ORDER
    return np.pad(np.convolve(series, kernel, mode="valid"), ORDER // 2, constant_values=np.nan)


def _eigenvector(run: Experiment, weights: Array) -> Array:
    """The top eigenvector of the Hessian at these weights."""
    point = torch.from_numpy(weights).double()
    reading = TopEigenpairs(1, relative=EIGENVECTOR).read(HessianAt(flat_loss(run), point), point)
    return np.asarray(reading.eigenvectors[:, 0].numpy(), dtype=float)
