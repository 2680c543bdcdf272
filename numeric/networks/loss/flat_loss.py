"""The loss of a network on a data set as a function of one vector θ, the flat view of all its trainable parameters.

    L(θ) = Σ_b w_b criterion(module(X_b; θ), Y_b)

over micro-batches b of at most `micro_batch` of the n examples, at the memory of one of them. The same number as on all
examples at once, if `weight` says what the criterion makes of its examples:

    None            a mean over examples         w_b = n_b/n
    a number w      a sum over examples          w_b = w; 1 for reduction="sum", 1/n for a sum that is divided later
    a function c    a mean over what c counts    w_b = c(Y_b)/Σ c(Y_b): of a micro-batch's targets the tokens that are
                                                 not ignored, or the sum of their class weights

A micro-batch without weight, where such a mean is 0/0, is left out. θ holds the parameters that require a gradient, in
the order of ``module.parameters()``; buffers and frozen parameters stay as they are. A module under
`torch.utils.checkpoint` is computed anew on the way back with its own weights: evaluate it where θ is `loaded`.

Shapes: θ (p,), inputs (n, …), targets (n, …). Errors: `BadInput` for numbers of inputs and targets that differ, for no
examples, for a module without trainable parameters, for a micro-batch below 1, and for weights that are negative, not
finite, or all zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from eos_sym import BadInput
from numeric.values import positive_number


@dataclass(frozen=True)
class FlatLoss:
    """The loss of a module on examples, as a function of the flat vector θ; differentiable as often as torch can."""

    module: nn.Module
    inputs: Tensor
    targets: Tensor
    criterion: Callable[[Tensor, Tensor], Tensor]
    micro_batch: int | None = None
    weight: float | Callable[[Tensor], Tensor | float] | None = None

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets) or not len(self.inputs):
            raise BadInput(f"{len(self.inputs)} inputs and {len(self.targets)} targets: give one target an input")
        if not self.trainable:
            raise BadInput("the module has no parameter that requires a gradient")
        if self.micro_batch is not None and self.micro_batch < 1:
            raise BadInput(f"micro_batch = {self.micro_batch}: must be 1 or more")
        if callable(self.weight) and not sum(self._counts) > 0:
            raise BadInput("weight: the targets count for nothing, so that there is no mean over them")
        if self.weight is not None and not callable(self.weight):
            positive_number("weight", self.weight)

    @property
    def trainable(self) -> dict[str, nn.Parameter]:
        """The parameters that θ is made of, by name."""
        return {name: value for name, value in self.module.named_parameters() if value.requires_grad}

    @property
    def parameters(self) -> Tensor:
        """A copy of the module's present parameters, flattened, (p,)."""
        return nn.utils.parameters_to_vector(self.trainable.values()).detach().clone()

    def load(self, parameters: Tensor) -> None:
        """Write the flat vector into the module."""
        with torch.no_grad():
            for own, piece in zip(self.trainable.values(), self.split(parameters).values(), strict=True):
                own.copy_(piece)

    @contextmanager
    def loaded(self, parameters: Tensor) -> Iterator[None]:
        """The module has these parameters inside the context; a graph that waits for its backward does not notice."""
        kept = [own.data for own in self.trainable.values()]
        try:
            for own, piece in zip(self.trainable.values(), self.split(parameters.detach()).values(), strict=True):
                own.data = piece
            yield
        finally:
            for own, data in zip(self.trainable.values(), kept, strict=True):
                own.data = data

    def split(self, parameters: Tensor) -> dict[str, Tensor]:
        """The flat vector as views of the parameters' shapes, by name."""
        named = self.trainable
        pieces = parameters.split([parameter.numel() for parameter in named.values()])
        return {name: piece.view_as(named[name]) for name, piece in zip(named, pieces, strict=True)}

    def outputs(self, parameters: Mapping[str, Tensor], inputs: Tensor) -> Any:
        """What the module gives of inputs with these parameters, by the names of `trainable`.

        Each is put wherever the module holds it: tied weights into every layer, those of a layer that is used twice
        once. (Left to find ties by itself, functional_call puts these in twice, and the module's own not back.)
        """
        given = {id(own): parameters[name] for name, own in self.trainable.items()}
        places = {
            f"{prefix}.{name}".removeprefix("."): given[id(own)]
            for prefix, part in self.module.named_modules()
            for name, own in part.named_parameters(recurse=False, remove_duplicate=False)
            if id(own) in given
        }
        return functional_call(self.module, places, (inputs,), tie_weights=False)

    @property
    def in_micro_batches(self) -> bool:
        """Whether there are more examples than are in memory at a time."""
        return self.micro_batch is not None and self.micro_batch < len(self.inputs)

    def micro_batches(self) -> Iterator[tuple[Tensor, Tensor, float]]:
        """Inputs, targets and weight w_b of every micro-batch that has any."""
        size = self.micro_batch or len(self.inputs)
        for inputs, targets, weight in zip(
            self.inputs.split(size), self.targets.split(size), self._weights, strict=True
        ):
            if weight:
                yield inputs, targets, weight

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
        return FlatLoss(self.module, self.inputs[chosen], self.targets[chosen], self.criterion)

    def __call__(self, parameters: Tensor) -> Tensor:
        """L(θ), a scalar tensor; its graph holds every micro-batch."""
        named = self.split(parameters)
        terms = [
            weight * self.criterion(self.outputs(named, inputs), targets)
            for inputs, targets, weight in self.micro_batches()
        ]
        return terms[0] if len(terms) == 1 else torch.stack(terms).sum()

    @torch.enable_grad()
    def terms(self, parameters: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Value and gradient, (p,), of every micro-batch's term of L(θ), without a graph."""
        leaves = {name: piece.requires_grad_() for name, piece in self.split(parameters.detach()).items()}
        for inputs, targets, weight in self.micro_batches():
            term = weight * self.criterion(self.outputs(leaves, inputs), targets)
            slopes = torch.autograd.grad(term, list(leaves.values()), allow_unused=True, materialize_grads=True)
            yield term.detach(), torch.cat([slope.reshape(-1) for slope in slopes])

    def value_and_gradient(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """L(θ) and ∇L(θ), (p,), without a graph, a micro-batch at a time."""
        value, gradient = parameters.new_zeros(()), torch.zeros_like(parameters)
        for term, slope in self.terms(parameters):
            gradient += slope
            value += term
        return value, gradient
