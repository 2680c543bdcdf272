"""How a module is run: compiled, copied, checkpointed, in low precision, with hooks and functions of one's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torch.utils.checkpoint import checkpoint

from benchmarks.loops.loop import EXAMPLES, Loop, labels, loop, network, numbers
from benchmarks.loops.others import IN_PARTS, plain

RUN = "how it is run"


class Rounded(torch.autograd.Function):
    """Rounding whose derivative is said to be 1."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return (4 * values).round() / 4

    @staticmethod
    def backward(ctx: Any, slopes: Tensor) -> Tensor:
        return slopes


class Own(torch.autograd.Function):
    """tanh, whose backward pass is computed of numbers that are detached."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.slope = 1 - values.tanh().square()
        return values.tanh()

    @staticmethod
    def backward(ctx: Any, slopes: Tensor) -> Tensor:
        slope: Tensor = slopes * ctx.slope
        return slope


class Applied(nn.Module):
    """A function of torch.autograd as a layer."""

    def __init__(self, function: type[torch.autograd.Function]) -> None:
        super().__init__()
        self.function = function

    def forward(self, values: Tensor) -> Any:
        return self.function.apply(values)  # type: ignore[no-untyped-call]


@loop(RUN, "quantized activations, a straight-through gradient")
def _() -> Loop:
    return plain(network(Applied(Rounded)))


@loop(RUN, "a backward pass of one's own, without a derivative")
def _() -> Loop:
    return plain(network(Applied(Own)))


class Checkpointed(nn.Module):
    def __init__(self, *, reentrant: bool) -> None:
        super().__init__()
        self.body, self.reentrant = network(), reentrant

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = checkpoint(self.body, inputs.clone().requires_grad_(), use_reentrant=self.reentrant)
        return outputs


@loop(RUN, "checkpointed")
def _() -> Loop:
    return plain(Checkpointed(reentrant=False), **IN_PARTS)


@loop(RUN, "checkpointed, use_reentrant=True")
def _() -> Loop:
    return plain(Checkpointed(reentrant=True))


@loop(RUN, "torch.compile of the module")
def _() -> Loop:
    module = network()
    return Loop(
        torch.compile(module, backend="aot_eager"),
        nn.CrossEntropyLoss(),
        numbers(EXAMPLES, 4),
        labels(EXAMPLES),
        full=lambda _, inputs, targets: functional.cross_entropy(module(inputs), targets),
    )


@loop(RUN, "torch.compile of a layer")
def _() -> Loop:
    module = network()
    inside = nn.Sequential(torch.compile(module[0], backend="aot_eager"), *module[1:])
    return Loop(
        inside,
        nn.CrossEntropyLoss(),
        numbers(EXAMPLES, 4),
        labels(EXAMPLES),
        full=lambda _, inputs, targets: functional.cross_entropy(module(inputs), targets),
    )


@loop(RUN, "torch.compile of the criterion")
def _() -> Loop:
    return Loop(
        network(),
        torch.compile(nn.MSELoss(), backend="aot_eager"),
        numbers(EXAMPLES, 4),
        numbers(EXAMPLES, 3),
        full=lambda module, inputs, targets: functional.mse_loss(module(inputs), targets),
    )


@loop(RUN, "torch.jit.script")
def _() -> Loop:
    return plain(torch.jit.script(network()))


@loop(RUN, "DataParallel")
def _() -> Loop:
    return plain(nn.DataParallel(network()))


@loop(RUN, "mixed precision: autocast around the forward pass")
def _() -> Loop:
    def full(module: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=inputs.dtype == torch.float32):
            return functional.cross_entropy(module(inputs), targets)

    return Loop(network(), nn.CrossEntropyLoss(), numbers(EXAMPLES, 4), labels(EXAMPLES), full=full)


@loop(RUN, "mixed precision: autocast within the module")
def _() -> Loop:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = network()

        def forward(self, inputs: Tensor) -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                outputs: Tensor = self.body(inputs)
            return outputs.to(inputs)

    return plain(Mixed())


@loop(RUN, "weights in bfloat16")
def _() -> Loop:
    return plain(network().bfloat16())


@loop(RUN, "hooks that clip the gradients")
def _() -> Loop:
    module = network()
    for own in module.parameters():
        own.register_hook(lambda slope: slope.clamp(-0.01, 0.01) if slope.dtype == torch.float32 else slope)
    return Loop(module, nn.CrossEntropyLoss(), numbers(EXAMPLES, 4), labels(EXAMPLES))


@loop(RUN, "a hook that changes gradients on their way back")
def _() -> Loop:
    module = network()
    module[1].register_full_backward_hook(lambda _part, slopes, _outputs: tuple(0.5 * slope for slope in slopes))
    return plain(module)


@loop(RUN, "spectral normalization in training mode")
def _() -> Loop:
    return plain(network(spectral_norm(nn.Linear(6, 6))))


@loop(RUN, "spectral normalization in evaluation mode")
def _() -> Loop:
    return plain(network(spectral_norm(nn.Linear(6, 6))).eval())


@loop(RUN, "weight normalization")
def _() -> Loop:
    return plain(network(weight_norm(nn.Linear(6, 6))))
