"""Rayleigh–Ritz: a basis X of a subspace, its images HX, and the pairs they know.

    XᵀHX z = θ XᵀX z,     v = Xz,     r = HXz − θ Xz

with XᵀX kept, since vectors in float32 are orthonormal to 1e-7 only. Pairs are known by their coordinates z; vectors of
the length of the weights are the basis, the images, and the residuals that are asked for.

Shapes: basis and images (p, n), coordinates (n, b), residuals (p, b).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from numeric.networks.curvature.eigen.columns import Columns
from numeric.networks.curvature.eigen.inner_products import combine, gram, largest_entries, orthonormal
from numeric.networks.curvature.eigen.reading import Operator


@dataclass(frozen=True)
class RitzPairs:
    """The largest Ritz values, descending, float64, and their vectors' coordinates (n, b)."""

    values: Tensor
    mix: Tensor


@dataclass(frozen=True)
class Residuals:
    """HV − VΘ over its largest entry, `scale`, by which it is divided before it is squared; 1 where all are zero."""

    vectors: Tensor
    scale: float
    squares: Tensor  # RᵀR of what is in vectors, (b, b), float64

    @cached_property
    def lengths(self) -> Tensor:
        """‖r‖ of every pair."""
        return self.scale * self.squares.diagonal().clamp_min(0).sqrt()


class Subspace:
    """A basis of at most `room` vectors, each with its image; `first` are the coordinates of those it began with.

    It begins with an orthonormal block (p, b) whose images are to be made known, by when the caller can have let it go.
    """

    def __init__(self, operator: Operator, start: Tensor, room: int) -> None:
        self.operator, self.room, self.products = operator, room, 0
        self._basis, self._images = Columns(start, room), Columns(start, room)
        self._lengths = self.projected = torch.zeros(0, 0, dtype=torch.float64)
        self.first = torch.eye(start.shape[1], dtype=torch.float64)
        self.finite = True  # is every image: the inner products with one that is not are not
        self._basis.append(start)

    def extend(self, *blocks: Tensor) -> int:
        """Add what is new in blocks of vectors, a product each, as far as there is room; how much that was."""
        before = self.size
        for block in blocks:
            self._basis.append(orthonormal(block, self.basis)[:, : self.room - self.size])
        if self.size > before:
            self.know()
            self.first = torch.cat([self.first, self.first.new_zeros(self.size - before, self.first.shape[1])])
        return self.size - before

    def make_room(self, room: int) -> None:
        """For so many vectors, and no more."""
        self.room = room
        self._basis.make_room(room)
        self._images.make_room(room)

    def know(self, images: Tensor | None = None) -> None:
        """The images of the vectors that have none yet, by products if they are not given, and what they make."""
        new = self.basis[:, self._images.count :]
        if images is None:
            images = self.operator.product(new)
            self.products += new.shape[1]
        self._images.append(images)
        self._lengths = _bordered(self._lengths, gram(self.basis, new))
        projected = gram(self.basis, self.images[:, -new.shape[1] :])
        projected[-new.shape[1] :] = 0.5 * (projected[-new.shape[1] :] + projected[-new.shape[1] :].T)
        self.projected = _bordered(self.projected, projected)
        self.finite = bool(projected.isfinite().all()) and self.finite

    @property
    def basis(self) -> Tensor:
        """X, (p, n): the memory itself."""
        return self._basis.all

    @property
    def images(self) -> Tensor:
        """HX, (p, n): the memory itself."""
        return self._images.all

    @property
    def size(self) -> int:
        """The dimension of the subspace."""
        return self._basis.count

    @property
    def full(self) -> bool:
        """Whether it is all that there is."""
        return self.size >= len(self.basis)

    def ritz(self, most: int) -> RitzPairs:
        """The largest pairs, `most` or as many as there are."""
        lower = torch.linalg.cholesky(self._lengths)
        half = torch.linalg.solve_triangular(lower, self.projected, upper=False)
        matrix = torch.linalg.solve_triangular(lower, half.T, upper=False)
        values, rotation = torch.linalg.eigh(0.5 * (matrix + matrix.T))
        mix = torch.linalg.solve_triangular(lower.T, rotation, upper=True).flip(1)[:, :most]
        return RitzPairs(values.flip(0)[:most], mix)

    def residuals(self, pairs: RitzPairs) -> Residuals:
        """Of pairs of this subspace, as it is now."""
        vectors = combine(self.images, pairs.mix)
        vectors.T.addmm_((pairs.mix * pairs.values).T.to(vectors), self.basis.T, alpha=-1)
        scale = float(largest_entries(vectors).max()) or 1.0
        vectors.div_(scale)
        return Residuals(vectors, scale, gram(vectors, vectors))

    def kept(self, pairs: RitzPairs) -> float:
        """The cosine of the largest angle between these pairs and as many of the vectors that it began with."""
        inside = pairs.mix.T @ self._lengths @ self.first[:, : pairs.mix.shape[1]]
        return float(torch.linalg.svdvals(inside).min())

    def restart(self, pairs: RitzPairs) -> None:
        """Keep only these pairs, as the basis."""
        self.first = pairs.mix.T @ self._lengths @ self.first
        self._basis.turn(pairs.mix)
        self._images.turn(pairs.mix)
        self._lengths = gram(self.basis, self.basis)
        projected = gram(self.basis, self.images)  # and not the values: over many restarts rounding would add up
        self.projected = 0.5 * (projected + projected.T)
        self.finite = bool(projected.isfinite().all())


def _bordered(matrix: Tensor, columns: Tensor) -> Tensor:
    """A symmetric matrix (n, n) with the last columns (n + m, m) of a larger one."""
    n = matrix.shape[0]
    return torch.cat([torch.cat([matrix, columns[:n].T]), columns], 1) if n else columns
