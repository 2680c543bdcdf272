"""Evaluating a user's module in the middle of training, so that training goes on as if nothing had happened.

Inside the context the module works on copies of its buffers (running statistics move with every evaluation in training
mode), and random numbers come from a forked generator. Its parameters, their `.grad` and its modes are not touched.
Gradients are on, autocast is off, what torch.compile has compiled runs eagerly, and attention is computed by torch's
plain formula: neither compiled code nor the fused kernels have a second derivative.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

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
            torch.inference_mode(mode=False),
            torch.enable_grad(),
            torch.autocast(device.type, enabled=False),
            sdpa_kernel(SDPBackend.MATH),
            _eagerly(),
        ):
            yield
    finally:
        for part, name, buffer in kept:
            setattr(part, name, buffer)


def _eagerly() -> AbstractContextManager[object]:
    """What has been compiled runs as the Python that it was made of, where this version of torch can switch it off."""
    if "torch._dynamo" not in sys.modules or not hasattr(torch.compiler, "set_stance"):
        return nullcontext()  # nothing has been compiled: the compiler takes seconds to load
    eager: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return eager
