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
from scipy.optimize import brentq
from torch import Tensor, nn

from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.edge.descent import exact_loss
from numeric.networks.edge.hovering.reading import checked_edge
from numeric.networks.edge.terminal.valley import valley_at
from numeric.networks.forecast.anchor import Anchor, anchor
from numeric.networks.tracker.checks import enough_memory
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.values import positive_number

SLOW = 0.01  # ηλ of the directions that are slow for β and κ₄
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
    valley = valley_at(here, eta)
    eigenvalues, t, force = valley.eigenvalues, valley.bends, valley.force
    if len(eigenvalues) < 2 or not t[0] > 0:
        raise Undecided("the drive does not decay: the edge's gradient has no part along flat directions")
    inside = np.linalg.svd(t[None])[2][1:].T  # T^⊥
    rates, modes = np.linalg.eigh(inside.T @ (eigenvalues[:, None] * inside))
    modes = inside @ modes
    shares = -(modes.T @ force) * ((eigenvalues * t) @ modes) / rates
    law = valley.split(SLOW)
    return DriveDecay(rates, shares, law.limit if law.quartic < 0 else np.inf)
