"""Examples to train on: inputs and targets as tensors, and what a description of a data set can do.

`Examples` is itself a data set, so any tensors can be trained on: ``Examples(X, Y, classes=False)``. In a configuration
its digest stands for its values: two are equal if their values in float64 are.

Targets are always a matrix (n, outputs): values for regression, one-hot rows for classes. So every criterion in
`numeric.networks.loss.criteria` works on every data set, and accuracy is a matter of the largest entry of a row.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from eos_sym import BadInput


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs (n, …) and targets (n, outputs); `classes` says that the targets are one-hot rows."""

    inputs: Tensor
    targets: Tensor
    classes: bool

    def __post_init__(self) -> None:
        for name in ("inputs", "targets"):
            if not isinstance(given := getattr(self, name), Tensor):
                raise BadInput(f"{name}: must be a tensor, not {type(given).__name__}; give torch.as_tensor({name})")
        if len(self.inputs) != len(self.targets) or not len(self.inputs):
            raise BadInput(f"{len(self.inputs)} inputs and {len(self.targets)} targets: give one target an input")
        if self.targets.ndim != 2:
            raise BadInput(f"targets of shape {tuple(self.targets.shape)}: must be (examples, outputs)")
        for name, values in (("inputs", self.inputs), ("targets", self.targets)):
            if not values.isfinite().all():
                raise BadInput(f"{name}: not finite in example {int((~values.isfinite()).nonzero()[0, 0])}")
        if self.classes:
            one_hot_rows = ((self.targets == 0) | (self.targets == 1)).all(1) & (self.targets.sum(1) == 1)
            if not one_hot_rows.all():
                example = int((~one_hot_rows).nonzero()[0, 0])
                raise BadInput(f"targets of example {example}: not a one-hot row; see one_hot, or give classes=False")

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def outputs(self) -> int:
        """The number of outputs a network for these examples has."""
        return self.targets.shape[1]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the values in float64, and of what they are."""
        parts = [values.detach().cpu().double().contiguous() for values in (self.inputs, self.targets)]
        digest = hashlib.sha256(f"{[tuple(part.shape) for part in parts]} {self.classes}".encode())
        for part in parts:
            digest.update(part.numpy().data)
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Examples) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def configuration(self) -> dict[str, Any]:
        """What stands for these examples where a run is described: their shapes and their digest."""
        shapes = {"inputs": list(self.inputs.shape), "targets": list(self.targets.shape), "classes": self.classes}
        return {"kind": "Examples", **shapes, "sha256": self.digest}

    def load(self) -> Examples:
        """These examples, in float64: so they can stand where a data set is asked for."""
        return self.to(torch.float64)

    def to(self, dtype: torch.dtype, device: torch.device | str = "cpu") -> Examples:
        """The same examples in another precision, or on another device."""
        return Examples(self.inputs.to(device, dtype), self.targets.to(device, dtype), self.classes)


class DataSet(Protocol):
    """A description of a data set: a frozen dataclass of numbers and texts, so that it can be stored and compared."""

    def load(self) -> Examples:
        """The examples, in float64; the same ones every time."""


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Integer labels 0 … classes − 1 as rows of the identity, (n, classes), float64."""
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        example = int(wrong.nonzero()[0, 0])
        raise BadInput(f"label {int(labels[example])} of example {example}: labels go from 0 to {classes - 1}")
    return torch.nn.functional.one_hot(labels, classes).double()
