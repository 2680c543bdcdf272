"""What makes a full-batch loss that is no function of the weights, or no mean over the examples; detected, and refused.

    L(θ) = (1/n) Σ ℓ(module(xᵢ; θ), yᵢ)

Looked at before anything is evaluated: the kinds, lengths, devices and precisions of module and data, and that the data
are finite. Then, on up to `SAMPLE` examples spread over the data: that the loss is one number that depends on the
weights, through the outputs alone, and the same one when evaluated again with other random numbers; that torch's second
derivatives of it are right; that labels are classes the module has outputs for; that the criterion does not add up the
examples. In micro-batches, whose mean must be the loss, also: that the criterion weighs every example alike, and that
no output depends on the examples beside it. Last, that the loss of all examples is finite.

Errors: `BadInput` for every one of these, in one line that names the input and the remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from eos_sym import BadInput
from numeric.networks.curvature import HessianAt
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.undisturbed import undisturbed

SAMPLE = 64
SYMMETRY = 0.01  # relative: far above rounding in float32
_REPETITIONS = 64  # where random numbers are drawn: a layer left out in 1 of 10 draws is in and out among them
_FOR_CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss)
_MODE = "make the tracker and call its step with the module in .eval() mode"

Criterion = Callable[[Tensor, Tensor], Tensor]


def checked_loss(
    module: nn.Module, criterion: Criterion, inputs: Tensor, targets: Tensor, micro_batch: int | None = None
) -> FlatLoss:
    """The loss of a module on examples that fit it in number, device and precision, and are finite."""
    if not isinstance(module, nn.Module):
        raise BadInput(f"module: must be an nn.Module, not {type(module).__name__}")
    for name, values in (("inputs", inputs), ("targets", targets)):
        if not isinstance(values, Tensor) or not values.ndim:
            raise BadInput(f"{name}: must be a tensor with an example a row, not {type(values).__name__}; see gather")
    loss = FlatLoss(module, inputs, targets, criterion, micro_batch)
    parameters = list(loss.trainable.values())
    kinds = {(parameter.dtype, parameter.device) for parameter in parameters}
    if len(kinds) > 1 or parameters[0].dtype not in (torch.float32, torch.float64):
        found = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds))
        raise BadInput(f"the module's parameters are {found}: must be all float32 or all float64, on one device")
    ((dtype, device),) = kinds
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


def check_evaluation(loss: FlatLoss, *, elsewhere: bool = False) -> None:
    """Refuse a loss that, in the mode the module is in, is random, no scalar, or no mean over examples.

    Also one whose derivatives are not those of a function of the weights; `elsewhere`, at other than the present ones.
    """
    size = min(len(loss.inputs), SAMPLE, max(2, loss.micro_batch or SAMPLE))
    spread = torch.linspace(0, len(loss.inputs) - 1, size).long().to(loss.inputs.device)
    inputs, targets = loss.inputs[spread], loss.targets[spread]
    in_micro_batches = loss.micro_batch is not None and loss.micro_batch < len(loss.inputs)
    _check_power_iteration(loss.module)
    with undisturbed(loss.module), evaluated(loss):
        if in_micro_batches:
            _check_batch_normalization(loss.module)
            if isinstance(loss.criterion, _FOR_CLASSES) and loss.criterion.weight is not None:
                _refuse_weights()
        outputs = loss.module(inputs)
        _check_labels(loss, outputs)
        _check_broadcast(loss, outputs)
        value = loss.criterion(outputs, targets)
        _check_value(value)
        if not value.isfinite():
            return  # nothing to compare; at the start `check_start` refuses it, later a reading is NaN
        if isinstance(outputs, Tensor) and loss.criterion(outputs.detach(), targets).requires_grad:
            raise BadInput("the criterion uses parameters itself (a penalty?): let only the module's outputs enter it")
        _check_repeats(loss, inputs, targets)
        _check_gradient(loss, inputs, targets, elsewhere=elsewhere)
        if isinstance(outputs, Tensor) and outputs.ndim and len(outputs) == size > 1:
            _check_mean(loss.criterion, outputs, targets, in_micro_batches)
            if in_micro_batches:
                parts = torch.cat([loss.module(part) for part in inputs.split(size // 2)])
                if not torch.allclose(outputs, parts, rtol=_tolerance(outputs), atol=_tolerance(outputs)):
                    raise BadInput("an example's output depends on the examples beside it: leave micro_batch out")


def check_start(loss: FlatLoss) -> None:
    """Refuse a loss that is not finite at the present weights."""
    with undisturbed(loss.module), evaluated(loss), torch.no_grad():
        value = sum(share * loss.criterion(loss.module(x), y) for x, y, share in loss.micro_batches())
    if not torch.as_tensor(value).isfinite():
        raise BadInput(f"the loss is {float(value)} at the start: begin with smaller weights, or rescale the inputs")


@contextmanager
def enough_memory(loss: FlatLoss) -> Iterator[None]:
    """Say which batch there was no memory for."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        size = min(loss.micro_batch or len(loss.inputs), len(loss.inputs))
        raise BadInput(f"no memory for {size} examples at once: give micro_batch, less than {size}") from error


