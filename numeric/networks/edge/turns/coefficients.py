"""What the theory of self-stabilization needs to know of a network at its weights: u, S, ∇S, α, β, δ, ε, Q.

    u, S = λ₁, λ₂      the top eigenpair of ∇²L, and the second eigenvalue
    ∇S = ∇³L(u,u,·)    (−g₋₂ + 16g₋₁ − 30g₀ + 16g₁ − g₂)/(12h²), g_j = ∇L(θ + j h u), to order h⁴
    Q = ∇⁴L(u,u,u,u)   u·(g₂ − 2g₁ + 2g₋₁ − g₋₂)/(2h³), to order h²
    ∇S⊥ = ∇S − (u·∇S)u,   α = −∇L·∇S⊥,   β = ‖∇S⊥‖²,   δ = √(2α/β),   ε = η√α

h is `SHORT` root mean squares of the weights: in double precision the truncation and the rounding of the differences
are then both far below a part in 10³. No derivative above the second is taken by torch, whose layer and batch
normalization have wrong ones. With kinked activations the differences average over the kinks. They are taken when ∇S or
Q is first asked for: where the edge is sought, most points are asked for S and u·∇L alone.

Where α ≤ 0 the sharpness does not rise by itself: δ and ε are NaN there.

Shapes: θ, u, ∇L, ∇S (p,). Errors: `BadInput` for a loss that is not in double precision; `Undecided` where the loss is
not finite, or its top eigenpair does not converge. Source: :cite:t:`damian2022selfstabilization`, section 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from eos_sym import BadInput, Undecided
from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.loss import FlatLoss

SHORT = 0.01  # h, in root mean squares of the weights
RELATIVE = 1e-6  # of S, as a bound; the error of u is of the order of its square root
FOLLOWED = 2  # eigenvalues


@dataclass(frozen=True)
class EdgeCoefficients:
    """The top of the curvature at a point θ, and its derivatives along u."""

    weights: Tensor
    value: float
    gradient: Tensor
    direction: Tensor
    sharpness: float
    second: float
    hessian: HessianAt

    @property
    def sharpness_gradient(self) -> Tensor:
        """∇S = ∇³L(u,u,·), (p,)."""
        return self._along[0]

    @property
    def quartic(self) -> float:
        """Q = ∇⁴L(u,u,u,u)."""
        return self._along[1]

    @cached_property
    def _along(self) -> tuple[Tensor, float]:
        """∇S and Q from gradients at θ ± hu and θ ± 2hu."""
        h = SHORT * float(self.weights.square().mean().sqrt())
        far, near, ahead, beyond = (
            self.hessian.loss.value_and_gradient(self.weights + j * h * self.direction)[1] for j in (-2, -1, 1, 2)
        )
        third = (16 * (near + ahead) - (far + beyond) - 30 * self.gradient) / (12 * h**2)
        fourth = self.direction @ (beyond - far - 2 * (ahead - near)) / (2 * h**3)
        return third, float(fourth)

    @cached_property
    def perpendicular(self) -> Tensor:
        """∇S⊥, (p,)."""
        return self.sharpness_gradient - self.parallel * self.direction

    @cached_property
    def parallel(self) -> float:
        """u·∇S = ∇³L(u,u,u)."""
        return float(self.sharpness_gradient @ self.direction)

    @cached_property
    def alpha(self) -> float:
        """α = −∇L·∇S⊥, the rate of progressive sharpening in time ηt."""
        return -float(self.gradient @ self.perpendicular)

    @cached_property
    def beta(self) -> float:
        """β = ‖∇S⊥‖², the strength of self-stabilization."""
        return float(self.perpendicular @ self.perpendicular)

    @property
    def delta(self) -> float:
        """δ = √(2α/β), the oscillation that balances the two; NaN where α ≤ 0."""
        return math.sqrt(2 * self.alpha / self.beta) if self.alpha > 0 else math.nan

    def epsilon(self, eta: float) -> float:
        """ε = η√α, the step of a turn; NaN where α ≤ 0."""
        return eta * math.sqrt(self.alpha) if self.alpha > 0 else math.nan

    @property
    def slope(self) -> float:
        """u·∇L."""
        return float(self.direction @ self.gradient)


class EdgeReader:
    """Reads the coefficients at one point after another, each eigenpair found from those before."""

    def __init__(self, loss: FlatLoss) -> None:
        if loss.parameters.dtype != torch.float64:
            raise BadInput("differences of gradients carry the derivatives: give the module and its data in .double()")
        self.loss = loss
        self._eigenpairs = TopEigenpairs(min(FOLLOWED, len(loss.parameters)), relative=RELATIVE)

    def read(self, weights: Tensor) -> EdgeCoefficients:
        """The coefficients at these weights; u on the side of the one before."""
        hessian = HessianAt(self.loss, weights)
        value, gradient = hessian.value, hessian.gradient
        reading = self._eigenpairs.read(hessian, weights, gradient)
        if reading.status in ("not_finite", "unfinished"):
            raise Undecided(f"the reading of the top eigenvalues is {reading.status.replace('_', ' ')}")
        direction = reading.eigenvectors[:, 0]
        values = reading.eigenvalues.tolist()
        return EdgeCoefficients(
            weights=weights,
            value=float(value),
            gradient=gradient,
            direction=direction,
            sharpness=values[0],
            second=values[1] if len(values) > 1 else -math.inf,
            hessian=hessian,
        )
