"""Losses of pairs and graphs, of noise and distributions, and what is trained beside the module."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.loops.loop import EXAMPLES, Loop, labels, loop, network, numbers

PAIRS, NOISE = "pairs and graphs", "noise and constants"
IN_PARTS: dict[str, Any] = {"micro_batch": 7}


def plain(module: nn.Module, criterion: Any = None, **options: Any) -> Loop:
    return Loop(module, criterion or nn.CrossEntropyLoss(), numbers(EXAMPLES, 4), labels(EXAMPLES), options)


def contrast(outputs: Tensor, partners: Tensor) -> Tensor:
    """InfoNCE: every partner against those of all other examples."""
    similar = functional.normalize(outputs) @ functional.normalize(partners).T / 0.5
    return functional.cross_entropy(similar, torch.arange(len(outputs)))


@loop(PAIRS, "contrastive, InfoNCE, full batch")
def _() -> Loop:
    return Loop(network(), contrast, numbers(EXAMPLES, 4), numbers(EXAMPLES, 3, seed=2))


@loop(PAIRS, "contrastive, InfoNCE, micro-batches")
def _() -> Loop:
    return Loop(network(), contrast, numbers(EXAMPLES, 4), numbers(EXAMPLES, 3, seed=2), IN_PARTS)


@loop(PAIRS, "triplets")
def _() -> Loop:
    class Triple(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = network()

        def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return self.body(inputs), self.body(inputs + 0.1), self.body(inputs.flip(1))

    criterion = lambda outputs, _: functional.triplet_margin_loss(*outputs, margin=5.0)  # noqa: E731
    return plain(Triple(), criterion, **IN_PARTS)


@loop(PAIRS, "a graph network whose adjacency holds all nodes")
def _() -> Loop:
    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 3)
            self.register_buffer("adjacency", (torch.eye(EXAMPLES) + torch.eye(EXAMPLES).roll(1, 0)) / 2)

        def forward(self, nodes: Tensor) -> Tensor:
            outputs: Tensor = self.adjacency @ self.second(self.adjacency @ self.first(nodes).tanh())
            return outputs

    known = labels(EXAMPLES).masked_fill(torch.arange(EXAMPLES) > 9, -100)
    return Loop(Graph(), nn.CrossEntropyLoss(), numbers(EXAMPLES, 4), known)


class Siamese(nn.Module):
    """SimSiam: a prediction of the other view, which is held constant."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.predict = network(), nn.Linear(3, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        one, other = self.body(inputs), self.body(inputs + 0.1)
        return -functional.cosine_similarity(self.predict(one), other.detach())


@loop(PAIRS, "SimSiam: one view is held constant")
def _() -> Loop:
    return plain(Siamese(), lambda outputs, _: outputs.mean())


class Autoencoder(nn.Module):
    """A variational autoencoder; its loss, by noise that is drawn or that is given."""

    def __init__(self, noise: Tensor | None) -> None:
        super().__init__()
        self.encode, self.decode = network(outputs=4), network(inputs=2, outputs=4)
        self.register_buffer("noise", noise)

    def forward(self, inputs: Tensor) -> Tensor:
        mean, spread = self.encode(inputs).chunk(2, 1)
        noise = torch.randn_like(mean) if self.noise is None else self.noise[: len(mean)]
        rebuilt = self.decode(mean + spread.exp() * noise)
        divergence = 0.5 * (mean.square() + (2 * spread).exp() - 1 - 2 * spread).sum(1)
        return (rebuilt - inputs).square().sum(1) + divergence


@loop(NOISE, "variational autoencoder")
def _() -> Loop:
    return plain(Autoencoder(None), lambda outputs, _: outputs.mean())


@loop(NOISE, "variational autoencoder, noise that is a buffer")
def _() -> Loop:
    return plain(Autoencoder(numbers(EXAMPLES, 2, seed=5)), lambda outputs, _: outputs.mean())


@loop(NOISE, "Q-learning, targets that were computed before")
def _() -> Loop:
    def difference(values: Tensor, target: Tensor) -> Tensor:
        return functional.smooth_l1_loss(values.gather(1, labels(len(values), 1)), target)

    return Loop(network(), difference, numbers(EXAMPLES, 4), numbers(EXAMPLES, 1, seed=2))


@loop(NOISE, "temporal differences, targets of the network itself, held constant")
def _() -> Loop:
    class Difference(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value = network(outputs=1)

        def forward(self, states: Tensor) -> Tensor:
            return self.value(states) - 0.9 * self.value(states + 0.1).detach() - 1

    return plain(Difference(), lambda outputs, _: outputs.square().mean())


@loop(NOISE, "policy gradient of given actions and advantages")
def _() -> Loop:
    def policy(outputs: Tensor, advantages: Tensor) -> Tensor:
        likely = functional.log_softmax(outputs, 1).gather(1, labels(len(outputs), 1))
        return -(likely * advantages).mean() - 0.01 * torch.distributions.Categorical(logits=outputs).entropy().mean()

    return Loop(network(), policy, numbers(EXAMPLES, 4), numbers(EXAMPLES, 1, seed=2))


@loop(NOISE, "mixture of experts, the best of which answers")
def _() -> Loop:
    class Experts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts, self.gate = nn.ModuleList(nn.Linear(4, 3) for _ in range(3)), nn.Linear(4, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            share, best = self.gate(inputs).softmax(1).max(1, keepdim=True)
            every = torch.stack([expert(inputs) for expert in self.experts], 1)
            return share * every.gather(1, best[..., None].expand(-1, -1, 3))[:, 0]

    torch.manual_seed(0)
    return plain(Experts(), **IN_PARTS)


@loop(NOISE, "normalizing flow, likelihood")
def _() -> Loop:
    class Coupling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = network(inputs=2, outputs=4)

        def forward(self, inputs: Tensor) -> Tensor:
            kept, moved = inputs.chunk(2, 1)
            scale, shift = self.body(kept).chunk(2, 1)
            latent = torch.cat([kept, moved * scale.exp() + shift], 1)
            return 0.5 * latent.square().sum(1) - scale.sum(1)

    return plain(Coupling(), lambda outputs, _: outputs.mean(), **IN_PARTS)


@loop(NOISE, "weight decay in the module's loss")
def _() -> Loop:
    class Decayed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = network()

        def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
            return self.body(inputs), sum((own.square().sum() for own in self.body.parameters()), torch.zeros(()))

    criterion = lambda outputs, found: functional.cross_entropy(outputs[0], found) + 0.01 * outputs[1]  # noqa: E731
    return plain(Decayed(), criterion, **IN_PARTS)


@loop(NOISE, "weight decay in the criterion")
def _() -> Loop:
    module = network()

    def decayed(outputs: Tensor, targets: Tensor) -> Tensor:
        decay = sum((own.square().sum() for own in module.parameters()), torch.zeros(()))
        return functional.cross_entropy(outputs, targets) + 0.01 * decay

    return plain(module, decayed)


@loop(NOISE, "a criterion with a trained temperature")
def _() -> Loop:
    class Tempered(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.temperature = nn.Parameter(torch.ones(()))

        def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
            return functional.cross_entropy(outputs / self.temperature, targets)

    return plain(network(), Tempered())
