"""Polynomials in a few variables with one list of monomials: evaluated at many points, fitted to values on lines.

    p(x) = Σ_e p_e xᵉ,    ∂_a p = Σ_e e_a p_e x^(e − 1_a)

Shapes: exponents (n, k), points (…, k), monomials (…, n), their slopes (…, k, n) and curvatures (…, k, k, n). The
coefficients are the caller's: numbers, vectors or matrices, contracted with the last axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np
import torch
from torch import Tensor

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

    def fitted(self, x: Array, values: Tensor, reach: float) -> Tensor:
        """The coefficients (n, …) of what has these values (points, …) at the points `reach`·x, by least squares."""
        scale = torch.from_numpy(reach ** -self._powers.sum(1).astype(float))
        solved = torch.from_numpy(np.linalg.pinv(self.values(x))) * scale[:, None]
        found: Tensor = torch.tensordot(solved.to(values), values, 1)
        return found

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


def lines(variables: int, degree: int) -> Array:
    """Unit vectors in 1, 2 or 3 variables, spread evenly over half of the sphere, (lines, variables).

    They are as many as a homogeneous polynomial of that degree has coefficients, so that its values there determine it.
    """
    number = comb(degree + variables - 1, degree)
    place = np.arange(number)
    if variables == 1:
        return np.ones((1, 1))
    if variables == 2:
        angle = np.pi * place / number
        return np.stack([np.cos(angle), np.sin(angle)], 1)
    height = (place + 0.5) / number  # a spiral of Fibonacci on the half with height > 0
    angle = np.pi * (3 - np.sqrt(5)) * place
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], 1)
