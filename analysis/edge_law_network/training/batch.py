"""Many runs of one small network as one batch: their losses, gradients, sharpnesses and steps together.

The gradients of all runs are one, that of the sum of their losses, through a forward pass that is mapped over the runs.
Shapes: R runs, p weights, k residuals. Units: the sharpness in units of the loss over weights squared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from numeric.networks.loss import FlatLoss, half_squared_error

FIRST = 200  # power iterations of a first reading
SMALL = 5.0


@dataclass(frozen=True)
class Batch:
    """The weights (R, p) of many runs of one architecture, with their step sizes and examples."""

    module: nn.Module
    weights: Tensor
    eta: Tensor
    inputs: Tensor
    targets: Tensor

    @classmethod
    def of(cls, losses: list[FlatLoss]) -> "Batch":
        """Every loss from its start, with the small step size 2/(`SMALL` S₀)."""
        weights, inputs, targets = (
            torch.stack(one)
            for one in zip(*((loss.parameters, loss.inputs, loss.targets) for loss in losses), strict=True)
        )
        batch = cls(losses[0].module, weights, weights.new_ones(len(weights)), inputs, targets)
        sharpness, _ = batch.sharpness(batch.weights, torch.ones_like(weights), FIRST)
        return batch.at(weights, 2 / (SMALL * sharpness))

    def repeated(self, sharpness: Tensor, fractions: tuple[float, ...]) -> "Batch":
        """Every run with the edge at each of the fractions of its sharpness (R,)."""
        again = torch.arange(len(self.weights)).repeat_interleave(len(fractions))
        edges = (sharpness[:, None] * torch.tensor(fractions, dtype=sharpness.dtype)).flatten()
        many = self.chosen(again)
        return many.at(many.weights, 2 / edges)

    def at(self, weights: Tensor, eta: Tensor | None = None) -> "Batch":
        """The same runs elsewhere."""
        return Batch(self.module, weights, self.eta if eta is None else eta, self.inputs, self.targets)

    def chosen(self, runs: Any) -> "Batch":
        """Some of the runs."""
        return Batch(self.module, self.weights[runs], self.eta[runs], self.inputs[runs], self.targets[runs])

    def outputs(self, theta: Tensor, inputs: Tensor) -> Tensor:
        """The outputs of one run at its weights (p,)."""
        shapes = {name: own.shape for name, own in self.module.named_parameters()}
        pieces = theta.split([shape.numel() for shape in shapes.values()])
        named = {name: piece.view(shape) for (name, shape), piece in zip(shapes.items(), pieces, strict=True)}
        outputs: Tensor = functional_call(self.module, named, (inputs,))
        return outputs

    def losses(self, weights: Tensor) -> Tensor:
        """L of every run, (R,), with its graph."""

        def one(theta: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
            return half_squared_error(self.outputs(theta, inputs), targets)

        losses: Tensor = vmap(one)(weights, self.inputs, self.targets)
        return losses

    def residuals(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs less targets of every run, (R, k), and their Jacobians, (R, k, p)."""

        def one(theta: Tensor, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            missed = (self.outputs(theta, inputs) - targets).flatten()
            return missed, missed

        jacobians, residuals = vmap(jacrev(one, has_aux=True))(weights, self.inputs, self.targets)
        return residuals, jacobians

    def value_and_gradient(self) -> tuple[Tensor, Tensor]:
        """L (R,) and ∇L (R, p)."""
        point = self.weights.detach().requires_grad_()
        losses = self.losses(point)
        return losses.detach(), torch.autograd.grad(losses.sum(), point)[0]

    def sharpness(self, weights: Tensor, start: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
        """The eigenvalue of largest modulus at the weights, (R,), and its eigenvector, by power iteration."""
        point = weights.detach().requires_grad_()
        gradient = torch.autograd.grad(self.losses(point).sum(), point, create_graph=True)[0]
        vector = start / start.norm(dim=1, keepdim=True)
        for _ in range(iterations):
            image = torch.autograd.grad(gradient, point, vector, retain_graph=True)[0]
            value = (vector * image).sum(1)
            vector = image / image.norm(dim=1, keepdim=True)
        return value, vector

    def path(self, steps: int) -> Iterator[Tensor]:
        """The weights after 0, 1 … `steps` steps."""
        here = self
        yield here.weights
        for _ in range(steps):
            here = here.at(here.weights - here.eta[:, None] * here.value_and_gradient()[1])
            yield here.weights
