"""The oscillation of a network across its minima, from three consecutive weights: along what, how wide, how stable.

    from numeric.networks.flows.minima import Oscillation

    here = Oscillation(NormalizedGradientDescent(), loss, eta, path)       path (3, p): θ_{t−1}, θ_t, θ_{t+1}
    here.cosine          |u·s|/‖s‖ of the last step s = θ_{t+1} − θ_t, u the top eigenvector at the minimum beside θ_t
    here.turn            ‖θ_{t+1} − θ_{t−1}‖/‖s‖: 0 of a period of two
    here.stableness      S of both steps, S = η_e sup λ₁(∇²L(θ − s∇L)) over 0 ≤ s ≤ η_e
    here.reciprocals     1/S_{t−1} + 1/S_t
    here.root_losses     √L_t + √L_{t+1}
    here.share           C = √L_t/(√L_t + √L_{t+1}), the share of the oscillation on the side of θ_t

The effective step η_e multiplies the gradient: η/‖∇L‖ of normalized GD, η/(2√L) of GD on √L; it is read off the step.
By the theory, to leading order in η, the cosine and the sum of the reciprocals are 1, whatever the two are, and

    √L_t + √L_{t+1} = ηw √(λ₁/2),      w = 1 for normalized GD, √(λ₁/2) for GD on √L,

with the width ηw of the oscillation by `eos_sym.flows.oscillation`.

Shapes: θ (p,); the Hessians are dense. The loss is in double precision. Errors: `Undecided` where no minimum is found
beside θ_t (`manifold`). Source: :cite:t:`arora2022understanding`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

import torch
from torch import Tensor

from eos_sym import BadInput
from eos_sym.flows import oscillation
from eos_sym.flows.limit_flow import CURVATURE
from eos_sym.rules import WrittenRule
from numeric.compile import CompiledFunction, compile_function
from numeric.networks.flows.minima.manifold import GaussNewton, nearest_minimum
from numeric.networks.loss import FlatLoss

SEGMENT = 9  # points of a step on which the supremum of the sharpness is taken


@dataclass(frozen=True)
class Oscillation:
    """Three consecutive weights (3, p) of the rule with the step size η."""

    rule: WrittenRule
    loss: FlatLoss
    eta: float
    path: Tensor

    @cached_property
    def minimum(self) -> GaussNewton:
        """The minimum beside θ_t."""
        return nearest_minimum(self.loss, self.path[1])

    @property
    def step(self) -> Tensor:
        """θ_{t+1} − θ_t."""
        return self.path[2] - self.path[1]

    @property
    def cosine(self) -> float:
        """Of the angle between the step and the top eigenvector."""
        return float(abs(self.step @ self.minimum.eigenvectors[:, 0]) / self.step.norm())

    @property
    def turn(self) -> float:
        """How far two steps come, over the length of one."""
        return float((self.path[2] - self.path[0]).norm() / self.step.norm())

    @cached_property
    def stableness(self) -> tuple[float, float]:
        """S_{t−1} and S_t."""
        first, second = (stableness(self.loss, before, after) for before, after in pairwise(self.path))
        return first, second

    @property
    def reciprocals(self) -> float:
        """1/S_{t−1} + 1/S_t; 1 by the theory."""
        return sum(1 / one for one in self.stableness)

    @cached_property
    def _roots(self) -> tuple[float, float]:
        """√L_t and √L_{t+1}."""
        here, there = (math.sqrt(self.loss.value_and_gradient(point)[0]) for point in self.path[1:])
        return here, there

    @property
    def root_losses(self) -> float:
        """√L_t + √L_{t+1}."""
        return sum(self._roots)

    @property
    def share(self) -> float:
        """C, the share of the oscillation that lies on the side of θ_t."""
        return self._roots[0] / self.root_losses

    @property
    def expected_root_losses(self) -> float:
        """The same by the theory, at the minimum."""
        sharpness = self.minimum.sharpness
        width, _ = width_and_drift(self.rule)(sharpness)
        return self.eta * float(width) * math.sqrt(sharpness / 2)


def stableness(loss: FlatLoss, before: Tensor, after: Tensor) -> float:
    """The effective step times the largest sharpness on the way that it covers."""
    effective = float((after - before).norm() / loss.value_and_gradient(before)[1].norm())
    points = (before + share * (after - before) for share in torch.linspace(0, 1, SEGMENT).tolist())
    return effective * max(_sharpness(loss, point) for point in points)


def _sharpness(loss: FlatLoss, weights: Tensor) -> float:
    return float(torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, weights, vectorize=True))[-1])


@cache
def width_and_drift(rule: WrittenRule) -> CompiledFunction:
    """w, and the drift D along the minima with −Δs = η²D λ' a step, as functions of λ₁."""
    if not isinstance(rule, WrittenRule):
        raise BadInput(f"rule = {rule!r}: give one of eos_sym.rules, NormalizedGradientDescent()")
    model = oscillation(rule)
    return compile_function([model.width, model.drift], (CURVATURE,))
