"""What is measured at the weights where a run ends: in float64, and by other methods than in training.

    curvature, spread     mean and standard deviation over the examples of uᵀHᵢu, by second differences of the losses,
                          with u the top eigenvector of the mean Hessian
    bound                 the sharpness up to which the second moment can be stable (`analysis.sgd_batch.second_moment`)
    batch_sharpness       the mean over batches of second differences of a batch's loss along its own gradient
    batch_sharpness_error its standard error
    read_at               the step of these weights

All are along the labels of the runs.
"""

from dataclasses import replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.func import functional_call, vmap

from analysis.sgd_batch.second_moment import bound
from analysis.training import flat_loss
from analysis.training.differences import curvature_along, second_difference
from numeric.networks.curvature import HessianAt
from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.loss import FlatLoss
from numeric.networks.training import Experiment

BATCHES = 50
EIGENVECTOR = 1e-3  # relative tolerance of the sharpness where the eigenvector is taken


def end(experiment: Experiment, history: xr.Dataset) -> xr.Dataset:
    """The measures above at the last weights that the run kept; nan, but for the step, if it diverged."""
    names = ("curvature", "spread", "bound", "batch_sharpness", "batch_sharpness_error")
    found = dict.fromkeys(names, np.nan) | {"read_at": int(history.snapshot[-1])}
    weights = torch.from_numpy(history.weights.values[-1]).double()
    if history.attrs["ending"] == "diverged" or not weights.isfinite().all():
        return xr.Dataset(found)
    loss = flat_loss(replace(experiment, micro_batch=None))
    examples = len(loss.inputs)
    size = experiment.batch_size or examples
    top = TopEigenpairs(1, relative=EIGENVECTOR).read(HessianAt(loss, weights), weights).eigenvectors[:, 0]
    each = curvatures(loss, weights, top)
    mean, spread = float(each.mean()), float(each.std(correction=0))
    own = batch_sharpness(loss, weights, size, 1 if size == examples else BATCHES, experiment.seed)
    error = float(own.std()) / len(own) ** 0.5 if len(own) > 1 else np.nan
    limit = bound(history.attrs["eta"], examples, size, spread / mean)
    values = (mean, spread, limit, float(own.mean()), error)
    return xr.Dataset(found | dict(zip(names, values, strict=True)))


def curvatures(loss: FlatLoss, weights: Tensor, direction: Tensor) -> Tensor:
    """uᵀHᵢu of every example, (n,): second differences of their losses along a direction u."""

    def losses(distance: float) -> Tensor:
        named = loss.split(weights + distance * direction)

        def of_one(inputs: Tensor, targets: Tensor) -> Tensor:
            return loss.criterion(functional_call(loss.module, named, (inputs[None],)), targets[None])

        values: Tensor = vmap(of_one)(loss.inputs, loss.targets)
        return values

    return second_difference(losses)


def batch_sharpness(loss: FlatLoss, weights: Tensor, size: int, count: int, seed: int) -> Tensor:
    """Second differences of the losses of so many batches along their own gradients, (count,)."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        chosen = torch.randperm(len(loss.inputs), generator=generator)[:size]
        batch = replace(loss, inputs=loss.inputs[chosen], targets=loss.targets[chosen])
        slope = batch.value_and_gradient(weights)[1]
        found.append(curvature_along(batch, weights, slope / torch.linalg.vector_norm(slope)))
    return torch.tensor(found, dtype=torch.float64)
