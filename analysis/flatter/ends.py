"""What is measured where training ends, in float64, of the loss of all examples and of examples that were held out.

    sharpness            S, the top eigenvalue of the Hessian
    trace, trace_error   the mean of vᵀHv over vectors v of random signs, and its standard error (Hutchinson)
    by_differences       the largest relative difference of uᵀHu and of the first of those vᵀHv from second differences
                         of the loss, which share no derivative with them
    test_accuracy        the share of the held-out examples that are classified right
    loss                 of the examples trained on

All are nan for a run that diverged, or did not come to the loss at which all end.
Source of the trace: :cite:t:`hutchinson1989stochastic`.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from analysis.training import flat_loss
from analysis.training.differences import curvature_along
from numeric.networks.curvature import HessianAt
from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.data import Examples
from numeric.networks.loss import FlatLoss
from numeric.networks.training import Experiment

RELATIVE = 1e-4  # of the sharpness
PROBES, COMPARED = 60, 3
NAMES = ("loss", "sharpness", "trace", "trace_error", "by_differences", "test_accuracy")


def end(experiment: Experiment, history: xr.Dataset, test: Examples) -> xr.Dataset:
    """The measures above at the last weights of a run."""
    values = dict.fromkeys(NAMES, np.nan)
    if history.attrs["ending"] == "loss":
        loss = flat_loss(replace(experiment, micro_batch=None))
        values |= measured(loss, torch.from_numpy(history.last_weights.values).double(), experiment.seed)
        values["test_accuracy"] = accuracy(loss, test)
    return xr.Dataset(values)


def measured(loss: FlatLoss, weights: Tensor, seed: int) -> Mapping[str, float]:
    """Loss, sharpness and trace at the weights, which the module has afterwards."""
    loss.load(weights)
    hessian = HessianAt(loss, weights)
    top = TopEigenpairs(1, relative=RELATIVE).read(hessian, weights)
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(2, (len(weights), PROBES), generator=generator).double() * 2 - 1
    each = (signs * hessian.product(signs)).sum(0)
    sharpness, (direction, *_) = float(top.eigenvalues[0]), top.eigenvectors.T
    defects = [curvature_along(loss, weights, direction) / sharpness - 1]
    for probe, value in zip(signs.T[:COMPARED], each, strict=False):
        size = probe.norm()
        defects.append(curvature_along(loss, weights, probe / size) * float(size**2 / value) - 1)
    return {
        "loss": float(hessian.value),
        "sharpness": sharpness,
        "trace": float(each.mean()),
        "trace_error": float(each.std()) / PROBES**0.5,
        "by_differences": max(map(abs, defects)),
    }


@torch.no_grad()
def accuracy(loss: FlatLoss, test: Examples) -> float:
    """The share of examples whose largest output is that of their class, with the module's weights."""
    outputs = loss.module(test.inputs.to(loss.parameters))
    return float((outputs.argmax(1) == test.targets.argmax(1)).double().mean())
