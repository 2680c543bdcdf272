"""A user's loss in double precision, on the same module: where its rounding must not count, or is to be measured.

Parameters, buffers, data, and those of a criterion that is a module are float64 inside the context, and themselves
again after it. A module that converts to float32 on its own fails there, or goes on rounding: neither is an error of
the loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from numeric.networks.loss import FlatLoss


@contextmanager
def in_double_precision(loss: FlatLoss) -> Iterator[FlatLoss]:
    """The same loss in float64; to be used where its module is `undisturbed`."""
    roots = [one for one in (loss.module, loss.criterion) if isinstance(one, nn.Module)]
    parameters = [(own, own.data) for root in roots for own in root.parameters() if own.dtype == torch.float32]
    buffers = [
        (part, name, buffer)
        for root in roots
        for part in root.modules()
        for name, buffer in part.named_buffers(recurse=False, remove_duplicate=False)
        if buffer.dtype == torch.float32
    ]
    doubled: dict[int, Tensor] = {}  # a buffer that two modules share stays shared
    try:
        for own, data in parameters:
            own.data = data.double()
        for part, name, buffer in buffers:
            setattr(part, name, doubled.setdefault(id(buffer), buffer.double()))
        inputs, targets = (one.double() if one.dtype == torch.float32 else one for one in (loss.inputs, loss.targets))
        yield replace(loss, inputs=inputs, targets=targets)
    finally:
        for own, data in parameters:
            own.data = data
        for part, name, buffer in buffers:
            setattr(part, name, buffer)
