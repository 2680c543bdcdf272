"""The loss of a network on a data set as a function of one vector θ, the flat view of all its trainable parameters.

    L(θ) = Σ_b (n_b/n) criterion(module(X_b; θ), Y_b)

over micro-batches b of at most `micro_batch` of the n examples: the same number as on all of them at once, if the
criterion is a mean over examples, at the memory of one micro-batch. θ holds the parameters that require a gradient, in
the order of ``module.parameters()``; buffers and frozen parameters stay as they are. A module under
`torch.utils.checkpoint` is computed anew on the way back with its own weights: load θ into it first.

Shapes: θ (p,), inputs (n, …), targets (n, …). Errors: `BadInput` for numbers of inputs and targets that differ, for no
examples, for a module without trainable parameters, and for a micro-batch below 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from eos_sym import BadInput


@dataclass(frozen=True)
class FlatLoss:
    """The loss of a module on examples, as a function of the flat vector θ; differentiable as often as torch can."""

    module: nn.Module
    inputs: Tensor
    targets: Tensor
    criterion: Callable[[Tensor, Tensor], Tensor]
    micro_batch: int | None = None

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets) or not len(self.inputs):
            raise BadInput(f"{len(self.inputs)} inputs and {len(self.targets)} targets: give one target an input")
        if not self.trainable:
            raise BadInput("the module has no parameter that requires a gradient")
        if self.micro_batch is not None and self.micro_batch < 1:
            raise BadInput(f"micro_batch = {self.micro_batch}: must be 1 or more")

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

    def split(self, parameters: Tensor) -> dict[str, Tensor]:
        """The flat vector as views of the parameters' shapes, by name."""
        named = self.trainable
        pieces = parameters.split([parameter.numel() for parameter in named.values()])
        return {name: piece.view_as(named[name]) for name, piece in zip(named, pieces, strict=True)}

    def micro_batches(self) -> Iterator[tuple[Tensor, Tensor, float]]:
        """Inputs, targets and share n_b/n of every micro-batch."""
        size = self.micro_batch or len(self.inputs)
        for inputs, targets in zip(self.inputs.split(size), self.targets.split(size), strict=True):
            yield inputs, targets, len(inputs) / len(self.inputs)

    def __call__(self, parameters: Tensor) -> Tensor:
        """L(θ), a scalar tensor; its graph holds every micro-batch."""
        named = self.split(parameters)
        terms = [
            share * self.criterion(functional_call(self.module, named, (inputs,)), targets)
            for inputs, targets, share in self.micro_batches()
        ]
        return terms[0] if len(terms) == 1 else torch.stack(terms).sum()

    @torch.enable_grad()
    def value_and_gradient(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """L(θ) and ∇L(θ), (p,), without a graph, a micro-batch at a time."""
        point = parameters.detach().requires_grad_()
        value, gradient = point.new_zeros(()), torch.zeros_like(parameters)
        for inputs, targets, share in self.micro_batches():
            outputs = functional_call(self.module, self.split(point), (inputs,))
            term = share * self.criterion(outputs, targets)
            gradient += torch.autograd.grad(term, point)[0]
            value += term.detach()
        return value, gradient
