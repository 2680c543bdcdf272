"""Whether the micro-batches of a loss make up the full batch: its value and its gradient, on all the data, once.

    L(θ) = w criterion(module(X; θ), Y)   =?   Σ_b w_b criterion(module(X_b; θ), Y_b)

where w_b is what the `weight` of `numeric.networks.loss.FlatLoss` says. Nothing is concluded from samples, shapes or
the name of the criterion: both sides are computed, in double precision where the module can be, to within rounding of
Σ_b |w_b ℓ_b| and Σ_b ‖w_b ∇ℓ_b‖.

The full batch may be more than the memory holds: a quarter of what is free, by what one micro-batch allocates. Then the
data are compared in a random order and micro-batches of twice the size, or of half.

Errors: `BadInput`, naming what the criterion does with its examples where that is known, and the remedy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

import psutil
import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.loss import FlatLoss
from numeric.networks.loss.precision import Results, in_best_precision


def check_composition(loss: FlatLoss) -> None:
    """Refuse micro-batches that do not make up the full batch, at the module's present weights."""
    if loss.in_micro_batches:
        in_best_precision(loss, _compare)


def _compare(loss: FlatLoss) -> None:
    at = loss.parameters
    whole, expected, slope = _otherwise_divided(loss, at)
    if not (expected.isfinite() and slope.isfinite().all()):
        return  # nothing to compare with: at the start `check_start` refuses it
    value, gradient = torch.zeros_like(expected), torch.zeros_like(slope)
    sizes = torch.zeros(2, dtype=torch.float64)
    for term, part in loss.terms(at):
        value += term
        gradient += part
        sizes += torch.stack([term.double().abs(), part.double().norm()]).cpu()
    differences = torch.stack([(value - expected).double().abs(), (gradient - slope).double().norm()]).cpu()
    if not (differences <= _nearness(at) * sizes).all():
        _refuse(loss, whole, float(value), float(expected))


def _refuse(loss: FlatLoss, whole: FlatLoss, value: float, expected: float) -> NoReturn:
    if _neighbours_matter(loss):
        raise BadInput("an example's output depends on the examples beside it: leave micro_batch out")
    said = f"the micro-batches make up {value:.6g}, the full batch {expected:.6g}"

    def explains(weight: float | Callable[[Tensor], float] | None) -> bool:
        """Whether it is that weight with which they make up the same."""
        losses = [replace(part, weight=weight) for part in (loss, whole)]
        one, other = (float(part.value_and_gradient(part.parameters)[0]) for part in losses)
        return abs(one - other) <= _nearness(loss.parameters) * abs(other)

    if loss.weight is None and explains(1.0):
        raise BadInput(f"{said}: the criterion adds up the examples; give weight=1, or by what the sum is multiplied")
    if loss.weight is not None and explains(None):
        raise BadInput(f"{said}: the criterion takes the mean over the examples; leave weight out")
    raise BadInput(
        f"{said}: the criterion does not weigh every example alike (class weights, ignored labels?), or"
        " compares them with each other; give weight, a function that counts in the targets of a micro-batch what the"
        " criterion takes the mean over, or leave micro_batch out"
    )


def _neighbours_matter(loss: FlatLoss) -> bool:
    """Whether outputs, if they have an example a row, change with what else is in the micro-batch."""
    inputs = loss.inputs[: 2 * (loss.micro_batch or 1)]
    together = loss.module(inputs)
    if not isinstance(together, Tensor) or not together.ndim or len(together) != len(inputs):
        return False
    apart = torch.cat([loss.module(part) for part in inputs.split(loss.micro_batch or 1)])
    return bool((together - apart).norm() > _nearness(together) * together.norm())


def _nearness(values: Tensor) -> float:
    """Relative; not below 1e-6, as the weights may have been added up in float32."""
    return max(float(torch.finfo(values.dtype).eps ** 0.5), 1e-6)


def _otherwise_divided(loss: FlatLoss, at: Tensor) -> tuple[FlatLoss, Tensor, Tensor]:
    """All examples at once, or in another order and micro-batches of another size; with value and gradient."""
    total, size, fitting = len(loss.inputs), loss.micro_batch or 1, _fitting(loss)
    order = torch.randperm(total, generator=torch.Generator().manual_seed(0)).to(loss.inputs.device)

    def divided(number: int) -> tuple[FlatLoss, Tensor, Tensor]:
        inputs, targets = (one if number == total else one[order] for one in (loss.inputs, loss.targets))
        other = replace(loss, inputs=inputs, targets=targets, micro_batch=number)
        return other, *other.value_and_gradient(at)

    for number in (total, 2 * size):
        if number <= fitting:
            try:
                return divided(number)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
    return divided(max(1, size // 2))


def out_of_memory(error: RuntimeError) -> bool:
    """Whether it says that there is no memory left, on a GPU or a CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _fitting(loss: FlatLoss) -> int:
    """How many examples a quarter of the free memory holds."""
    inputs, targets, _ = next(loss.micro_batches())
    with Results() as allocated:
        loss.criterion(loss.module(inputs), targets)
    device = inputs.device
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    return int(free / 4 / max(1, allocated.bytes) * len(inputs))
