"""The valley that a network ends in: its curvature across the top eigenvector, and what decides gap and trajectory.

At a minimum, in coordinates x along the top eigenvector u and z across it, with G = Jᵀℓ″J the curvature of least
squares (J the Jacobian of the outputs, ℓ the criterion), which is ∇²L where the residuals vanish, T = ∇³L(u,u,·) across
u, Q_e = ∇⁴L(u,u,u,u) − (3η/2)(u·∇³L(u,u,·))² and q = x², in time τ = ηt,

    ż = −(G z + ½ q T),      q̇ = 2q (T·z + Q_e q/6 − γ) …       γ = 2/η − S at the minimum.

As q → 0 it decays as e^{−ντ}, ν = 2γ. A trajectory on which z goes with q is z = −½ q (G − ν)⁻¹T, with T·z + Q_e q/6
= 0 on it: with the eigenpairs (λ_j, v_j) of G, zero modes included, and t_j = v_j·T,

    Σ t_j²/(λ_j − ν) = Q_e/3,      γ = ν/2,      z = c q,   c = ½ √(Σ t_j²/(λ_j − ν)²) along (G − ν)⁻¹T:

a parabola in the plane of u and of the motion along the valley. The split of the spectrum into slow and fast is the
limit in which the slow λ_j are 0 and the fast ones infinite beside ν. Then ν = 3β/|κ₄|, and this is the edge law,
γ = 3β/(2|κ₄|) and c = |κ₄|/(6√β). Where Q_e does not matter, ν is the rate at which the drive of a network that hovers
decays (`rate`), and γ half of it.

The roots interlace with the λ_j, and each is a trajectory, with a gap of its own. A sum of them is none, since ln q and
not q decays by the second equation; only while ½ d ln q/dτ is nearly constant, so that the sharpness is held, q and z
obey linear equations, and a network comes down on such a sum, of which the smallest ν outlasts the others. Where that
ends before one is left, q dies at twice the gap that there is, whatever Q_e says, and no root is the gap.

Shapes: λ_j, ascending, and t_j (r,), the first of them that of all zero modes. Units: those of the loss and the
weights. Errors: `BadInput` as `descent` says; `Undecided` where there is no such root. Source: derived for this
project.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor

from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.edge.descent import criterion_at, jacobian_at
from numeric.networks.edge.terminal.law import SplitLaw
from numeric.networks.forecast.anchor import Anchor
from numeric.networks.forecast.loss_expansion.expansion import SHORT
from numeric.networks.forecast.loss_expansion.model import fit_edge
from numeric.networks.loss import FlatLoss

RANK = 1e-6  # of the largest singular value of √ℓ″J: what is less is a zero mode
INSIDE = 1e-9  # of an interval between two poles: how near to them a root is looked for


@dataclass(frozen=True)
class Valley:
    """λ_j, t_j, F = Jᵀℓ′ on the same eigenvectors, and along u S, ∇³L(u,u,u) and ∇⁴L(u,u,u,u)."""

    eta: float
    eigenvalues: Array
    bends: Array
    force: Array
    sharpness: float
    skew: float
    quartic: float

    @property
    def effective_quartic(self) -> float:
        """Q_e, what two steps make of both."""
        return self.quartic - 1.5 * self.eta * self.skew**2

    def split(self, slow: float) -> SplitLaw:
        """The edge law's coefficients, slow the directions with ηλ ≤ `slow`; of 0 the zero modes alone."""
        below = self.eta * self.eigenvalues <= slow
        squares, count = self.bends**2, int(below.sum())
        fast = float((squares[~below] / self.eigenvalues[~below]).sum())
        gap = 1 < count < len(below)  # zero modes are any factor below the next
        separation = float(self.eigenvalues[count] / self.eigenvalues[count - 1]) if gap else np.inf
        kappa = self.effective_quartic - 3 * fast
        return SplitLaw(self.eta, self.sharpness, float(squares[below].sum()), kappa, separation)

    def rate(self, number: int = 0) -> float:
        """ν, the root between the λ_j of this number and the next; above the last there need be none."""
        if not self.bends[0]:
            raise Undecided("the sharpness does not change along the flat directions: no trajectory down the valley")
        low, high = self.eigenvalues[number : number + 2]
        margin = INSIDE * (high - low)

        def missed(rate: float) -> float:
            return float((self.bends**2 / (self.eigenvalues - rate)).sum()) - self.effective_quartic / 3

        if missed(low + margin) * missed(high - margin) > 0:
            raise Undecided(f"the sharpness hardly changes along a mode of curvature {high:g}: no root beside it")
        return float(brentq(missed, low + margin, high - margin))

    def parabola(self, rate: float) -> float:
        """c, the coefficient of q in the motion along the valley, of the trajectory that decays at this rate ν."""
        return 0.5 * float(np.sqrt((self.bends**2 / (self.eigenvalues - rate) ** 2).sum()))


def valley_at(here: Anchor, eta: float, reach: float | None = None) -> Valley:
    """The valley at an anchor with one direction at the edge; derivatives along lines of this reach, or short ones."""
    fit = fit_edge(here, reach or SHORT * (float(here.weights.square().mean().sqrt()) or 1.0))
    driving = here.across(2 * fit.b[fit.form.linear.index((2,))])
    root, slope = least_squares(here.loss, here.weights)
    sizes = torch.linalg.svdvals(root)
    rank = max(int((sizes > RANK * sizes[0]).sum()) - 1, 0)  # without the edge, as far as that is an eigenvector of G
    vectors, sizes, _ = torch.linalg.svd(here.across(root.T), full_matrices=False)
    vectors, eigenvalues = vectors[:, :rank], sizes[:rank].square().numpy()
    t, force = (vectors.T @ driving).numpy(), (vectors.T @ here.across(slope)).numpy()
    flat = max(float(driving @ driving) - float(t @ t), 0.0)
    return Valley(
        eta=eta,
        eigenvalues=np.append(0.0, eigenvalues[::-1]),
        bends=np.append(np.sqrt(flat), t[::-1]),
        force=np.append(0.0, force[::-1]),
        sharpness=float(here.eigenvalues[0]),
        skew=6 * float(fit.a[fit.form.along.index((3,))]),
        quartic=24 * float(fit.a[fit.form.along.index((4,))]),
    )


def least_squares(loss: FlatLoss, weights: Tensor) -> tuple[Tensor, Tensor]:
    """√ℓ″ J, (outputs, p), and Jᵀℓ′, (p,), at the weights; the criterion convex in the outputs."""
    slope, curvature = criterion_at(loss, weights)
    jacobian = jacobian_at(loss, weights)
    values, vectors = torch.linalg.eigh(curvature)
    root: Tensor = values.clamp_min(0).sqrt()[:, None] * vectors.T
    return root @ jacobian, jacobian.T @ slope
