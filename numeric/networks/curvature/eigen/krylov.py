"""The first reading: everything from the Krylov space of one random vector.

    H X = X T + β x₊ eᵀ,    T tridiagonal,      pairs of T: θ, s       so  v = Xs,  Hv = θv + β s_m x₊

one product a step, and no image is kept: the residuals of all Ritz pairs point along x₊. Every vector is made
orthogonal to all before it.

Where the room for vectors is full before the pairs are found, it begins again from the sum of those wanted. Where the
vectors span an invariant subspace, the next one is a fresh random vector: so a matrix with few different eigenvalues
still gives a block. After either, the space is no longer that of one random vector, and says nothing of what was
overlooked: a search has to. Of one eigenvalue it says that itself (`search`), for which three terms are enough: where
the pairs are known and the room is full, vectors are no longer kept.

Shapes: every vector (p,), in memory of its own, so that those that are not needed can go. Source:
:cite:t:`lanczos1950iteration`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from numeric.networks.curvature.eigen.certificate import bounds, level_by_guard
from numeric.networks.curvature.eigen.columns import turn, without
from numeric.networks.curvature.eigen.inner_products import gram, length
from numeric.networks.curvature.eigen.reading import Operator
from numeric.networks.curvature.eigen.search import NOTHING, UNLIKELY, overlooked, steps, tridiagonal

HARDLY_LESS = 0.7  # of its length is left of a vector that was nearly orthogonal


class Krylov:
    """The space so far; `random` makes a fresh vector (p,), `room` is how many are kept."""

    def __init__(self, operator: Operator, random: Callable[[], Tensor], room: int) -> None:
        self.operator, self.random, self.room = operator, random, room
        self.products = 0
        self.from_one = True  # random vector
        self.basis: list[Tensor] = []
        self.diagonal: list[float] = []
        self.beside: list[float] = []
        self.after, self.length = random(), math.inf
        self._orthogonal()

    def grow(self) -> None:
        """One product more."""
        if self.basis:
            self.beside.append(self.length)
        self.basis.append(self.after)
        image = self.operator.product(self.after[:, None])[:, 0]
        self.products += 1
        self.diagonal.append(float(gram(self.after[:, None], image[:, None])))
        image.sub_(self.after, alpha=self.diagonal[-1])
        if self.beside:
            image.sub_(self.basis[-2], alpha=self.beside[-1])
        self.after = image
        self._orthogonal()

    def _orthogonal(self) -> None:
        """The next vector, at length 1, and how long it was; a fresh one where that is nothing."""
        scale = max([0.0, *map(abs, self.diagonal), *self.beside])
        for fresh in (not self.basis, True):
            norm = length(self.after)
            for _ in range(2):  # twice is enough (Kahan), and once where three terms have left little to take away
                before, norm = norm, length(without(self.after, self.basis))
                if norm > HARDLY_LESS * before:
                    break
            if fresh or not norm <= NOTHING * torch.finfo(self.after.dtype).eps * scale or self.full:
                break
            self.after, self.from_one = self.random(), False
        self.length = 0.0 if self.basis and (fresh or self.full) else norm
        if norm > 0:
            self.after.div_(norm)

    @property
    def full(self) -> bool:
        """Whether the basis is all of the space."""
        return len(self.basis) == len(self.after)

    @property
    def finite(self) -> bool:
        """Whether every product was."""
        return math.isfinite(self.length) and all(map(math.isfinite, self.diagonal))

    def ritz(self) -> tuple[Tensor, Tensor]:
        """All Ritz values, descending, and their coordinates (n, n), float64."""
        values, vectors = torch.linalg.eigh(tridiagonal(self.diagonal, self.beside))
        return values.flip(0), vectors.flip(1)

    def bounds(self, count: int, tracked: int) -> Tensor:
        """What the first `count` Ritz values are off by, if the rest curves less than the last that is tracked."""
        values, coordinates = self.ritz()
        ends = self.length * coordinates[-1, :tracked]
        scale = float(ends.abs().max()) or 1.0
        level = level_by_guard(values[:tracked], count, ends[-1].abs()) / scale
        return scale * bounds(values[:tracked] / scale, torch.outer(ends / scale, ends / scale), count, level)

    def overlooked(self, relative: float) -> float:
        """At most the probability that an eigenvalue is larger than the largest Ritz value by more than that of it."""
        if self.full:
            return 0.0
        level = float(self.ritz()[0][0]) * (1 + relative)
        if not self.from_one or not level > 0:
            return 1.0
        return overlooked(len(self.after), self.diagonal, [*self.beside, self.length], level)

    def again(self, count: int) -> None:
        """Begin again from the sum of the wanted Ritz vectors."""
        _, coordinates = self.ritz()
        start = coordinates[:, :count].sum(1, keepdim=True)
        turn([self.basis], [start], self.basis[:1])
        self.after, self.length = self.basis[0], math.inf
        self.basis, self.diagonal, self.beside, self.from_one = [], [], [], False
        self._orthogonal()

    def pairs(self, most: int) -> tuple[Tensor, list[Tensor], Tensor]:
        """The largest values, vectors, and residuals' parts along `after`; the basis is used up."""
        values, coordinates = self.ritz()
        most = min(most, len(values))
        turn([self.basis], [coordinates[:, :most]], self.basis[:most])
        del self.basis[most:]
        return values[:most], self.basis, self.length * coordinates[-1, :most]


def first_space(krylov: Krylov, count: int, tracked: int, relative: float, most_products: int) -> None:
    """Grow until the first `count` are known and, of one, what was overlooked is unlikely; as far as there is room.

    Where they are not known when the room is full, it begins again.
    """
    known = False
    while krylov.finite and not krylov.full and krylov.products < most_products:
        if len(krylov.basis) >= krylov.room:
            if known:
                return
            krylov.again(count)
        krylov.grow()
        if krylov.finite and len(krylov.basis) >= min(tracked, len(krylov.after)):
            tolerance = relative * krylov.ritz()[0][:count].abs()
            known = bool((krylov.bounds(count, tracked) <= tolerance).all())
            if known and (count > 1 or krylov.overlooked(relative) <= UNLIKELY):
                return


def unlikely(krylov: Krylov, relative: float, most_products: int) -> float:
    """Go on, without keeping a vector, until what the first eigenvalue's space overlooks is unlikely; how unlikely.

    1 where the space is not that of one random vector, or a larger eigenvalue has come: then a search begins anew.
    """
    probability = krylov.overlooked(relative)
    if probability <= UNLIKELY or probability == 1.0 or krylov.products >= most_products:
        return probability
    level = float(krylov.ritz()[0][0]) * (1 + relative)
    diagonal, beside = [*krylov.diagonal], [*krylov.beside, krylov.length]
    nothing = krylov.after[:, None][:, :0]
    for _, alpha, beta in steps(krylov.operator, nothing, krylov.after, krylov.basis[-1], krylov.length):
        krylov.products += 1
        diagonal.append(alpha)
        beside.append(beta)
        if not beta > 0 or float(torch.linalg.eigvalsh(tridiagonal(diagonal, beside))[-1]) > level:
            return 1.0
        probability = overlooked(len(krylov.after), diagonal, beside, level)
        if probability <= UNLIKELY or krylov.products >= most_products:
            break
    return probability