@contextmanager
def evaluated(loss: FlatLoss) -> Iterator[None]:
    """Say of any error in the module or the criterion that these do not fit the examples."""
    try:
        with enough_memory(loss):
            yield
    except BadInput:
        raise
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(f"module and criterion fail on these examples: {reason}") from error


def _check_power_iteration(module: nn.Module) -> None:
    for name, part in module.named_modules():
        if type(part).__name__ == "_SpectralNorm" and part.training:
            raise BadInput(f"{_named(name, part)} iterates whenever it is evaluated, so the loss changes: {_MODE}")


def _check_batch_normalization(module: nn.Module) -> None:
    for name, part in module.named_modules():
        if isinstance(part, _BatchNorm) and (part.training or not part.track_running_stats):
            raise BadInput(
                f"{_named(name, part)} normalizes every micro-batch by itself, so that they do not add up to the full"
                f" batch: leave micro_batch out, or {_MODE}"
            )


def _check_labels(loss: FlatLoss, outputs: Tensor) -> None:
    """Refuse labels without an output, which on a GPU would end the process."""
    criterion, labels = loss.criterion, loss.targets
    for_classes = isinstance(criterion, _FOR_CLASSES) or criterion in (functional.cross_entropy, functional.nll_loss)
    if not for_classes or labels.is_floating_point() or not isinstance(outputs, Tensor) or outputs.ndim < 2:
        return
    classes, ignored = outputs.shape[1], getattr(criterion, "ignore_index", -100)
    wrong = ((labels < 0) | (labels >= classes)) & (labels != ignored)
    if wrong.any():
        label, example = int(labels[wrong][0]), int(wrong.nonzero()[0, 0])
        raise BadInput(f"label {label} of example {example}: the module has outputs for labels 0 to {classes - 1}")


def _check_broadcast(loss: FlatLoss, outputs: Tensor) -> None:
    """Refuse outputs (n, 1) beside targets (n,), which an elementwise criterion compares each with each."""
    given = loss.targets.shape[1:]
    if not isinstance(outputs, Tensor) or not outputs.ndim or not loss.targets.is_floating_point():
        return
    if len(outputs) > 1 and outputs.shape[1:] != given and outputs.shape[1:].numel() == given.numel():
        raise BadInput(
            f"an output has the shape {tuple(outputs.shape[1:])}, a target {tuple(given)}: reshape the targets, or "
            "every output is compared with every target"
        )


