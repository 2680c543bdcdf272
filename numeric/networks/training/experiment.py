"""One training run, described by a value: data, network, rule, seed; and its history as a labelled dataset.

    θ_{t+1} = rule(θ_t, ∇L(θ_t)),   t = 0 … T − 1,   with readings of the sharpness along the way

An `Experiment` is a tree of frozen dataclasses of numbers and texts: it can be stored, compared, sent to another
process and run there. Equal experiments give equal bits on a CPU, with the same number of threads; also a run with a
folder that was killed, at any moment, and is run again: it goes on from its latest checkpoint.

The history has the dimension `step`, 0 … T, with the coordinate `time`, the sum of the step sizes so far, for `loss`
and `accuracy`, or `batch_loss` and `batch_accuracy` of mini-batches; and the dimensions `reading` and `snapshot`, which
are steps, for what `measure` reads. Attributes: `ending`, see `train`; `eta`; `critical_sharpness`, if it has one.
Gradient flow has a history of its own, see `flow_training`.

Errors: `BadInput` for numbers out of range, no memory for a batch, a folder that is in use or holds another run, and
what `running` refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr

from eos_sym import BadInput
from numeric.networks.architectures import Architecture
from numeric.networks.data.examples import DataSet
from numeric.networks.loss import CRITERIA
from numeric.networks.training.flow import GradientFlow
from numeric.networks.training.measure import Measure
from numeric.networks.training.optimizers import Rule
from numeric.networks.training.progress import Report
from numeric.networks.training.run_folder import RunFolder, locked
from numeric.networks.training.running import PRECISIONS, Running
from numeric.networks.training.train import Stop
from numeric.progress import Progress
from numeric.runs import configuration
from numeric.values import positive_number, whole_number

__all__ = ["Experiment", "Measure", "Stop"]


@dataclass(frozen=True)
class Experiment:
    """A training run of at most so many steps.

    `batch_size` None is the full batch; `micro_batch` is the number of examples in memory at a time, if not all fit;
    `later_etas` are pairs of a step and the step size from there on; `measure` None reads nothing.
    """

    data: DataSet
    network: Architecture
    rule: Rule | GradientFlow
    steps: int
    loss: str = "mse"
    batch_size: int | None = None
    micro_batch: int | None = None
    later_etas: tuple[tuple[int, float], ...] = ()
    seed: int = 0
    precision: str = "float32"
    device: str = "cpu"
    stop: Stop = field(default_factory=Stop)
    measure: Measure | None = None

    def __post_init__(self) -> None:
        self._check_kinds()
        whole_number("steps", self.steps, least=1)
        whole_number("seed", self.seed, least=0)
        for name in ("batch_size", "micro_batch"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), least=1)
        for name, known in (("loss", CRITERIA), ("precision", PRECISIONS)):
            if getattr(self, name) not in [*known]:  # a list: what was given may have no hash
                raise BadInput(f"{name} = {getattr(self, name)}: give {' or '.join(known)}")
        try:
            drops = [whole_number("a step of later_etas", step, least=1) for step, _ in self.later_etas]
        except (TypeError, ValueError) as error:
            raise BadInput("later_etas: give pairs of a step and a step size, ((3000, 0.01),)") from error
        if drops != sorted(set(drops)) or any(step >= self.steps for step in drops):
            raise BadInput(f"later_etas: steps {drops}; give ascending ones between 0 and {self.steps}")
        for _, eta in self.later_etas:
            positive_number("a step size of later_etas", eta)

    def _check_kinds(self) -> None:
        """Refuse names and None where descriptions belong."""
        for name, attributes, example in (
            ("data", ("load",), "Digits()"),
            ("network", ("build",), "FullyConnected((200, 200))"),
            ("rule", ("eta", "step_times_sharpness"), "GradientDescent(0.01)"),
        ):
            described = getattr(self, name)
            if isinstance(described, type) or not any(hasattr(described, attribute) for attribute in attributes):
                raise BadInput(f"{name}: must be a description such as {example}, not {type(described).__name__}")
        if not isinstance(self.measure, Measure | None):
            raise BadInput("measure: must be a description such as Measure(every=10), or None")
        if not isinstance(self.stop, Stop):
            raise BadInput("stop: must be a description such as Stop(accuracy=0.99)")

    def run(
        self, folder: Path | None = None, progress: Progress | None = None, checkpoint_seconds: float = 60.0
    ) -> xr.Dataset:
        """Train, and return the history.

        With a folder the run is kept there: its state every so many seconds and at Ctrl-C, and in the end its history,
        which is only read when the same experiment is run again. `progress` is called with numbers of steps that are
        done or have become unnecessary; a `Watcher`, see `numeric.progress`, is also shown loss and sharpness.
        """
        report, kept = Report(progress), None if folder is None else Path(folder)
        with _own_words(), nullcontext() if kept is None else locked(kept):
            place = None if kept is None else RunFolder(kept, configuration(self))
            history = None if place is None else place.history()
            if history is None:
                history = self._train(report, place, checkpoint_seconds)
        report.steps(self.steps)
        return history

    def _train(self, report: Report, place: RunFolder | None, checkpoint_seconds: float) -> xr.Dataset:
        """The history, from where the run is."""
        running = Running(self)
        if place is not None and (state := place.checkpoint()) is not None:
            running.restore(state)
        for _ in running.advance(report, place, checkpoint_seconds):
            pass
        history = running.history()
        if place is not None:
            place.finish(history)
        return history


@contextmanager
def _own_words() -> Iterator[None]:
    """Call the number of examples in memory at a time what it is called here; the parts call it a batch."""
    try:
        yield
    except BadInput as error:
        said = re.sub(r"\b(give|leave) batch_size\b", r"\1 micro_batch", str(error))
        raise BadInput(said) from error
