"""Classifiers and regressions: what the loss averages over, and what the module gives."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.loops.loop import EXAMPLES, Loop, labels, loop, network, numbers
from numeric.networks.architectures.normalization import BatchNorm

KIND = "classifiers"
CLASS_WEIGHTS = torch.tensor([1.0, 1.0, 9.0])
IN_PARTS: dict[str, Any] = {"micro_batch": 7}


def classifier(module: nn.Module, criterion: Any = None, targets: Tensor | None = None, **options: Any) -> Loop:
    """Of EXAMPLES vectors, by default with the cross-entropy."""
    inputs = numbers(EXAMPLES, 4)
    return Loop(
        module, criterion or nn.CrossEntropyLoss(), inputs, labels(EXAMPLES) if targets is None else targets, options
    )


def convolutional(normalization: nn.Module) -> nn.Module:
    """Two convolutions, a normalization, and a linear layer."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), normalization, nn.GELU(), nn.Conv2d(3, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
    )


def of_images(module: nn.Module, **options: Any) -> Loop:
    return Loop(module, nn.CrossEntropyLoss(), numbers(EXAMPLES, 1, 5, 5), labels(EXAMPLES), options)


@loop(KIND, "cross-entropy, full batch")
def _() -> Loop:
    return classifier(network())


@loop(KIND, "cross-entropy, micro-batches")
def _() -> Loop:
    return classifier(network(), **IN_PARTS)


@loop(KIND, "squared error of one-hot labels, ReLU")
def _() -> Loop:
    one_hot = functional.one_hot(labels(EXAMPLES)).float()
    return classifier(network(nn.ReLU()), nn.MSELoss(), one_hot, **IN_PARTS)


@loop(KIND, "label smoothing")
def _() -> Loop:
    return classifier(network(), nn.CrossEntropyLoss(label_smoothing=0.1), **IN_PARTS)


@loop(KIND, "mixup: labels that are probabilities")
def _() -> Loop:
    one_hot = functional.one_hot(labels(EXAMPLES)).float()
    return classifier(network(), targets=0.7 * one_hot + 0.3 * one_hot.roll(1, 0), **IN_PARTS)


@loop(KIND, "several labels each, BCEWithLogitsLoss with pos_weight")
def _() -> Loop:
    several = (numbers(EXAMPLES, 3, seed=2) > 0).float()
    return classifier(network(), nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 3.0])), several, **IN_PARTS)


@loop(KIND, "focal loss")
def _() -> Loop:
    def focal(outputs: Tensor, targets: Tensor) -> Tensor:
        surprise = functional.cross_entropy(outputs, targets, reduction="none")
        return ((1 - (-surprise).exp()) ** 2 * surprise).mean()

    return classifier(network(), focal, **IN_PARTS)


@loop(KIND, "class weights, sorted classes, full batch")
def _() -> Loop:
    return classifier(network(), nn.CrossEntropyLoss(weight=CLASS_WEIGHTS), labels(EXAMPLES).sort().values)


@loop(KIND, "class weights, sorted classes, micro-batches")
def _() -> Loop:
    return classifier(network(), nn.CrossEntropyLoss(weight=CLASS_WEIGHTS), labels(EXAMPLES).sort().values, **IN_PARTS)


@loop(KIND, "class weights, sorted classes, micro-batches, weight = their sum")
def _() -> Loop:
    criterion, count = nn.CrossEntropyLoss(weight=CLASS_WEIGHTS), lambda found: CLASS_WEIGHTS[found].sum()
    return classifier(network(), criterion, labels(EXAMPLES).sort().values, weight=count, **IN_PARTS)


@loop(KIND, "a rare class of a large weight, micro-batches")
def _() -> Loop:
    rare = torch.where(torch.arange(EXAMPLES) == 17, 2, torch.arange(EXAMPLES) % 2)
    return classifier(network(), nn.CrossEntropyLoss(weight=CLASS_WEIGHTS), rare, **IN_PARTS)


@loop(KIND, 'reduction="sum", micro-batches')
def _() -> Loop:
    return classifier(network(), nn.CrossEntropyLoss(reduction="sum"), **IN_PARTS)


@loop(KIND, 'reduction="sum", micro-batches, weight = 1')
def _() -> Loop:
    return classifier(network(), nn.CrossEntropyLoss(reduction="sum"), weight=1, **IN_PARTS)


