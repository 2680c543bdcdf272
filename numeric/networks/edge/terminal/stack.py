"""Models of the end stacked into one, along a first dimension of all their tensors, and some of them taken out again.

A model is a frozen dataclass; what is no tensor is alike in all of them. Shapes: a z of several models, and what is as
long as it, is padded with zeros to the longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import pad

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PADDED = {"z": 1, "bend": 1, "drive": 1, "matrix": 2, "jacobians": 1}  # the last dimensions that are as long as z

Model = TypeVar("Model", bound="DataclassInstance")


def stacked(models: Sequence[Model]) -> Model:
    """The models as one."""
    each = [_tensors(one) for one in models]
    longest = max(len(one["z"]) for one in each)
    return replace(
        models[0], **{name: torch.stack([_padded(one[name], name, longest) for one in each]) for name in each[0]}
    )


def chosen(model: Model, which: Tensor) -> Model:
    """Some of the models that are stacked in one."""
    return replace(model, **{name: one[which] for name, one in _tensors(model).items()})


def _tensors(model: DataclassInstance) -> dict[str, Tensor]:
    values = {field.name: getattr(model, field.name) for field in fields(model)}
    return {name: one for name, one in values.items() if isinstance(one, Tensor)}


def _padded(values: Tensor, name: str, length: int) -> Tensor:
    missing = length - values.shape[-1] if name in PADDED else 0
    return pad(values, (0, missing) * PADDED.get(name, 1)) if missing else values
