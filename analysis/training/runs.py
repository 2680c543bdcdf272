"""The training runs of an analysis: worked off by a sweep, kept in the folder of its results, known by their labels."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import torch
import xarray as xr

from analysis.study import Study, expect
from analysis.training.options import TrainingOptions
from numeric.networks.loss import CRITERIA, FlatLoss
from numeric.networks.training.experiment import Experiment
from numeric.networks.training.running import available_device
from numeric.runs import NoSpace, combine, sweep
from numeric.runs.attempt import Run
from numeric.runs.history import PROVENANCE

Label = TypeVar("Label")
Histories: TypeAlias = Mapping[Any, xr.Dataset]
Planned = TypeVar("Planned", bound=Callable[..., Mapping[Any, Experiment]])


def train(options: TrainingOptions, folder: Path, planned: Mapping[Label, Experiment]) -> dict[Label, xr.Dataset]:
    """The histories of the experiments, by the same labels, on the options' device and no longer than they say."""
    return worked_off(options, folder, {label: as_asked(options, one) for label, one in planned.items()})


def as_asked(options: TrainingOptions, experiment: Experiment) -> Experiment:
    """The experiment on the options' device, and no longer than they say."""
    if options.cluster is None:
        available_device(options.device)
    steps = experiment.steps if options.steps is None else min(experiment.steps, options.steps)
    return replace(experiment, device=options.device, steps=steps)


def worked_off(options: TrainingOptions, folder: Path, planned: Mapping[Label, Run]) -> dict[Label, xr.Dataset]:
    """The histories of the runs, by the same labels, as many at a time as the options say, or on their cluster."""
    return swept(planned, folder, options.workers, options.cluster)


def swept(
    planned: Mapping[Label, Run], folder: Path, workers: int | None, cluster: str | None = None
) -> dict[Label, xr.Dataset]:
    """The histories of the runs, by the same labels; they are kept in `folder`, that of the results.

    Runs that were finished before are only read. Errors: that of the first run that failed, `BadInput`, `NoSpace` or
    `RunFailed`; the others are kept.
    """
    expect(sum(one.steps for one in planned.values()))
    result = sweep(planned.values(), folder / "runs", workers=workers, cluster=cluster)
    if result.failures:
        first = result.failures[0]
        more = f" (and {len(result.failures) - 1} more)" if len(result.failures) > 1 else ""
        where = f"; traceback in {first.traceback}" if first.traceback else ""
        said = f"a run failed{more}: {first.reason}{where}"
        raise first.error if isinstance(first.error, NoSpace) else type(first.error)(said)
    histories = [history for history in result.histories if history is not None]
    return dict(zip(planned, histories, strict=True))


def runs_along(study: Study, *dimensions: str) -> Callable[[Planned], Planned]:
    """Decorates the function ``planned`` of the options: the study's runs, by their labels along these dimensions.

    They become its measurement ``histories``, with the weights that they kept, and its experiment ``training``.
    """

    def histories(options: TrainingOptions, folder: Path, planned: Mapping[Label, Experiment]) -> Histories:
        return train(options, folder, planned)

    def training(histories: Histories) -> xr.Dataset:
        return combined(histories, *dimensions)

    study.measurement(histories)
    study.experiment(training)
    return study.measurement


def combined(histories: Mapping[tuple[Any, ...], xr.Dataset], *dimensions: str) -> xr.Dataset:
    """What the runs recorded, along the dimensions by which their labels tell them apart; nan where there is no run.

    Without the weights; the attributes `eta` and `ending` become variables; the loss of mini-batches is named as that
    of all examples. The attribute `commits` names those of the program that computed the runs, which may be older than
    what reads them.
    """
    along = {name: dict.fromkeys(labels) for name, labels in zip(dimensions, zip(*histories, strict=True), strict=True)}
    recorded = {
        labels: _recorded(history).drop_vars(dimensions, errors="ignore") for labels, history in histories.items()
    }
    commits = {history.encoding.get(PROVENANCE, {}).get("commit") for history in histories.values()} - {None}
    whole = combine([recorded.get(labels) for labels in product(*along.values())], along)
    return whole.assign_attrs({"commits": " ".join(sorted(commits))} if commits else {})


def _recorded(history: xr.Dataset) -> xr.Dataset:
    names = {f"batch_{name}": name for name in ("loss", "accuracy") if f"batch_{name}" in history}
    attributes = {name: history.attrs[name] for name in ("eta", "ending") if name in history.attrs}
    return history.drop_dims(["snapshot", "parameter"], errors="ignore").rename(names).assign(attributes).drop_attrs()


def flat_loss(experiment: Experiment) -> FlatLoss:
    """The full-batch loss that the experiment trains, in float64, for measurements at the weights it kept."""
    examples = experiment.data.load()
    module = experiment.network.build(examples, torch.Generator().manual_seed(experiment.seed))
    criterion = CRITERIA[experiment.loss]
    return FlatLoss(module, examples.inputs, examples.targets, criterion, experiment.micro_batch)
