"""The edge law with a network's own coefficients, where its hypotheses do not hold: for comparison.

    T = ∇³L(u,u,·),   Q = ∇⁴L(u,u,u,u),   β = Σ_slow (vⱼ·T)²,   κ₄ = Q − 3 Σ_fast (vⱼ·T)²/λⱼ,   slow: ηλⱼ ≤ τ

from the whole spectrum at the weights, u among the fast directions. The law asks for a gap in the spectrum around τ and
for a gradient that does not drive the sharpness, α = 0, while the oscillation dies. A network has neither: the ratio of
the eigenvalues on either side of τ says how far from a gap it is, and the drive dies as slowly as x does. From any
excess y₀ the law (`eos_sym.edge.normal_forms.normal_form`) has its end, and from a large one the limit 3β/(2|κ₄|) below
the edge.

Shapes: weights (p,), the spectrum (p,), so for a few thousand weights. Errors: `Undecided` where the law has no end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from sympy import Float
from torch import Tensor

from eos_sym import Undecided
from eos_sym.edge import EdgeNormalForm
from numeric.networks.curvature import directional_gradient, hessian
from numeric.networks.loss import FlatLoss

SLOW = 0.01  # τ


@dataclass(frozen=True)
class SplitLaw:
    """β and κ₄ by a split of the spectrum at ηλ = τ, the sharpness there, and the ratio of λ across the split."""

    eta: float
    sharpness: float
    beta: float
    quartic: float
    separation: float

    @property
    def limit(self) -> float:
        """3β/(2|κ₄|), how far below the edge the law ends from a large excess."""
        if self.quartic >= 0:
            raise Undecided(f"κ₄ = {self.quartic:.3g} is not negative: the law has no limit")
        return 3 * self.beta / (2 * abs(self.quartic))

    @property
    def parabola(self) -> float:
        """|κ₄|/(6√β): on the law's parabola, how far the slow coordinates are along T, over q."""
        if self.quartic >= 0:
            raise Undecided(f"κ₄ = {self.quartic:.3g} is not negative: the law has no parabola")
        return abs(self.quartic) / (6 * math.sqrt(self.beta))

    def gap(self, excess: float) -> float:
        """How far below the edge the law ends from this excess."""
        form = EdgeNormalForm(Float(self.beta), Float(self.quartic), Float(2 / self.eta))
        return -float(form.end(Float(excess)))


def split_law(loss: FlatLoss, weights: Tensor, eta: float, slow: float = SLOW) -> SplitLaw:
    """The law's coefficients at these weights."""
    values, vectors = torch.linalg.eigh(hessian(loss, weights))
    u = vectors[:, -1]
    squares = (directional_gradient(loss, weights, u, u) @ vectors).square()
    quartic = float(directional_gradient(loss, weights, u, u, u) @ u)
    below = eta * values <= slow
    count = int(below.sum())
    if not 0 < count < len(values):
        raise Undecided(f"{count} of {len(values)} directions have ηλ ≤ {slow:g}: no split")
    fast = float((squares[~below] / values[~below]).sum())
    separation = float(values[count] / values[count - 1].clamp_min(torch.finfo(values.dtype).tiny))
    return SplitLaw(eta, float(values[-1]), float(squares[below].sum()), quartic - 3 * fast, separation)
