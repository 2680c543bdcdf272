"""What a tracker is given, looked at before anything is evaluated: module, data, and the parameters that are chosen.

    L(θ) = criterion(module(X; θ), Y)        of tensors:              `checked_loss`
    L(θ) = Σ_b w_b loss(module(θ), b)        of the user's own batches: `checked_stream`; a criterion of torch's takes
                                             them for pairs (X_b, Y_b)

The kinds, devices and precisions of module and data, that tensors are as long as each other and finite, that batches
can be walked through again, and that names of parameters mean some.

Errors: `BadInput` for every one of these, in one line that names the input and the remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn
from torch.nn.modules.loss import _Loss
from torch.nn.parameter import is_lazy

from eos_sym import BadInput
from numeric.networks.data.stream import Batches, Stream, check_ranks
from numeric.networks.data.stream import Weight as BatchWeight
from numeric.networks.loss import BatchedLoss, FlatLoss, StreamedLoss
from numeric.networks.loss.batched_loss import Selection
from numeric.networks.loss.streamed_loss import CriterionOfPairs, OwnLoss

Criterion = Callable[[Tensor, Tensor], Tensor]
Weight = float | Callable[[Tensor], Tensor | float] | None
Chosen = str | Iterable[str] | Selection | None


def checked_loss(
    module: nn.Module,
    criterion: Criterion,
    inputs: Tensor,
    targets: Tensor,
    micro_batch: int | None = None,
    weight: Weight = None,
    parameters: Chosen = None,
) -> FlatLoss:
    """The loss of a module on examples that fit it in number, device and precision, and are finite."""
    module = _checked_module(module)
    for name, values in (("inputs", inputs), ("targets", targets)):
        if not isinstance(values, Tensor) or not values.ndim:
            raise BadInput(
                f"{name}: must be a tensor with an example a row, not {type(values).__name__}; give loss, a function of"
                " module and batch, and data, the batches, instead of criterion, inputs and targets"
            )
        if values.layout != torch.strided:
            raise BadInput(f"{name} are sparse: give {name}.to_dense()")
    selected = _selection(parameters)
    loss = FlatLoss(module, inputs, targets, criterion, micro_batch, weight, selected)
    dtype, device = _checked_parameters(loss)
    for name, values in (("inputs", inputs), ("targets", targets)):
        if values.device != device:
            raise BadInput(
                f"{name} are on {values.device}, the module on {device}: move them with .to({str(device)!r})"
            )
        if values.is_floating_point() and values.dtype != dtype:
            raise BadInput(f"{name} are {values.dtype}, the module {dtype}: convert them with .to({dtype})")
        if not (finite := values.isfinite()).all():
            raise BadInput(f"{name}: not finite in example {int((~finite).nonzero()[0, 0])}")
    return loss


def checked_stream(
    module: nn.Module,
    function: OwnLoss | None,
    data: Batches,
    weight: BatchWeight = None,
    parameters: Chosen = None,
    *,
    shared: bool = False,
) -> StreamedLoss:
    """The user's own loss of batches that can be walked through; of a part of them if ranks share them."""
    module = _checked_module(module)
    check_ranks(data, shared=shared)
    if function is not None and not callable(function):
        raise BadInput(f"loss: must be a function of module and batch, not {type(function).__name__}")
    if function and (isinstance(function, _Loss) or getattr(function, "__module__", None) == "torch.nn.functional"):
        function = CriterionOfPairs(function)
    loss = StreamedLoss(module, Stream(data, weight), function, _selection(parameters))
    _checked_parameters(loss)
    return loss


def _checked_module(module: nn.Module) -> nn.Module:
    if not isinstance(module, nn.Module):
        raise BadInput(f"module: must be an nn.Module, not {type(module).__name__}")
    if torch.is_inference_mode_enabled():
        raise BadInput("torch.inference_mode() keeps no derivatives: leave it before, or use torch.no_grad()")
    module = _unwrapped(module)
    if any(parameter.is_meta for parameter in module.parameters()):
        raise BadInput("the module's parameters are on the device meta, without values: move them with .to_empty()")
    if any(map(is_lazy, module.parameters())):
        raise BadInput("the module has lazy parameters, of no shape yet: call it once before the tracker is made")
    return module


def _unwrapped(module: nn.Module) -> nn.Module:
    """The module that was compiled, or copied to several devices: it has the same parameters, and waits for nobody."""
    while isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel) or hasattr(module, "_orig_mod"):
        module = next(module.children())
    return module


def _checked_parameters(loss: BatchedLoss) -> tuple[torch.dtype, torch.device]:
    """The precision and the device that all trained parameters have."""
    if isinstance(loss.selected, _Named):
        loss.selected.check([name for name, own in loss.named_parameters.items() if own.requires_grad])
    _check_sharing(loss)
    kinds = {(parameter.dtype, parameter.device) for parameter in loss.trainable.values()}
    if len(kinds) > 1 or next(iter(kinds))[0] not in (torch.float32, torch.float64):
        found = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds))
        raise BadInput(f"the module's parameters are {found}: must be all float32 or all float64, on one device")
    ((dtype, device),) = kinds
    return dtype, device


def _check_sharing(loss: BatchedLoss) -> None:
    """Refuse parameters that are two and have the same memory: a step moves both twice, and θ holds it twice."""
    places: dict[tuple[torch.device, int], str] = {}
    for name, parameter in loss.trainable.items():
        other = places.setdefault((parameter.device, parameter.data_ptr()), name) if parameter.numel() else name
        if other != name:
            raise BadInput(
                f"'{other}' and '{name}' are two parameters in the same memory: make them one, by assignment"
            )


def _selection(chosen: Chosen) -> Selection | None:
    if chosen is None or callable(chosen):
        return chosen
    if not isinstance(chosen, Iterable):
        raise BadInput(f"parameters: must be names, which may have a *, or a function, not {type(chosen).__name__}")
    patterns = (chosen,) if isinstance(chosen, str) else tuple(chosen)
    if any(not isinstance(one, str) for one in patterns):
        raise BadInput("parameters: give names, such as '2.weight' or 'head.*', or a function of name and parameter")
    return _Named(patterns)


@dataclass(frozen=True)
class _Named:
    """The choice of what has one of these names, in which * stands for anything."""

    patterns: tuple[str, ...]

    def __call__(self, name: str, _own: nn.Parameter) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.patterns)

    def check(self, names: list[str]) -> None:
        """Refuse a pattern that none of these names has."""
        for pattern in self.patterns:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise BadInput(f"parameters: nothing trained is called '{pattern}'; there are {', '.join(names)}")
