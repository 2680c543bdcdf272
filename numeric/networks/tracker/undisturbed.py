"""Evaluating a user's module in the middle of training, so that training goes on as if nothing had happened.

Inside the context the module works on copies of its buffers (running statistics move with every evaluation in training
mode) and of its lists, dictionaries and sets; whatever else it gives its attributes, a counter's next value or a cache,
is taken back. The generators of Python, NumPy and torch, and those that are attributes of the module, go on from where
they were, and so do those of other objects that are named, loaders and samplers. Parameters and their `.grad` are not
touched; what modes are set inside is taken back. Gradients are on, autocast is off, what
torch.compile has compiled runs eagerly, and attention is computed by torch's plain formula: neither compiled code nor
the fused kernels have a second derivative. Where one derivative is enough, attention is computed as it is in training.

What is left is an array that is no buffer and changed in place, of which `changes_in_place` tells, and what is no part
of the module at all: then two evaluations from the same state differ. Both are refused by
`numeric.networks.tracker.checks`.
"""

from __future__ import annotations

import pickle
import random
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

_CONTAINERS = (list, dict, set, deque)
_OF_TORCH = frozenset(vars(nn.Module())) - {"training"}  # what every module has: parameters, buffers, hooks


@contextmanager
def undisturbed(module: nn.Module, *others: object, order: int = 2) -> Iterator[None]:
    """A context in which the module may be evaluated and differentiated so often without a trace."""
    kept = [
        (part, name, buffer)
        for part in module.modules()
        for name, buffer in part.named_buffers(recurse=False, remove_duplicate=False)
    ]
    copies: dict[int, Tensor] = {}  # a buffer that two modules share stays shared
    attributes = [(part, _own_attributes(part)) for part in module.modules()]
    generators = [(generator, generator.read()) for generator in _generators(module, *others)]
    try:
        for part, name, buffer in kept:
            setattr(part, name, copies.setdefault(id(buffer), buffer.clone()))
        for part, own in attributes:
            vars(part).update({name: copy(value) for name, value in own.items() if isinstance(value, _CONTAINERS)})
        with (
            torch.inference_mode(mode=False),
            torch.enable_grad(),
            torch.autocast(next(module.parameters()).device.type, enabled=False),
            sdpa_kernel(SDPBackend.MATH) if order > 1 else nullcontext(),
            _eagerly(),
        ):
            yield
    finally:
        for part, own in attributes:
            for name in _own_attributes(part).keys() - own.keys():
                del vars(part)[name]
            vars(part).update(own)
        for part, name, buffer in kept:
            setattr(part, name, buffer)
        for generator, state in generators:
            generator.write(state)


def _eagerly() -> AbstractContextManager[object]:
    """What has been compiled runs as the Python that it was made of, where this version of torch can switch it off."""
    if "torch._dynamo" not in sys.modules or not hasattr(torch.compiler, "set_stance"):
        return nullcontext()  # nothing has been compiled: the compiler takes seconds to load
    eager: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return eager


def random_state(module: nn.Module) -> list[bytes]:
    """Where the generators are that an evaluation may draw from; equal before and after one that does not."""
    states = (generator.read() for generator in _generators(module))
    return [pickle.dumps(state.tolist() if isinstance(state, Tensor) else state) for state in states]


def changes_in_place(named_modules: Iterable[tuple[str, nn.Module]]) -> dict[str, tuple[int, int]]:
    """Of each array that is an attribute and no buffer which one it is, and the state of its content, by name."""
    found = {}
    for prefix, part in named_modules:
        for name, value in _own_attributes(part).items():
            if isinstance(value, Tensor) and not value.is_inference():
                found[f"{prefix}.{name}".removeprefix(".")] = id(value), value._version
            elif isinstance(value, np.ndarray):
                found[f"{prefix}.{name}".removeprefix(".")] = id(value), hash(value.tobytes())
    return found


class _Generator:
    """A generator of random numbers, by how its state is read and written."""

    def __init__(self, read: Callable[[], Any], write: Callable[[Any], object]) -> None:
        self.read, self.write = read, write


def _generators(module: nn.Module, *others: object) -> list[_Generator]:
    """The global ones, and those that are attributes of the module or of the others."""
    found = [
        _Generator(random.getstate, random.setstate),
        _Generator(np.random.get_state, np.random.set_state),
        _Generator(torch.get_rng_state, torch.set_rng_state),
    ]
    on_devices = torch.cuda.is_available() and {own.device for own in module.parameters() if own.is_cuda}
    for device in on_devices or ():
        found.append(
            _Generator(partial(torch.cuda.get_rng_state, device), partial(torch.cuda.set_rng_state, device=device))
        )
    holders = [_own_attributes(part) for part in module.modules()] + [getattr(one, "__dict__", {}) for one in others]
    for own in holders:
        for attribute in own.values():
            value = getattr(attribute, "__self__", attribute)  # it may be kept as its method
            if isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
                found.append(_Generator(value.getstate, value.setstate))
            elif isinstance(value, torch.Generator | np.random.RandomState):
                found.append(_Generator(value.get_state, value.set_state))
            elif isinstance(value, np.random.Generator):
                bits = value.bit_generator
                found.append(_Generator(partial(getattr, bits, "state"), partial(setattr, bits, "state")))
    return found


def _own_attributes(part: nn.Module) -> dict[str, Any]:
    """What a class of the user's has given the module, besides parameters, buffers and modules."""
    return {name: value for name, value in vars(part).items() if name not in _OF_TORCH}
