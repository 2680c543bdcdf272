"""The precision in which a user's loss is computed: which it is, and the same loss in double.

Within `in_double_precision` parameters, buffers, data, and those of a criterion that is a module are float64, and
themselves again after it. A module that converts to float32 on its own fails there, or goes on rounding, which
`Results` sees: neither is an error of the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from eos_sym import BadInput
from numeric.networks.loss.batched_loss import BatchedLoss

Loss = TypeVar("Loss", bound=BatchedLoss)


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
def coarsest_precision(loss: BatchedLoss, parameters: Tensor) -> torch.dtype:
    """The precision that rounds most of those in which the loss is computed, of a batch as of all."""
    named = loss.split(parameters.detach().requires_grad_())  # it may take derivatives by them itself
    batch, _ = next(loss.batches())
    with Results() as results:  # not of its derivatives: torch 2.13 can crash in a backward pass that is watched
        loss.at(named, batch)
    found: torch.dtype = results.coarsest
    return found


@contextmanager
def in_double_precision(loss: Loss) -> Iterator[Loss]:
    """The same loss in float64; to be used where its module is `undisturbed`."""
    parameters = [(own, own.data) for own in loss.named_parameters.values() if own.dtype == torch.float32]
    buffers = [
        (part, name, buffer)
        for _, part in loss.named_modules()
        for name, buffer in part.named_buffers(recurse=False, remove_duplicate=False)
        if buffer.dtype == torch.float32
    ]
    doubled: dict[int, Tensor] = {}  # a buffer that two modules share stays shared
    try:
        for own, data in parameters:
            own.data = data.double()
        for part, name, buffer in buffers:
            setattr(part, name, doubled.setdefault(id(buffer), buffer.double()))
        yield loss.in_double(loss.module, loss.function)
    finally:
        for own, data in parameters:
            own.data = data
        for part, name, buffer in buffers:
            setattr(part, name, buffer)


def in_best_precision(loss: Loss, check: Callable[[Loss], None]) -> None:
    """Check the loss in float64; or in its own precision, if it cannot be computed so, or memory does not hold that."""
    try:
        with in_double_precision(loss) as exact:
            check(exact)
    except BadInput:
        raise
    except (RuntimeError, TypeError, ValueError):
        check(loss)
