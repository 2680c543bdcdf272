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
Errors: `BadInput` naming the operation, the layers of the module that may be meant, and what to use for it. Source:
pytorch issues 175754 (layer normalization) and 186256 (batch normalization).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

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


def refuse_wrong_derivatives(value: Tensor, order: int, module: nn.Module | None = None) -> None:
    """Raise `BadInput` if the graph of this value has an operation whose derivative of that order is wrong."""
    for node in _nodes(value):
        trap = TRAPS.get(node.name())
        if trap is None or order < trap.first_wrong or not getattr(node, "_saved_training", True):
            continue
        names = [name for name, layer in _modules(module) if type(layer).__name__ in trap.layers]
        where = f" ({', '.join(names)})" if names else ""
        raise BadInput(
            f"{trap.operation}{where}: torch's own has silently wrong derivatives of order {trap.first_wrong} and "
            f"more; {trap.remedy}"
        )


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
