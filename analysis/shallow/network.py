"""The two losses as torch networks of width 1, trained by torch's SGD; importing this module loads torch."""

from collections.abc import Sequence

import numpy as np
import torch

from analysis.shallow.theory import STEP_SIZE_RATIO
from numeric.networks import gradient_descent, hessian, sharpness
from numeric.networks.architectures import scalar_chain


def end_sharpness(degree: int, start: Sequence[float], step_size: float, steps: int) -> float:
    """The sharpness, by automatic differentiation, where gradient descent from (x, y, x, …) is after so many steps."""
    weights = torch.tensor([*start] * (degree // 2), dtype=torch.float64)
    path = gradient_descent(scalar_chain(degree), weights, step_size, steps)
    return sharpness(scalar_chain(degree), path[-1])


def depth(degree: int, eta: float) -> float:
    """3β/(2|κ₄|) at the symmetric minimum at the edge, by automatic differentiation.

    The Hessian at the minima has rank one, so that every direction but the top eigenvector is slow.
    """
    loss = scalar_chain(degree)
    scaled = 2 / (STEP_SIZE_RATIO[degree] * eta) * 2 / degree  # x² + x⁻²
    weights = minimum(degree, np.sqrt((scaled + np.sqrt(scaled**2 - 4)) / 2))
    spectrum, vectors = torch.linalg.eigh(hessian(loss, weights))
    top = vectors[:, -1]

    def curvature(point: torch.Tensor) -> torch.Tensor:
        along: torch.Tensor = torch.func.grad(lambda p: torch.func.grad(loss)(p) @ top)(point) @ top
        return along

    third = torch.func.grad(curvature)
    fourth = torch.func.grad(lambda point: third(point) @ top)(weights) @ top
    components = third(weights)
    across = components @ components - (components @ top) ** 2
    quartic = fourth - 3 * (components @ top) ** 2 / spectrum[-1]
    return float(3 * across / (2 * abs(quartic)))


def sharpness_error(seed: int) -> float:
    """The largest relative error of x² + y² at degree 2, and of twice that at degree 4, at random minima."""
    return max(
        float(abs(sharpness(scalar_chain(degree), minimum(degree, x)) / ((x**2 + x**-2) * degree / 2) - 1))
        for x in np.random.default_rng(seed).uniform(0.3, 3, 10)
        for degree in STEP_SIZE_RATIO
    )


def edge_error(step_sizes: Sequence[float]) -> float:
    """The largest |ηS/2 − 1|, S by automatic differentiation, at minima with D² + 4 = 4/η², η that of degree 2."""
    errors = []
    for eta in step_sizes:
        square = (np.sqrt(4 / eta**2 - 4) + 2 / eta) / 2  # x² from D = x² − x⁻² and x² + x⁻² = 2/η
        for degree, ratio in STEP_SIZE_RATIO.items():
            found = sharpness(scalar_chain(degree), minimum(degree, float(np.sqrt(square))))
            errors.append(abs(ratio * eta * found / 2 - 1))
    return max(errors)


def minimum(degree: int, x: float) -> torch.Tensor:
    """The symmetric minimum (x, 1/x, x, …)."""
    return torch.tensor([x, 1 / x] * (degree // 2), dtype=torch.float64)
