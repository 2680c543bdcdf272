"""Where a network is cut: what is before is expanded, what is after is applied as it is.

    L(θ) = loss(head(e(θ); θ))

The head is the module's last linear layer and the layers without parameters just before it: the activation above all;
and the linear layers before these, as long as the head has no more than `SHARE` of the weights, so that a step on the
model costs no more than that of one of training. It is found by running the module: its output must be the layer's own,
that layer's input the output of a layer that has no parameters, and so on back. What enters the head, e(θ), are then
hidden pre-activations; if they are those of the first layer, e is linear in the weights. Where a module does not end in
a linear layer, or computes its activations by functions, what enters the linear layer, or the outputs, are taken: with
fewer things exact, the expansion is less accurate, and no less general.

Shapes: e (N,), that of all examples in one vector; head weights are those of θ at `places`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.func import functional_call

from numeric.networks.loss import FlatLoss

SHARE = 0.1  # of the weights
AGREEMENT = 1e-10  # relative, of the head's outputs with the module's


@dataclass(frozen=True)
class Cut:
    """The loss of a module, cut before these layers of it; none stands for the outputs."""

    loss: FlatLoss
    head: nn.Sequential

    @cached_property
    def _trained(self) -> dict[str, str]:
        """The head's own names of its trained parameters, and those that the loss has for them."""
        names = {id(own): name for name, own in self.loss.trainable.items()}
        return {own: names[id(value)] for own, value in self.head.named_parameters() if id(value) in names}

    @cached_property
    def places(self) -> Tensor:
        """Where in θ the head's weights are, (h,)."""
        positions = self.loss.split(torch.arange(len(self.loss.parameters)))
        found = [positions[name].reshape(-1) for name in self._trained.values()]
        return torch.cat(found) if found else torch.zeros(0, dtype=torch.long)

    def entering(self, weights: Tensor) -> Tensor:
        """e(θ), (N,)."""
        return torch.cat([one.detach().reshape(-1) for one in self._entering(weights)])

    @cached_property
    def shapes(self) -> list[torch.Size]:
        """The shape of what enters the head, for every micro-batch."""
        return [one.shape for one in self._entering(self.loss.parameters)]

    def _entering(self, weights: Tensor) -> Iterator[Tensor]:
        named = self.loss.split(weights)
        for (inputs, _), _ in self.loss.batches():
            if len(self.head):
                with _given_to(self.head[0]) as seen:
                    self.loss.outputs(named, inputs)
                yield seen[-1]
            else:
                yield self.loss.outputs(named, inputs)

    def loss_of(self, values: Tensor, head_weights: Tensor) -> Tensor:
        """The loss of what enters the head and of its weights (h,), a scalar that can be differentiated."""
        own = dict(self.head.named_parameters())
        pieces = head_weights.split([own[name].numel() for name in self._trained])
        given = {name: piece.view_as(own[name]) for name, piece in zip(self._trained, pieces, strict=True)}
        parts = values.split([shape.numel() for shape in self.shapes])
        total = values.new_zeros(())
        for part, shape, ((_, targets), weight) in zip(parts, self.shapes, self.loss.batches(), strict=True):
            entering = part.view(shape).clone()  # an activation may work in place
            outputs = functional_call(self.head, given, (entering,)) if len(self.head) else entering
            total = total + weight * self.loss.criterion(outputs, targets)
        return total


def find_cut(loss: FlatLoss) -> Cut | None:
    """The earliest cut that the module's layers show; none of a module whose outputs are not one tensor."""
    (inputs, _), _ = next(loss.batches())
    with _calls(loss.module) as calls:
        outputs = loss.outputs(loss.split(loss.parameters), inputs)
    if not isinstance(outputs, Tensor):
        return None
    layers: list[nn.Module] = []
    sought: object = outputs
    for layer, entered, made in reversed(calls):
        if made is not sought:
            continue
        free = not any(True for _ in layer.parameters())
        last = isinstance(layer, nn.Linear) and not any(isinstance(after, nn.Linear) for after in layers)
        small = isinstance(layer, nn.Linear) and _weights_of(*layers, layer) <= SHARE * len(loss.parameters)
        once = sum(other is layer for other, _, _ in calls) == 1
        if entered is None or not once or not (free or last or small):
            break
        layers.insert(0, layer)
        sought = entered
    for first in range(len(layers)):
        cut = Cut(loss, nn.Sequential(*layers[first:]))
        if _agrees(cut, inputs, outputs):
            return cut
    return Cut(loss, nn.Sequential())


def _weights_of(*layers: nn.Module) -> int:
    return sum(own.numel() for layer in layers for own in layer.parameters())


def _agrees(cut: Cut, inputs: Tensor, outputs: Tensor) -> bool:
    """Whether the head makes the module's outputs of what enters it."""
    if not any(isinstance(layer, nn.Linear) for layer in cut.head):
        return False
    with _given_to(cut.head[0]) as seen:
        cut.loss.outputs(cut.loss.split(cut.loss.parameters), inputs)
        again = cut.head(seen[-1])
    return again.shape == outputs.shape and bool((again - outputs).norm() <= AGREEMENT * outputs.norm())


@contextmanager
def _given_to(layer: nn.Module) -> Iterator[list[Tensor]]:
    """What enters a layer while the context lasts."""
    seen: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    try:
        yield seen
    finally:
        hook.remove()


@contextmanager
def _calls(module: nn.Module) -> Iterator[list[tuple[nn.Module, object, object]]]:
    """The layers without parts that are called while the context lasts, what each is given and what it makes of it."""
    found: list[tuple[nn.Module, object, object]] = []
    hooks = [
        layer.register_forward_hook(
            lambda own, given, made: found.append((own, given[0] if len(given) == 1 else None, made))
        )
        for layer in module.modules()
        if not any(True for _ in layer.children())
    ]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
