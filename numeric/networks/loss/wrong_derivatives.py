"""Operations of torch whose higher derivatives are wrong without a word, found in the graph of a computed loss.

    layer normalization          from the third derivative on: its double backward takes mean and variance, which the
    batch, instance norm.        forward pass has saved, for constants; for batch normalization only while it uses the
                                 statistics of the batch
    weight normalization         from the second derivative on, the Hessian: the same with the norm of the weights
    reentrant checkpointing      from the first: the weights inside a checkpoint are no part of the graph

Measured with torch 2.13 on a CPU against finite differences, besides some eighty other operations: right to the fourth
derivative are group and root-mean-square normalization, the activations, poolings, convolutions, recurrent layers,
attention computed by the "math" backend, and the criteria. An operation of which torch knows to have no further
derivative raises by itself; see `numeric.networks.curvature.directional`.

The graph is looked at, not the modules: so a functional call is found as well, and a layer that is not in use is not.
A loss that takes derivatives itself (the residual of a differential equation, a gradient penalty, steps of an inner
training) needs an order more for each, and of forward mode the first is wrong already. The graph does not tell how many
were taken: `DerivativesTaken` watches the loss being computed.

Errors: `BadInput` naming the operation, the layers of the module that may be meant, and what to use for it. Source:
pytorch issues 175754 (layer normalization) and 186256 (batch normalization).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.autograd.function import BackwardCFunction
from torch.utils._python_dispatch import TorchDispatchMode

from eos_sym import BadInput


@dataclass(frozen=True)
class Trap:
    """An operation of torch, the order of its first wrong derivative, the layers made of it, and what to use for it."""

    operation: str
    first_wrong: int
    layers: tuple[str, ...]
    remedy: str


ELEMENTARY = "numeric.networks.architectures.normalization"
LAYER = Trap("layer normalization", 3, ("LayerNorm",), f"use LayerNorm of {ELEMENTARY}")
BATCH = Trap(
    "batch or instance normalization",
    3,
    tuple(f"{kind}Norm{dims}d" for kind in ("Batch", "Instance") for dims in (1, 2, 3)),
    f"use BatchNorm of {ELEMENTARY}",
)
CHECKPOINT = Trap("checkpointing with use_reentrant=True", 1, (), "give use_reentrant=False to checkpoint()")
WEIGHT = Trap("weight normalization", 2, ("_WeightNorm",), "write g v/‖v‖ out of elementary operations")

TRAPS: Mapping[str, Trap] = MappingProxyType(
    {
        "NativeLayerNormBackward0": LAYER,
        "NativeBatchNormBackward0": BATCH,
        "CudnnBatchNormBackward0": BATCH,
        "MiopenBatchNormBackward0": BATCH,
        "WeightNormInterfaceBackward0": WEIGHT,
        "CheckpointFunctionBackward": CHECKPOINT,
    }
)
_FORWARD: Mapping[str, Trap] = MappingProxyType(
    {
        "native_layer_norm": LAYER,
        "native_batch_norm": BATCH,
        "cudnn_batch_norm": BATCH,
        "miopen_batch_norm": BATCH,
        "_weight_norm_interface": WEIGHT,
    }
)


def refuse_wrong_derivatives(value: Tensor, order: int, module: nn.Module | None = None) -> None:
    """Raise `BadInput` if the graph of this value has an operation whose derivative of that order is wrong."""
    for node in _nodes(value):
        trap = TRAPS.get(node.name())
        if trap is None or order < trap.first_wrong or not getattr(node, "_saved_training", True):
            continue
        raise BadInput(
            f"{trap.operation}{_layers(trap, module)}: torch's own has silently wrong derivatives of order "
            f"{trap.first_wrong} and more; {trap.remedy}"
        )


def custom_operations(value: Tensor) -> list[str]:
    """The operations of a graph whose backward pass is not torch's own: compiled, hooks, `torch.autograd.Function`."""
    custom = [type(node).__name__ for node in _nodes(value) if isinstance(node, BackwardCFunction)]
    return sorted({name.removesuffix("Backward") for name in custom})


def parameters_in(value: object) -> list[Tensor]:
    """The tensors that the graph of a value, or of values in tuples, lists and dictionaries, begins with."""
    if isinstance(value, Tensor):
        return [node.variable for node in _nodes(value) if hasattr(node, "variable")]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    return [leaf for part in parts for leaf in parameters_in(part)]


class DerivativesTaken(TorchDispatchMode):
    """Within this context, derivatives that can be differentiated further are noted if torch's own are wrong there."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._traps: list[Trap] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        trap = _FORWARD.get(name.removesuffix("_backward"))
        reverse = name.endswith("_backward") and torch.is_grad_enabled()
        forward = getattr(forward_ad, "_current_level", -1) >= 0
        if trap is not None and (reverse or forward) and not (trap is BATCH and _by_running_statistics(func, args)):
            self._traps.append(trap)
        return func(*args, **(kwargs or {}))

    def refuse_wrong(self, module: nn.Module) -> None:
        """Raise `BadInput` if the gradient or the Hessian of what was computed is wrong for the derivatives in it."""
        for trap in self._traps:
            raise BadInput(
                f"the loss takes derivatives itself, through {trap.operation}{_layers(trap, module)}, of which torch's"
                f" own has silently wrong ones; {trap.remedy}"
            )


def _by_running_statistics(func: Any, args: Any) -> bool:
    """Whether a batch normalization is called, or differentiated, in evaluation mode."""
    arguments = {argument.name: value for argument, value in zip(func._schema.arguments, args, strict=False)}
    return not arguments.get("training", arguments.get("train", True))


def _layers(trap: Trap, module: nn.Module | None) -> str:
    """The layers of the module that may be meant, in brackets."""
    names = [name for name, layer in _modules(module) if type(layer).__name__ in trap.layers]
    return f" ({', '.join(names)})" if names else ""


def _modules(module: nn.Module | None) -> Iterator[tuple[str, nn.Module]]:
    return iter(()) if module is None else module.named_modules()


def _nodes(value: Tensor) -> Iterator[Any]:
    """Every node of the graph that computed the value."""
    waiting: list[Any] = [value.grad_fn]
    seen = {None}
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            yield node
            waiting.extend(earlier for earlier, _ in node.next_functions)
