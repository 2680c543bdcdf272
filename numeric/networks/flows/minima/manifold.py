"""The manifold Γ of a network's minima: curvature and tangent space at a point, and the way onto it from beside it.

Let the loss be a convex criterion of the module's outputs, L(θ) = ℓ(f(θ)), and Γ where all outputs are at its minimum.
With J the Jacobian of the outputs,

    Γ = {∇ℓ(f(θ)) = 0},    ∇²L = RᵀR on Γ,    R = Kᵀ J,    KKᵀ = ∇²ℓ(f),

so that the eigenvectors are the right singular vectors of R, the eigenvalues the squares of the singular values, and
the tangent space of Γ is the kernel: P_Γ = 1 − R⁺R. For the half squared error of n examples K = 1/√n.

Beside Γ the shortest step onto it, were f linear, is that of Gauss and Newton. It is repeated, and halved where the
loss would rise, until the excess, of a squared error the loss itself, is that of rounding:

    θ' = θ − R⁺K⁺∇ℓ,    excess = ½ ‖K⁺∇ℓ‖² ≈ L − min L.

Shapes: θ (p,), f flat (k,), R (k, p), dense: for networks of up to a few thousand weights and outputs. Errors:
`Undecided` where the criterion is not convex, where J is 0, where the minimum is isolated, and where the steps do not
end on Γ: as where the criterion has no minimum (cross-entropy of classes) or the network cannot fit all examples.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from eos_sym import Undecided
from numeric.networks.edge.descent import criterion_at, jacobian_at
from numeric.networks.loss import FlatLoss

RANK = 1e-10  # of the largest singular value, and eigenvalue of ∇²ℓ: what is less is none
MOST_STEPS = 50  # of Gauss and Newton
PRECISION = 1e-12  # of the weights' length: the excess that so short a way along the top eigenvector makes is rounding


@dataclass(frozen=True)
class GaussNewton:
    """RᵀR at θ: eigenvalues (r,), the largest first, eigenvectors (p, r); the excess, and the step towards Γ, (p,)."""

    weights: Tensor
    eigenvalues: Tensor
    eigenvectors: Tensor
    excess: float
    step: Tensor

    @property
    def sharpness(self) -> float:
        """λ₁."""
        return float(self.eigenvalues[0])

    @property
    def gap(self) -> float:
        """(λ₁ − λ₂)/λ₁, 1 where there is one eigenvalue alone."""
        return float(1 - self.eigenvalues[1] / self.eigenvalues[0]) if len(self.eigenvalues) > 1 else 1.0

    @property
    def at_minimum(self) -> bool:
        """Whether θ is on Γ, up to rounding."""
        return self.excess <= self.sharpness * float(self.weights @ self.weights) * PRECISION**2 / 2

    def tangential(self, vector: Tensor) -> Tensor:
        """P_Γ v, (p,)."""
        return vector - self.eigenvectors @ (self.eigenvectors.T @ vector)


def gauss_newton_at(loss: FlatLoss, weights: Tensor) -> GaussNewton:
    """RᵀR at these weights, on Γ or beside it."""
    slope, curvature = criterion_at(loss, weights)
    values, vectors = torch.linalg.eigh(curvature)
    if not float(values[-1]) > 0 or float(values[0]) < -RANK * float(values[-1]):
        raise Undecided("the criterion is not convex at the module's outputs: it has no manifold of minima there")
    kept = values > RANK * values[-1]
    root = values[kept].sqrt()[:, None] * vectors[:, kept].T  # Kᵀ
    defect = vectors[:, kept].T @ slope / values[kept].sqrt()  # K⁺∇ℓ
    left, singular, right = torch.linalg.svd(root @ jacobian_at(loss, weights), full_matrices=False)
    if not singular[0] > 0:
        raise Undecided("no output changes with the weights to first order: begin where some do, not at zero weights")
    kept = singular > RANK * singular[0]
    left, singular, right = left[:, kept], singular[kept], right[kept]
    if len(singular) == len(weights):
        raise Undecided(f"{len(weights)} weights and as many curved directions: the minimum is isolated")
    step = -right.T @ (left.T @ defect / singular)
    return GaussNewton(weights, singular**2, right.T, float(defect @ defect) / 2, step)


def nearest_minimum(loss: FlatLoss, weights: Tensor) -> GaussNewton:
    """The point of Γ that the steps of Gauss and Newton lead to; the nearest one, to second order in its distance."""
    for _ in range(MOST_STEPS):
        here = gauss_newton_at(loss, weights)
        if here.at_minimum:
            return here
        weights = _downhill(loss, here)
    raise Undecided(
        f"no minimum is found beside the weights, the excess of the loss is {here.excess:.2g}: give a module that fits "
        "all examples, a criterion that has a minimum, as squared error, and weights that are near one"
    )


@torch.no_grad()
def _downhill(loss: FlatLoss, here: GaussNewton) -> Tensor:
    """Where the step leads, halved until the loss does not rise but for rounding."""
    value, share = float(loss(here.weights)), 1.0
    allowed = value + 4 * torch.finfo(torch.float64).eps * abs(value)
    while share > PRECISION and not float(loss(here.weights + share * here.step)) <= allowed:
        share /= 2
    return here.weights + share * here.step
