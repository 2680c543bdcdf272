"""A network on its way along the gradient flow: steps of fourth order, each as long as sharpness and error allow.

The sharpness S is read every so many steps. The gradient g₁' at the end of a step, with which the next one begins,
tells whether S has risen in between or the loss is curved otherwise: a step with ‖g₄ − g₁'‖ more than twice that of a
quadratic at hS = c is taken back; S is read at once, and if that does not shorten the step, half of it is tried. The
step doubles again where the error allows it. Without a positive S it is h_max. Steps are shortened to end at the times
that are asked for, so the weights there are of fourth order as well.

The history is that of `experiment`, a step being one of the method, and `time` the flow's: with all readings that were
taken, one at the last point among them, and with the weights along ``snapshot``, at the times `weights_at`
(`snapshot_time`) and at the steps that the measure's `weights_every` asks for. A run ends as in `train`, or with "time"
at the time `until`.

Shapes and units: as in `flow`. Errors: `BadInput` for readings that only an optimizer has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker import SharpnessTracker
from numeric.networks.training.flow.runge_kutta import GradientFlow, error_of_quadratic, runge_kutta_step
from numeric.networks.training.loop.batches import Batch
from numeric.networks.training.loop.history import Recorder
from numeric.networks.training.loop.train import Stop, loss_and_gradient
from numeric.networks.training.measure import Measure
from numeric.values import whole_number

MARGIN = 2.0  # times the error of a quadratic: what a step may have
SHORTEST = 1e-9  # part of the step that c and the sharpness allow: a shorter one is taken as it is
ROUNDING = 16.0  # times the precision: the relative error of a gradient where nothing but rounding is left


class _Point(NamedTuple):
    """The loss, the number of right answers if there are classes, and the gradient (p,) somewhere."""

    loss: Tensor
    right: Tensor | None
    gradient: Tensor


class FlowTraining:
    """A network on its way along the flow: what `train.Training` is for an optimizer."""

    def __init__(
        self,
        loss: FlatLoss,
        rule: GradientFlow,
        *,
        steps: int,
        stop: Stop,
        measure: Measure | None = None,
        classes: bool = False,
        seed: int = 0,
    ) -> None:
        if measure is not None and (measure.midpoint or measure.batch_sharpness is not None):
            raise BadInput("gradient flow has no midpoints of steps and no mini-batches to measure: leave them out")
        self.loss, self.rule, self.stop = loss, rule, stop
        self.measure = Measure(rule.every) if measure is None else measure
        self.steps = whole_number("steps", steps, least=1)
        labels = loss.targets.argmax(1) if classes else None
        self._trainable = list(loss.trainable.values())
        self._examples = Batch(loss.inputs, loss.targets, labels)
        self.recorder = Recorder(len(loss.inputs), classes=classes)
        self.step = 0
        self.times = [0.0]
        self.ending: str | None = None
        self._tracker = SharpnessTracker(
            loss.module,
            loss.criterion,
            loss.inputs,
            loss.targets,
            eigenvalues=self.measure.eigenvalues,
            relative=self.measure.relative,
            micro_batch=loss.micro_batch,
            weight=loss.weight,
            seed=seed,
        )
        self._sharpness = math.nan
        self._shortened = 1.0  # of the step that c and the sharpness allow
        self._read_at: int | None = None
        self._snapshots: dict[int, Tensor] = {}

    def run(self) -> Iterator[int]:
        """Follow the flow to the end; yields the number of steps after each, when everything may be saved."""
        here = self._evaluate(self.loss.parameters, self._examples)
        while True:
            self._record(here)
            self.ending = self._ending()
            if self.ending != "diverged" and (self._due or self.ending is not None):
                self._read()
                if not math.isfinite(self._sharpness):
                    self.ending = "diverged"
            if self._is_snapshot:
                self._snapshots[self.step] = self.loss.parameters.cpu()
            if self.ending is not None:
                return
            here, time = self._advance(here.gradient)
            self.times.append(time)
            self.step += 1
            yield self.step

    @property
    def sharpness(self) -> float:
        """The sharpness last read."""
        return self._sharpness

    def history(self) -> xr.Dataset:
        """The record so far, with the readings and the snapshots."""
        series = {name: ("step", np.array(one.values())) for name, one in self.recorder.series.items()}
        times = np.array(self.times)
        history = xr.Dataset(series, {"step": np.arange(len(times)), "time": ("step", times)})
        readings = self._tracker.history
        history = history.merge(readings.assign_coords(reading_time=("reading", times[readings.reading.values])))
        if not self._snapshots:
            return history.assign_attrs(ending=str(self.ending))
        steps, weights = list(self._snapshots), torch.stack(list(self._snapshots.values())).numpy()
        return (
            history.assign(weights=(("snapshot", "parameter"), weights))
            .assign_coords(snapshot=steps, snapshot_time=("snapshot", times[steps]))
            .assign_attrs(ending=str(self.ending))
        )

    def state(self) -> dict[str, Any]:
        """Everything that the next steps depend on, and the record so far."""
        return {
            "step": self.step,
            "times": torch.tensor(self.times, dtype=torch.float64),
            "module": dict(self.loss.module.state_dict()),
            "recorder": self.recorder.state(),
            "tracker": self._tracker.state(),
            "sharpness": torch.tensor(self._sharpness, dtype=torch.float64),
            "read_at": self._read_at,
            "shortened": self._shortened,
            "snapshots": dict(self._snapshots),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from such a state."""
        self.step, self.times = state["step"], state["times"].tolist()
        self.loss.module.load_state_dict(state["module"])
        self.recorder.restore(state["recorder"])
        self._tracker.restore(state["tracker"])
        self._sharpness, self._read_at = float(state["sharpness"]), state["read_at"]
        self._shortened = state["shortened"]
        self._snapshots = dict(state["snapshots"])

    @property
    def _due(self) -> bool:
        return self.step % self.rule.every == 0 or self.step % self.measure.every == 0

    @property
    def _is_snapshot(self) -> bool:
        every = self.measure.weights_every
        return self.times[-1] in self.rule.weights_at or (every is not None and self.step % every == 0)

    def _advance(self, first: Tensor) -> tuple[_Point, float]:
        """Take a step that is short enough; what is found at its end, and the time there."""
        start = self.loss.parameters
        allowed = MARGIN * error_of_quadratic(self.rule.step_times_sharpness) * float(first.norm())
        allowed += ROUNDING * torch.finfo(start.dtype).eps * abs(self._sharpness) * float(start.norm())
        while True:
            h, time = self._length()
            end, fourth = runge_kutta_step(self._gradient, start, first, h)
            there = self._evaluate(end, self._examples)
            error = float((fourth - there.gradient).norm())
            if error <= allowed or self._shortened < SHORTEST:
                if error <= allowed / 16:  # at least that of a step twice as long
                    self._shortened = min(1.0, 2 * self._shortened)
                return there, time
            self.loss.load(start)
            if self._read_at != self.step:
                self._read()
            if self._length()[0] >= h:
                self._shortened *= 0.5

    def _gradient(self, parameters: Tensor) -> Tensor:
        return self._evaluate(parameters, self._examples._replace(labels=None)).gradient

    def _evaluate(self, parameters: Tensor, examples: Batch) -> _Point:
        """What is to be known of these weights, which the module then has."""
        for own, piece in zip(self._trainable, parameters.split([own.numel() for own in self._trainable]), strict=True):
            own.data.copy_(piece.view_as(own))
            own.grad = None
        value, right = loss_and_gradient(self.loss.module, self.loss.criterion, examples, self.loss.micro_batch)
        gradients = [torch.zeros_like(own) if own.grad is None else own.grad for own in self._trainable]
        return _Point(value, right, torch.cat([gradient.reshape(-1) for gradient in gradients]))

    def _record(self, point: _Point) -> None:
        self.recorder.loss.append(point.loss)
        if self.recorder.accuracy is not None and point.right is not None:
            self.recorder.accuracy.append(point.right)

    def _ending(self) -> str | None:
        """How the run ends at the present weights, if it does."""
        loss = self.recorder.loss.values()[-1]
        if not -math.inf < loss <= self.stop.divergence:
            return "diverged"
        accuracy, goal = self.recorder.accuracy, self.stop.accuracy
        if accuracy is not None and goal is not None and accuracy.values()[-1] >= goal:
            return "accuracy"
        if self.stop.loss is not None and loss <= self.stop.loss:
            return "loss"
        if self.times[-1] == self.rule.until:
            return "time"
        return "steps" if self.step == self.steps else None

    def _read(self) -> None:
        """Read the sharpness of the present weights."""
        self._tracker.steps = self._read_at = self.step
        self._sharpness = float(self._tracker.measure().eigenvalues[0])

    def _length(self) -> tuple[float, float]:
        """The length of the next step, and the time at its end."""
        h, now = self.rule.longest_step, self.times[-1]
        if self._sharpness > 0:
            h = min(h, self.rule.step_times_sharpness / self._sharpness)
        h *= self._shortened
        ahead = min((time for time in self.rule.times if time > now), default=math.inf)
        if ahead - now <= h * (1 + 1e-9):
            return ahead - now, ahead
        if ahead - now < 2 * h:  # two even steps, not a whole one and a sliver
            h = 0.5 * (ahead - now)
        return h, now + h


def integrate_flow(
    loss: FlatLoss,
    rule: GradientFlow,
    *,
    steps: int,
    stop: Stop | None = None,
    measure: Measure | None = None,
    classes: bool = False,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """The history of the flow from the module's present weights, which move; `progress` hears of each step."""
    training = FlowTraining(loss, rule, steps=steps, stop=stop or Stop(), measure=measure, classes=classes, seed=seed)
    for _ in training.run():
        if progress is not None:
            progress(1)
    return training.history()
