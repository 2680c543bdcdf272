"""The loss of a network on a data set as a function of one vector θ, the flat view of all its trainable parameters.

    L(θ) = Σ_b w_b criterion(module(X_b; θ), Y_b)

over micro-batches b of at most `micro_batch` of the n examples, at the memory of one of them. The same number as on all
examples at once, if `weight` says what the criterion makes of its examples:

    None            a mean over examples         w_b = n_b/n
    a number w      a sum over examples          w_b = w; 1 for reduction="sum", 1/n for a sum that is divided later
    a function c    a mean over what c counts    w_b = c(Y_b)/Σ c(Y_b): of a micro-batch's targets the tokens that are
                                                 not ignored, or the sum of their class weights

A micro-batch without weight, where such a mean is 0/0, is left out. What θ holds, and how a loss is evaluated there, is
said in `numeric.networks.loss.batched_loss`.

Shapes: θ (p,), inputs (n, …), targets (n, …). Errors: `BadInput` for inputs and targets that are no tensors, differ in
number, or are none; for a module without trainable parameters, for a micro-batch below 1, and for weights that are
negative, not finite, or all zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from eos_sym import BadInput
from numeric.networks.loss.batched_loss import BatchedLoss, Selection
from numeric.values import positive_number


@dataclass(frozen=True)
class FlatLoss(BatchedLoss):
    """The loss of a module on examples, as a function of the flat vector θ; differentiable as often as torch can."""

    module: nn.Module
    inputs: Tensor
    targets: Tensor
    criterion: Callable[[Tensor, Tensor], Tensor]
    micro_batch: int | None = None
    weight: float | Callable[[Tensor], Tensor | float] | None = None
    selected: Selection | None = None
    function_name = "criterion"

    def __post_init__(self) -> None:
        if not isinstance(self.inputs, Tensor) or not isinstance(self.targets, Tensor):
            raise BadInput("a FlatLoss is of module, inputs, targets and criterion, in this order; the two are tensors")
        if not len(self.inputs):
            raise BadInput("there are no examples: give at least one")
        if len(self.inputs) != len(self.targets):
            raise BadInput(f"{len(self.inputs)} inputs and {len(self.targets)} targets: give one target an input")
        self._check_trainable()
        if self.micro_batch is not None and self.micro_batch < 1:
            raise BadInput(f"micro_batch = {self.micro_batch}: must be 1 or more")
        if callable(self.weight) and not sum(self._counts) > 0:
            raise BadInput("weight: the targets count for nothing, so that there is no mean over them")
        if self.weight is not None and not callable(self.weight):
            positive_number("weight", self.weight)

    @property
    def function(self) -> Callable[[Tensor, Tensor], Tensor]:
        """The criterion."""
        return self.criterion

    @property
    def size(self) -> int:
        """How many examples there are."""
        return len(self.inputs)

    @property
    def in_batches(self) -> bool:
        """Whether there are more examples than are in memory at a time."""
        return self.micro_batch is not None and self.micro_batch < len(self.inputs)

    @property
    def count(self) -> float | None:
        """What the mean is over, counted."""
        return math.fsum(self._counts) if self.weight is None or callable(self.weight) else None

    def batches(self) -> Iterator[tuple[tuple[Tensor, Tensor], float]]:
        """Inputs and targets of every micro-batch that has any weight, and that weight w_b."""
        size = self.micro_batch or len(self.inputs)
        for inputs, targets, weight in zip(
            self.inputs.split(size), self.targets.split(size), self._weights, strict=True
        ):
            if weight:
                yield (inputs, targets), weight

    def evaluate(self, batch: tuple[Tensor, Tensor]) -> Any:
        """The criterion of the module's outputs."""
        inputs, targets = batch
        return self.criterion(self.module(inputs), targets)

    def outputs(self, parameters: Mapping[str, Tensor], inputs: Tensor) -> Any:
        """What the module gives of inputs with these parameters, by the names of `trainable`."""
        with self.given(parameters):
            return self.module(inputs)

    of_examples = True
    remedy = "leave micro_batch out"

    @cached_property
    def _weights(self) -> list[float]:
        if self.weight is not None and not callable(self.weight):
            return [float(self.weight)] * len(self._counts)
        total = math.fsum(self._counts)
        return [count / total for count in self._counts]

    @cached_property
    def _counts(self) -> list[float]:
        """What the criterion takes the mean over, of each micro-batch."""
        count = self.weight if callable(self.weight) else len
        counts = [float(count(targets)) for targets in self.targets.split(self.micro_batch or len(self.inputs))]
        if wrong := [one for one in counts if not 0 <= one < math.inf]:
            raise BadInput(f"weight: counts {wrong[0]} in a micro-batch's targets; must be 0 or more, and finite")
        return counts

    def sample(self, most: int) -> FlatLoss:
        """The loss of up to so many examples, spread over the data, at once."""
        size = min(len(self.inputs), most, self.micro_batch or most)
        chosen = torch.linspace(0, len(self.inputs) - 1, size).long().to(self.inputs.device)
        return self.only((self.inputs[chosen], self.targets[chosen]))

    def only(self, batch: tuple[Tensor, Tensor]) -> FlatLoss:
        """The loss of these examples alone, at once."""
        inputs, targets = batch
        return replace(self, inputs=inputs, targets=targets, micro_batch=None, weight=None)

    def in_double(self, module: nn.Module, function: Callable[[Tensor, Tensor], Tensor]) -> FlatLoss:
        """The same of data in float64, by these module and criterion."""
        inputs, targets = (one.double() if one.is_floating_point() else one for one in (self.inputs, self.targets))
        return replace(self, module=module, criterion=function, inputs=inputs, targets=targets)
