"""The training loop: batch, loss and gradient, record, reading, stop condition, step; at the cost of a bare torch loop.

At step t = 0, 1, … the loss and its gradient at θ_t are computed, the loss is recorded, a reading is taken if one is
due, and unless the run ends at θ_t the optimizer moves on to θ_{t+1}. So T steps have T + 1 losses. A run ends with

    diverged    the loss at θ_t is not finite or exceeds `divergence`
    accuracy    the accuracy at θ_t has reached its goal
    loss        the loss at θ_t has fallen to its goal
    steps       t = T

in this order. With mini-batches the goals are for the means over an epoch, at its end. The losses are looked at in
blocks where nothing depends on them at once: a divergence is then noticed late, and what came after it is dropped.

Shapes: inputs (n, …), targets (n, outputs). Errors: `BadInput` for goals out of range and a micro-batch below 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from eos_sym import BadInput
from numeric.networks.training.loop.batches import Batch, Batches
from numeric.networks.training.loop.history import Recorder
from numeric.values import positive_number, real_number

BLOCK = 64  # steps between two looks at the losses


@dataclass(frozen=True)
class Stop:
    """When a run ends before its last step: goals for the accuracy and the loss, and a bound for the loss."""

    accuracy: float | None = None
    loss: float | None = None
    divergence: float = 1e6

    def __post_init__(self) -> None:
        if self.accuracy is not None and not 0 < real_number("accuracy", self.accuracy) <= 1:
            raise BadInput(f"accuracy = {self.accuracy}: must be more than 0 and at most 1")
        if self.loss is not None and not 0 <= real_number("loss", self.loss) < math.inf:
            raise BadInput(f"loss = {self.loss}: must be finite, 0 or more")
        positive_number("divergence", self.divergence)


class Reader(Protocol):
    """What reads something of the network along the way."""

    @property
    def due(self) -> bool:
        """Whether it will at the next step."""

    def step(self) -> object:
        """Read the present weights, if that is due; called once a step, before the update."""


class Training:
    """A network, its optimizer, its batches and its record, from step to step."""

    def __init__(
        self,
        module: nn.Module,
        criterion: Callable[[Tensor, Tensor], Tensor],
        optimizer: torch.optim.Optimizer,
        batches: Batches,
        *,
        steps: int,
        stop: Stop,
        micro_batch: int | None = None,
        reader: Reader | None = None,
        later_etas: Sequence[tuple[int, float]] = (),
    ) -> None:
        if micro_batch is not None and micro_batch < 1:
            raise BadInput(f"micro_batch = {micro_batch}: must be 1 or more")
        self.module, self.criterion, self.optimizer, self.batches = module, criterion, optimizer, batches
        self.steps, self.stop = steps, stop
        self.micro_batch = micro_batch if micro_batch is not None and micro_batch < batches.batch_size else None
        self.reader = reader
        self._later_etas = dict(later_etas)
        self._parameters = [*module.parameters()]  # a walk through the module is a twentieth of a small network's step
        self.recorder = Recorder(batches.batch_size, classes=batches.everything.labels is not None)
        self.step = 0
        self.ending: str | None = None
        self._examined = 0  # losses that are known not to be diverged
        self._goals = stop.accuracy is not None or stop.loss is not None

    def run(self) -> Iterator[int]:
        """Train to the end; yields the number of steps after each, when everything may be saved."""
        while True:
            batch = self.batches.draw()
            for own in self._parameters:
                own.grad = None
            loss = self._record(batch)
            if self._looking():
                self.ending = self._ending()
            if self.reader is not None and self.ending != "diverged":
                self.reader.step()
            if self.ending is not None:
                return
            if self.step in self._later_etas:
                for group in self.optimizer.param_groups:
                    group["lr"] = self._later_etas[self.step]
            self.optimizer.step(self._evaluation(batch, loss))  # type: ignore[arg-type]  # of a tensor, as torch's own
            self.step += 1
            yield self.step

    def state(self) -> dict[str, Any]:
        """Everything that the next steps depend on, and the record so far; the reader apart."""
        return {
            "step": self.step,
            "module": dict(self.module.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "batches": self.batches.state(),
            "recorder": self.recorder.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self.step = state["step"]
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.batches.restore(state["batches"])
        self.recorder.restore(state["recorder"])

    def _record(self, batch: Batch) -> Tensor:
        """The loss of the batch, recorded with its accuracy, its gradient added to that in the parameters."""
        accuracy = self.recorder.accuracy
        if self.micro_batch is None:
            loss, outputs = _loss_and_outputs(self.module, self.criterion, batch)
            if accuracy is not None and batch.labels is not None:
                accuracy.answer(outputs, batch.labels)
        else:
            loss, right = loss_and_gradient(self.module, self.criterion, batch, self.micro_batch)
            if accuracy is not None and right is not None:
                accuracy.append(right)
        self.recorder.loss.append(loss)
        return loss

    def _evaluation(self, batch: Batch, loss: Tensor) -> Callable[[], Tensor]:
        """What gives the optimizer the batch's loss and gradient: those that were recorded, then any elsewhere."""
        recorded = [loss]

        def evaluate() -> Tensor:
            if recorded:
                return recorded.pop()
            return loss_and_gradient(self.module, self.criterion, batch, self.micro_batch)[0]

        return evaluate

    def _looking(self) -> bool:
        """Whether something depends on the loss of this step at once."""
        reading = self.reader is not None and self.reader.due
        return self._goals or reading or self.step % BLOCK == 0 or self.step == self.steps

    def _ending(self) -> str | None:
        losses = self.recorder.loss.values()
        for t in range(self._examined, len(losses)):
            if not losses[t] <= self.stop.divergence:
                for one in self.recorder.series.values():
                    one.cut(t + 1)
                return "diverged"
        self._examined = len(losses)
        epoch = self.batches.per_epoch
        if len(losses) % epoch == 0:
            accuracy, goal = self.recorder.accuracy, self.stop.accuracy
            if accuracy is not None and goal is not None and fmean(accuracy.values()[-epoch:]) >= goal:
                return "accuracy"
            if self.stop.loss is not None and fmean(losses[-epoch:]) <= self.stop.loss:
                return "loss"
        return "steps" if self.step == self.steps else None


def loss_and_gradient(
    module: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], batch: Batch, micro_batch: int | None
) -> tuple[Tensor, Tensor | None]:
    """Add the gradient of the batch's loss to that in the parameters; the loss, and the number of right answers."""
    if micro_batch is None:
        loss, outputs = _loss_and_outputs(module, criterion, batch)
        return loss, None if batch.labels is None else (outputs.max(1).indices == batch.labels).sum()
    pieces = []
    for piece in batch.split(micro_batch):
        share = len(piece.inputs) / len(batch.inputs)

        def weighted(outputs: Tensor, targets: Tensor, share: float = share) -> Tensor:
            return share * criterion(outputs, targets)

        pieces.append(loss_and_gradient(module, weighted, piece, None))
    losses, rights = zip(*pieces, strict=True)
    return torch.stack(losses).sum(), None if batch.labels is None else torch.stack(rights).sum()


def _loss_and_outputs(
    module: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], batch: Batch
) -> tuple[Tensor, Tensor]:
    """The loss and the outputs without a graph; the gradient is added to that in the parameters."""
    outputs = module(batch.inputs)
    loss = criterion(outputs, batch.targets)
    loss.backward()
    return loss.detach(), outputs.detach()
