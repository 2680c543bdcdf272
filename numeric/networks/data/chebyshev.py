"""Chebyshev toys: y = T_k(x) at equally spaced points of [−1, 1].

T_k has degree k and k roots in (−1, 1), so k measures how complex the task is: the higher, the further sharpening goes.
Inputs and targets (examples, 1). Errors: `BadInput` for a degree below 0 or fewer than two points.
Source: :cite:t:`cohen2021edge`, with degrees 3 to 5 and 20 points.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from numpy.polynomial import Chebyshev as Polynomial

from eos_sym import BadInput
from numeric.networks.data.examples import Examples


@dataclass(frozen=True)
class Chebyshev:
    """T_degree at `examples` equally spaced points of [−1, 1]."""

    degree: int
    examples: int = 20

    def __post_init__(self) -> None:
        if self.degree < 0 or self.examples < 2:
            raise BadInput(f"degree = {self.degree}, examples = {self.examples}: at least 0 and 2")

    def load(self) -> Examples:
        """Points and values, both (examples, 1)."""
        points = torch.linspace(-1, 1, self.examples, dtype=torch.float64)[:, None]
        values = torch.from_numpy(Polynomial.basis(self.degree)(points.numpy()))
        return Examples(points, values, classes=False)
