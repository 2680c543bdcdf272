"""A synthetic set whose inputs have exactly the covariance spectrum that is asked for.

    X = √n Q diag(√λ) Vᵀ,   so that Σ xᵢ = 0 and (1/n) XᵀX = V diag(λ) Vᵀ exactly
    Y = X A + noise·E,      A normal with variance 1/Σλ, so that A'x has mean square 1 in expectation; E standard normal

Q has orthonormal columns orthogonal to (1, …, 1), V is orthogonal, both drawn at random. The Hessian of the mean of
½ ‖xW − y‖² is I ⊗ V diag(λ) Vᵀ: a linear model on this set has the sharpness max λ, whatever its weights are.

Shapes: inputs (examples, number of eigenvalues), targets (examples, outputs). Errors: `BadInput` for eigenvalues that
are not positive, for too few examples to have such a covariance, for negative noise and for no outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.data.examples import Examples
from numeric.values import non_negative_number, real_number, whole_number


def power_law(dimension: int, exponent: float) -> tuple[float, ...]:
    """The eigenvalues i^(−exponent) for i = 1 … dimension."""
    return tuple(float(i**-exponent) for i in range(1, dimension + 1))


@dataclass(frozen=True)
class Spectrum:
    """Inputs with the given eigenvalues of their covariance, and targets linear in them but for the noise."""

    examples: int
    eigenvalues: tuple[float, ...]
    outputs: int = 1
    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.eigenvalues or not all(0 < real_number("eigenvalues", one) < math.inf for one in self.eigenvalues):
            raise BadInput(f"eigenvalues = {self.eigenvalues}: give positive numbers")
        if self.examples <= len(self.eigenvalues):
            raise BadInput(
                f"examples = {self.examples}: {len(self.eigenvalues)} eigenvalues need more examples than that"
            )
        whole_number("outputs", self.outputs, least=1)
        non_negative_number("noise", self.noise)

    def load(self) -> Examples:
        """Inputs (examples, dimension) and targets (examples, outputs)."""
        generator = torch.Generator().manual_seed(self.seed)
        count, dimension = self.examples, len(self.eigenvalues)
        eigenvalues = torch.tensor(self.eigenvalues, dtype=torch.float64)
        normal = _normal(count, dimension, generator)
        left = _orthonormal(normal - normal.mean(0))
        right = _orthonormal(_normal(dimension, dimension, generator))
        inputs = math.sqrt(count) * (left * eigenvalues.sqrt()) @ right.T
        teacher = _normal(dimension, self.outputs, generator) / eigenvalues.sum().sqrt()
        targets = inputs @ teacher + self.noise * _normal(count, self.outputs, generator)
        return Examples(inputs, targets, classes=False)


def _normal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64)


def _orthonormal(columns: Tensor) -> Tensor:
    """An orthonormal basis of the columns' span; its signs are fixed, as libraries choose them differently."""
    basis, triangle = torch.linalg.qr(columns)
    signed: Tensor = basis * triangle.diagonal().sign()
    return signed
