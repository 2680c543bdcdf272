"""Language models: tokens that do not count, losses that are returned, weights that are tied."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.loops.loop import Loop, loop, numbers

KIND = "language models"
SEQUENCES, LENGTH, TOKENS, WIDTH = 12, 5, 7, 4
IN_PARTS: dict[str, Any] = {"micro_batch": 5}


def tokens() -> Tensor:
    return torch.randint(TOKENS, (SEQUENCES, LENGTH + 1), generator=torch.Generator().manual_seed(3))


def ragged(following: Tensor) -> Tensor:
    """The same, with ever fewer tokens that count."""
    longest = torch.arange(SEQUENCES)[:, None] * LENGTH // SEQUENCES
    return following.masked_fill(torch.arange(LENGTH) > longest, -100)


class Transformer(nn.Module):
    """One block with causal attention, layer normalizations and tied embeddings."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.tokens, self.places = nn.Embedding(TOKENS, WIDTH), nn.Parameter(0.1 * torch.randn(LENGTH, WIDTH))
        self.before, self.after = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention, self.project = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.head = nn.Linear(WIDTH, TOKENS, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, indices: Tensor) -> Tensor:
        inner = self.tokens(indices) + self.places
        query, key, value = self.attention(self.before(inner))[:, None].chunk(3, -1)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        logits: Tensor = self.head(self.after(inner + self.project(mixed[:, 0])))
        return logits


class ReturnsLoss(nn.Module):
    """As nanoGPT: of inputs and targets beside each other, logits and loss."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Transformer()

    def forward(self, both: Tensor) -> tuple[Tensor, Tensor]:
        indices, following = both.chunk(2, 1)
        logits = self.body(indices)
        return logits, flat_cross_entropy(logits, following)


def flat_cross_entropy(logits: Tensor, following: Tensor) -> Tensor:
    """The mean over all tokens that count."""
    return functional.cross_entropy(logits.reshape(-1, TOKENS), following.reshape(-1))


def count(following: Tensor) -> Tensor:
    """The tokens that count."""
    return (following >= 0).sum()


def language_model(*, padded: bool, **options: Any) -> Loop:
    text = tokens()
    following = ragged(text[:, 1:]) if padded else text[:, 1:]
    return Loop(Transformer(), flat_cross_entropy, text[:, :-1], following, options)


def returns_loss(*, padded: bool, **options: Any) -> Loop:
    text = tokens()
    following = ragged(text[:, 1:]) if padded else text[:, 1:]
    both = torch.cat([text[:, :-1], following], 1)
    return Loop(ReturnsLoss(), lambda outputs, _: outputs[1], both, following, options)


@loop(KIND, "transformer with tied embeddings, full batch")
def _() -> Loop:
    return language_model(padded=False)


@loop(KIND, "transformer, micro-batches")
def _() -> Loop:
    return language_model(padded=False, **IN_PARTS)


@loop(KIND, "transformer, ragged sequences with ignore_index, micro-batches")
def _() -> Loop:
    return language_model(padded=True, **IN_PARTS)


@loop(KIND, "transformer, ragged sequences, micro-batches, weight = number of tokens")
def _() -> Loop:
    return language_model(padded=True, weight=count, **IN_PARTS)


@loop(KIND, "a module that returns its loss, ragged sequences, full batch")
def _() -> Loop:
    return returns_loss(padded=True)


@loop(KIND, "a module that returns its loss, micro-batches")
def _() -> Loop:
    return returns_loss(padded=False, **IN_PARTS)


@loop(KIND, "a module that returns its loss, ragged sequences, micro-batches")
def _() -> Loop:
    return returns_loss(padded=True, **IN_PARTS)


@loop(KIND, "a module that returns its loss, ragged sequences, micro-batches, weight = number of tokens")
def _() -> Loop:
    return returns_loss(padded=True, weight=count, **IN_PARTS)


class OfVectors(nn.Module):
    """A layer that reads sequences of vectors, and the mean of what it gives read by a linear one."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(WIDTH, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.layer(inputs)
        outputs = outputs[0] if isinstance(outputs, tuple) else outputs
        logits: Tensor = self.head(outputs.mean(1))
        return logits


def of_vectors(layer: nn.Module, **options: Any) -> Loop:
    inputs = numbers(SEQUENCES, LENGTH, WIDTH)
    return Loop(OfVectors(layer), nn.CrossEntropyLoss(), inputs, torch.arange(SEQUENCES) % 3, options)


@loop(KIND, "TransformerEncoderLayer in evaluation mode")
def _() -> Loop:
    torch.manual_seed(0)
    return of_vectors(nn.TransformerEncoderLayer(WIDTH, 2, 6, batch_first=True).eval(), **IN_PARTS)


@loop(KIND, "TransformerEncoderLayer in training mode, with dropout")
def _() -> Loop:
    torch.manual_seed(0)
    return of_vectors(nn.TransformerEncoderLayer(WIDTH, 2, 6, batch_first=True))


@loop(KIND, "LSTM")
def _() -> Loop:
    torch.manual_seed(0)
    return of_vectors(nn.LSTM(WIDTH, WIDTH, batch_first=True), **IN_PARTS)


@loop(KIND, "GRU")
def _() -> Loop:
    torch.manual_seed(0)
    return of_vectors(nn.GRU(WIDTH, WIDTH, batch_first=True))


class LowRank(nn.Module):
    """A frozen layer with a trained correction of rank one."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.base = nn.Linear(WIDTH, WIDTH).requires_grad_(requires_grad=False)
        self.down, self.up = nn.Parameter(torch.randn(WIDTH, 1)), nn.Parameter(torch.zeros(1, WIDTH))

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = (self.base(inputs) + inputs @ self.down @ self.up).tanh()
        return outputs


@loop(KIND, "low-rank adaptation of frozen weights")
def _() -> Loop:
    return of_vectors(LowRank(), **IN_PARTS)


@loop(KIND, "sparse embeddings")
def _() -> Loop:
    module = nn.Sequential(nn.Embedding(TOKENS, WIDTH, sparse=True), nn.Flatten(), nn.Linear(WIDTH * LENGTH, 3))
    return Loop(module, nn.CrossEntropyLoss(), tokens()[:, :-1], torch.arange(SEQUENCES) % 3)


class Masked(nn.Module):
    """Tokens whose mask is 0 take no part in the mean."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.tokens, self.head = nn.Embedding(TOKENS, WIDTH), nn.Linear(WIDTH, 3)

    def forward(self, indices: Tensor, mask: Tensor) -> Tensor:
        kept = mask[..., None].to(self.head.weight)
        logits: Tensor = self.head((kept * self.tokens(indices)).sum(1) / kept.sum(1))
        return logits


@loop(KIND, "inputs that are a dictionary")
def _() -> Loop:
    batch = {"indices": tokens(), "mask": tokens() > 0}
    return Loop(Masked(), nn.CrossEntropyLoss(), batch, torch.arange(SEQUENCES) % 3)


@loop(KIND, "inputs that are a dictionary, looked up by torch.arange(n)")
def _() -> Loop:
    class LooksUp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.batch = Masked(), {"indices": tokens(), "mask": tokens() > 0}

        def forward(self, examples: Tensor) -> Tensor:
            logits: Tensor = self.body(**{name: values[examples] for name, values in self.batch.items()})
            return logits

    return Loop(LooksUp(), nn.CrossEntropyLoss(), torch.arange(SEQUENCES), torch.arange(SEQUENCES) % 3, IN_PARTS)
