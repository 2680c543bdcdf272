"""Lanczos' method: an orthonormal basis of the Krylov space of a vector, on which a symmetric matrix is tridiagonal.

    A Xᵀ = Xᵀ T + β_n x_{n+1} e_nᵀ,    T = tridiag(β₁ … β_{n−1}; α₁ … α_n),    x₁ = v/‖v‖

after n products, with the x_i as rows. Every image is made orthogonal to *all* vectors before it, twice, and the next
one once more at length 1. Without that the basis loses its right angles as soon as a Ritz value has converged, copies
of that eigenvalue come, and T is no longer that of n exact steps: then what `measure` says of degrees and bounds is
wrong. The price is the memory of n vectors, and 12np operations a step: little, since a product takes some 12p for
every example.

In float32 sums are those of the vectors' precision: T is that of a matrix within some 1e-6 of A, relative to its norm.

Shapes: v (p,), X (n, p), T (n, n) float64. Source: :cite:t:`lanczos1950iteration`; :cite:t:`parlett1998symmetric` for
what orthogonality is worth.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from numeric.compile import Array

ROOM = 16  # rows


class Lanczos:
    """The basis so far; the image of `vector` is to be added next."""

    def __init__(self, start: Tensor, room: int = ROOM) -> None:
        self._rows = start.new_empty(min(room, len(start)), len(start))
        self._start: Tensor = start / start.norm()
        self.diagonal: list[float] = []
        self.beside: list[float] = []
        self.remainder = start
        self.length = np.inf  # β_n

    @property
    def vector(self) -> Tensor:
        """x_{n+1}, of which the image is wanted."""
        if not self.diagonal:
            return self._start
        vector: Tensor = self.remainder / self.length
        across: Tensor = vector - self.basis.T @ (self.basis @ vector)
        return across

    def add(self, vector: Tensor, image: Tensor) -> None:
        """The next vector and its image, (p,) each."""
        if self.diagonal:
            self.beside.append(self.length)
        number = len(self.diagonal)
        if number == len(self._rows):
            self._rows = torch.cat([self._rows, torch.empty_like(self._rows)])
        self._rows[number] = vector
        self.diagonal.append(float(vector @ image))
        known = self.basis
        for _ in range(2):
            image = image - known.T @ (known @ image)
        self.remainder, self.length = image, float(image.norm())

    @property
    def basis(self) -> Tensor:
        """X, (n, p): the memory itself, which is not to be changed unless this is the end."""
        return self._rows[: len(self.diagonal)]

    @property
    def finite(self) -> bool:
        """Whether the last image was."""
        return bool(np.isfinite([self.diagonal[-1], self.length]).all())

    @property
    def matrix(self) -> Array:
        """T, (n, n)."""
        return np.diag(self.diagonal) + np.diag(self.beside, 1) + np.diag(self.beside, -1)
