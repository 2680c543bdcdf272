"""Losses that take derivatives themselves: differential equations, penalties of gradients, training within training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from benchmarks.loops.loop import EXAMPLES, Loop, labels, loop, network, numbers
from numeric.networks.architectures.normalization import LayerNorm

KIND = "derivatives in the loss"
IN_PARTS: dict[str, Any] = {"micro_batch": 7}


def given(outputs: Tensor, _targets: Tensor) -> Tensor:
    """The loss that a module gives."""
    return outputs.mean()


class Residual(nn.Module):
    """(u'' + sin x)² at every x, u a network and u'' taken by `second`."""

    def __init__(self, body: nn.Module, second: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.body, self.second = body, second

    def forward(self, places: Tensor) -> Tensor:
        return (self.second(self.body, places) + places.sin()).square().mean(1)


def by_grad(body: nn.Module, places: Tensor) -> Tensor:
    places = places.clone().requires_grad_()
    first = torch.autograd.grad(body(places).sum(), places, create_graph=True)[0]
    return torch.autograd.grad(first.sum(), places, create_graph=True)[0]


def by_func(body: nn.Module, places: Tensor) -> Tensor:
    second: Tensor = torch.func.vmap(torch.func.hessian(lambda place: body(place[None])[0, 0]))(places)
    return second[:, :, 0]


def by_forward_mode(body: nn.Module, places: Tensor) -> Tensor:
    ones = torch.ones_like(places)

    def slope(at: Tensor) -> Tensor:
        found: Tensor = torch.func.jvp(body, (at,), (ones,))[1]
        return found

    second: Tensor = torch.func.jvp(slope, (places,), (ones,))[1]
    return second


def equation(second: Callable[[nn.Module, Tensor], Tensor], *between: nn.Module, **options: Any) -> Loop:
    places = torch.linspace(-2, 2, EXAMPLES)[:, None]
    body = network(*between, inputs=1, outputs=1)
    return Loop(Residual(body, second), given, places, torch.zeros(EXAMPLES), options)


@loop(KIND, "u'' = −sin x, torch.autograd.grad")
def _() -> Loop:
    return equation(by_grad)


@loop(KIND, "u'' = −sin x, torch.autograd.grad, micro-batches")
def _() -> Loop:
    return equation(by_grad, **IN_PARTS)


@loop(KIND, "u'' = −sin x, torch.func.hessian")
def _() -> Loop:
    return equation(by_func)


@loop(KIND, "u'' = −sin x, torch.func.jvp twice")
def _() -> Loop:
    return equation(by_forward_mode)


@loop(KIND, "u'' = −sin x with LayerNorm, torch.autograd.grad")
def _() -> Loop:
    return equation(by_grad, nn.LayerNorm(6))


@loop(KIND, "u'' = −sin x with LayerNorm, torch.func.jvp twice")
def _() -> Loop:
    return equation(by_forward_mode, nn.LayerNorm(6))


@loop(KIND, "u'' = −sin x with LayerNorm written out")
def _() -> Loop:
    return equation(by_grad, LayerNorm(6).float())


class Penalized(nn.Module):
    """The cross-entropy, and the squared gradient of it by the inputs."""

    def __init__(self, *between: nn.Module) -> None:
        super().__init__()
        self.body = network(*between)

    def forward(self, inputs: Tensor) -> Tensor:
        inputs = inputs.clone().requires_grad_()
        surprise = functional.cross_entropy(self.body(inputs), labels(len(inputs)), reduction="none")
        slopes = torch.autograd.grad(surprise.sum(), inputs, create_graph=True)[0]
        return surprise + 0.1 * slopes.square().sum(1)


@loop(KIND, "gradient penalty")
def _() -> Loop:
    return Loop(Penalized(), given, numbers(EXAMPLES, 4), torch.zeros(EXAMPLES))


@loop(KIND, "gradient penalty with LayerNorm")
def _() -> Loop:
    return Loop(Penalized(nn.LayerNorm(6)), given, numbers(EXAMPLES, 4), torch.zeros(EXAMPLES))


@loop(KIND, "critic of a WGAN with gradient penalty")
def _() -> Loop:
    class Critic(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = network(outputs=1)

        def forward(self, real: Tensor) -> Tensor:
            fake = real.roll(1, 1) + 1
            between = (0.5 * real + 0.5 * fake).requires_grad_()
            slopes = torch.autograd.grad(self.body(between).sum(), between, create_graph=True)[0]
            return self.body(fake) - self.body(real) + 10 * (slopes.norm(dim=1, keepdim=True) - 1).square()

    return Loop(Critic(), given, numbers(EXAMPLES, 4), torch.zeros(EXAMPLES), IN_PARTS)


@loop(KIND, "Hamiltonian network, torch.func.grad")
def _() -> Loop:
    class Hamiltonian(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = network(outputs=1)

        def forward(self, states: Tensor) -> Tensor:
            slopes: Tensor = torch.func.vmap(torch.func.grad(lambda state: self.body(state[None])[0, 0]))(states)
            position, momentum = slopes.chunk(2, 1)
            return torch.cat([momentum, -position], 1)

    return Loop(Hamiltonian(), nn.MSELoss(), numbers(EXAMPLES, 4), numbers(EXAMPLES, 4, seed=2), IN_PARTS)


class Adapted(nn.Module):
    """The loss after a step of gradient descent on half of the examples, of the other half."""

    def __init__(self, *, second_order: bool) -> None:
        super().__init__()
        self.body, self.second_order = network(), second_order

    def forward(self, inputs: Tensor) -> Tensor:
        support, query = inputs.chunk(2)
        weights = dict(self.body.named_parameters())
        inner = functional.cross_entropy(functional_call(self.body, weights, (support,)), labels(len(support)))
        slopes = torch.autograd.grad(inner, list(weights.values()), create_graph=self.second_order)
        moved = {name: own - 0.5 * slope for (name, own), slope in zip(weights.items(), slopes, strict=True)}
        return functional.cross_entropy(functional_call(self.body, moved, (query,)), labels(len(query)))


@loop(KIND, "MAML: through a step of an inner training")
def _() -> Loop:
    return Loop(Adapted(second_order=True), given, numbers(EXAMPLES, 4), torch.zeros(EXAMPLES))


@loop(KIND, "first-order MAML: the inner gradient is a constant")
def _() -> Loop:
    return Loop(Adapted(second_order=False), given, numbers(EXAMPLES, 4), torch.zeros(EXAMPLES))


@loop(KIND, "neural differential equation, Runge-Kutta steps")
def _() -> Loop:
    class Flow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.field = network(outputs=4)

        def forward(self, states: Tensor) -> Tensor:
            for _step in range(3):
                middle = states + 0.1 * self.field(states)
                states = states + 0.2 * self.field(middle)
            return states

    return Loop(Flow(), nn.MSELoss(), numbers(EXAMPLES, 4), numbers(EXAMPLES, 4, seed=2), IN_PARTS)
