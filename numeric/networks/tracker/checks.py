"""What makes a loss that is no function of the weights, or not known to torch; detected by evaluating it, and refused.

On a sample, up to `SAMPLE` examples spread over the data or a batch of the user's own: that the loss is one number that
depends on the weights, through the module's attributes alone; that it is the same one when evaluated again
(`numeric.networks.tracker.repeats`); that labels are classes the module has outputs for; that torch's first and second
derivatives of it are right (`numeric.networks.tracker.derivatives`). Then, on all of them: that batches make up the
full batch, and are the same when walked through again (`numeric.networks.tracker.composition`), and that the loss is
finite.

Errors: `BadInput` for every one of these, in one line that names the input and the remedy.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from eos_sym import BadInput
from eos_sym.errors import out_of_memory
from numeric.networks.loss import BatchedLoss, DerivativesTaken, FlatLoss
from numeric.networks.loss.precision import Results
from numeric.networks.loss.streamed_loss import CriterionOfPairs
from numeric.networks.loss.wrong_derivatives import parameters_in
from numeric.networks.tracker.composition import check_composition
from numeric.networks.tracker.derivatives import ALONE, check_derivatives
from numeric.networks.tracker.repeats import MODE, check_repeats, named
from numeric.networks.tracker.undisturbed import undisturbed

SAMPLE = 64
_FOR_CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss)


def check_evaluation(loss: BatchedLoss, optimizer: Optimizer | None = None, order: int = 2) -> bool:
    """Refuse a loss that, in the mode the module is in, is random, no scalar, or no function of the weights.

    Also one that micro-batches do not make up, one in which the optimizer moves parameters that are not the module's,
    and where derivatives of order 2 are needed one that torch does not know them of. Whether there was anything to look
    at: of a loss that is not finite nothing is known.
    """
    _check_parts(loss)
    with undisturbed(loss.whole, *loss.sources, order=order), evaluated(loss):
        with _parameters_kept(loss):
            sample, value = _evaluated_sample(loss)
        _check_value(value, loss.function_name)
        if not value.isfinite():
            return False  # at the start `check_start` refuses it, later a reading is NaN
        _check_parameters(sample, optimizer)
        check_repeats(sample, order)
        if order > 1:
            check_derivatives(sample)
        check_composition(loss)
    return True


def check_start(loss: BatchedLoss, order: int = 2) -> None:
    """Refuse a loss that is not finite at the present weights."""
    with undisturbed(loss.whole, *loss.sources, order=order), evaluated(loss):
        value, _ = loss.value_and_gradient(loss.parameters)
    if not value.isfinite():
        empty = ", or give weight if a batch has nothing that counts" if loss.in_batches else ""
        raise BadInput(
            f"the loss is {float(value)} at the start: begin with smaller weights, or rescale the inputs{empty}"
        )


@contextmanager
def enough_memory(loss: BatchedLoss) -> Iterator[None]:
    """Say which batch there was no memory for."""
    try:
        yield
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        if not isinstance(loss, FlatLoss):
            raise BadInput("no memory for a batch: let the data give smaller ones") from error
        size = min(loss.micro_batch or len(loss.inputs), len(loss.inputs))
        remedy = f"give micro_batch, less than {size}" if size > 1 else "take a smaller network, or another device"
        raise BadInput(f"no memory for {size} example{'s' * (size > 1)} at once: {remedy}") from error


@contextmanager
def evaluated(loss: BatchedLoss) -> Iterator[None]:
    """Say of any error in the user's code that it does not fit the examples."""
    try:
        with enough_memory(loss):
            yield
    except BadInput:
        raise
    except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = (str(error).splitlines() or [""])[0]
        if isinstance(error, KeyError | AttributeError) or not reason:
            reason = f"{type(error).__name__} {reason}".rstrip()
        if ("derivative" in reason and "not implemented" in reason) or "once_differentiable" in reason:
            raise BadInput(
                f"{reason.rstrip('.')}: write the operation out in torch's own; for recurrent layers on a GPU,"
                f" torch.backends.cudnn.flags(enabled=False) while the tracker is made and steps; or {ALONE}"
            ) from error
        raise BadInput(f"module and {loss.function_name} fail on these examples: {reason}") from error


