"""What is in a batch of a user's own: tensors and arrays, in dictionaries, tuples and lists of any depth.

    is_example     whether it is one example: a tensor, and numbers or tensors without a dimension beside it
    examples_in    their number: the length that all tensors and arrays have in common
    halves         the first half of the examples, and the other
    in_double      the same with float64 for float32
    copied         the same in dictionaries and lists of its own, for who takes entries out of them

A tensor without a dimension belongs to no example. A list of as many numbers or strings as there are examples is
divided with them. What is no such thing, a graph of some library, is one whole, and has no number of examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

_SIMPLE = str | int | float


def examples_in(batch: Any) -> int | None:
    """How many examples there are; None where the lengths differ, or nothing has one."""
    lengths = {len(leaf) for leaf in leaves(batch) if isinstance(leaf, Tensor | np.ndarray) and leaf.ndim}
    return lengths.pop() if len(lengths) == 1 else None


def is_example(batch: Any) -> bool:
    """Whether it is a tuple or list of a tensor or array with dimensions and then numbers: an input, a label."""
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        return False
    sizes = [
        one.ndim if isinstance(one, Tensor | np.ndarray) else 0 if isinstance(one, int | float) else -1 for one in batch
    ]
    return sizes[0] > 0 and not any(sizes[1:])


def halves(batch: Any) -> tuple[Any, Any] | None:
    """Its two halves; None where it has no examples that can be told apart, or one alone."""
    count = examples_in(batch)
    if count is None or count < 2:
        return None
    middle = (count + 1) // 2
    return _cut(batch, slice(None, middle), count), _cut(batch, slice(middle, None), count)


def in_double(batch: Any) -> Any:
    """The batch with float64 for float32."""

    def convert(leaf: Any) -> Any:
        if isinstance(leaf, Tensor) and leaf.dtype == torch.float32:
            return leaf.double()
        return leaf.astype(np.float64) if isinstance(leaf, np.ndarray) and leaf.dtype == np.float32 else leaf

    return _mapped(convert, batch)


def copied(batch: Any) -> Any:
    """The batch in new dictionaries, tuples and lists, of the same tensors."""
    return _mapped(lambda leaf: leaf, batch)


def leaves(batch: Any) -> list[Any]:
    """What is no dictionary, tuple or list."""
    found: list[Any] = []
    _mapped(found.append, batch)
    return found


def _cut(batch: Any, part: slice, count: int) -> Any:
    if isinstance(batch, list | tuple) and len(batch) == count and all(isinstance(one, _SIMPLE) for one in batch):
        return batch[part]
    if isinstance(batch, Tensor | np.ndarray):
        return batch[part] if batch.ndim else batch
    return _rebuilt(batch, lambda inner: _cut(inner, part, count))


def _mapped(function: Callable[[Any], Any], batch: Any) -> Any:
    """The batch with the function's values for its leaves."""
    if isinstance(batch, Mapping | list | tuple):
        return _rebuilt(batch, lambda inner: _mapped(function, inner))
    return function(batch)


def _rebuilt(batch: Any, function: Callable[[Any], Any]) -> Any:
    """A dictionary, tuple or list of the same kind, of the function's values of what is in it; else what was given."""
    if isinstance(batch, Mapping):
        rebuilt: Any = copy(batch)
        for name, inner in batch.items():
            rebuilt[name] = function(inner)
        return rebuilt
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*map(function, batch))
    if isinstance(batch, tuple | list):
        return type(batch)(map(function, batch))
    return batch
