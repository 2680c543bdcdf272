"""The same loss as a torch network of depth 4 and width 1: automatic differentiation and `torch.optim.SGD`.

Nothing here comes from SymPy: the derivatives are torch's, and so are the steps. Importing this module loads torch.
"""

import numpy as np
import torch
from torch import Tensor

from eos_sym import GradientDescent, Objective
from numeric import compile_function, compile_map
from numeric.compile import Array
from numeric.networks import gradient, gradient_descent, hessian, sharpness
from numeric.networks.architectures import scalar_chain

DEPTH = 4
START, STEP_SIZE, STEPS = (2.6, 0.4), 0.2, 2000  # converged by then
POINTS = 20


def random_points(seed: int) -> Array:
    """Random weights, one row a point."""
    return np.random.default_rng(seed).uniform(-2, 2, (POINTS, DEPTH))


def derivative_error(objective: Objective, seed: int) -> float:
    """The largest error of the derived gradient and Hessian at random points, relative to their largest entries."""
    compiled = compile_function([*objective.gradient, *objective.hessian], objective.weights)
    loss = scalar_chain(DEPTH)
    errors = []
    for point in random_points(seed):
        values, weights = np.array(compiled(*point)), torch.tensor(point)
        for derived, found in (
            (values[:DEPTH], gradient(loss, weights)),
            (values[DEPTH:].reshape(DEPTH, DEPTH), hessian(loss, weights)),
        ):
            errors.append(np.abs(found.numpy() - derived).max() / np.abs(derived).max())
    return float(max(errors))


def gradient_at_minima(seed: int) -> float:
    """The largest gradient at random points with xyzw = 1, relative to the sharpness there."""
    loss = scalar_chain(DEPTH)
    sizes = []
    for point in random_points(seed):
        weights = torch.tensor([*point[:-1], 1 / np.prod(point[:-1])])
        sizes.append(float(gradient(loss, weights).abs().max()) / sharpness(loss, weights))
    return max(sizes)


def imbalance_change_along_flow(seed: int) -> float:
    """The largest |cos| of the angle between ∇(x² − y²) and the gradient at random symmetric points."""
    loss, cosines = scalar_chain(DEPTH), []
    for x, y in random_points(seed)[:, :2]:
        slope, across = gradient(loss, torch.tensor([x, y, x, y])), torch.tensor([x, -y, 0.0, 0.0], dtype=torch.float64)
        cosines.append(float(abs(slope @ across) / (slope.norm() * across.norm())))
    return max(cosines)


def zero_eigenvalues_at_minima(seed: int) -> float:
    """The largest of the three least |λ| at random points with xyzw = 1, relative to the greatest λ."""
    loss, sizes = scalar_chain(DEPTH), []
    for point in random_points(seed):
        spectrum = torch.linalg.eigvalsh(hessian(loss, torch.tensor([*point[:-1], 1 / np.prod(point[:-1])])))
        sizes.append(float(spectrum[:-1].abs().max() / spectrum[-1]))
    return max(sizes)


def sharpness_error_at_minima(seed: int) -> float:
    """The largest relative error of 2(x² + y²) at random symmetric minima."""
    pairs = [(x, 1 / x) for x in random_points(seed)[:, 0]]
    errors = [2 * (x**2 + y**2) / sharpness_at(torch.tensor([x, y, x, y])) - 1 for x, y in pairs]
    return float(np.abs(errors).max())


def small_eigenvalue_error(seed: int) -> float:
    """How far x²(1 − γ²) and y²(1 − γ²), γ = xy, are from the spectrum at random symmetric points, likewise."""
    return max(
        distance_from_spectrum((x, y, x, y), weight**2 * (1 - (x * y) ** 2))
        for x, y in random_points(seed)[:, :2]
        for weight in (x, y)
    )


def distance_from_spectrum(weights: tuple[float, ...], eigenvalue: float) -> float:
    """The distance of the number from the spectrum of the Hessian, relative to the largest eigenvalue."""
    spectrum = torch.linalg.eigvalsh(hessian(scalar_chain(DEPTH), torch.tensor(weights, dtype=torch.float64))).numpy()
    return float(np.abs(spectrum - eigenvalue).min() / np.abs(spectrum).max())


def sgd_path() -> Tensor:
    """The iterates of torch's SGD from (x, y, x, y) = START × 2 at STEP_SIZE, (STEPS + 1, 4)."""
    return gradient_descent(scalar_chain(DEPTH), torch.tensor([*START] * 2, dtype=torch.float64), STEP_SIZE, STEPS)


def path_error(path: Tensor, objective: Objective) -> float:
    """The largest difference between the iterates of torch's SGD and of the map on all four weights."""
    start = dict(zip("xyzw", [*START] * 2, strict=True))
    full = compile_map(GradientDescent().map(objective))
    run = full.run(start, {"eta": STEP_SIZE}, steps=STEPS, record_every=1)
    return float(np.abs(path.numpy() - run.trajectory.values).max())


def sharpness_at(weights: Tensor) -> float:
    """The sharpness of the network at these weights, by automatic differentiation."""
    return sharpness(scalar_chain(DEPTH), weights)
