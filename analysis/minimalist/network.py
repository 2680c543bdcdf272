"""The same loss as a torch network of depth 4 and width 1: automatic differentiation and `torch.optim.SGD`.

Nothing here comes from SymPy: the derivatives are torch's, and so are the steps. Importing this module loads torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from analysis.minimalist.experiments import Experiments
from numeric import compile_function
from numeric.compile import Array
from numeric.networks import gradient, gradient_descent, hessian, sharpness
from numeric.networks.architectures import scalar_chain

DEPTH = 4
START, STEP_SIZE, STEPS = (2.6, 0.4), 0.2, 2000  # converged by then
POINTS = 20


@dataclass(frozen=True)
class NetworkCheck:
    """Comparisons of the derived formulas and the compiled runs with the network."""

    experiments: Experiments
    seed: int

    def points(self) -> Array:
        """Random weights, one row a point."""
        return np.random.default_rng(self.seed).uniform(-2, 2, (POINTS, DEPTH))

    def derivative_errors(self) -> tuple[float, float]:
        """The largest errors of the gradient and of the Hessian, each relative to its norm."""
        objective = self.experiments.theory.objective
        compiled = compile_function([*objective.gradient, *objective.hessian], objective.weights)
        loss = scalar_chain(DEPTH)
        errors = []
        for point in self.points():
            values = np.array(compiled(*point))
            slopes, curvature = values[:DEPTH], values[DEPTH:].reshape(DEPTH, DEPTH)
            weights = torch.tensor(point)
            slope_error = np.abs(gradient(loss, weights).numpy() - slopes).max() / np.abs(slopes).max()
            errors.append(
                (slope_error, np.abs(hessian(loss, weights).numpy() - curvature).max() / np.abs(curvature).max())
            )
        return float(max(first for first, _ in errors)), float(max(second for _, second in errors))

    def gradient_at_minima(self) -> float:
        """The largest gradient at random points with xyzw = 1, relative to the sharpness there."""
        loss = scalar_chain(DEPTH)
        sizes = []
        for point in self.points():
            weights = torch.tensor([*point[:-1], 1 / np.prod(point[:-1])])
            sizes.append(float(gradient(loss, weights).abs().max()) / sharpness(loss, weights))
        return max(sizes)

    def symmetric_spectrum_error(self, at_minima: bool) -> float:
        """The largest relative error of the derived eigenvalues at symmetric points (x, y, x, y).

        At minima xy = 1: the sharpness 2(x² + y²). Elsewhere: the eigenvalues x²(1 − γ²) and y²(1 − γ²) with γ = xy,
        each of which must be in the spectrum.
        """
        loss = scalar_chain(DEPTH)
        errors = []
        for x, y in self.points()[:, :2]:
            weights = torch.tensor([x, 1 / x, x, 1 / x] if at_minima else [x, y, x, y])
            spectrum = torch.linalg.eigvalsh(hessian(loss, weights)).numpy()
            if at_minima:
                expected = [2 * (x**2 + x**-2)]
            else:
                expected = [x**2 * (1 - (x * y) ** 2), y**2 * (1 - (x * y) ** 2)]
            errors += [np.abs(spectrum - value).min() / np.abs(spectrum).max() for value in expected]
        return float(max(errors))

    @cached_property
    def path(self) -> torch.Tensor:
        """The iterates of torch's SGD from (x, y, x, y) = START × 2 at STEP_SIZE, (STEPS + 1, 4)."""
        return gradient_descent(scalar_chain(DEPTH), torch.tensor([*START] * 2, dtype=torch.float64), STEP_SIZE, STEPS)

    def path_error(self) -> float:
        """The largest difference between the iterates of torch's SGD and of the simulator, step for step."""
        start = dict(zip(("x", "y"), START, strict=True))
        run = self.experiments.simulator.run(start, {"eta": STEP_SIZE}, steps=STEPS, record_every=1)
        return float(np.abs(self.path[:, :2].numpy() - run.trajectory.values).max())

    def terminal_sharpness(self) -> float:
        """The sharpness, by automatic differentiation, at the last of the network's own iterates."""
        return sharpness(scalar_chain(DEPTH), self.path[-1])

    def sharpness_at(self, x: float, y: float) -> float:
        """The sharpness of the network at the symmetric weights (x, y, x, y), by automatic differentiation."""
        return sharpness(scalar_chain(DEPTH), torch.tensor([x, y, x, y], dtype=torch.float64))
