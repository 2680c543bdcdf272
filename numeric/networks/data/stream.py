"""Batches that are walked through again and again, one in memory at a time, each with its share of a mean.

    w_b = c(b)/Σ_b c(b)     of a mean over what c counts: the examples of a batch, or what the function `weight` says,
                            the tokens that are not ignored, say
    w_b = w                 where `weight` is a number: of a sum over the batches as they are

The batches come from anything that can be walked through more than once: a DataLoader, which may shuffle, a list, an
object with `__iter__`, or a function without arguments that makes an iterator, as a generator function is. What they
count for is added up in a first walk; in every other it must come to the same. A batch that counts for nothing is left
out.

Units: w_b is a pure number. Errors: `BadInput`, in one line with the remedy, for an iterator, which can be walked
through once; for examples one by one, for one batch, or none; for a loader whose walks disturb each other; for batches
whose examples cannot be counted; for counts that are negative, not finite or all zero, or that add up to something else
in a later walk.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils.data import (
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SubsetRandomSampler,
)

from eos_sym import BadInput
from numeric.networks.data.batch import examples_in, is_example
from numeric.values import positive_number

Batches = Iterable[Any] | Callable[[], Iterable[Any]]
Weight = float | Callable[[Any], Tensor | float] | None
ONE_BY_ONE = "data: these are examples one by one: give a DataLoader of them, with a batch_size"
NEAR = 1e-6  # relative: counts may have been added up in float32


class Walk(NamedTuple):
    """What a walk through the batches has found: their number, and what they count for together."""

    number: int
    total: float


class Stream:
    """Batches of a user's own, and their weights."""

    def __init__(self, data: Batches, weight: Weight = None) -> None:
        self.data, self.weight = data, weight
        if weight is not None and not callable(weight):
            positive_number("weight", weight)
        _check_kind(data)

    @cached_property
    def first(self) -> Walk:
        """What the first walk found."""
        number, total, uncounted = 0, 0.0, ""
        for batch in self._walk():
            number += 1
            try:
                total += self.count(batch)
            except BadInput as refusal:
                if callable(self.weight):
                    raise
                uncounted = str(refusal)
        if not number:
            dropped = getattr(self.data, "drop_last", False)
            remedy = "give drop_last=False, or a smaller batch_size" if dropped else "give at least one"
            raise BadInput(f"data: there are no batches in it; {remedy}")
        if uncounted and number > 1:
            raise BadInput(uncounted)
        if uncounted:
            return Walk(1, 1.0)  # the one batch is all, whatever is in it
        if not total > 0:
            raise BadInput("weight: the batches count for nothing, so that there is no mean over them")
        return Walk(number, total)

    def __iter__(self) -> Iterator[tuple[Any, float]]:
        """Every batch that counts, and its weight."""
        first, found = self.first, Walk(0, 0.0)
        for batch in self._walk():
            count = self.count(batch) if first.number > 1 else first.total
            found = Walk(found.number + 1, found.total + count)
            share = count / first.total if self.is_mean else self._number
            if count:
                yield batch, share
        if found.number != first.number or abs(found.total - first.total) > NEAR * first.total:
            raise BadInput(
                f"data: a walk through them found {found.number} batches that count for {found.total:.6g}, the first "
                f"{first.number} for {first.total:.6g}: {self.cause}"
            )

    @property
    def sources(self) -> tuple[object, ...]:
        """The objects that may hold a generator of random numbers."""
        found: list[object] = [self.data]
        for name in ("dataset", "sampler", "batch_sampler"):
            found += [inner for one in [*found] if (inner := getattr(one, name, None)) is not None]
        return tuple(found)

    @property
    def cause(self) -> str:
        """Why walks may differ, by what is known of the data, and what to do."""
        sampler = getattr(self.data, "sampler", None)
        if getattr(sampler, "replacement", False):
            return "its sampler draws examples with replacement; give the tracker a loader without one"
        if isinstance(sampler, RandomSampler | SubsetRandomSampler) and getattr(self.data, "drop_last", False):
            return "it shuffles with drop_last=True, so that others are left out every time; give drop_last=False"
        return (
            "its examples change from walk to walk (random augmentation, an iterator that is used up?); give the"
            " tracker data that stay, such as a list of batches, or a loader without augmentation"
        )

    @property
    def is_mean(self) -> bool:
        """Whether the weights make it a mean over what is counted."""
        return self.weight is None or callable(self.weight)

    @property
    def _number(self) -> float:
        assert self.weight is not None
        assert not callable(self.weight)
        return float(self.weight)

    def _walk(self) -> Iterator[Any]:
        """Once through the batches."""
        made: Any = self.data
        if callable(made) and not hasattr(made, "__iter__"):
            made = made()
        try:
            walk = iter(made)
        except TypeError as error:
            raise BadInput(
                f"data: give what batches can be taken from, not {type(made).__name__}: a DataLoader, a list of"
                " batches, or a generator function"
            ) from error
        yield from walk

    def count(self, batch: Any) -> float:
        """What a batch counts for."""
        if not self.is_mean:
            return 1.0
        if not callable(self.weight):
            count = examples_in(batch)
            if is_example(batch):
                raise BadInput(f"{ONE_BY_ONE}, or weight=1/len(data) if it is a batch as it is")
            if count is None:
                raise BadInput(
                    f"data: the examples in a batch ({type(batch).__name__}) cannot be counted, as its tensors have no"
                    " length in common; give weight, a function of a batch that counts what the loss is the mean over,"
                    " or if it is one example a DataLoader of them, with a batch_size"
                )
            return float(count)
        counted = float(self.weight(batch))
        if not 0 <= counted < math.inf:
            raise BadInput(f"weight: counts {counted} in a batch; must be 0 or more, and finite")
        return counted


def _check_kind(data: object) -> None:
    """Refuse by what they are data that cannot be walked through, or not beside the training loop."""
    if isinstance(data, Iterator):
        raise BadInput(
            f"data: {type(data).__name__} is an iterator, which can be walked through once; give the function that"
            " makes it, without calling it, a list of the batches, or the DataLoader itself"
        )
    if isinstance(data, Dataset) and not isinstance(data, IterableDataset):
        raise BadInput(ONE_BY_ONE)
    if isinstance(data, Tensor | Mapping):
        kind = "tensor" if isinstance(data, Tensor) else "dictionary"
        raise BadInput(f"data: is one {kind}: give [batch], a list of batches, or criterion, inputs and targets")
    if isinstance(data, tuple) and len(data) > 1 and all(isinstance(one, Tensor) for one in data):
        raise BadInput(
            "data: is a tuple of tensors: give [data] if it is one batch, and list(data) if they are several"
        )
    if isinstance(data, DataLoader) and data.persistent_workers:
        raise BadInput(
            "data: a DataLoader with persistent_workers=True has one walk at a time, that of training: give the tracker"
            " one of its own"
        )


def check_ranks(data: object, *, shared: bool) -> None:
    """Refuse a rank's part of the data where a loss is of all, and a part with examples of another rank's in it."""
    sampler = getattr(data, "sampler", None)
    if not isinstance(sampler, DistributedSampler) or sampler.num_replicas == 1:
        return
    if not shared:
        raise BadInput(
            "data: DistributedSampler gives every rank a part: give the tracker a loader of all the data, or the ranks'"
            " group as well, and a tracker on each"
        )
    examples: Any = sampler.dataset
    if sampler.total_size > len(examples):
        raise BadInput(
            f"data: DistributedSampler gives {sampler.total_size} examples to the ranks where there are"
            f" {len(examples)}, some of them twice: give the tracker loaders of parts of your own"
        )
