"""The precision in which a user's loss is computed: which it is, and the same loss in double.

Within `in_double_precision` parameters, buffers, data, and those of a criterion that is a module are float64, and
themselves again after it. A module that converts to float32 on its own fails there, or goes on rounding, which
`Results` sees: neither is an error of the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from eos_sym import BadInput
from numeric.networks.loss.flat_loss import FlatLoss


class Results(TorchDispatchMode):
    """The memory and the precisions of all that is computed within this context."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0
        self.precisions: set[torch.dtype] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        results = func(*args, **(kwargs or {}))
        for one in results if isinstance(results, tuple | list) else [results]:
            if isinstance(one, Tensor):
                self.bytes += one.numel() * one.element_size()
                if one.is_floating_point():
                    self.precisions.add(one.dtype)
        return results

    @property
    def coarsest(self) -> torch.dtype:
        """The precision that rounds most."""
        return max(self.precisions, key=lambda dtype: torch.finfo(dtype).eps)


@torch.enable_grad()
def coarsest_precision(loss: FlatLoss, parameters: Tensor) -> torch.dtype:
    """The precision that rounds most of those in which the loss is computed."""
    with Results() as results:  # not of its derivatives: torch 2.13 can crash in a backward pass that is watched
        loss(parameters.detach().requires_grad_())  # it may take derivatives by them itself
    found: torch.dtype = results.coarsest
    return found


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


def in_best_precision(loss: FlatLoss, check: Callable[[FlatLoss], None]) -> None:
    """Check the loss in float64; or in its own precision, if it cannot be computed so, or memory does not hold that."""
    try:
        with in_double_precision(loss) as exact:
            check(exact)
    except BadInput:
        raise
    except (RuntimeError, TypeError, ValueError):
        check(loss)
