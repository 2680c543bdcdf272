"""The oscillation that holds the edge over a step of the flow: its covariance, its pull on the average, its averages.

With Σ = Σ_ab X_ab p_a p_bᵀ, p_a = P^{-1/2} u_a, the average moves by θ̇ = −p P⁻¹(∇L + ½∇³L[Σ]), and P with it. On the
eigenvalues near the edge M = P^{-1/2} H P^{-1/2} changes at the rate

    Ṁ_ab = T_ab·θ̇ − ½(λ_a + λ_b) u_a·(P⁻¹Ṗ) u_b = −p (A + B[X])_ab,

    A_ab = T_ab·P⁻¹∇L + (e/p) u_a·(P⁻¹Ṗ₀) u_b,             Ṗ₀ = c (g² − N)/(2√N)
    B[X]_ab = ½ Σ_cd [T_ab·P⁻¹T_cd + (e³c/p) Σ_i u_a u_b u_c u_d /√N] X_cd

with e the edge, which λ is where X is not 0: HΣH = P^{1/2} MUXUᵀM P^{1/2}, whose diagonal is P e² Σ X_cd u_c u_d, adds
to E g². (For scalar RMSProp Σ_i u_a u_b u_c u_d is δ_ab δ_cd; without a second moment c = 0.) A second moment makes B
larger and the oscillation smaller: what it adds to E g² lowers P⁻¹H by itself. Over a time h the eigenvalues have e − Λ
to go, so that X is what `numeric.networks.edge.covariance` makes of A + (e − Λ)/(ph) and B.

    E L = L + ½ tr(HΣ) = L + ½ Σ λ_a X_aa,     E g² = (∇L + ½∇³L[Σ])² + diag(HΣH)

**The next order**, at the ends θ ± d of the oscillation's principal axes, with ddᵀ summing to Σ, two gradients each: an
oscillation between them has the loss ½(L₊ + L₋), the stiffness d·(g₊ − g₋)/(2 d·P d), which and not λ is then at the
edge, and pulls by ½(g₊ + g₋) − ∇L, not by ½∇³L[ddᵀ]. What these differ by from E L, λ, and ½∇³L[Σ] (along itself, and
so, relatively, in the X that holds the edge) is the error of the averages: of the order of Q d⁴/24, Q d²/6, ….
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from numeric.compile import Array
from numeric.networks.edge.covariance import edge_covariance
from numeric.networks.flows.edge_space import EdgeSpace
from numeric.networks.flows.rules import Training
from numeric.networks.loss import FlatLoss


@dataclass(frozen=True)
class Oscillation:
    """X (k, k), its rank, ½∇³L[Σ] and diag(HΣH), both (p,)."""

    covariance: Array
    rank: int
    pull: Tensor
    squares: Tensor

    @property
    def still(self) -> bool:
        """Whether nothing oscillates."""
        return not self.covariance.any()


@dataclass(frozen=True)
class Errors:
    """What the next order is of the mean loss, of the sharpness, and of X relative to itself."""

    loss: float = 0.0
    sharpness: float = 0.0
    covariance: float = 0.0


def balanced(here: EdgeSpace, training: Training, moment: Tensor, time: float, h: float) -> Oscillation:
    """The oscillation that lets no eigenvalue beyond the edge in the step h from a time."""
    nothing = torch.zeros_like(here.gradient)
    if not here.near:
        return Oscillation(np.zeros((0, 0)), 0, nothing, nothing)
    pace, edge, third, scale = training.pace(time, h), training.edge, here.third, training.scale(moment)
    weighted = third if scale is None else third / scale
    force = weighted @ here.gradient
    products = torch.einsum("abp,cdp->abcd", third, weighted)
    if scale is not None:
        pairs = torch.einsum("pa,pb->abp", here.vectors, here.vectors)
        root = moment.clamp_min(0).sqrt()
        drift = training.moment_rate(moment, here.gradient.square()) / (2 * root * scale)
        force = force + edge / pace * (pairs * drift).sum(-1)
        answer = torch.einsum("abp,cdp->abcd", pairs, pairs / root)
        if len(moment) < len(here.gradient):
            one = torch.eye(here.near).to(root)
            answer = torch.einsum("ab,cd->abcd", one, one) / root
        products = products + edge**3 * training.follows / pace * answer
    room = np.diag((edge - here.eigenvalues[: here.near]) / (pace * h))
    found = edge_covariance(force.numpy() + room, products.numpy())
    covariance = torch.from_numpy(found.covariance).to(third)
    pull = torch.einsum("ab,abp->p", covariance, third) / 2
    values = torch.from_numpy(here.eigenvalues[: here.near]).to(third)
    images = here.vectors * values
    squares = torch.einsum("pa,ab,pb->p", images, covariance, images) * (1 if scale is None else scale)
    return Oscillation(found.covariance, found.rank, pull, squares)


def next_order(
    loss: FlatLoss, weights: Tensor, here: EdgeSpace, oscillation: Oscillation, scale: Tensor | None
) -> tuple[Errors, int]:
    """The errors, from the ends of the principal axes, and the gradients that they took."""
    variances, axes = np.linalg.eigh(oscillation.covariance)
    pulled = torch.zeros_like(weights)
    of_loss, of_sharpness = 0.0, 0.0
    taken = variances > 0
    for variance, axis in zip(variances[taken], axes[:, taken].T, strict=True):
        end = np.sqrt(variance) * (here.directions @ torch.from_numpy(axis).to(weights))
        (ahead, before), (behind, after) = (loss.value_and_gradient(weights + side * end) for side in (1, -1))
        curvature = float(axis**2 @ here.eigenvalues[: here.near])
        of_loss += abs(float(ahead + behind) / 2 - here.value - curvature * variance / 2)
        length = float(end @ (end if scale is None else scale * end))
        of_sharpness = max(of_sharpness, abs(float(end @ (before - after)) / (2 * length) - curvature))
        pulled += (before + after) / 2 - here.gradient
    inner = float(oscillation.pull @ oscillation.pull)
    missed = abs(float((pulled - oscillation.pull) @ oscillation.pull)) / inner if inner else 0.0
    return Errors(of_loss, of_sharpness, missed), 2 * int(taken.sum())
