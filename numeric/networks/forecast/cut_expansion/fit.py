"""What enters a network's head as a polynomial near θ*, fitted to forward passes, a direction at a time.

    e(θ* + U x + K z) ≈ e* + A(x) + z·B(x) + ½ z·C z

A: values at Chebyshev nodes on lines in the space of the edge that are as long as the `reach`, with the slope at θ*
kept. B: differences along each direction at θ* and at nodes on both sides of it, of degree 2 in x with the value at θ*
kept. C: second differences between the first directions. A forward pass is a third of a gradient; no derivative is
taken. That of a direction costs 4, 8 or 14 passes with 1, 2 or 3 modes at the edge; where what enters is linear in the
weights, as the lines tell, slopes are all that there is, which are exact, and it costs one.

Shapes: as in `model`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import torch
from torch import Tensor

from eos_sym.self_stabilization import ReducedOrderModel
from numeric.compile import Array
from numeric.networks.forecast.anchor import Anchor
from numeric.networks.forecast.cut_expansion.cut import Cut
from numeric.networks.forecast.cut_expansion.model import LINEAR_ORDER, CutModel
from numeric.networks.forecast.polynomials import Monomials, lines

STRAIGHT = 1e-7  # what bends less along the lines, relative, does not bend: it is rounding
FORWARD = 1 / 3  # of a gradient
DEGREE = {1: 6, 2: 6, 3: 4}  # of A, by the modes at the edge
LINEAR = 2  # the degree of B
INSIDE = 0.75  # where between θ* and the reach the nodes of B are
STEP = 2.5e-3  # of differences across the edge, relative to the length of the weights
SHORT_STEP = 1e-2  # of those along it, relative to the former


class CutFit:
    """The polynomial so far: on the directions (p, m) that were added."""

    _A: Tensor
    _B: Tensor

    def __init__(self, anchor: Anchor, cut: Cut, reach: float) -> None:
        self.anchor, self.cut, self.reach = anchor, cut, reach
        self.directions = anchor.edge[:, :0]
        self._step = STEP * (float(anchor.weights.norm()) or 1.0)
        self._here = self._entering(anchor.weights)
        short = SHORT_STEP * self._step
        slopes = [self._difference(anchor.weights, short * u) / short for u in anchor.edge.T]
        self._slope = torch.stack(slopes)
        self._sides = self._here.new_zeros(0, 2, len(self._here))
        self.affine = False
        self.extend_to(reach)
        self.affine = self._bend <= STRAIGHT
        if self.affine:
            self._A = torch.cat(
                [self._slope, self._slope.new_zeros(len(self.form.along) - anchor.modes, len(self._here))]
            )
            self._B, self._sides = self._B[:1], self._sides[:, :1]

    @property
    def form(self) -> ReducedOrderModel:
        """The terms that there are."""
        modes = self.anchor.modes
        order = LINEAR_ORDER if self.affine else (DEGREE[modes], LINEAR, 0)
        return ReducedOrderModel(modes, self.directions.shape[1], order)

    def extend_to(self, reach: float) -> None:
        """Fit all anew on lines that reach as far."""
        self.reach = reach
        if self.affine:
            return
        modes, degree = self.anchor.modes, self.form.order[0]
        number = degree + 2
        nodes = np.cos((2 * np.arange(number) + 1) * np.pi / (2 * number))
        x = np.concatenate([node * lines(modes, degree) for node in nodes])
        moved = torch.from_numpy(reach * x) @ self._slope
        beyond = torch.stack([self._along(one) for one in x]) - self._here - moved
        self._bend = float(beyond.norm() / moved.norm().clamp_min(torch.finfo(moved.dtype).tiny))
        self._A = torch.cat([self._slope, Monomials(self._nonlinear(degree)).fitted(x, beyond, reach)])

        unit = INSIDE * lines(modes, LINEAR)
        self._nodes = np.concatenate([unit, -unit])
        self._at_nodes = [self._along(one) for one in self._nodes]
        directions, self.directions = self.directions, self.directions[:, :0]
        slopes, self._sides = self._sides, self._sides[:0]
        self._B = beyond.new_zeros(len(self.form.linear), 0, beyond.shape[1])
        self._fit(directions, slopes)

    def add(self, directions: Tensor) -> None:
        """Fit B along these directions too; they are orthonormal, and orthogonal to what is there."""
        if not directions.shape[1]:
            return
        sides = (self._step,) if self.affine else (self._step, -self._step)
        changes = [
            [self._entering(self.anchor.weights + side * one) - self._here for side in sides] for one in directions.T
        ]
        self._fit(directions, torch.stack([torch.stack(one) for one in changes]))

    def _fit(self, directions: Tensor, sides: Tensor) -> None:
        """Add directions, along which what enters changes so, a step ahead of θ* and behind it, (m, 1 or 2, N)."""
        rows = [self._across(self._step * one, *changes) for one, changes in zip(directions.T, sides, strict=True)]
        if rows:
            self._B = torch.cat([self._B, torch.stack(rows, 1)], 1)
            self.directions = torch.cat([self.directions, directions], 1)
            self._sides = torch.cat([self._sides, sides])

    def _across(self, direction: Tensor, ahead: Tensor, behind: Tensor | None = None) -> Tensor:
        """The coefficients of B along this direction, (n, N)."""
        if behind is None:
            return ahead[None] / self._step
        there = torch.stack(
            [self._along(x, direction) - value for x, value in zip(self._nodes, self._at_nodes, strict=True)]
        )
        change = there - ahead  # with the second order, which does not depend on x here
        rest = Monomials([e for e in self.form.linear if sum(e)]).fitted(self._nodes, change, self.reach)
        return torch.cat([(ahead - behind)[None] / 2, rest]) / self._step

    def turn(self, z: Array) -> None:
        """Turn the directions so that the first ones are those in which a path z (n, m) goes farthest."""
        _, _, rotated = np.linalg.svd(z, full_matrices=True)
        rotation = torch.from_numpy(rotated.T.copy())
        self.directions = self.directions @ rotation
        self._B = torch.einsum("ein,ij->ejn", self._B, rotation)

    def model(self, quadratic: int = 0) -> CutModel:
        """The model, with C on so many directions."""
        number = 0 if self.affine else min(quadratic, self.directions.shape[1])
        alone = [self._second(i) for i in range(number)]
        pairs = [
            alone[i] if i == j else (self._second(i, j) - alone[i] - alone[j]) / 2
            for i, j in combinations_with_replacement(range(number), 2)
        ]
        basis = torch.cat([self.anchor.edge, self.directions], 1)
        return CutModel(
            cut=self.cut,
            form=replace(self.form, quadratic=number),
            entering=self._here,
            fields=torch.cat([self._A, self._B.flatten(0, 1), *(one[None] for one in pairs)]),
            head_weights=self.anchor.weights[self.cut.places],
            head=basis[self.cut.places],
            value=self.anchor.value,
        )

    def _second(self, *places: int) -> Tensor:
        """The second derivative along the sum of these directions."""
        direction = self._step * self.directions[:, places].sum(1)
        linear = self._step * self._B[0, list(places)].sum(0)
        return 2 * (self._entering(self.anchor.weights + direction) - self._here - linear) / self._step**2

    def _nonlinear(self, degree: int) -> list[tuple[int, ...]]:
        return [e for e in self.form.along if 1 < sum(e) <= degree]

    def _along(self, x: Array, direction: Tensor | float = 0.0) -> Tensor:
        """What enters at θ* + reach·U x + direction."""
        return self._entering(self.anchor.weights + self.reach * self.anchor.edge @ torch.from_numpy(x) + direction)

    def _difference(self, weights: Tensor, direction: Tensor) -> Tensor:
        return (self._entering(weights + direction) - self._entering(weights - direction)) / 2

    def _entering(self, weights: Tensor) -> Tensor:
        self.anchor.cost.evaluations += FORWARD
        return self.cut.entering(weights)