@loop(KIND, 'reduction="sum" divided by n after all micro-batches, weight = 1/n')
def _() -> Loop:
    def full(module: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        parts = zip(inputs.split(10), targets.split(10), strict=True)
        total = sum(functional.cross_entropy(module(x), y, reduction="sum") for x, y in parts)
        return torch.as_tensor(total) / len(inputs)

    criterion, options = nn.CrossEntropyLoss(reduction="sum"), {"weight": 1 / EXAMPLES, **IN_PARTS}
    return Loop(network(), criterion, numbers(EXAMPLES, 4), labels(EXAMPLES), options, full)


@loop(KIND, "two heads: a tuple of logits and a value")
def _() -> Loop:
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.classes, self.value = network(outputs=5), nn.Linear(5, 3), nn.Linear(5, 1)

        def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
            inner = self.body(inputs).tanh()
            return self.classes(inner), self.value(inner)

    def both(outputs: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
        return functional.cross_entropy(outputs[0], targets) + outputs[1].square().mean()

    return classifier(Heads(), both, **IN_PARTS)


class Named(nn.Module):
    """A network that gives a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.body = network()

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        return {"logits": self.body(inputs)}


@loop(KIND, "a dictionary of logits, some labels ignored, micro-batches")
def _() -> Loop:
    some = labels(EXAMPLES).masked_fill(torch.arange(EXAMPLES) % 7 < 2, -100)
    return classifier(Named(), lambda out, found: functional.cross_entropy(out["logits"], found), some, **IN_PARTS)


@loop(KIND, "a dictionary of logits, some labels ignored, micro-batches, weight = their number")
def _() -> Loop:
    some, count = labels(EXAMPLES).masked_fill(torch.arange(EXAMPLES) % 7 < 2, -100), lambda found: (found >= 0).sum()
    criterion = lambda out, found: functional.cross_entropy(out["logits"], found)  # noqa: E731
    return classifier(Named(), criterion, some, weight=count, **IN_PARTS)


@loop(KIND, "distillation from a teacher's logits, KLDivLoss")
def _() -> Loop:
    def divergence(outputs: Tensor, teacher: Tensor) -> Tensor:
        student = functional.log_softmax(outputs / 2, 1)
        return 4 * functional.kl_div(student, functional.softmax(teacher / 2, 1), reduction="batchmean")

    return classifier(network(), divergence, numbers(EXAMPLES, 3, seed=3), **IN_PARTS)


@loop(KIND, "batch normalization in training mode")
def _() -> Loop:
    return of_images(convolutional(nn.BatchNorm2d(3)))


@loop(KIND, "batch normalization in training mode, micro-batches")
def _() -> Loop:
    return of_images(convolutional(nn.BatchNorm2d(3)), **IN_PARTS)


@loop(KIND, "batch normalization written out, micro-batches")
def _() -> Loop:
    return of_images(convolutional(BatchNorm(3).float()), **IN_PARTS)


@loop(KIND, "batch normalization in evaluation mode, micro-batches")
def _() -> Loop:
    return of_images(convolutional(nn.BatchNorm2d(3)).eval(), **IN_PARTS)


@loop(KIND, "group normalization, micro-batches")
def _() -> Loop:
    return of_images(convolutional(nn.GroupNorm(3, 3)), **IN_PARTS)


@loop(KIND, "dropout in training mode")
def _() -> Loop:
    return classifier(network(nn.Dropout(0.2)))


@loop(KIND, "dropout in evaluation mode")
def _() -> Loop:
    return classifier(network(nn.Dropout(0.2)).eval())


@loop(KIND, "frozen layers, a head that is tuned")
def _() -> Loop:
    module = network()
    module[0].requires_grad_(requires_grad=False)
    return classifier(module, **IN_PARTS)


@loop(KIND, "a layer that is used twice")
def _() -> Loop:
    torch.manual_seed(0)
    layer = nn.Linear(4, 4)
    return classifier(nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh(), nn.Linear(4, 3)), **IN_PARTS)


@loop(KIND, "squared error of outputs (n, 1) and targets (n,)")
def _() -> Loop:
    return classifier(network(outputs=1), nn.MSELoss(), numbers(EXAMPLES, seed=2))


@loop(KIND, "Huber loss")
def _() -> Loop:
    return classifier(network(outputs=1), nn.HuberLoss(), numbers(EXAMPLES, 1, seed=2), **IN_PARTS)


@loop(KIND, "mean and variance, GaussianNLLLoss")
def _() -> Loop:
    def likelihood(outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.gaussian_nll_loss(outputs[:, :1], targets, functional.softplus(outputs[:, 1:]))

    return classifier(network(outputs=2), likelihood, numbers(EXAMPLES, 1, seed=2), **IN_PARTS)
