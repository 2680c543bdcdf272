"""The examples of a DataLoader, or of any batches of inputs and targets, as two tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from eos_sym import BadInput


def gather(batches: Iterable[Sequence[Tensor]]) -> tuple[Tensor, Tensor]:
    """Inputs (n, …) and targets (n, …) of all batches; shuffling draws no random numbers of the training loop's.

    The batches are gone through once: what a loader augments at random stays as it was drawn.
    """
    one_by_one = isinstance(batches, DataLoader) and batches.batch_size is None and batches.batch_sampler is None
    if one_by_one or isinstance(batches, Dataset):
        raise BadInput("these are examples one by one: give a DataLoader with a batch_size")
    holders = (batches, getattr(batches, "sampler", None))
    generators = [found for holder in holders if (found := getattr(holder, "generator", None)) is not None]
    states = [generator.get_state() for generator in generators]
    with torch.random.fork_rng(devices=[]):
        try:
            pairs = [_pair(batch) for batch in batches]
        except TypeError as error:
            raise BadInput(f"{error}: give a DataLoader, or a list of pairs of tensors") from error
    for generator, state in zip(generators, states, strict=True):
        generator.set_state(state)
    if not pairs:
        raise BadInput("there are no batches: an iterator is gone through once; give the loader itself")
    inputs, targets = zip(*pairs, strict=True)
    try:
        return torch.cat(inputs), torch.cat(targets)
    except RuntimeError as error:
        shapes = sorted({str(tuple(part.shape[1:])) for part in (*inputs, *targets)})
        raise BadInput(f"the batches do not fit together: examples of the shapes {', '.join(shapes)}") from error


def _pair(batch: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    if not isinstance(batch, list | tuple) or len(batch) != 2 or not all(isinstance(part, Tensor) for part in batch):
        raise BadInput(f"a batch is a {type(batch).__name__}: must be a pair of tensors, inputs and targets")
    inputs, targets = batch
    if not inputs.ndim or not targets.ndim or len(inputs) != len(targets):
        shapes = f"{tuple(inputs.shape)} and {tuple(targets.shape)}"
        raise BadInput(f"a batch of inputs and targets of the shapes {shapes}: must be as many of both")
    return inputs, targets