def _check_parts(loss: BatchedLoss) -> None:
    """Refuse modules whose evaluation is not their own affair, by what they are."""
    ranks = torch.distributed.get_world_size() if _distributed() else 1
    for name, part in loss.named_modules():
        said = named(name, part)
        if type(part).__name__ == "_SpectralNorm" and part.training:
            raise BadInput(f"{said} iterates whenever it is evaluated, so the loss changes: {MODE}")
        by_batch = isinstance(part, _BatchNorm) and (part.training or not part.track_running_stats)
        if by_batch and loss.in_batches and loss.of_examples:
            raise BadInput(
                f"{said} normalizes every micro-batch by itself, so that they do not add up to the full"
                f" batch: {loss.remedy}, or {MODE}"
            )
        if isinstance(part, nn.SyncBatchNorm) and part.training and ranks > 1:
            raise BadInput(f"{said} waits for the other ranks: track on all of them at the same steps, or {MODE}")
        if type(part).__name__ == "FullyShardedDataParallel" or any(map(_sharded, part.parameters(recurse=False))):
            raise BadInput(f"{said} is sharded over the ranks: give the tracker a copy that is whole")
        if isinstance(part, nn.parallel.DistributedDataParallel):
            raise BadInput(f"{said} waits for the other ranks: give the tracker a module without it")
        if isinstance(part, torch.jit.ScriptModule):
            raise BadInput(f"{said} is scripted: give the tracker the module that it was made of")
        if getattr(part, "sparse", None) is True:
            raise BadInput(f"{said} has sparse gradients, which have no second derivative: build it with sparse=False")


@contextmanager
def _parameters_kept(loss: BatchedLoss) -> Iterator[None]:
    """Refuse a loss that changes parameters when it is evaluated, and take that back."""
    kept = {name: own.detach().clone() for name, own in loss.named_parameters.items()}
    try:
        yield
    finally:
        now = loss.named_parameters
        changed = [name for name, value in kept.items() if not torch.allclose(now[name], value, 0, 0, equal_nan=True)]
        with torch.no_grad():
            for name in changed:
                now[name].copy_(kept[name])
    if changed:
        raise BadInput(
            f"evaluating the module changes its '{changed[0]}' in place (max_norm?), so the loss is no function of"
            " the weights: change them after the optimizer's step"
        )


def _sharded(parameter: Tensor) -> bool:
    return type(getattr(parameter, "data", parameter)).__name__ == "DTensor"


def _distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _evaluated_sample(loss: BatchedLoss) -> tuple[BatchedLoss, Tensor]:
    """A sample of the data with its value; or what is in memory at a time, where of the sample there is none."""
    for sample in _samples(loss):
        batch, _ = next(sample.batches())
        try:
            with DerivativesTaken() as taken, Results() as results:
                if isinstance(loss, FlatLoss):
                    _check_pair(loss.criterion, loss.module(batch[0]), batch[1], loss.targets)
                elif isinstance(loss.function, CriterionOfPairs):
                    inputs, targets = loss.function.pair(batch)
                    _check_pair(loss.function.criterion, loss.module(inputs), targets, targets)
                value = sample.evaluate(batch)
        except BadInput:
            raise
        except (RuntimeError, ValueError, LookupError, TypeError, AttributeError):
            if sample.size == loss.size or loss.in_batches:
                raise
            continue  # the module, or the criterion, is made for as many examples as there are
        taken.refuse_wrong(loss.module)
        if results.precisions and torch.finfo(results.coarsest).eps > torch.finfo(torch.float32).eps:
            raise BadInput(
                f"the loss is computed in {results.coarsest} (autocast in the forward pass?), which rounds too much for"
                " second derivatives: switch that off while the tracker is made and steps"
            )
        if not isinstance(value, Tensor) or value.isfinite().all():
            break
    return sample, value


def _samples(loss: BatchedLoss) -> Iterator[BatchedLoss]:
    """The sample, and every batch by itself."""
    yield loss.sample(SAMPLE)
    for batch, _ in loss.batches():
        yield loss.only(batch)


