"""The reference point of a forecast: a two-step midpoint, the eigenvectors at the edge there, and what they cost.

From the weights θ₀ training is followed for two steps of its rule, θ₁ and θ₂, and the loss is expanded at

    θ* = (θ₀ + 2θ₁ + θ₂)/4,

where an oscillation of period two is averaged out. At the edge are the eigenvectors u_a of ∇²L(θ*) with
λ_a > `AT_THE_EDGE` of the rule's critical sharpness, at most `MOST_AT_THE_EDGE` of them and at least one, as
`top_space` finds them from the sum of the gradient, of θ₀ − 2θ₁ + θ₂, which is along the edge if there is an
oscillation, and of a random vector.

The u_a are eigenvectors to a precision; ∇²L u_a is computed, so that the model does not depend on it.

Shapes: θ and its momentum b (p,), edge and its image ∇²L U (p, k), eigenvalues (k + 1,), the last one that of the first
direction left out (−∞ if there is none). Units: `evaluations` in gradients of the full batch. Errors: `BadInput` where
the loss or its curvature is not finite.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.compile import Array
from numeric.networks.curvature import HessianAt
from numeric.networks.forecast.rules import Rule, as_rule, edge_of, step_of
from numeric.networks.forecast.top_space import LEAST, find_top
from numeric.networks.loss import FlatLoss

AT_THE_EDGE = 0.9
MOST_AT_THE_EDGE = 3


@dataclass
class Cost:
    """Gradients of the full batch so far."""

    evaluations: float = 0.0


@dataclass(frozen=True)
class Anchor:
    """θ*, where θ₀ is from there, and the edge of the spectrum; `cost` counts everything computed from here on."""

    loss: FlatLoss
    weights: Tensor
    start: Tensor
    value: float
    gradient: Tensor
    edge: Tensor
    image: Tensor
    eigenvalues: Array
    rule: Rule
    momentum: Tensor  # b at θ₀
    known: tuple[Tensor, Array] | None = None  # directions across, (p, n), and what ∇²L is on them, diagonal, (n,)
    cost: Cost = field(default_factory=Cost)

    @property
    def modes(self) -> int:
        """k, the number of directions at the edge."""
        return self.edge.shape[1]

    def across(self, vectors: Tensor) -> Tensor:
        """The part of the vectors (p,) or (p, n) that is orthogonal to the edge."""
        return vectors - self.edge @ (self.edge.T @ vectors)

    def start_on(self, *directions: Tensor) -> tuple[Array, Array, Array]:
        """x (k,) and z (m,) of the weights θ₀ that training is at, on directions (p, m), and b there, (k + m,).

        They may be given in parts, (p, m₁), (p, m₂) ….
        """

        def on(*parts: Tensor, vector: Tensor) -> Array:
            return np.concatenate([(one.T @ vector).numpy() for one in parts])

        return (
            on(self.edge, vector=self.start),
            on(*directions, vector=self.start),
            on(self.edge, *directions, vector=self.momentum),
        )

    def gradient_at(self, weights: Tensor) -> Tensor:
        """∇L, (p,)."""
        return self.value_and_gradient_at(weights)[1]

    def value_and_gradient_at(self, weights: Tensor) -> tuple[float, Tensor]:
        """L and ∇L, (p,)."""
        self.cost.evaluations += 1
        value, gradient = self.loss.value_and_gradient(weights)
        return float(value), gradient

    def hessian_at(self, weights: Tensor, block: Tensor) -> Tensor:
        """∇²L times the columns of the block, (p, n)."""
        hessian = HessianAt(self.loss, weights)
        image = hessian.product(block)
        self.cost.evaluations += hessian.evaluations
        return image


def anchor(
    loss: FlatLoss,
    rule: Rule | float,
    modes: int | None = None,
    momentum: Tensor | None = None,
    eigenvectors: Tensor | None = None,
) -> Anchor:
    """The reference point two steps of the rule from the module's weights, with its k = `modes` at the edge.

    A number for a rule is the step size of gradient descent. Eigenvectors that are known (p, n), of weights nearby,
    spare it half of the products.
    """
    cost, rule = Cost(), as_rule(rule)
    path, step = [loss.parameters], step_of(rule)
    if eigenvectors is not None and (eigenvectors.ndim != 2 or len(eigenvectors) != len(path[0])):
        shape, size = tuple(eigenvectors.shape), len(path[0])
        raise BadInput(f"eigenvectors of shape {shape}: give one a column, ({size}, n), as a tracker has them")
    if momentum is None:
        momentum = torch.zeros_like(path[0])
    buffer = momentum
    for _ in range(2):
        weights, buffer = step(path[-1], buffer, loss.value_and_gradient(path[-1])[1])
        path.append(weights)
        cost.evaluations += 1
    weights = (path[0] + 2 * path[1] + path[2]) / 4
    hessian = HessianAt(loss, weights)
    value, gradient = hessian.value, hessian.gradient
    known = () if eigenvectors is None else eigenvectors.to(gradient).T
    found = find_top(
        hessian.product,
        _mixture(gradient, path[0] - 2 * path[1] + path[2], *known),
        AT_THE_EDGE * edge_of(rule),
        fewest=modes or 1,
        most=modes or MOST_AT_THE_EDGE,
        least=LEAST if eigenvectors is None else LEAST // 2,
    )
    if not (value.isfinite() and np.isfinite(found.eigenvalues[0])):
        raise BadInput("the loss at the weights, or its curvature, is not finite: forecast from where training is")
    cost.evaluations += hessian.evaluations
    return Anchor(
        loss=loss,
        weights=weights,
        start=path[0] - weights,
        value=float(value),
        gradient=gradient,
        edge=found.vectors,
        image=found.images,
        eigenvalues=found.eigenvalues,
        rule=rule,
        momentum=momentum,
        known=(found.others, found.values),
        cost=cost,
    )


def _mixture(*vectors: Tensor) -> Tensor:
    """The sum of the vectors and a random one, each of length 1."""
    generator = torch.Generator().manual_seed(0)
    random = torch.randn(len(vectors[0]), generator=generator, dtype=torch.float64).to(vectors[0])
    return torch.stack([one / one.norm() for one in (*vectors, random) if one.norm() > 0]).sum(0)
