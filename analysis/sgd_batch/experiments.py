"""The runs with batches of several sizes, and what is measured at the weights where they end.

``training`` has the dimensions (eta, batch_size, step) and (eta, batch_size, reading); the full batch is the last
of the batch sizes. ``ends`` has (eta, batch_size), at the last weights, in float64, by other methods than `training`:

    curvature, spread     mean and standard deviation over the examples of uᵀHᵢu, by second differences of the losses
    bound                 the sharpness up to which the second moment can be stable, see `theory`
    batch_sharpness       the mean over batches of second differences of a batch's loss along its own gradient
    batch_sharpness_error its standard error

NaN for a run that did not get to its last weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.func import functional_call, vmap

from analysis.progress import Advance
from analysis.sgd_batch.theory import bound
from analysis.training import TrainingOptions, flat_loss, train
from eos_sym import BadInput
from numeric.networks.architectures import FullyConnected
from numeric.networks.curvature import HessianAt
from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.data import Digits
from numeric.networks.loss import FlatLoss
from numeric.networks.training.experiment import Experiment, Measure, Stop
from numeric.networks.training.optimizers import GradientDescent
from numeric.runs import combine, one_thread

NAME = "sgd_batch"
READINGS = 16  # of a run; weights are kept at every fourth
BATCHES = 10  # for one reading of the batch sharpness
BATCHES_AT_END = 50
DISTANCE = 1e-4  # of the second differences
EIGENVECTOR = 1e-3  # relative tolerance of the sharpness where the eigenvector is taken
QUICK = Experiment(Digits(240, noise=0.3), FullyConnected((50, 50)), GradientDescent(0.35), 1200)
ETAS = {"quick": (0.25, 0.35, 0.45), "full": (0.005, 0.01, 0.02)}
BATCH_SIZES = {"quick": (8, 32), "full": (8, 32, 128, 512)}
FULL_NETWORK = FullyConnected((200, 200))
FULL_STEPS, FULL_EVERY = 100_000, 500
Runs = Mapping[tuple[float, int], Experiment]


def experiments(options: TrainingOptions, etas: Sequence[float], batch_sizes: Sequence[int]) -> Runs:
    """The runs by step size and batch size, the full batch last; the preset's where none are given."""
    base, every = QUICK, None
    if options.preset == "full":
        data, stop = options.cifar(), Stop(accuracy=0.99)
        base = replace(base, data=data, network=FULL_NETWORK, steps=FULL_STEPS, micro_batch=1000, stop=stop)
        every = FULL_EVERY
    steps = options.steps or base.steps
    every = min(every or steps, max(1, steps // READINGS))
    examples = len(base.data.load())
    if any(not 1 <= size <= examples for size in batch_sizes):
        raise BadInput(f"--batch-size {' '.join(map(str, batch_sizes))}: give sizes from 1 to {examples}")
    if len(set(batch_sizes)) < len(batch_sizes):
        raise BadInput(f"--batch-size {' '.join(map(str, batch_sizes))}: give each size once")
    chosen = sorted({*(batch_sizes or BATCH_SIZES[options.preset]), examples})
    return {
        (eta, size): replace(
            base,
            rule=GradientDescent(eta),
            steps=steps,
            batch_size=None if size == examples else size,
            seed=options.seed,
            measure=Measure(
                every=every,
                relative=1e-2,
                weights_every=4 * every,
                batch_sharpness=1 if size == examples else BATCHES,
            ),
        )
        for eta in sorted(etas or ETAS[options.preset])
        for size in chosen
    }


def training(options: TrainingOptions, runs: Runs, progress: Advance) -> xr.Dataset:
    """The histories, without the weights."""
    histories = train(NAME, options, list(runs.values()), progress)
    return combine([_comparable(history) for history in histories], _labels(runs))


def ends(options: TrainingOptions, runs: Runs, progress: Advance) -> xr.Dataset:
    """What is measured at the last weights that were kept."""
    histories = train(NAME, options, list(runs.values()), lambda steps: None)
    progress.expect(len(runs))
    found = []
    with one_thread():
        for (eta, size), history in zip(runs, histories, strict=True):
            found.append(_end(runs[eta, size], eta, size, history))
            progress(1)
    return combine(found, _labels(runs))


def curvatures(loss: FlatLoss, weights: Tensor, direction: Tensor) -> Tensor:
    """uᵀHᵢu of every example, (n,): second differences of their losses along a direction u."""

    def losses(distance: float) -> Tensor:
        named = loss.split(weights + distance * direction)

        def of_one(inputs: Tensor, targets: Tensor) -> Tensor:
            return loss.criterion(functional_call(loss.module, named, (inputs[None],)), targets[None])

        values: Tensor = vmap(of_one)(loss.inputs, loss.targets)
        return values

    with torch.no_grad():
        return (losses(DISTANCE) - 2 * losses(0.0) + losses(-DISTANCE)) / DISTANCE**2


def batch_sharpness(loss: FlatLoss, weights: Tensor, size: int, count: int, seed: int) -> Tensor:
    """Second differences of the losses of so many batches along their own gradients, (count,)."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        chosen = torch.randperm(len(loss.inputs), generator=generator)[:size]
        batch = replace(loss, inputs=loss.inputs[chosen], targets=loss.targets[chosen])
        value, slope = batch.value_and_gradient(weights)
        step = DISTANCE * slope / torch.linalg.vector_norm(slope)
        with torch.no_grad():
            found.append((batch(weights + step) - 2 * value + batch(weights - step)) / DISTANCE**2)
    return torch.stack(found)


def _end(experiment: Experiment, eta: float, size: int, history: xr.Dataset) -> xr.Dataset:
    names = ("curvature", "spread", "bound", "batch_sharpness", "batch_sharpness_error")
    step = int(history.snapshot[-1])
    weights = torch.from_numpy(history.weights.values[-1]).double()
    if history.attrs["ending"] == "diverged" or not weights.isfinite().all():
        return xr.Dataset(dict.fromkeys(names, np.nan), attrs={"read_at": step})
    loss = flat_loss(replace(experiment, micro_batch=None))
    reading = TopEigenpairs(1, relative=EIGENVECTOR).read(HessianAt(loss, weights), weights)
    each = curvatures(loss, weights, reading.eigenvectors[:, 0])
    mean, spread = float(each.mean()), float(each.std(correction=0))
    limit = bound(eta, len(loss.inputs), size, spread / mean)
    count = 1 if size == len(loss.inputs) else BATCHES_AT_END
    own = batch_sharpness(loss, weights, size, count, experiment.seed)
    error = float(own.std()) / count**0.5 if count > 1 else np.nan
    values = (mean, spread, limit, float(own.mean()), error)
    return xr.Dataset(dict(zip(names, values, strict=True)), attrs={"read_at": step})


def _comparable(history: xr.Dataset) -> xr.Dataset:
    """What all runs have in common, under the same names."""
    names = {f"batch_{name}": name for name in ("loss", "accuracy") if f"batch_{name}" in history}
    return history.drop_dims("snapshot").rename(names).assign(ending=history.attrs["ending"]).drop_attrs()


def _labels(runs: Runs) -> dict[str, list[float] | list[int]]:
    etas, sizes = zip(*runs, strict=True)
    return {"eta": sorted(set(etas)), "batch_size": sorted(set(sizes))}
