"""One training run, described by a value: data, network, rule, seed; and its history as a labelled dataset.

    θ_{t+1} = rule(θ_t, ∇L(θ_t)),   t = 0 … T − 1,   with readings of the sharpness along the way

An `Experiment` is a tree of frozen dataclasses of numbers and texts: it can be stored, compared, sent to another
process and run there. Equal experiments give equal bits on a CPU, with the same number of threads; also a run with a
folder that was killed, at any moment, and is run again: it goes on from its latest checkpoint.

The history has the dimension `step`, 0 … T, with the coordinate `time`, the sum of the step sizes so far, for `loss`
and `accuracy`, or `batch_loss` and `batch_accuracy` of mini-batches; and the dimensions `reading` and `snapshot`, which
are steps, for what `measure` reads. Attributes: `ending`, see `loop.train`; `eta`; `critical_sharpness`, if it has one.
Gradient flow has a history of its own, see `flow.flow_training`.

Errors: `BadInput` for no memory for a batch, a folder that is in use or holds another run, and what `settings` and
`running` refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from numeric.networks.training.checkpoints import RunFolder
from numeric.networks.training.loop import Stop
from numeric.networks.training.measure import Measure
from numeric.networks.training.progress import Report
from numeric.networks.training.running import Running
from numeric.networks.training.settings import Settings
from numeric.progress import Progress
from numeric.runs import configuration, locked

__all__ = ["Experiment", "Measure", "Stop"]


@dataclass(frozen=True)
class Experiment(Settings):
    """A training run, by its settings."""

    def run(
        self, folder: Path | None = None, progress: Progress | None = None, checkpoint_seconds: float = 60.0
    ) -> xr.Dataset:
        """Train, and return the history.

        With a folder the run is kept there: its state every so many seconds and at Ctrl-C, and in the end its history,
        which is only read when the same experiment is run again. `progress` is called with numbers of steps that are
        done or have become unnecessary; a `Watcher`, see `numeric.progress`, is also shown loss and sharpness.
        """
        report = Report(progress)
        if folder is None:
            history = self._train(report, None, checkpoint_seconds)
        else:
            history = self._kept(Path(folder), report, checkpoint_seconds)
        report.steps(self.steps)
        return history

    def _kept(self, folder: Path, report: Report, checkpoint_seconds: float) -> xr.Dataset:
        """The history in the folder, which need not be writable once the run is finished."""
        place = RunFolder(folder, configuration(self))
        if (finished := place.history()) is not None:
            return finished
        with locked(folder):
            finished = place.history()  # by another process in the meantime
            return self._train(report, place, checkpoint_seconds) if finished is None else finished

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
