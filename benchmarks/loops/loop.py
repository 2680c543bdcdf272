"""A training loop: what the tracker is given, and the loss that is trained with.

A loop is a function without arguments that makes a `Loop`, registered under its kind and its title by `loop`. What it
gives is float32, as in training; `in_double_precision` makes of module and data what the truth is computed with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

Criterion = Callable[[Any, Tensor], Tensor]
FullLoss = Callable[[nn.Module, Any, Tensor], Tensor]
EXAMPLES = 30
_EVERYTHING: dict[str, tuple[str, Callable[[], Loop]]] = {}


@dataclass(frozen=True)
class Loop:
    """Module, criterion and data for the tracker, its options, and the loss of all the data as the user writes it.

    Where the options have data of their own, inputs and targets are all of them at once, for the loss alone.
    """

    module: nn.Module
    criterion: Criterion | None
    inputs: Any
    targets: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    full: FullLoss | None = None  # what the user's loop computes, where it is not criterion(module(inputs), targets)

    def loss(self) -> Tensor:
        """The user's loss on all the data, to be differentiated by the module's parameters."""
        if self.full is not None:
            return self.full(self.module, self.inputs, self.targets)
        assert self.criterion is not None
        return self.criterion(self.module(self.inputs), self.targets)

    @property
    def for_tracker(self) -> tuple[Any, ...]:
        """What the tracker is given besides the options."""
        own = "data" in self.options
        return (self.module,) if own else (self.module, self.criterion, self.inputs, self.targets)

    @property
    def trained(self) -> dict[str, nn.Parameter]:
        """All that requires a gradient, of the module and of a criterion or loss that is one."""
        beside = {"criterion": self.criterion, "loss": self.options.get("loss")}
        named = dict(self.module.named_parameters())
        for name, one in beside.items():
            if isinstance(one, nn.Module):
                named |= {f"{name}.{inner}": own for inner, own in one.named_parameters()}
        return {name: own for name, own in named.items() if own.requires_grad}

    def in_double_precision(self) -> Loop:
        """The same, in float64; the module and a criterion or loss that is one are converted in place."""
        for one in (self.module, self.criterion, self.options.get("loss")):
            if isinstance(one, nn.Module):
                one.double()
        inputs, targets = (
            one.double() if isinstance(one, Tensor) and one.is_floating_point() else one
            for one in (self.inputs, self.targets)
        )
        return Loop(self.module, self.criterion, inputs, targets, self.options, self.full)


def loop(kind: str, title: str) -> Callable[[Callable[[], Loop]], Callable[[], Loop]]:
    """Register what makes a loop, under a title that says what is particular about it."""

    def register(make: Callable[[], Loop]) -> Callable[[], Loop]:
        if title in _EVERYTHING:
            raise ValueError(f"two loops are called {title}")
        _EVERYTHING[title] = kind, make
        return make

    return register


def everything() -> Mapping[str, tuple[str, Callable[[], Loop]]]:
    """Kind and maker of every loop, by its title."""
    from benchmarks.loops import classifiers, language, others, own, physics, running  # noqa: F401  # they register theirs

    return _EVERYTHING


def numbers(*shape: int, seed: int = 1) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def labels(*shape: int, classes: int = 3) -> Tensor:
    """Labels, the classes in turn."""
    return (torch.arange(torch.Size(shape).numel()) % classes).reshape(shape)


def network(*between: nn.Module, inputs: int = 4, width: int = 6, outputs: int = 3) -> nn.Sequential:
    """Two layers with tanh and what is given between them."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, width), *between, nn.Tanh(), nn.Linear(width, outputs))
