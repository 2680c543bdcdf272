"""Whether a loss is the same number when it is evaluated again: with other random numbers, and after a first time.

What draws is named: the innermost part of the module before and after which some generator stands elsewhere. What
changes with every evaluation may do so by the module's own attributes, which are taken back, or by something else.
The remedy is that for what is found: the evaluation mode where the loss repeats itself in it.

Errors: `BadInput`, in one line that names what draws or changes, and the remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from eos_sym import BadInput
from numeric.networks.loss import BatchedLoss
from numeric.networks.tracker.undisturbed import changes_in_place, random_state, undisturbed

MODE = "give the tracker mode='eval', or put the module in .eval() mode while it is made and steps"
_APART = "let it depend on weights and data alone, and count or draw outside of it, in the training loop"
REPETITIONS = 64  # where random numbers are drawn: a layer left out in 1 of 10 draws is in and out among them
AT_LEAST = 16  # where none are seen to be: drawn elsewhere, by the operating system


def check_repeats(sample: BatchedLoss, order: int) -> None:
    """Refuse a loss that changes when evaluated again, or whose evaluation could not be taken back."""
    module, drawing = sample.whole, list[str]()

    with undisturbed(module, order=order):
        arrays, state = changes_in_place(sample.named_modules()), random_state(module)
        with _watched(sample, drawing):
            (first,) = _values(sample, 1)
        if not drawing and random_state(module) != state:
            drawing.append(f"the {sample.function_name}")
        for name, (array, content) in changes_in_place(sample.named_modules()).items():
            if name in arrays and arrays[name][0] == array and arrays[name][1] != content:
                raise BadInput(
                    f"evaluating the module changes its '{name}' in place: make it a buffer, register_buffer"
                )
        repeated = _values(sample, REPETITIONS if drawing else AT_LEAST)
    with undisturbed(module, order=order):
        from_the_same_state = _values(sample, 1)
    if _differ([first, *from_the_same_state]):
        raise BadInput(
            "the loss is another when it is evaluated again: evaluating it changes what is no attribute of the module"
            f" (a global counter, a generator of its own); {_APART}"
        )
    if _differ([first, *repeated]):
        raise BadInput(_told(sample, drawing, order))


def named(name: str, part: nn.Module) -> str:
    """A part of the module in words."""
    return f"{type(part).__name__} {name!r}" if name else type(part).__name__


def _told(sample: BatchedLoss, drawing: list[str], order: int) -> str:
    """What makes it change, and what to do about it."""
    said = "the loss is another when it is evaluated again: evaluating the module changes it"
    remedy = _APART
    if drawing:
        said = f"the full-batch loss is random: {drawing[0]} draws random numbers"
        remedy = "draw them once, before, and keep them in a buffer or with the data"
    if any(part.training for _, part in sample.named_modules()):
        with undisturbed(sample.whole, order=order):
            sample.whole.eval()
            if not _differ(_values(sample, REPETITIONS)):
                remedy = MODE + ", or switch it off (p = 0)" * bool(drawing)
    return f"{said}; {remedy}"


def _values(sample: BatchedLoss, number: int) -> list[Tensor]:
    """The loss of the sample, so many times."""
    batch, _ = next(sample.batches())
    return [sample.evaluate(batch).detach() for _ in range(number)]


def _differ(values: list[Tensor]) -> bool:
    """Whether by more than rounding."""
    first, *others = values
    return any(bool((one - first).abs() > 16 * torch.finfo(first.dtype).eps * first.abs()) for one in others)


@contextmanager
def _watched(sample: BatchedLoss, drawing: list[str]) -> Iterator[None]:
    """Collect the innermost parts of the module that draw random numbers, the first one first."""
    entered, whole, parts = list[list[bytes]](), sample.whole, [*sample.named_modules()]

    def enter(_part: nn.Module, _inputs: object) -> None:
        entered.append(random_state(whole))

    def leave(name: str) -> Callable[[nn.Module, object, object], None]:
        def compare(part: nn.Module, _inputs: object, _outputs: object) -> None:
            if entered.pop() != random_state(whole):
                drawing.append(named(name, part))

        return compare

    handles = [part.register_forward_pre_hook(enter) for _, part in parts]
    handles += [part.register_forward_hook(leave(name)) for name, part in parts]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
