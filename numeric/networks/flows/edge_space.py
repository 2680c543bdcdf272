"""The eigenvalues near the edge along a path, as many as there are, and the third derivatives along their eigenvectors.

Of P⁻¹H, with P diagonal and H = ∇²L, through the symmetric M = P^{-1/2} H P^{-1/2}:

    M u_a = λ_a u_a,   p_a = P^{-1/2} u_a,   λ_a ≥ (1 − `NEAR`) edge for the k near it,   T_ab = ∇³L(p_a, p_b, ·)

One eigenvalue more than are near is followed, so that the next to come is seen coming. The block is started anew when
their number changes; it grows at once and shrinks only when the second to last is far off.

Shapes: u, p (p, k), λ (k + 1 or more,), T (k, k, p). Units: `evaluations` in gradients of the full batch. Errors:
`BadInput` where torch has the third derivatives wrong; `Undecided` where the loss or its curvature is not finite, or
more than `MOST` eigenvalues come to the edge together.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.curvature import HessianAt, Preconditioned, TopEigenpairs, third_derivatives
from numeric.networks.loss import FlatLoss

NEAR = 0.02
FAR = 0.06  # beyond which an eigenvalue is let go
MOST = 6
RELATIVE = 1e-4  # of an eigenvalue
FIRST, PAIR = 8.0, 3.0  # gradients: third derivatives of one pair, and of each further one


@dataclass(frozen=True)
class EdgeSpace:
    """L and ∇L at a point, the largest λ there, and u, p and T of those near the edge."""

    value: float
    gradient: Tensor
    eigenvalues: Array
    vectors: Tensor
    directions: Tensor
    third: Tensor
    evaluations: float

    @property
    def near(self) -> int:
        """k."""
        return self.vectors.shape[1]

    def dual(self, scale: Tensor | None) -> Tensor:
        """P p, (p, k): the coordinates of Δθ along the p are its products with these."""
        return self.directions if scale is None else scale[:, None] * self.directions


class EdgeFollower:
    """Reads the edge of a loss at one point after another, for a rule with a critical λ of P⁻¹H."""

    def __init__(self, loss: FlatLoss, edge: float) -> None:
        self.loss, self.edge = loss, edge
        self._size = len(loss.parameters)
        self._eigenpairs = self._follow(2)

    def _follow(self, count: int) -> TopEigenpairs:
        return TopEigenpairs(min(count, self._size), relative=RELATIVE)

    def read(self, weights: Tensor, scale: Tensor | None = None, softer: float = 0.0) -> EdgeSpace:
        """The edge at these weights, with P, (p,) or (1,), if it is not 1, and of λ that are held softer than it.

        By that share of the edge λ may be farther from it, and still near.
        """
        near_from, far_from = ((1 - limit - softer) * self.edge for limit in (NEAR, FAR))
        hessian = HessianAt(self.loss, weights)
        inverse = None if scale is None else (1 / scale).expand_as(weights)
        operator = hessian if inverse is None else Preconditioned(hessian, inverse)
        while True:
            reading = self._eigenpairs.read(operator, weights, hessian.gradient)
            if reading.status == "not_finite":
                raise Undecided("the loss or its curvature is not finite")
            values = reading.eigenvalues.numpy()
            if values[-1] < near_from or len(values) == self._size:
                break
            if len(values) > MOST:
                raise Undecided(f"more than {MOST} eigenvalues are at the edge together")
            self._eigenpairs = self._follow(len(values) + 1)
        if len(values) > 2 and values[-2] < far_from:
            self._eigenpairs = self._follow(len(values) - 1)
        near = int((values >= near_from).sum())
        vectors = reading.eigenvectors[:, :near]
        directions = vectors if inverse is None else inverse.sqrt()[:, None] * vectors
        evaluations = hessian.evaluations
        if near:
            third = third_derivatives(self.loss, weights, directions)
            evaluations += FIRST + PAIR * (near * (near + 1) // 2 - 1)
        else:
            third = weights.new_zeros(0, 0, self._size)
        value, gradient = float(hessian.value), hessian.gradient
        return EdgeSpace(value, gradient, values, vectors, directions, third, evaluations)
