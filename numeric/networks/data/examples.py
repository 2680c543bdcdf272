"""Examples to train on: inputs and targets as tensors, and what a description of a data set can do.

Targets are always a matrix (n, outputs): values for regression, one-hot rows for classes. So every criterion in
`numeric.networks.losses` works on every data set, and accuracy is a matter of the largest entry of a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from eos_sym import BadInput


@dataclass(frozen=True)
class Examples:
    """Inputs (n, …) and targets (n, outputs); `classes` says that the targets are one-hot rows."""

    inputs: Tensor
    targets: Tensor
    classes: bool

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets) or not len(self.inputs):
            raise BadInput(f"{len(self.inputs)} inputs and {len(self.targets)} targets: give one target an input")
        if self.targets.ndim != 2:
            raise BadInput(f"targets of shape {tuple(self.targets.shape)}: must be (examples, outputs)")
        for name, values in (("inputs", self.inputs), ("targets", self.targets)):
            if not values.isfinite().all():
                raise BadInput(f"{name}: not finite in example {int((~values.isfinite()).nonzero()[0, 0])}")

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def outputs(self) -> int:
        """The number of outputs a network for these examples has."""
        return self.targets.shape[1]

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
