"""Whether the batches of a loss make up the whole: its value and its gradient, on all the data, computed otherwise.

    L(θ) = w criterion(module(X; θ), Y)   =?   Σ_b w_b criterion(module(X_b; θ), Y_b)        of tensors
    L(θ) = Σ_b w_b ℓ(b)                   =?   Σ_b w_b' ℓ(b') + w_b" ℓ(b")                   of the user's own batches

where w_b is what the `weight` of `numeric.networks.loss.FlatLoss` says, or of a stream; b' and b" are the halves of b.
Nothing is concluded from samples, shapes or the name of the criterion: both sides are computed, in double precision
where the module can be, to within rounding of Σ_b |w_b ℓ_b| and Σ_b ‖w_b ∇ℓ_b‖.

The full batch of tensors may be more than the memory holds: a quarter of what is free, by what one micro-batch
allocates. Then the data are compared in a random order and micro-batches of twice the size, or of half.

The batches of a stream are walked through twice, and must have the same loss: so a loader may shuffle, but not leave
examples out or change them. Where its weight is a number the batches are what they are, and are not divided; where they
cannot be, what the loss is a mean over has to be said.

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
from eos_sym.errors import out_of_memory
from numeric.networks.data import batch as contents
from numeric.networks.loss import BatchedLoss, FlatLoss, StreamedLoss
from numeric.networks.loss.precision import Results, in_best_precision


def check_composition(loss: BatchedLoss) -> None:
    """Refuse batches that do not make up the whole, at the module's present weights."""
    if loss.in_batches:
        in_best_precision(loss, _compare)


def _compare(loss: BatchedLoss) -> None:
    if isinstance(loss, FlatLoss):
        whole, expected = _otherwise_divided(loss)
        if expected.differs_from(here := _Sum(loss.parameters).add_all(loss)):
            _refuse(loss, whole, float(here.value), float(expected.value))
    elif isinstance(loss, StreamedLoss):
        here = _compare_halves(loss) if loss.of_examples else _Sum(loss.parameters).add_all(loss)
        again = _Sum(loss.parameters).add_all(loss)
        if again.differs_from(here):
            raise BadInput(
                f"data: in a walk through them the loss is {float(here.value):.6g}, in another"
                f" {float(again.value):.6g}: {loss.stream.cause}"
            )


def _compare_halves(loss: StreamedLoss) -> _Sum:
    """The loss in a walk, after a look that it is the mean over what is counted in its batches."""
    here, halved, total = _Sum(loss.parameters), _Sum(loss.parameters), 0.0
    for batch, weight in loss.batches():
        here.add(weight, loss.only(batch))
        for part in contents.halves(batch) or (batch,):
            count = loss.stream.count(part)
            total += count
            if count:
                _add_half(halved, count, loss.only(part), said=loss.stream.weight is not None)
    halved.divide(total)
    if halved.differs_from(here):
        raise BadInput(
            f"the loss is {float(here.value):.6g}, with every batch in two halves {float(halved.value):.6g}: it is no"
            f" mean over the {'examples' if loss.stream.weight is None else 'counts that weight gives'}, or compares"
            " examples with each other; give weight, a function of a batch that counts what the loss is the mean over"
            f" (tokens, labels, class weights), weight=1 if it is a sum, or {loss.as_they_are}"
        )
    return here


def _add_half(halved: _Sum, count: float, half: StreamedLoss, *, said: bool) -> None:
    try:
        halved.add(count, half)
    except BadInput:
        raise
    except (RuntimeError, ValueError, LookupError, TypeError) as error:
        if not said:
            raise BadInput(
                "data: half a batch has no loss, so that it cannot be seen what the loss is the mean over: give weight,"
                f" a function of a batch that counts it, or {half.as_they_are}"
            ) from error
        halved.value.fill_(torch.nan)  # nothing is known of it


class _Sum:
    """A loss and its gradient, at the present weights, and how large the terms are that they are added up from."""

    def __init__(self, at: Tensor) -> None:
        self.at = at
        self.value, self.gradient = at.new_zeros(()), torch.zeros_like(at)
        self.sizes = torch.zeros(2, dtype=torch.float64)

    def add(self, weight: float, loss: BatchedLoss) -> None:
        """So many times that of a loss."""
        for term, part in loss.terms(self.at):
            self.value += weight * term
            self.gradient += weight * part
            self.sizes += abs(weight) * torch.stack([term.double().abs(), part.double().norm()]).cpu()

    def add_all(self, loss: BatchedLoss) -> _Sum:
        """That of a loss."""
        self.add(1.0, loss)
        return self

    def divide(self, total: float) -> None:
        """By the sum of the weights."""
        for one in (self.value, self.gradient, self.sizes):
            one /= total

    def differs_from(self, other: _Sum) -> bool:
        """Whether by more than rounding; not where this one is not finite, which `check_start` refuses at the start."""
        if not (self.value.isfinite() and self.gradient.isfinite().all()):
            return False
        differences = torch.stack(
            [(self.value - other.value).double().abs(), (self.gradient - other.gradient).double().norm()]
        )
        return not bool((differences.cpu() <= _nearness(self.at) * other.sizes).all())


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


def _otherwise_divided(loss: FlatLoss) -> tuple[FlatLoss, _Sum]:
    """The loss of all examples at once, or in another order and micro-batches of another size."""
    total, size, fitting = len(loss.inputs), loss.micro_batch or 1, _fitting(loss)
    order = torch.randperm(total, generator=torch.Generator().manual_seed(0)).to(loss.inputs.device)

    def divided(number: int) -> tuple[FlatLoss, _Sum]:
        inputs, targets = (one if number == total else one[order] for one in (loss.inputs, loss.targets))
        other = replace(loss, inputs=inputs, targets=targets, micro_batch=number)
        return other, _Sum(loss.parameters).add_all(other)

    for number in (total, 2 * size):
        if number <= fitting:
            try:
                return divided(number)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
    return divided(max(1, size // 2))


def _fitting(loss: FlatLoss) -> int:
    """How many examples a quarter of the free memory holds."""
    (inputs, targets), _ = next(loss.batches())
    with Results() as allocated:
        loss.evaluate((inputs, targets))
    device = inputs.device
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    return int(free / 4 / max(1, allocated.bytes) * len(inputs))
