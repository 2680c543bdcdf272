"""The losses as torch functions: β and κ₄ by automatic differentiation, and gradient descent with torch's gradients.

Nothing here comes from SymPy but the formula of the loss, evaluated node by node. Importing this module loads torch.
"""

import torch
from torch import Tensor
from torch.func import grad

from analysis.edge_law.cases import SLOW, Case
from numeric.networks import hessian, sharpness, torch_function


def coefficients(case: Case) -> tuple[float, float]:
    """β and κ₄ at the minimum of the curve with sharpness 2/η."""
    loss = torch_function(case.objective.loss, case.objective.weights)
    point = torch.tensor(case.at(case.coordinate(0.0))[0])
    eigenvalues, vectors = torch.linalg.eigh(hessian(loss, point))
    top = vectors[:, -1]

    def along(order: int, distance: Tensor, weights: Tensor) -> Tensor:
        if order == 0:
            return loss(weights + distance * top)
        derivative: Tensor = grad(lambda t: along(order - 1, t, weights))(distance)
        return derivative

    zero = torch.zeros((), dtype=torch.float64)
    third = vectors.T @ grad(lambda weights: along(2, zero, weights))(point)
    slow = float(case.step_size) * eigenvalues.abs() < float(SLOW)
    beta = (third[slow] ** 2).sum()
    quartic = along(4, zero, point) - 3 * (third[~slow] ** 2 / eigenvalues[~slow]).sum()
    return float(beta), float(quartic)


def end(case: Case, excess: float, steps: int) -> float:
    """y after so many steps of gradient descent from the start of this excess."""
    loss = torch_function(case.objective.loss, case.objective.weights)
    weights, eta = torch.tensor(case.start(excess), requires_grad=True), float(case.step_size)
    for _ in range(steps):
        (slope,) = torch.autograd.grad(loss(weights), weights)
        with torch.no_grad():
            weights -= eta * slope
    return sharpness(loss, weights.detach()) - case.edge
