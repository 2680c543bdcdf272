"""The covariance of the oscillation with several eigenvalues at the edge: how many directions have to oscillate.

Let k eigenvalues be at the edge, with T_ab = ∇³L(u_a, u_b, ·) and F = ∇L, both orthogonal to the u_a. An oscillation of
covariance X, with the mean gradient F + ½ Σ X_cd T_cd, changes the Hessian on the edge, in time ηt, at the rate

    R = −(A + B[X]),      A_ab = T_ab·F,      B[X]_ab = ½ Σ_cd (T_ab·T_cd) X_cd.

The central flow takes the X ⪰ 0 that keeps every eigenvalue from rising beyond the edge and does not oscillate along
one that falls: semidefinite complementarity,

    X ⪰ 0,      A + B[X] ⪰ 0,      ⟨X, A + B[X]⟩ = 0,

the conditions for the least ⟨A, X⟩ + ½⟨X, B[X]⟩ over X ⪰ 0: convex, since B is a matrix of inner products. With k = 1
it is X = 2α/β. A two-cycle has X = ddᵀ, of rank one; where rank two is needed there is none that holds the edge.

X = YYᵀ with Y (k, k) is free of constraints, and has no minimum that is not one of X.

Shapes: A, X and R (k, k), the T_ab·T_cd (k, k, k, k). Errors: `Undecided` where the conditions are not met to `DEFECT`.
Source: :cite:t:`cohen2024understanding`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from eos_sym import Undecided
from numeric.compile import Array

DEFECT = 1e-6  # of the complementarity, relative to the largest |A|
RANK = 1e-3  # of the size that X has: an eigenvalue that is less is no oscillation of its own


@dataclass(frozen=True)
class EdgeCovariance:
    """X, the rate R at which the Hessian on the edge changes with it, and the size that balances the largest |A_ab|."""

    covariance: Array
    rate: Array
    size: float

    @property
    def rank(self) -> int:
        """How many directions oscillate."""
        return int((np.linalg.eigvalsh(self.covariance) > RANK * self.size).sum())


def edge_covariance(force: Array, products: Array) -> EdgeCovariance:
    """X for A = `force` and the inner products T_ab·T_cd."""
    k = len(force)
    scale = float(np.abs(force).max())
    if not scale > 0:
        return EdgeCovariance(np.zeros((k, k)), np.zeros((k, k)), 0.0)
    size = scale / float(np.abs(products).max())  # of X

    def balance(covariance: Array) -> Array:
        return np.asarray(force + np.tensordot(products, covariance, 2) / 2)

    def objective(flat: Array) -> tuple[float, Array]:
        root = flat.reshape(k, k)
        covariance = size * root @ root.T
        slope = (force + balance(covariance)) / 2  # A + ½B[X]
        return float((slope * covariance).sum() / (scale * size)), (2 / scale * balance(covariance) @ root).ravel()

    found = minimize(objective, np.eye(k).ravel(), jac=True, method="BFGS", options={"gtol": DEFECT / 100})
    root = found.x.reshape(k, k)
    covariance = size * root @ root.T
    rate = -balance(covariance)
    defect = max(np.linalg.eigvalsh(rate)[-1] / scale, np.abs(rate @ covariance).max() / (scale * size))
    if not defect < DEFECT:
        raise Undecided(f"the covariance at the edge: complementary to {defect:.1g} only")
    return EdgeCovariance(covariance, rate, size)
