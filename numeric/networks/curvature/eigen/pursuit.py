"""One reading on its way: a subspace that grows until the bounds on the wanted eigenvalues are met.

Where a bound is not met, the subspace is extended by Davidson's correction of the pair that is farthest from it, or of
a guard whose own residual leaves no gap. Without a guard that is done `UNGUARDED` times; then the guard's product is
taken. Where the memory is full and the bounds are not `SLOW` of what they were when it was full before, what is
remembered from other weights misleads; residuals themselves extend from then on: Lanczos' method restarted, which
converges whatever is remembered. A search begins again in the complement of every block that comes of a find, until
nothing is found.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from numeric.networks.curvature.eigen.certificate import Rounding, bounds, level_by_guard
from numeric.networks.curvature.eigen.inner_products import length
from numeric.networks.curvature.eigen.model import CurvatureModel, correct
from numeric.networks.curvature.eigen.search import search
from numeric.networks.curvature.eigen.subspace import Residuals, RitzPairs, Subspace
from numeric.networks.curvature.eigen.vigilance import Vigilance

UNGUARDED = 1
SLOW = 0.5
Guard: TypeAlias = Callable[[Tensor | None], Tensor]  # the predicted vectors, into memory that is given or their own


class Pursuit:
    """What is pursued, with which tolerance; `guard` makes the guards' predicted vectors (p, guards), where it is told.

    `pairs`, `residuals` and `bounds` are of the subspace as it is, None where a product was not finite.
    """

    def __init__(
        self,
        subspace: Subspace,
        count: int,
        relative: float,
        most_products: int,
        model: CurvatureModel,
        vigilance: Vigilance,
        rounding: Rounding,
        guard: Guard | None,
    ) -> None:
        self.subspace, self.count, self.relative = subspace, count, relative
        self.most_products, self.model, self.vigilance, self.rounding = most_products, model, vigilance, rounding
        self.guard = guard  # None once its product is taken
        self.tracked = subspace.size
        self.pairs: RitzPairs | None = None
        self.residuals: Residuals | None = None
        self.bounds = torch.full((count,), torch.nan, dtype=torch.float64)
        self.overlooked = math.nan
        self.misled = False  # by the model
        self.last_farthest = math.inf  # from its tolerance, of all bounds, when there was last no room
        self.beyond: list[float] = []  # the next value, where it was scouted for

    def take_guard(self) -> None:
        """Take the guards' products."""
        if self.guard is not None:
            self.tracked += self.subspace.extend(self.guard(None))
            self.guard = None

    def scout(self, *blocks: Tensor) -> None:
        """Extend by blocks of vectors and the correction of what comes next to the block."""
        self.pairs = self.residuals = None
        self.subspace.extend(*blocks)
        if self.subspace.finite and self.tracked < self.subspace.size < self.subspace.room:
            pairs = self.subspace.ritz(self.tracked + 1)
            last = RitzPairs(pairs.values[-1:], pairs.mix[:, -1:])
            self._extend(self.subspace.residuals(last).vectors, last.values, pairs.values)
        if self.subspace.finite and self.tracked < self.subspace.size:
            self.beyond = self.subspace.ritz(self.tracked + 1).values[-1:].tolist()

    def converge(self) -> None:
        """Extend until the bounds are met, or products or directions are at an end."""
        while self._look():
            if self.guard is not None and self.subspace.size >= self.tracked + UNGUARDED:
                self.take_guard()
            elif not self._correct():
                self._look()
                return

    def _correct(self) -> int:
        """Extend by the correction of the pair that needs it most, whose residual it uses up; by how much."""
        pairs, residuals = self.pairs, self.residuals
        if pairs is None or residuals is None:
            return 0
        worst = self._worst(pairs, residuals)
        chosen = slice(worst, worst + 1)
        if self.subspace.size == self.subspace.room:
            self.subspace.restart(self.subspace.ritz(max(self.tracked, self.subspace.room // 2)))
            farthest = float(self.shortfall.max())
            self.misled |= farthest > SLOW * self.last_farthest
            self.last_farthest = farthest
        if self.misled:
            return self.subspace.extend(residuals.vectors[:, chosen])
        extended = self._extend(residuals.vectors[:, chosen], pairs.values[chosen], pairs.values)
        return extended or self.subspace.extend(residuals.vectors)

    def _look(self) -> bool:
        """Take the pairs and their bounds; whether more is needed and can be had."""
        subspace = self.subspace
        self.pairs = self.residuals = None
        if not subspace.finite:
            return False
        self.pairs = pairs = subspace.ritz(self.tracked)
        self.residuals = residuals = subspace.residuals(pairs)
        found = residuals.scale * bounds(
            pairs.values / residuals.scale,
            residuals.squares,
            self.count,
            self._level(pairs, residuals) / residuals.scale,
        )
        self.bounds = found
        slack, tolerance = self._allowed(pairs)
        self.shortfall = found / (tolerance - slack).clamp_min(tolerance / 4)  # rounding's part is already spent
        at_floor = bool((residuals.lengths[: self.count] <= slack).all())
        met = bool((self.shortfall <= 1).all()) or at_floor
        return not met and subspace.products < self.most_products and not subspace.full

    def _allowed(self, pairs: RitzPairs) -> tuple[float, Tensor]:
        """What rounding may be, and what the whole bound may be."""
        slack = self.rounding.at(pairs.values, self.subspace.basis.dtype, measured=True)
        return slack, self.relative * pairs.values[: self.count].abs()

    def _level(self, pairs: RitzPairs, residuals: Residuals) -> float:
        """What the complement of the block is taken to curve at most."""
        if self.tracked > self.count:
            return level_by_guard(pairs.values, self.count, residuals.lengths[-1])
        if self.guard is None:  # and there is none: the memory is too small, and the bounds are ‖r‖
            return math.inf
        return self.vigilance.level(float(pairs.values[self.count - 1]))

    def _worst(self, pairs: RitzPairs, residuals: Residuals) -> int:
        """Which pair is to be corrected."""
        worst = int(self.shortfall.argmax())
        lengths = residuals.lengths
        guards = lengths[worst + 1 :]
        if len(guards) and guards.max() > lengths[worst] and guards.max() > pairs.values[worst] - pairs.values[-1]:
            worst += 1 + int(guards.argmax())  # it is the guard that leaves no gap
        return worst

    def known(self, values: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The vectors beyond the block of these Ritz values that are known without a product, and their values."""
        known = [(self.model.vectors, self.model.drifted(float(values[0])))]
        if self.guard is not None:
            guards = self.guard(None)
            for vector in guards.T:
                vector.div_(length(vector) or 1.0)
            level = self.vigilance.guard_value(float(values[self.count - 1]))
            known.append((guards, torch.full((guards.shape[1],), level, dtype=torch.float64)))
        return known

    def _extend(self, residuals: Tensor, values: Tensor, all_values: Tensor) -> int:
        """Extend by the correction of residuals, which are used up."""
        return self.subspace.extend(correct(residuals, values, self.known(all_values)))

    def search(self, fresh: Callable[[], Callable[[], Tensor]]) -> None:
        """Search outside the block, and outside the one that comes of a find, until nothing is found."""
        self.take_guard()
        subspace, room, found = self.subspace, self.subspace.room, True
        while found and subspace.finite and subspace.products < self.most_products:
            self.pairs = self.residuals = None
            subspace.restart(subspace.ritz(self.tracked))
            subspace.make_room(self.tracked)
            last = float(subspace.projected[self.count - 1, self.count - 1])
            outcome = search(subspace.operator, subspace.basis, fresh(), last + self.relative * abs(last))
            subspace.make_room(room)
            subspace.products += outcome.products
            self.overlooked, found = outcome.overlooked, outcome.found is not None
            if outcome.found is not None:
                subspace.extend(outcome.found[:, None])
            del outcome
            self.converge()
        self.overlooked = 1.0 if found else self.overlooked
