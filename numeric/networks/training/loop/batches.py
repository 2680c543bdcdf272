"""The examples each step is taken on: all of them, or mini-batches drawn without replacement.

An epoch is ⌊n/b⌋ mini-batches of b examples, consecutive pieces of one permutation; the n mod b examples left over sit
the epoch out, so that every mini-batch has the same size and every loss the same weight. `state` and `restore` hold the
generator, the permutation and the place in it.

Errors: `BadInput` for a batch size below 1 or above n.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.data.examples import Examples


class Batch(NamedTuple):
    """Inputs (b, …), targets (b, outputs) and, where these are classes, labels (b,)."""

    inputs: Tensor
    targets: Tensor
    labels: Tensor | None

    def split(self, size: int) -> Iterator[Batch]:
        """The batch in pieces of at most so many examples."""
        for start in range(0, len(self.inputs), size):
            piece = slice(start, start + size)
            yield Batch(self.inputs[piece], self.targets[piece], None if self.labels is None else self.labels[piece])


class Batches:
    """The batches of one run, one after the other without end."""

    def __init__(self, examples: Examples, size: int | None, generator: torch.Generator) -> None:
        if size is not None and not 1 <= size <= len(examples):
            raise BadInput(f"batch_size = {size}: must be from 1 to the number of examples, {len(examples)}")
        labels = examples.targets.argmax(1) if examples.classes else None
        self.everything = Batch(examples.inputs, examples.targets, labels)
        self.size = size
        self.generator = generator
        self.number = 0  # of batches drawn so far
        self.permutation = torch.empty(0, dtype=torch.int64)

    @property
    def batch_size(self) -> int:
        """The number of examples in a batch."""
        return len(self.everything.inputs) if self.size is None else self.size

    @property
    def per_epoch(self) -> int:
        """The number of batches in an epoch."""
        return len(self.everything.inputs) // self.batch_size

    def draw(self) -> Batch:
        """The next batch."""
        if self.size is None:
            return self.everything
        place = self.number % self.per_epoch
        if place == 0:
            self.permutation = torch.randperm(len(self.everything.inputs), generator=self.generator)
        self.number += 1
        chosen = self.permutation[place * self.size : (place + 1) * self.size].to(self.everything.inputs.device)
        inputs, targets, labels = self.everything
        return Batch(inputs[chosen], targets[chosen], None if labels is None else labels[chosen])

    def state(self) -> dict[str, Any]:
        """What the next batches depend on."""
        return {"generator": self.generator.get_state(), "permutation": self.permutation, "number": self.number}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self.generator.set_state(state["generator"])
        self.permutation, self.number = state["permutation"], state["number"]
