"""An experiment under way: its network in training, its readings, and the whole of its state.

A state holds everything that the steps to come depend on, and the record of those so far. Going on from one gives the
bits of an undisturbed run on the same version of torch with the same number of threads; a warning says if they differ.

Errors: `BadInput` for what does not fit the data: a goal for the accuracy without classes, a batch larger than the
data, a network that has no full-batch loss or is larger than memory; for parts of a description that do not fit each
other; and for a device that is not there.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
import xarray as xr

from eos_sym import BadInput
from eos_sym.errors import out_of_memory
from numeric.networks.data.examples import Examples
from numeric.networks.loss import CRITERIA, FlatLoss
from numeric.networks.tracker import check_evaluation, checked_loss, enough_memory
from numeric.networks.training.checkpoints import RunFolder, postponed_interrupt
from numeric.networks.training.flow import FlowTraining, GradientFlow
from numeric.networks.training.loop import Batches, Training
from numeric.networks.training.measure import Measurements
from numeric.networks.training.progress import Report
from numeric.networks.training.settings import PRECISIONS, Settings


class Running:
    """The run of an experiment, at first before its first step."""

    def __init__(self, experiment: Settings) -> None:
        self.experiment = experiment
        dtype, device = PRECISIONS[experiment.precision], available_device(experiment.device)
        loaded = experiment.data.load()
        if experiment.stop.accuracy is not None and not loaded.classes:
            raise BadInput("stop at an accuracy: these data have no classes; stop at a loss")
        if experiment.loss == "cross_entropy" and not loaded.classes:
            raise BadInput("loss = cross_entropy: these data have no classes; give mse")
        generator = torch.Generator().manual_seed(experiment.seed)
        with enough_memory_for_weights():
            module = experiment.network.build(loaded, generator).to(device, dtype)
        inputs, targets = (values.to(device, dtype, copy=True) for values in (loaded.inputs, loaded.targets))
        examples = Examples(inputs, targets, loaded.classes)
        loss = checked_loss(module, CRITERIA[experiment.loss], inputs, targets, experiment.micro_batch)
        batches = Batches(examples, experiment.batch_size, generator)
        self._at_once = replace(loss, micro_batch=experiment.micro_batch or experiment.batch_size)
        self._measurements: Measurements | None = None
        self.training: Training | FlowTraining
        if isinstance(experiment.rule, GradientFlow):
            self.training = _flow(experiment, experiment.rule, loss, examples)
            return
        optimizer = experiment.rule.build(module.parameters())
        if experiment.measure is None:
            check_evaluation(loss)  # as the trackers of the flow and of measurements do
        else:
            self._measurements = Measurements(
                experiment.measure, loss, optimizer, examples, batch_size=experiment.batch_size, seed=experiment.seed
            )
        self.training = Training(
            module,
            loss.criterion,
            optimizer,
            batches,
            steps=experiment.steps,
            stop=experiment.stop,
            micro_batch=experiment.micro_batch,
            reader=self._measurements,
            later_etas=experiment.later_etas,
        )

    def advance(self, report: Report, place: RunFolder | None, checkpoint_seconds: float) -> Iterator[int]:
        """Train to the end, from where the run is; yields the number of steps after each."""
        report.steps(self.training.step)
        saved = time.monotonic()
        with enough_memory(self._at_once), postponed_interrupt() as interrupted:
            for step in self.training.run():
                if place is not None and (time.monotonic() - saved >= checkpoint_seconds or interrupted()):
                    place.write_checkpoint(step, self.state())
                    saved = time.monotonic()
                if interrupted():
                    break  # and the context raises
                if report.due:
                    report.steps(step)
                    report.show(self.training.recorder.loss.values()[-1], self.sharpness)
                yield step

    def state(self) -> dict[str, Any]:
        """The state between two steps."""
        return {
            "circumstances": _circumstances(),
            "training": self.training.state(),
            "measurements": None if self._measurements is None else self._measurements.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from such a state."""
        now, then = _circumstances(), state["circumstances"]
        if now != then:
            changes = ", ".join(f"{name} {then[name]} before and {now[name]} now" for name in now)
            warnings.warn(f"a run goes on with {changes}: its last bits may be others", stacklevel=2)
        self.training.restore(state["training"])
        if self._measurements is not None:
            self._measurements.restore(state["measurements"])

    @property
    def sharpness(self) -> float | None:
        """The sharpness last read."""
        if isinstance(self.training, FlowTraining):
            return self.training.sharpness
        return None if self._measurements is None else self._measurements.sharpness

    def history(self) -> xr.Dataset:
        """The record so far, labelled."""
        history = self.training.history() if isinstance(self.training, FlowTraining) else self._of_steps(self.training)
        if self.experiment.measure is None or not self.experiment.measure.last_weights:
            return history
        weights = self._at_once.parameters.cpu()
        if history.attrs["ending"] == "diverged":  # which is noticed late: these are of later steps
            weights = torch.full_like(weights, torch.nan)
        return history.assign(last_weights=("parameter", weights.numpy()))

    def _of_steps(self, training: Training) -> xr.Dataset:
        """The record of a rule that takes steps."""
        rule = self.experiment.rule
        assert not isinstance(rule, GradientFlow)
        history = training.recorder.dataset(rule.eta, mini_batches=self.experiment.batch_size is not None)
        steps, times = history.step.values, history.time.values
        for step, eta in self.experiment.later_etas:
            later = steps > step
            times[later] = times[~later][-1] + eta * (steps[later] - step)
        if self._measurements is not None:
            history = history.merge(self._measurements.history(times))
        critical = {} if rule.critical_sharpness is None else {"critical_sharpness": rule.critical_sharpness}
        return history.assign_attrs(ending=str(training.ending), eta=rule.eta, **critical)


def _flow(experiment: Settings, rule: GradientFlow, loss: FlatLoss, examples: Examples) -> FlowTraining:
    if experiment.batch_size is not None or experiment.later_etas:
        raise BadInput("gradient flow has the full batch and no step sizes: give neither batch_size nor later_etas")
    return FlowTraining(
        loss,
        rule,
        steps=experiment.steps,
        stop=experiment.stop,
        measure=experiment.measure,
        classes=examples.classes,
        seed=experiment.seed,
    )


def _circumstances() -> dict[str, Any]:
    """What the bits depend on besides the experiment."""
    return {"torch": torch.__version__, "threads": torch.get_num_threads()}


@contextmanager
def enough_memory_for_weights() -> Iterator[None]:
    """Say that a network is larger than memory, or than a tensor may be."""
    try:
        yield
    except (RuntimeError, MemoryError, TypeError) as error:
        if not (out_of_memory(error) or "verflow" in str(error)):
            raise
        raise BadInput("network: no memory for its weights; take a narrower one, or another device") from error


def available_device(name: str) -> torch.device:
    """The device of this name, after a look that torch has it, and that it holds numbers."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BadInput(f"device = {name}: unknown to torch; give cpu, or cuda with a GPU") from error
    try:
        torch.zeros(1, device=device).item()
    except Exception as error:  # every kind of device says in its own way that it is not there
        reason = str(error).partition("\n")[0].partition(". ")[0]  # a page may follow
        raise BadInput(f"device = {name}: not there ({reason}); cpu is always there") from error
    return device
