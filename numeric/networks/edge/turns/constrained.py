"""The constrained trajectory of a network at the edge: gradient descent that keeps to where it would be stable.

    θ†⁺ = proj_M(θ† − η∇L),    M = {S ≤ 2/η, u·∇L = 0}

The projection is sought in the plane of ∇S⊥ and u at θ†, the normals of M but for the turning of u along it,

    θ†⁺ = θ† − η∇L − a ∇S⊥/‖∇S⊥‖ − b u,    S(θ†⁺) = 2/η,  u·∇L(θ†⁺) = 0,

by Broyden's method for a and b. The next step begins with its Jacobian and with the same a and b, and takes one to
three points. It is settled where both defects are below `SETTLED` of what an oscillation of size δ makes of them: √α of
the sharpness, Sδ of the slope u·∇L. Where a < 0, S ≤ 2/η does not bind any more, and the trajectory ends.

Shapes: θ (p,). Errors: `Undecided` where the projection does not settle, with its residual; where α ≤ 0 at the start;
and where S ≤ 2/η does not bind. Source: :cite:t:`damian2022selfstabilization`, definition 3.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.edge.turns.coefficients import EdgeCoefficients, EdgeReader
from numeric.networks.loss import FlatLoss

SETTLED = 1e-3
UNSETTLED = "the projection onto M does not settle"  # how the reason begins
MOST_POINTS = 20


class ConstrainedTrajectory:
    """θ† from the point of M near the weights on, with S = 2/η: `here` are the coefficients there.

    `residual` is the larger defect of the latest projection, in the units above.
    """

    def __init__(self, loss: FlatLoss, weights: Tensor, eta: float) -> None:
        self.eta = eta
        self.residual = np.inf
        self._reader = EdgeReader(loss)
        near = self._reader.read(weights)
        self._check_rise(near)
        self._units = _units(near)
        self._shift = np.zeros(2)
        self._jacobian = -np.array([[near.beta**0.5, near.parallel], [0.0, near.sharpness]])
        self.here = self._projected(near, weights)
        self._check_rise(self.here)
        self._shift = np.zeros(2)  # the next projection is of a step, not of where the run happened to be

    def advance(self) -> None:
        """Go on by one step."""
        if self.here.alpha > 0:
            self._units = _units(self.here)
        there = self._projected(self.here, self.here.weights - self.eta * self.here.gradient)
        if self._shift[0] < 0:
            raise Undecided("S ≤ 2/η does not bind any more: the sharpness would fall by itself")
        self.here = there

    def _projected(self, plane: EdgeCoefficients, target: Tensor) -> EdgeCoefficients:
        """The point of M at the target less a and b along the normals of the plane."""
        normals = torch.stack([plane.perpendicular / plane.beta**0.5, plane.direction], 1)
        shift, jacobian = self._shift, self._jacobian
        move, before = np.zeros(2), np.zeros(2)
        for _ in range(MOST_POINTS):
            there = self._reader.read(target - normals @ torch.from_numpy(shift).to(target))
            defects = np.array([there.sharpness - 2 / self.eta, there.slope])
            if move.any():
                jacobian = jacobian + np.outer(defects - before - jacobian @ move, move) / (move @ move)
            self.residual = float(np.abs(defects / self._units).max())
            if self.residual < SETTLED:
                self._shift, self._jacobian = shift, jacobian
                return there
            before = defects
            try:
                move = -np.linalg.solve(jacobian, defects)
            except np.linalg.LinAlgError:
                raise Undecided("no way onto M: the sharpness and u·∇L do not change apart from each other") from None
            shift = shift + move
        raise Undecided(
            f"{UNSETTLED} in {MOST_POINTS} points: residual {self.residual:.2g}, and the "
            f"second eigenvalue is at {self.eta * there.second / 2:.3g} of the edge"
        )

    def _check_rise(self, at: EdgeCoefficients) -> None:
        if not at.alpha > 0:
            raise Undecided(
                f"α = {at.alpha:.2g} at the start: the sharpness does not rise by itself there; begin where it rises"
            )


def _units(at: EdgeCoefficients) -> Array:
    """The sharpness and the slope u·∇L that an oscillation of size δ makes."""
    return np.array([at.alpha**0.5, at.sharpness * at.delta])
