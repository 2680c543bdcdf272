"""What a training loop records of every step: the loss and, where there are classes, the accuracy.

Step t is about the weights θ_t, before the t-th update: with the full batch `loss` is L(θ_t), with mini-batches
`batch_loss` is that of the mini-batch which the update is taken on, and so is `batch_accuracy`. The values stay tensors
until somebody looks at them, so that a step costs no conversion and, on an accelerator, no wait.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

MOST_KEPT = 2**20  # outputs of a network, before they are compared with the labels


class Series:
    """One number a step, its value a scalar tensor's over `divisor`."""

    def __init__(self, divisor: int = 1) -> None:
        self._divisor = divisor
        self._known: list[float] = []
        self._pending: list[Tensor] = []

    def append(self, value: Tensor) -> None:
        """Add a scalar tensor without looking at it."""
        self._pending.append(value)

    def values(self) -> list[float]:
        """All numbers so far."""
        if len(self._pending) == 1:
            self._known.append(self._pending.pop().item() / self._divisor)
        elif self._pending:
            self._known += (torch.stack(self._pending).double() / self._divisor).tolist()
            self._pending.clear()
        return self._known

    def cut(self, length: int) -> None:
        """Keep the first so many numbers."""
        del self.values()[length:]


class Accuracy(Series):
    """The share of right answers of every step; outputs are kept and compared with the labels many steps at a time."""

    def __init__(self, examples: int) -> None:
        super().__init__(examples)
        self._unmarked: list[tuple[Tensor, Tensor]] = []
        self._kept = 0  # numbers in them

    def answer(self, outputs: Tensor, labels: Tensor) -> None:
        """Add a step's outputs (n, classes), the largest of which should be at the labels (n,)."""
        self._unmarked.append((outputs, labels))
        self._kept += outputs.numel()
        if self._kept > MOST_KEPT:
            self._mark()

    def values(self) -> list[float]:
        """All shares so far."""
        self._mark()
        return super().values()

    def _mark(self) -> None:
        if self._unmarked:
            outputs, labels = (torch.stack(parts) for parts in zip(*self._unmarked, strict=True))
            self._pending += (outputs.max(2).indices == labels).sum(1).unbind()
            self._unmarked.clear()
            self._kept = 0


class Recorder:
    """The loss and, of `classes`, the number of right answers among `examples`, of every step."""

    def __init__(self, examples: int, *, classes: bool) -> None:
        self.loss = Series()
        self.accuracy = Accuracy(examples) if classes else None

    @property
    def series(self) -> dict[str, Series]:
        """What is recorded, by name."""
        return {"loss": self.loss} | ({} if self.accuracy is None else {"accuracy": self.accuracy})

    def state(self) -> dict[str, Tensor]:
        """The numbers so far."""
        return {name: torch.tensor(one.values(), dtype=torch.float64) for name, one in self.series.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from such numbers."""
        for name, one in self.series.items():
            one.values()[:] = state[name].tolist()

    def dataset(self, eta: float, *, mini_batches: bool) -> xr.Dataset:
        """The series along the dimension ``step``, with the time η·step."""
        steps = np.arange(len(self.loss.values()))
        prefix = "batch_" if mini_batches else ""
        variables: dict[str, Any] = {
            prefix + name: ("step", np.array(one.values()), {"units": "1"}) for name, one in self.series.items()
        }
        return xr.Dataset(
            variables, {"step": ("step", steps, {"units": "steps"}), "time": ("step", eta * steps, {"units": "1"})}
        )
