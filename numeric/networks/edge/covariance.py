"""The covariance of the oscillation with several eigenvalues at the edge: how many directions have to oscillate.

Let k eigenvalues be at the edge, with T_ab = ∇³L(u_a, u_b, ·) and F = ∇L, both orthogonal to the u_a. An oscillation of
covariance X, with the mean gradient F + ½ Σ X_cd T_cd, changes the Hessian on the edge, in time ηt, at the rate

    R = −(A + B[X]),      A_ab = T_ab·F,      B[X]_ab = ½ Σ_cd (T_ab·T_cd) X_cd.

The central flow takes the X ⪰ 0 that keeps every eigenvalue from rising beyond the edge and does not oscillate along
one that falls: semidefinite complementarity,

    X ⪰ 0,      A + B[X] ⪰ 0,      ⟨X, A + B[X]⟩ = 0,

the conditions for the least ⟨A, X⟩ + ½⟨X, B[X]⟩ over X ⪰ 0: convex, since B is a matrix of inner products. With k = 1
it is X = 2α/β. A two-cycle has X = ddᵀ, of rank one; where rank two is needed there is none that holds the edge.

A conic solver takes it as it stands, each u_a in units in which ‖T_aa‖ = 1: eigenvalues whose T_aa differ by orders of
magnitude are balanced by variances that do. (The free minimum over Y of X = YYᵀ is the same, and is found by BFGS in
three to six times the time; without those units it is missed in most of the random problems with k ≥ 4.)

Shapes: A, X and R (k, k), the T_ab·T_cd (k, k, k, k). Errors: `Undecided` where no oscillation holds the eigenvalues at
the edge, as where T = 0, and where the conditions are not met to `DEFECT`.
Sources: :cite:t:`cohen2024understanding`; :cite:t:`goulart2024clarabel` for the solver.
"""

from __future__ import annotations

from dataclasses import dataclass

import clarabel
import numpy as np
from scipy import sparse

from eos_sym import Undecided
from numeric.compile import Array

DEFECT = 1e-6  # of the conditions, relative to the largest |A| and the size of X, each u_a in its units
TOLERANCE = 1e-9
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
    if np.linalg.eigvalsh(force)[0] >= 0:
        return EdgeCovariance(np.zeros((k, k)), -force, 0.0)
    largest = float(np.abs(products).max())
    own = np.einsum("aaaa->a", products)
    if not (own > 0).all():
        raise Undecided("the covariance at the edge: an eigenvalue there does not depend on the weights")
    units = (own / largest) ** -0.25
    scale = float(np.abs(force * np.outer(units, units)).max())
    size = scale / largest  # of X
    scaled = force * np.outer(units, units) / scale
    inner = products * np.einsum("a,b,c,d->abcd", units, units, units, units) / largest
    found = np.array([[max(-2 * scaled[0, 0] / inner[0, 0, 0, 0], 0.0)]]) if k == 1 else _least(scaled, inner)
    balance = scaled + np.tensordot(inner, found, 2) / 2
    defect = max(-np.linalg.eigvalsh(balance)[0], -np.linalg.eigvalsh(found)[0], abs(float((balance * found).sum())))
    if not defect < DEFECT * max(1.0, float(np.abs(found).max())):
        raise Undecided(f"the covariance at the edge: complementary to {defect:.1g} only")
    covariance = size * found * np.outer(units, units)
    return EdgeCovariance(covariance, -(force + np.tensordot(products, covariance, 2) / 2), size)


def _least(force: Array, products: Array) -> Array:
    """The X ⪰ 0 with the least ⟨A, X⟩ + ½⟨X, B[X]⟩, by its upper triangle, whose off-diagonals count √2."""
    k = len(force)
    rows, columns = np.array([(row, column) for column in range(k) for row in range(column + 1)]).T
    weights = np.where(rows == columns, 1.0, np.sqrt(2))
    quadratic = products[rows, columns][:, rows, columns] * np.outer(weights, weights) / 2
    settings = clarabel.DefaultSettings()
    settings.verbose, settings.max_threads = False, 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = TOLERANCE
    solution = clarabel.DefaultSolver(
        sparse.csc_matrix(np.triu(quadratic)),
        force[rows, columns] * weights,
        sparse.csc_matrix(-np.eye(len(rows))),
        np.zeros(len(rows)),
        [clarabel.PSDTriangleConeT(k)],
        settings,
    ).solve()
    if "Infeasible" in str(solution.status):
        raise Undecided("the covariance at the edge: no oscillation holds the eigenvalues there")
    found = np.zeros((k, k))
    found[rows, columns] = found[columns, rows] = np.array(solution.s) / weights
    return found
