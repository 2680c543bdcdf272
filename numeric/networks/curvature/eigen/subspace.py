"""Rayleigh–Ritz: a basis X of a subspace, its images HX, and the pairs they know.

    XᵀHX z = θ XᵀX z,     v = Xz,     r = HXz − θ Xz

with XᵀX kept, since vectors in float32 are orthonormal to 1e-7 only. Shapes: basis and images (p, n), pairs (b,).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from numeric.networks.curvature.eigen.inner_products import combine, gram, orthonormal
from numeric.networks.curvature.eigen.reading import Operator

ROOM = 16  # vectors: more than most readings need


@dataclass(frozen=True)
class RitzPairs:
    """The largest Ritz values, descending, float64, with vectors and residuals (p, b)."""

    values: Tensor
    vectors: Tensor
    images: Tensor

    @cached_property
    def residuals(self) -> Tensor:
        """HV − VΘ."""
        return self.images - self.vectors * self.values.to(self.vectors)

    @cached_property
    def scale(self) -> float:
        """The residuals' largest entry, by which they are divided before they are squared; 1 where all are zero."""
        return float(self.residuals.abs().max()) or 1.0

    @cached_property
    def squares(self) -> Tensor:
        """RᵀR, (b, b), float64, of the residuals over their scale."""
        scaled = self.residuals / self.scale
        return gram(scaled, scaled)

    @property
    def lengths(self) -> Tensor:
        """‖r‖ of every pair."""
        return self.scale * self.squares.diagonal().clamp_min(0).sqrt()


class Subspace:
    """A basis that grows from an orthonormal start, with the image of every vector in it."""

    def __init__(self, operator: Operator, start: Tensor) -> None:
        self.operator = operator
        self.products = 0
        self._basis, self._images = Columns(start), Columns(start)
        self._lengths = self.projected = torch.zeros(0, 0, dtype=torch.float64)
        self._add(start)

    def extend(self, vectors: Tensor) -> int:
        """Add what is new in the vectors, a product each; how much that was."""
        new = orthonormal(vectors, self.basis)
        if new.shape[1]:
            self._add(new)
        return new.shape[1]

    def _add(self, new: Tensor) -> None:
        """Add orthonormal vectors, orthogonal to the basis."""
        self._basis.append(new)
        images = self.operator.product(new)
        self._images.append(images)
        self._lengths = _bordered(self._lengths, gram(self.basis, new))
        projected = gram(self.basis, images)
        projected[-new.shape[1] :] = 0.5 * (projected[-new.shape[1] :] + projected[-new.shape[1] :].T)
        self.projected = _bordered(self.projected, projected)
        self.products += new.shape[1]

    @property
    def basis(self) -> Tensor:
        """X, (p, n)."""
        return self._basis.all

    @property
    def images(self) -> Tensor:
        """HX, (p, n)."""
        return self._images.all

    @property
    def size(self) -> int:
        """The dimension of the subspace."""
        return self.basis.shape[1]

    @property
    def finite(self) -> bool:
        """Whether every image is: the inner products with one that is not are not."""
        return bool(self.projected.isfinite().all())

    def ritz(self, most: int) -> RitzPairs:
        """The largest pairs, `most` or as many as there are."""
        lower = torch.linalg.cholesky(self._lengths)
        half = torch.linalg.solve_triangular(lower, self.projected, upper=False)
        matrix = torch.linalg.solve_triangular(lower, half.T, upper=False)
        values, rotation = torch.linalg.eigh(0.5 * (matrix + matrix.T))
        mix = torch.linalg.solve_triangular(lower.T, rotation, upper=True).flip(1)[:, :most]
        return RitzPairs(values.flip(0)[:most], combine(self.basis, mix), combine(self.images, mix))

    def restart(self, pairs: RitzPairs) -> None:
        """Keep only these pairs."""
        self._basis, self._images = Columns(pairs.vectors), Columns(pairs.images)
        self._basis.append(pairs.vectors)
        self._images.append(pairs.images)
        self._lengths = gram(self.basis, self.basis)
        self.projected = torch.diag(pairs.values)


class Columns:
    """Vectors of the length, precision and device of a block's, with room for more: adding one copies no other."""

    def __init__(self, like: Tensor) -> None:
        self.count = 0
        self._rows = like.new_empty(max(ROOM, 2 * like.shape[1]), len(like))

    def append(self, block: Tensor) -> None:
        """Add the columns of a block (p, m)."""
        then, self.count = self.count, self.count + block.shape[1]
        if self.count > len(self._rows):
            self._rows = torch.cat([self._rows, torch.empty_like(self._rows)])
        self._rows[then : self.count] = block.T

    @property
    def all(self) -> Tensor:
        """All vectors, (p, n), each contiguous."""
        return self._rows[: self.count].T


def _bordered(matrix: Tensor, columns: Tensor) -> Tensor:
    """A symmetric matrix (n, n) with the last columns (n + m, m) of a larger one."""
    n = len(matrix)
    return torch.cat([torch.cat([matrix, columns[:n].T]), columns], 1)
