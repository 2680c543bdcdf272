"""The oscillation that holds the edge over a step of the flow: its covariance, its pull on the average, its averages.

With Σ = Σ_ab X_ab p_a p_bᵀ, p_a = P^{-1/2} u_a, the average moves over m steps of training by −r P⁻¹(d + ½∇³L[Σ]), with
r the reach of the rule and d, which without momentum is ∇L, what drives it (`rules`); and P with it. On the eigenvalues
near the edge M = P^{-1/2} H P^{-1/2} changes, by T_ab·Δθ − ½(λ_a + λ_b) u_a·(P⁻¹ΔP) u_b, by −r(A + B[X])_ab,

    A_ab = T_ab·P⁻¹d + (e/η) u_a·(P⁻¹Ṗ₀) u_b,             Ṗ₀ = c (g² − N)/(2√N)
    B[X]_ab = ½ Σ_cd [T_ab·P⁻¹T_cd + (e³c/η) Σ_i u_a u_b u_c u_d /√N] X_cd

with e the edge, which λ is where X is not 0: HΣH = P^{1/2} MUXUᵀM P^{1/2}, whose diagonal is P e² Σ X_cd u_c u_d, adds
to E g². (For scalar RMSProp Σ_i u_a u_b u_c u_d is δ_ab δ_cd; without a second moment c = 0.) A second moment makes B
larger and the oscillation smaller: what it adds to E g² lowers P⁻¹H by itself. With momentum d and T are without their
parts along the u_a, where the average does not go with the rule (`own_steps`). In m steps the eigenvalues have e − Λ to
go, so that X is what `numeric.networks.edge.covariance` makes of A + (e − Λ)/r and B.

    E L = L + ½ tr(HΣ) = L + ½ Σ λ_a X_aa,     E g² = (∇L + ½∇³L[Σ])² + diag(HΣH)

**What a swing meets.** All this is the tangent's. At the ends θ ± d of a swing d = √X_aa p_a, two gradients a mode,

    excess_a = ½(L₊ + L₋) − L,     K_a = d·(g₊ − g₋)/(2 d·P d),     bent_a = ½(g₊ + g₋) − ∇L

are its loss, which is ½ λ_a X_aa to second order, its stiffness, which and not λ_a has to be at the edge (with θ ± d a
two-cycle it is, exactly: K = λ + Qd²/6 + …), and its pull, ½X_aa T_aa. What is missing between two modes is left out.
The `secant` is the flow with these in place of the tangent's: K_a = λ_a + κ_a X_aa is held at the edge, which adds
−2κ_a/r to B's diagonal where the loss is softer further out, κ < 0, and damps X; where it is stiffer, it is taken
of the swing before. Beside the tangent's flow they tell the order that it lacks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from numeric.compile import Array
from numeric.networks.edge.covariance import edge_covariance
from numeric.networks.flows.edge_space import EdgeSpace
from numeric.networks.flows.rules import OngoingRule, State
from numeric.networks.loss import FlatLoss

LEAST = 0.01  # of tr X: a swing along a mode that hardly oscillates is still taken to be this long


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
class Ends:
    """What a swing along each p_a meets beyond the tangent, relative to X_aa: of the loss, of K, and of the pull.

    `swing`, the X_aa they were read at, `loss` and `stiffness` (κ) are (k,), the bent gradient (p, k).
    """

    swing: Array
    loss: Array
    stiffness: Array
    bent: Tensor

    @classmethod
    def of(cls, loss: FlatLoss, weights: Tensor, here: EdgeSpace, swing: Array, scale: Tensor | None) -> Ends:
        """Read at the ends of swings with these X_aa, with two gradients a mode."""
        variances = swing.clip(LEAST * swing.sum())
        beyond, stiffer, bent = [], [], []
        for a, variance in enumerate(variances):
            end = np.sqrt(variance) * here.directions[:, a]
            (ahead, before), (behind, after) = (loss.value_and_gradient(weights + side * end) for side in (1, -1))
            length = float(end @ (end if scale is None else scale * end))
            curvature = float(here.eigenvalues[a])
            beyond.append(float(ahead + behind) / 2 - here.value - curvature * variance / 2)
            stiffer.append(float(end @ (before - after)) / (2 * length) - curvature)
            bent.append((before + after) / 2 - here.gradient - variance / 2 * here.third[a, a])
        return cls(
            variances, beyond / variances, stiffer / variances, torch.stack(bent, 1) / torch.from_numpy(variances)
        )


def balanced(
    here: EdgeSpace, training: OngoingRule, state: State, steps: float, ends: Ends | None = None
) -> Oscillation:
    """The oscillation that lets no eigenvalue beyond the edge in so many steps; no K, with the ends of a swing."""
    nothing = torch.zeros_like(here.gradient)
    if not here.near:
        return Oscillation(np.zeros((0, 0)), 0, nothing, nothing)
    reach, edge, third, scale = training.reach(steps), training.edge, here.third, training.scale(state.moment)
    across = third - (third @ here.directions) @ here.directions.T if training.has_momentum else third
    weighted = across if scale is None else across / scale
    force = weighted @ training.driven(state, here.gradient, steps)
    products = torch.einsum("abp,cdp->abcd", across, weighted)
    if scale is not None:
        pairs = torch.einsum("pa,pb->abp", here.vectors, here.vectors)
        root = state.moment.clamp_min(0).sqrt().clamp_min(torch.finfo(scale.dtype).tiny)  # 0 where ∇L always was
        drift = training.moment_rate(state.moment, here.gradient.square()) / (2 * root * scale)
        force = force + edge / training.rule.eta * (pairs * drift).sum(-1)
        answer = torch.einsum("abp,cdp->abcd", pairs, pairs / root)
        if len(root) < len(here.gradient):
            one = torch.eye(here.near).to(root)
            answer = torch.einsum("ab,cd->abcd", one, one) / root
        products = products + edge**3 * training.follows / training.rule.eta * answer
    inner = products.numpy()
    if ends is not None:
        modes = np.arange(here.near)
        inner[modes, modes, modes, modes] -= 2 * ends.stiffness.clip(max=0) / reach
        bent = (weighted @ ends.bent).numpy()  # T_ab·P⁻¹ bent_c
        small = np.abs(bent[modes, modes, modes]) < np.einsum("aaaa->a", inner) / 4
        if small.all():  # else it is no correction
            inner[:, :, modes, modes] += bent
            inner[modes, modes] += bent.transpose(2, 0, 1)
    stiffer = 0.0 if ends is None else ends.stiffness.clip(min=0) * ends.swing
    room = np.diag((edge - here.eigenvalues[: here.near] - stiffer) / reach)
    found = edge_covariance(force.numpy() + room, inner)
    covariance = torch.from_numpy(found.covariance).to(third)
    pull = torch.einsum("ab,abp->p", covariance, third) / 2
    if ends is not None:
        pull = pull + ends.bent @ covariance.diagonal()
    values = torch.from_numpy(here.eigenvalues[: here.near]).to(third)
    images = here.vectors * values
    squares = torch.einsum("pa,ab,pb->p", images, covariance, images) * (1 if scale is None else scale)
    return Oscillation(found.covariance, found.rank, pull, squares)
