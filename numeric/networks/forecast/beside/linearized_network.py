"""The linearized network under its own loss: what training at the edge would be if features did not move.

    f(θ) ≈ f(θ*) + J (θ − θ*),   J = ∂f/∂θ at θ*,   V(x, z) = L[f(θ*) + J (U x + K z)] − L(θ*)

with the loss L of the outputs exact, whatever it is. For squared error V is quadratic and its curvature, the part
Jᵀ∇²L J of the Hessian, constant: nothing stops an oscillation beyond the edge. For cross-entropy the loss saturates.

A product with J is the derivative of Jᵀw by w: torch's forward mode is not needed, nor any third derivative.

Shapes: outputs (n, …), their derivatives J Y (n, …, k + m). Units: a gradient for each of the k + m products with J,
and nothing at a step. Errors: `BadInput` for a network whose output is not one tensor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.forecast.beside.pointwise import PointwiseModel
from numeric.networks.tracker.undisturbed import undisturbed


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
        with undisturbed(self.anchor.loss.module):
            return list(self._linearized())

    @torch.enable_grad()
    def _linearized(self) -> Iterator[tuple[Tensor, Tensor, Tensor, float]]:
        loss, point = self.anchor.loss, self.anchor.weights.detach().requires_grad_()
        self.anchor.cost.evaluations += self.basis.shape[1]
        for (inputs, targets), weight in loss.batches():
            outputs = loss.outputs(loss.split(point), inputs)
            if not isinstance(outputs, Tensor):
                raise BadInput(f"a network is linearized in one tensor, its output is a {type(outputs).__name__}")
            along = torch.zeros_like(outputs, requires_grad=True)
            (pulled,) = torch.autograd.grad(outputs, point, along, create_graph=True)
            columns = [torch.autograd.grad(pulled, along, column, retain_graph=True)[0] for column in self.basis.T]
            yield outputs.detach(), torch.stack(columns, -1), targets, weight
