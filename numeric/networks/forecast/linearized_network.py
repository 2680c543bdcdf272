"""The linearized network under its own loss: what training at the edge would be if features did not move.

    f(θ) ≈ f(θ*) + J (θ − θ*),   J = ∂f/∂θ at θ*,   V(x, z) = L[f(θ*) + J (U x + K z)] − L(θ*)

with the loss L of the outputs exact, whatever it is. For squared error V is quadratic and its curvature, the part
Jᵀ∇²L J of the Hessian, constant: nothing stops an oscillation beyond the edge. For cross-entropy the loss saturates.

Shapes: outputs (n, …), their derivatives J Y (n, …, k + m). Units: k + m products with J, of about 2/3 of a gradient
each, and nothing at a step. Errors: `BadInput` for a network whose output is not one tensor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.func import jvp

from eos_sym import BadInput
from numeric.networks.forecast.pointwise import PointwiseModel
from numeric.networks.tracker.undisturbed import undisturbed

PRODUCT_WITH_J = 2 / 3  # of a gradient: a forward pass with a derivative beside it


@dataclass(frozen=True)
class LinearizedNetwork(PointwiseModel):
    """The network at an anchor to first order, on these directions across the edge."""

    def value(self, y: Tensor) -> float:
        """L of the linearized outputs, less L(θ*)."""
        return float(self._loss(y)) - self.anchor.value

    def slope(self, y: Tensor) -> Tensor:
        """(JY)ᵀ ∇L."""
        point = y.requires_grad_()
        with torch.enable_grad():
            (found,) = torch.autograd.grad(self._loss(point), point)
        return found

    def curvature(self, y: Tensor) -> Tensor:
        """(JY)ᵀ ∇²L JY."""
        found: Tensor = torch.autograd.functional.hessian(self._loss, y)
        return found

    def _loss(self, y: Tensor) -> Tensor:
        loss = self.anchor.loss
        terms = [
            weight * loss.criterion(outputs + derivatives @ y.to(derivatives), targets)
            for outputs, derivatives, targets, weight in self._batches
        ]
        return torch.stack(terms).sum()

    @cached_property
    def _batches(self) -> list[tuple[Tensor, Tensor, Tensor, float]]:
        """f(θ*) and J Y of every micro-batch, its targets and its weight."""
        with undisturbed(self.anchor.loss.module), torch.no_grad():
            return list(self._linearized())

    def _linearized(self) -> Iterator[tuple[Tensor, Tensor, Tensor, float]]:
        loss, weights = self.anchor.loss, self.anchor.weights
        self.anchor.cost.evaluations += PRODUCT_WITH_J * self.basis.shape[1]
        for inputs, targets, weight in loss.micro_batches():

            def outputs(parameters: Tensor, inputs: Tensor = inputs) -> Tensor:
                found = loss.outputs(loss.split(parameters), inputs)
                if not isinstance(found, Tensor):
                    raise BadInput(f"a network is linearized in one tensor, its output is a {type(found).__name__}")
                return found

            columns = [jvp(outputs, (weights,), (column,))[1] for column in self.basis.T]
            yield outputs(weights), torch.stack(columns, -1), targets, weight
