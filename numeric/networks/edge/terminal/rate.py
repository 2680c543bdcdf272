"""How fast the drive of a network at the edge decays, and the gap at which its sharpness would end by that.

    from numeric.networks.edge import drive_decay

    decay = drive_decay(model, criterion, inputs, targets, eta=0.1)
    decay.smallest, decay.frozen        two guesses of the gap 2/η − S at the end

While an oscillation holds the sharpness, T·ż = 0, what is across the edge obeys, in time τ = ηt, with the curvature
G = Jᵀℓ″J of least squares (J the Jacobian of the outputs, ℓ the criterion; ∇²L has negative and creeping modes, along
which nothing drives: F = Jᵀℓ′ is in the range of G and stays there),

    ż = −P(F + Gz),      P = 1 − TTᵀ/β,      so that      α(τ) = −T·F(τ) = Σ c_k e^{−ν_k τ},

all of T, F and G orthogonal to the edge, the ν_k the positive eigenvalues of G restricted to T^⊥: with the eigenpairs
(λ_j, v_j) of G, zero modes included, the roots of Σ t_j²/(λ_j − ν) = 0, t_j = v_j·T. The oscillation follows,
q = 2α/β, and shrinks with it: if α ∝ e^{−ντ}, then x by the factor 1 − ½ην a step, which for q → 0 is 1 − η·gap.

    smallest    min(ν/2, limit), ν the smallest root; limit = 3β/(2|κ₄|), where the drive dies faster than the
                oscillation can follow down the parabola of the edge law
    frozen      the same with ν = −d ln α/dτ at the time at which the oscillation no longer follows: it turns about its
                balance with the frequency √(βq) = √(2α), and where that has fallen to ν, the sharpness stays

T, G and ℓ″ are frozen. Shapes: J (outputs, p), rates and shares (r,), r the rank of G. Units: rates and gaps in those
of 1/η. Errors: `BadInput` as `descent` says; `Undecided` where nothing decays, where no drive is left to decay, and
below the edge, where no oscillation holds the sharpness. Source: derived for this project.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor, nn

from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.edge.descent import criterion_at, exact_loss, jacobian_at
from numeric.networks.edge.hovering.reading import checked_edge
from numeric.networks.forecast.anchor import Anchor, anchor
from numeric.networks.forecast.loss_expansion.expansion import SHORT
from numeric.networks.forecast.loss_expansion.model import fit_edge
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.checks import enough_memory
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.values import positive_number

SLOW = 0.01  # ηλ of the directions that are slow for β and κ₄
RANK = 1e-6  # of the largest singular value of √ℓ″J: what is less is a zero mode
LONGEST, LOOKED = 60.0, 400  # slowest decay times after which nothing is left, and times in them that are looked at


@dataclass(frozen=True)
class DriveDecay:
    """The rates ν_k, in ascending order, what each has of α, and 3β/(2|κ₄|)."""

    rates: Array
    shares: Array
    limit: float

    @property
    def smallest(self) -> float:
        """The gap by the smallest root."""
        return min(float(self.rates[0]) / 2, self.limit)

    @property
    def frozen(self) -> float:
        """The gap by the rate where the oscillation no longer follows."""
        return min(self.rate(self.freezing) / 2, self.limit)

    def alpha(self, time: float) -> float:
        """α after a time τ."""
        return float(self.shares @ np.exp(-self.rates * time))

    def rate(self, time: float) -> float:
        """−d ln α/dτ."""
        return float((self.rates * self.shares) @ np.exp(-self.rates * time)) / self.alpha(time)

    @property
    def freezing(self) -> float:
        """The first time τ at which 2α is not above the square of its rate."""

        def left(time: float) -> float:
            return 2 * self.alpha(time) - self.rate(time) ** 2

        times = np.concatenate([[0.0], np.geomspace(1e-3, LONGEST, LOOKED) / self.rates[0]])
        for before, time in zip((0.0, *times), times, strict=False):
            if not self.alpha(time) > 0:
                raise Undecided(f"α = {self.alpha(time):.3g} at τ = {time:.3g}: no drive that an oscillation follows")
            if left(time) <= 0:
                return float(brentq(left, before, time)) if time else 0.0
        raise Undecided("the drive lasts longer than its slowest rate says")


def drive_decay(
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    *,
    eta: float,
) -> DriveDecay:
    """The decay from the midpoint of the two steps of gradient descent that follow; the module stays as it is."""
    positive_number("eta", eta)
    loss = exact_loss(module, criterion, inputs, targets)
    with undisturbed(loss.module), enough_memory(loss):
        return drive_decay_at(checked_edge(anchor(loss, eta, 1), eta), eta)


def drive_decay_at(here: Anchor, eta: float) -> DriveDecay:
    """The same at an anchor with one direction at the edge."""
    fit = fit_edge(here, SHORT * (float(here.weights.square().mean().sqrt()) or 1.0))
    driving = here.across(2 * fit.b[fit.form.linear.index((2,))])
    root, slope = _least_squares(here.loss, here.weights)
    sizes = torch.linalg.svdvals(root)
    rank = max(int((sizes > RANK * sizes[0]).sum()) - 1, 0)  # without the edge, as far as that is an eigenvector of G
    vectors, sizes, _ = torch.linalg.svd(here.across(root.T), full_matrices=False)
    vectors, eigenvalues = vectors[:, :rank], sizes[:rank].square().numpy()
    t, force = (vectors.T @ driving).numpy(), (vectors.T @ here.across(slope)).numpy()
    flat = float(driving @ driving) - float(t @ t)
    if not len(eigenvalues) or not flat > 0:
        raise Undecided("the drive does not decay: the edge's gradient has no part along flat directions")
    t, force, eigenvalues = np.append(t, np.sqrt(flat)), np.append(force, 0.0), np.append(eigenvalues, 0.0)
    inside = np.linalg.svd(t[None])[2][1:].T  # T^⊥
    rates, modes = np.linalg.eigh(inside.T @ (eigenvalues[:, None] * inside))
    modes = inside @ modes
    shares = -(modes.T @ force) * ((eigenvalues * t) @ modes) / rates
    slow = eta * eigenvalues <= SLOW
    cubic, quartic = 6 * float(fit.a[fit.form.along.index((3,))]), 24 * float(fit.a[fit.form.along.index((4,))])
    quartic -= 3 * (cubic**2 * eta / 2 + float((t[~slow] ** 2 / eigenvalues[~slow]).sum()))
    limit = -3 * float(t[slow] @ t[slow]) / (2 * quartic) if quartic < 0 else np.inf
    return DriveDecay(rates, shares, limit)


def _least_squares(loss: FlatLoss, weights: Tensor) -> tuple[Tensor, Tensor]:
    """√ℓ″ J, (outputs, p), and Jᵀℓ′, (p,), at the weights; the criterion convex in the outputs."""
    slope, curvature = criterion_at(loss, weights)
    jacobian = jacobian_at(loss, weights)
    values, vectors = torch.linalg.eigh(curvature)
    root: Tensor = values.clamp_min(0).sqrt()[:, None] * vectors.T
    return root @ jacobian, jacobian.T @ slope