def _check_value(value: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise BadInput(f"the criterion gives a {type(value).__name__}: must be a tensor, the mean over examples")
    if value.ndim:
        raise BadInput(f"the criterion gives a tensor of shape {tuple(value.shape)}: must be a mean, reduction='mean'")
    if not value.requires_grad:
        raise BadInput("the loss does not depend on the module's parameters: is it detached, or under no_grad?")


def _check_repeats(loss: FlatLoss, inputs: Tensor, targets: Tensor) -> None:
    """Refuse a loss that changes when evaluated again."""
    drawing: list[str] = []
    with torch.no_grad(), _watched(loss.module, drawing):
        before = _random_state(inputs.device)
        first = loss.criterion(loss.module(inputs), targets)
        if not drawing and not torch.equal(before, _random_state(inputs.device)):
            drawing.append("the criterion")
    with torch.no_grad():
        for _ in range(_REPETITIONS if drawing else 1):
            again = loss.criterion(loss.module(inputs), targets)
            if (again - first).abs() > 16 * torch.finfo(first.dtype).eps * first.abs():
                reason = f"{drawing[0]} draws random numbers" if drawing else "evaluating the module changes it"
                raise BadInput(f"the full-batch loss is random: {reason}; {_MODE}, or switch it off (p = 0)")


@contextmanager
def _watched(module: nn.Module, drawing: list[str]) -> Iterator[None]:
    """Collect the innermost parts of the module that draw random numbers, the first one first."""
    device, entered = next(module.parameters()).device, list[Tensor]()

    def enter(_part: nn.Module, _inputs: object) -> None:
        entered.append(_random_state(device))

    def leave(name: str) -> Callable[[nn.Module, object, object], None]:
        def compare(part: nn.Module, _inputs: object, _outputs: object) -> None:
            if not torch.equal(entered.pop(), _random_state(device)):
                drawing.append(_named(name, part))

        return compare

    handles = [part.register_forward_pre_hook(enter) for part in module.modules()]
    handles += [part.register_forward_hook(leave(name)) for name, part in module.named_modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _check_gradient(loss: FlatLoss, inputs: Tensor, targets: Tensor, *, elsewhere: bool) -> None:
    """Compare the gradient as a function of θ with that of the module itself; and see that the Hessian is symmetric."""
    present = loss.parameters
    point = 1.01 * present + 1e-3 if elsewhere else present
    sample = FlatLoss(loss.module, inputs, targets, loss.criterion)
    hessian = HessianAt(sample, point)
    gradient = hessian.gradient
    image = hessian.product(gradient[:, None])[:, 0]
    again = hessian.product(image[:, None])[:, 0]
    try:
        if elsewhere:
            loss.load(point)
        value = loss.criterion(loss.module(inputs), targets)
        slopes = torch.autograd.grad(value, [*loss.trainable.values()], allow_unused=True, materialize_grads=True)
    finally:
        if elsewhere:
            loss.load(present)
    own = torch.cat([slope.reshape(-1) for slope in slopes])
    if (own - gradient).norm() > _tolerance(own) * own.norm():
        checkpointed = ", or it is checkpointed, which midpoints are not for" if elsewhere else ""
        raise BadInput(
            "the loss is not differentiated as a function of its parameters: the module reaches them through a list or"
            f" a cache of its own instead of its attributes{checkpointed}"
        )
    asymmetry = abs(gradient.double() @ again.double() - image.double().square().sum())
    if asymmetry > SYMMETRY * (image.double().square().sum() + 0.01 * gradient.double().norm() * again.double().norm()):
        raise BadInput(
            "the Hessian's products are not symmetric: an operation (once_differentiable?) has no second derivative"
        )


def _check_mean(criterion: Criterion, outputs: Tensor, targets: Tensor, in_micro_batches: bool) -> None:
    """Compare the loss with those of two parts, at the same outputs: batch normalization is none of its business."""
    with torch.no_grad():
        half = len(outputs) // 2
        whole = criterion(outputs, targets).double()
        parts = [criterion(outputs[part], targets[part]).double() for part in (slice(half), slice(half, None))]
    share = half / len(outputs)
    near = 100 * torch.finfo(outputs.dtype).eps * max(abs(part) for part in (whole, *parts))
    if abs(share * parts[0] + (1 - share) * parts[1] - whole) <= near:
        return
    if abs(parts[0] + parts[1] - whole) <= near:
        raise BadInput("the criterion adds up the examples: must be their mean, reduction='mean'")
    if in_micro_batches:
        _refuse_weights()


def _refuse_weights() -> NoReturn:
    raise BadInput(
        "the criterion does not weigh every example alike (class weights, ignored labels), so that micro-batches"
        " do not add up to the full batch: leave micro_batch out"
    )


def _tolerance(values: Tensor) -> float:
    """Far above rounding, far below what a wrong formula changes."""
    return float(torch.finfo(values.dtype).eps ** 0.5)


def _named(name: str, part: nn.Module) -> str:
    return f"{type(part).__name__} {name!r}" if name else type(part).__name__


def _random_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()
