"""Evaluating a user's module in the middle of training, so that training goes on as if nothing had happened.

Inside the context the module works on copies of its buffers (running statistics move with every evaluation in training
mode), and random numbers come from a forked generator. Its parameters, their `.grad` and its modes are not touched.
Gradients are on, autocast is off, and attention is computed by torch's plain formula: the fused kernels have no second
derivative.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """A context in which the module may be evaluated and differentiated twice without a trace."""
    device = next(module.parameters()).device
    devices = [device] if device.type == "cuda" else []
    kept = [
        (part, name, buffer)
        for part in module.modules()
        for name, buffer in part.named_buffers(recurse=False, remove_duplicate=False)
    ]
    copies: dict[int, Tensor] = {}  # a buffer that two modules share stays shared
    try:
        for part, name, buffer in kept:
            setattr(part, name, copies.setdefault(id(buffer), buffer.clone()))
        with (
            torch.random.fork_rng(devices),
            torch.enable_grad(),
            torch.autocast(device.type, enabled=False),
            sdpa_kernel(SDPBackend.MATH),
        ):
            yield
    finally:
        for part, name, buffer in kept:
            setattr(part, name, buffer)
