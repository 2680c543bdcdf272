"""Polynomials in a few variables with one list of monomials: evaluated at many points, and fitted to gradients.

    p(x) = Σ_e p_e xᵉ,    ∂_a p = Σ_e e_a p_e x^(e − 1_a)

Shapes: exponents (n, k), points (…, k), monomials (…, n), their slopes (…, k, n) and curvatures (…, k, k, n). The
coefficients are the caller's: numbers, vectors or matrices, contracted with the last axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from numeric.compile import Array


@dataclass(frozen=True)
class Monomials:
    """xᵉ for the exponents e of a list."""

    exponents: Sequence[tuple[int, ...]]

    def values(self, x: Array) -> Array:
        """The monomials at the points, (…, n)."""
        return self._product(x, self._powers)

    def slopes(self, x: Array) -> Array:
        """Their first derivatives, (…, k, n)."""
        return np.stack([self._derived(x, (a,)) for a in range(x.shape[-1])], -2)

    def curvatures(self, x: Array) -> Array:
        """Their second derivatives, (…, k, k, n)."""
        size = x.shape[-1]
        rows = [np.stack([self._derived(x, (a, b)) for b in range(size)], -2) for a in range(size)]
        return np.stack(rows, -3)

    @cached_property
    def _powers(self) -> Array:
        return np.array(self.exponents)

    def _derived(self, x: Array, along: tuple[int, ...]) -> Array:
        factor, left = np.ones(len(self.exponents)), self._powers.copy()
        for a in along:
            factor = factor * left[:, a]
            left[:, a] = np.maximum(left[:, a] - 1, 0)
        return factor * self._product(x, left)

    @staticmethod
    def _product(x: Array, powers: Array) -> Array:
        return np.asarray(np.prod(x[..., None, :] ** powers, axis=-1))
