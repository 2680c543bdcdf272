"""TWO_EXAMPLES as a network: torch's own gradients, Hessians and optimizer.

``DeepLinear([2, 1, 1])`` with its weights p, q (first layer) and a (second), on the examples (√2, 0) with target √2 and
(0, √(2μ)) with target 30 √(2μ); the mean of ½ (output − target)² over the two is TWO_EXAMPLES.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from sympy import Float, Matrix

from analysis.self_stabilization.constrained import Geometry
from analysis.self_stabilization.runs import ETA, START
from analysis.self_stabilization.theory import MU, TARGET, TWO_EXAMPLES
from eos_sym import Objective
from eos_sym.self_stabilization import CubicExpansion, top_eigenvector
from numeric.networks import DeepLinear, FlatLoss, gradient, gradient_descent, half_squared_error

DIGITS = 25
SIZES = np.array([1e-2, 1e-3])  # of the displacement from which the order of the expansion is measured


@dataclass(frozen=True)
class Network:
    """The network at one μ."""

    mu: float

    @cached_property
    def loss(self) -> FlatLoss:
        """The mean squared error of the network as a function of (p, q, a)."""
        sizes = torch.tensor([2.0, 2 * self.mu], dtype=torch.float64).sqrt()
        targets = (sizes * torch.tensor([1.0, float(TARGET)])).unsqueeze(1)
        return FlatLoss(DeepLinear([2, 1, 1]), torch.diag(sizes), targets, half_squared_error)

    @cached_property
    def expansion(self) -> CubicExpansion:
        """The derived expansion at a point of M, where gradient descent with step size ETA meets the edge."""
        loss = TWO_EXAMPLES.loss.subs(MU, Float(self.mu, DIGITS))
        objective = Objective(TWO_EXAMPLES.name, loss, TWO_EXAMPLES.weights)
        start = np.array([[*START.values()]]) * [[1, 1, 1.01]]
        nearest, _, _ = Geometry(objective, {}, ETA).project(start, np.ones_like(start), start)
        point = {w: Float(float(x), DIGITS) for w, x in zip(objective.weights, nearest[0], strict=True)}
        return CubicExpansion(objective, point, top_eigenvector(objective.hessian.subs(point), DIGITS))

    def coefficient_error(self) -> float:
        """The largest error, relative, of u, S, α and β against automatic differentiation at the same point."""
        expansion = self.expansion
        point = torch.tensor([float(expansion.point[w]) for w in expansion.objective.weights], dtype=torch.float64)
        u = torch.tensor([float(component) for component in expansion.direction], dtype=torch.float64)
        point.requires_grad_()
        (slope,) = torch.autograd.grad(self.loss(point), point, create_graph=True)
        (curved,) = torch.autograd.grad(slope @ u, point, create_graph=True)
        (third,) = torch.autograd.grad(curved @ u, point)
        slope, curved = slope.detach(), curved.detach()
        across = third - (third @ u) * u
        found = (curved @ u, -slope @ across, across @ across)
        derived = (expansion.sharpness, expansion.alpha, expansion.beta)
        errors = [abs(float(exact) / float(value) - 1) for exact, value in zip(derived, found, strict=True)]
        return max(*errors, float((curved / found[0] - u).abs().max()))

    def remainder_exponent(self, seed: int) -> float:
        """The order in v of what the cubic expansion, nothing neglected, misses of the network's own gradient."""
        expansion = self.expansion
        weights = expansion.objective.weights
        point = np.array([float(expansion.point[weight]) for weight in weights])
        direction = np.random.default_rng(seed).standard_normal(len(weights))
        errors = []
        for size in SIZES:
            v = size * direction
            step = Matrix([Float(component, DIGITS) for component in v])
            expanded = expansion.gradient + expansion.hessian * step + expansion.third(step, step) / 2
            actual = gradient(self.loss, torch.tensor(point + v)).numpy()
            errors.append(np.abs(actual - np.array(expanded, dtype=float).ravel()).max())
        return float(np.log(errors[0] / errors[1]) / np.log(SIZES[0] / SIZES[1]))

    def path(self, steps: int, start: Sequence[float] = tuple(START.values())) -> torch.Tensor:
        """The iterates of torch's SGD, from the start of the training run if from no other, (steps + 1, 3)."""
        return gradient_descent(self.loss, torch.tensor([*start], dtype=torch.float64), ETA, steps)

    def losses(self, steps: int) -> NDArray[np.float64]:
        """The loss along this path."""
        path = self.path(steps)
        with torch.no_grad():
            return torch.stack([self.loss(weights) for weights in path]).numpy()


def trained_accuracy(accuracy: xr.Dataset) -> xr.Dataset:
    """The runs with the distance of torch's SGD from the predicted dynamics in the place of the compiled map's."""
    defects = []
    for run in range(accuracy.sizes["run"]):
        one = accuracy.isel(run=run)
        start = (one.constrained + one.simulated).isel(iteration=0).values
        path = Network(float(one.mu)).path(one.sizes["iteration"] - 1, start).numpy()
        defects.append(np.linalg.norm(path - (one.constrained + one.predicted).values, axis=1))
    return accuracy.assign(defect=(("run", "iteration"), np.array(defects)))