def _check_pair(criterion: Callable[[Any, Any], Any], outputs: object, targets: object, labels: object) -> None:
    """Refuse what a criterion cannot compare, or compares otherwise than is meant; of tensors alone."""
    if isinstance(outputs, Tensor) and isinstance(targets, Tensor) and isinstance(labels, Tensor):
        _check_labels(criterion, labels, outputs)
        _check_broadcast(criterion, targets, outputs)


def _check_labels(criterion: Callable[[Any, Any], Any], labels: Tensor, outputs: Tensor) -> None:
    """Refuse labels without an output, which on a GPU would end the process."""
    for_classes = isinstance(criterion, _FOR_CLASSES) or criterion in (functional.cross_entropy, functional.nll_loss)
    if not for_classes or labels.is_floating_point() or outputs.ndim < 2:
        return
    classes, ignored = outputs.shape[1], getattr(criterion, "ignore_index", -100)
    wrong = ((labels < 0) | (labels >= classes)) & (labels != ignored)
    if wrong.any():
        label, example = int(labels[wrong][0]), int(wrong.nonzero()[0, 0])
        raise BadInput(f"label {label} of example {example}: the module has outputs for labels 0 to {classes - 1}")


def _check_broadcast(criterion: Callable[[Any, Any], Any], targets: Tensor, outputs: Tensor) -> None:
    """Refuse outputs (n, 1) beside targets (n,) if each is compared with each: then the targets' order is nothing."""
    if not targets.is_floating_point() or targets.ndim == 0 or len(targets) < 2:
        return
    if outputs.shape == targets.shape or outputs.shape[:1] != targets.shape[:1] or outputs.numel() != targets.numel():
        return
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.rand(targets.shape, generator=generator).to(targets) for _ in range(2))
    blind = False
    with warnings.catch_warnings(), suppress(RuntimeError, ValueError, TypeError):
        warnings.simplefilter("ignore")
        value, shifted, changed = (criterion(outputs, given) for given in (one, one.roll(1, 0), other))
        blind = torch.allclose(value, shifted) and not torch.allclose(value, changed)
    if blind:
        raise BadInput(
            f"an output has the shape {tuple(outputs.shape[1:])}, a target {tuple(targets.shape[1:])}: reshape the"
            " targets, or every output is compared with every target"
        )


def _check_value(value: object, by: str) -> None:
    if not isinstance(value, Tensor):
        other = "; give a loss(model, batch) that takes it from there" if by == "loss" else ""
        raise BadInput(f"the {by} gives a {type(value).__name__}: must be a tensor, the mean over examples{other}")
    if value.ndim:
        raise BadInput(f"the {by} gives a tensor of shape {tuple(value.shape)}: must be a mean, reduction='mean'")
    if not value.requires_grad:
        raise BadInput("the loss does not depend on the module's parameters: is it detached, or under no_grad?")


def _check_parameters(sample: BatchedLoss, optimizer: Optimizer | None) -> None:
    """Refuse a loss in which parameters are trained that θ does not hold, or not by way of the module's attributes."""
    leaves = {name: piece.detach().requires_grad_() for name, piece in sample.split(sample.parameters).items()}
    batch, _ = next(sample.batches())
    known = {id(own): name for name, own in sample.named_parameters.items()}
    moved = {id(one) for group in optimizer.param_groups for one in group["params"]} if optimizer else None
    for leaf in parameters_in(sample.at(leaves, batch)):
        name = known.get(id(leaf))
        if name in leaves:
            raise BadInput(
                f"the loss is not differentiated as a function of its parameters: the module uses '{name}' itself,"
                " through a list or a cache of its own instead of its attributes"
            )
        if name is None and (isinstance(leaf, nn.Parameter) if moved is None else id(leaf) in moved):
            raise BadInput(
                f"the loss uses trained parameters that neither module nor {sample.function_name} has: keep them in"
                f" nn.ModuleList or ParameterList, or make the {sample.function_name} an nn.Module that has them; or"
                " freeze what is not trained"
            )
