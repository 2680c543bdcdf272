"""The training runs of an analysis: worked off by a sweep, kept in the folder of its results, read back in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import xarray as xr

from analysis.cli import results_folder
from analysis.progress import Advance
from analysis.training.options import TrainingOptions
from eos_sym import BadInput
from numeric.networks.loss import CRITERIA, FlatLoss
from numeric.networks.training.experiment import Experiment
from numeric.networks.training.running import available_device
from numeric.runs import sweep


def train(
    name: str, options: TrainingOptions, experiments: Sequence[Experiment], progress: Advance | Callable[[int], object]
) -> list[xr.Dataset]:
    """The histories of the experiments, in their order, for the analysis of this name.

    Runs that were finished before are only read. Errors: `BadInput` that names the first run that failed, and why;
    the others are kept.
    """
    if options.cluster is None:
        available_device(options.device)
    experiments = [replace(one, device=options.device) for one in experiments]
    if options.steps is not None:
        experiments = [replace(one, steps=min(one.steps, options.steps)) for one in experiments]
    if isinstance(progress, Advance):
        progress.expect(sum(one.steps for one in experiments))
    result = sweep(
        experiments,
        results_folder(options, name) / "runs",
        workers=options.workers,
        cluster=options.cluster,
        progress=progress,
    )
    if result.failures:
        first = result.failures[0]
        more = f" (and {len(result.failures) - 1} more)" if len(result.failures) > 1 else ""
        where = f"; traceback in {first.traceback}" if first.traceback else ""
        raise BadInput(f"a run failed{more}: {first.reason}{where}")
    return [history for history in result.histories if history is not None]


def flat_loss(experiment: Experiment) -> FlatLoss:
    """The full-batch loss that the experiment trains, in float64, for measurements at the weights it kept."""
    examples = experiment.data.load()
    module = experiment.network.build(examples, torch.Generator().manual_seed(experiment.seed))
    criterion = CRITERIA[experiment.loss]
    return FlatLoss(module, examples.inputs, examples.targets, criterion, experiment.micro_batch)
