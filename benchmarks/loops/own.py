"""Losses of one's own of batches of any kind: beside the module the tracker is given a function and a loader."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, TensorDataset

from benchmarks.loops.loop import EXAMPLES, Loop, labels, loop, network, numbers

KIND = "a loss and batches of one's own"
TOKENS, WIDTH = 7, 3
TEXTS = [torch.randint(TOKENS, (3 + n,), generator=torch.Generator().manual_seed(n)) for n in range(11)]


class Language(nn.Module):
    """A recurrence of sums over embedded tokens."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words, self.head = nn.Embedding(TOKENS, WIDTH), nn.Linear(WIDTH, TOKENS)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.head(self.words(tokens.clamp_min(0)).cumsum(1).tanh())
        return logits


def next_token(module: nn.Module, tokens: Tensor) -> Tensor:
    return functional.cross_entropy(module(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=-1)


def padded(texts: list[Tensor]) -> Tensor:
    return pad_sequence(texts, batch_first=True, padding_value=-1)


def count(tokens: Tensor) -> Tensor:
    return (tokens[:, 1:] >= 0).sum()


def language_model(batch_size: int = 4, **options: Any) -> Loop:
    texts: Any = TEXTS
    loader: DataLoader[Any] = DataLoader(texts, batch_size=batch_size, shuffle=True, collate_fn=padded)
    options |= {"loss": next_token, "data": loader}
    return Loop(
        Language(), None, padded(TEXTS), None, options, full=lambda module, tokens, _: next_token(module, tokens)
    )


@loop(KIND, "language model, DataLoader of ragged texts that shuffles, weight = number of tokens")
def _() -> Loop:
    return language_model(weight=count)


@loop(KIND, "language model, DataLoader of ragged texts that shuffles")
def _() -> Loop:
    return language_model()


def classified(module: nn.Module, batch: Any) -> Tensor:
    inputs, targets = batch
    return functional.cross_entropy(module(inputs), targets)


def classifier(module: nn.Module | None = None, data: Any = None, loss: Any = classified, **options: Any) -> Loop:
    """A classifier of all the examples, whatever the batches that the tracker is given."""
    inputs, targets = numbers(EXAMPLES, 4), labels(EXAMPLES)
    given = data if data is not None else [*zip(inputs.split(7), targets.split(7), strict=True)]
    options |= {"loss": loss, "data": given}
    return Loop(module or network(), None, inputs, targets, options, full=lambda *of: classified(of[0], of[1:]))


def loader(**options: Any) -> DataLoader[Any]:
    return DataLoader(TensorDataset(numbers(EXAMPLES, 4), labels(EXAMPLES)), batch_size=7, **options)


@loop(KIND, "a list of batches")
def _() -> Loop:
    return classifier()


@loop(KIND, "a DataLoader that shuffles")
def _() -> Loop:
    return classifier(data=loader(shuffle=True))


@loop(KIND, "a DataLoader that shuffles, drop_last=True")
def _() -> Loop:
    return classifier(data=loader(shuffle=True, drop_last=True))


@loop(KIND, "a DataLoader with random augmentation")
def _() -> Loop:
    class Augmented(Dataset[Any]):
        def __len__(self) -> int:
            return EXAMPLES

        def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
            return numbers(EXAMPLES, 4)[index] + 0.1 * torch.randn(4), labels(EXAMPLES)[index]

    return classifier(data=DataLoader(Augmented(), batch_size=7))


def batches() -> Iterator[tuple[Tensor, Tensor]]:
    yield from zip(numbers(EXAMPLES, 4).split(7), labels(EXAMPLES).split(7), strict=True)


@loop(KIND, "a generator function")
def _() -> Loop:
    return classifier(data=batches)


@loop(KIND, "a generator, which is exhausted after a walk")
def _() -> Loop:
    return classifier(data=batches())


@loop(KIND, "batches that are dictionaries, from which the loss takes entries out")
def _() -> Loop:
    def taking(module: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        targets = batch.pop("labels")
        return functional.cross_entropy(module(batch["inputs"]), targets)

    return classifier(loss=taking, data=[{"inputs": x, "labels": y} for x, y in batches()])


class ReturnsLoss(nn.Module):
    """As Hugging Face's models do, in an output with logits and loss."""

    def __init__(self) -> None:
        super().__init__()
        self.body = network()

    def forward(self, inputs: Tensor, labels: Tensor) -> Any:
        logits = self.body(inputs)
        return SimpleNamespace(logits=logits, loss=functional.cross_entropy(logits, labels))


def returns_loss(data: Any) -> Loop:
    options = {"data": data}
    full = lambda module, inputs, targets: module(inputs, targets).loss  # noqa: E731
    return Loop(ReturnsLoss(), None, numbers(EXAMPLES, 4), labels(EXAMPLES), options, full=full)


@loop(KIND, "a module that returns its loss, batches that are dictionaries")
def _() -> Loop:
    return returns_loss([{"inputs": x, "labels": y} for x, y in batches()])


@loop(KIND, "a module that returns its loss, a DataLoader of pairs")
def _() -> Loop:
    return returns_loss(loader())


class Tempered(nn.Module):
    """A cross-entropy with a trained temperature."""

    def __init__(self) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(()))

    def forward(self, module: nn.Module, batch: Any) -> Tensor:
        inputs, targets = batch
        return functional.cross_entropy(module(inputs) / self.temperature, targets)


@loop(KIND, "a loss with a trained temperature")
def _() -> Loop:
    loss = Tempered()
    made = classifier(loss=loss)
    return Loop(made.module, None, made.inputs, made.targets, made.options, full=lambda *of: loss(of[0], of[1:]))


@loop(KIND, "the last layer alone, parameters='2.*'")
def _() -> Loop:
    return classifier(parameters="2.*")


@loop(KIND, "dropout and batch normalization in training mode, mode='eval'")
def _() -> Loop:
    return classifier(network(nn.BatchNorm1d(6), nn.Dropout(0.3)), mode="eval")


@loop(KIND, "batch normalization in training mode, a list of batches")
def _() -> Loop:
    return classifier(network(nn.BatchNorm1d(6)))


@loop(KIND, "accumulated sums, weight = 1")
def _() -> Loop:
    def summed(module: nn.Module, batch: Any) -> Tensor:
        return functional.cross_entropy(module(batch[0]), batch[1], reduction="sum")

    full = lambda *of: summed(of[0], of[1:])  # noqa: E731
    made = classifier(loss=summed, weight=1)
    return Loop(made.module, None, made.inputs, made.targets, made.options, full=full)


def contrasted(module: nn.Module, batch: Any) -> Tensor:
    outputs = functional.normalize(module(batch[0]))
    similar = outputs @ outputs.T / 0.5
    return functional.cross_entropy(
        similar - 9 * torch.eye(len(similar)), (torch.arange(len(similar)) + 1) % len(similar)
    )


@loop(KIND, "contrastive, InfoNCE within batches")
def _() -> Loop:
    return classifier(loss=contrasted)


@loop(KIND, "contrastive, InfoNCE within batches that stay as they are, weight = 1/len(data)")
def _() -> Loop:
    def full(module: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        terms = [contrasted(module, one) for one in zip(inputs.split(7), targets.split(7), strict=True)]
        return torch.stack(terms).mean()

    made = classifier(loss=contrasted, weight=1 / 5)
    return Loop(made.module, None, made.inputs, made.targets, made.options, full=full)


@loop(KIND, "physics-informed: u'' = −sin x inside, u = 0 at the ends")
def _() -> Loop:
    def residual(module: nn.Module, places: Tensor) -> Tensor:
        places = places.clone().requires_grad_()
        (first,) = torch.autograd.grad(module(places).sum(), places, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), places, create_graph=True)
        ends = module(places.new_tensor([[-2.0], [2.0]]))
        value: Tensor = (second + places.sin()).square().mean() + ends.square().sum()
        return value

    places = torch.linspace(-2, 2, EXAMPLES)[:, None]
    options = {"loss": residual, "data": [*places.split(8)]}
    return Loop(network(inputs=1, outputs=1), None, places, None, options, full=lambda *of: residual(*of[:2]))


@loop(KIND, "two networks in a ModuleDict, the one's outputs the other's inputs")
def _() -> Loop:
    torch.manual_seed(0)
    both = nn.ModuleDict({"encode": network(outputs=2), "decode": network(inputs=2, outputs=4)})

    def rebuilt(modules: Any, batch: Any) -> Tensor:
        return functional.mse_loss(modules["decode"](modules["encode"](batch[0])), batch[0])

    made = classifier(both, loss=rebuilt)
    return Loop(both, None, made.inputs, made.targets, made.options, full=lambda *of: rebuilt(of[0], of[1:]))


@loop(KIND, "self-distillation: targets of the network itself, held constant")
def _() -> Loop:
    def distilled(module: nn.Module, batch: Any) -> Tensor:
        return functional.mse_loss(module(batch[0]), module(batch[0] + 0.1).detach())

    return classifier(loss=distilled)
