"""The losses written for torch: β and κ₄ by automatic differentiation, and gradient descent with torch's gradients.

Nothing here comes from SymPy but the points at which it begins. Importing this module loads torch.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import grad
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from analysis.edge_law.cases import SLOW, Case
from numeric.networks import hessian

ENOUGH = 25  # of steps, in units of 1/(ηy₀) and 1/(η|y∞|), by which the amplitude grows and falls e-fold


def _product(weights: Tensor) -> Tensor:
    loss: Tensor = 0.5 * (1 - weights.prod()) ** 2
    return loss


def _log_cosh(weights: Tensor) -> Tensor:
    residual = 1 - weights.prod()
    return residual + softplus(-2 * residual) - softplus(torch.zeros_like(residual))


def _soft_label(weights: Tensor) -> Tensor:
    logit = weights.prod()
    cross_entropy: Tensor = binary_cross_entropy_with_logits(logit, torch.full_like(logit, 0.75))
    return cross_entropy


def _fast_direction(weights: Tensor) -> Tensor:
    s, u, w = weights
    loss: Tensor = 0.5 * s * u**2 + 6 * w * u**2 + 22.5 * w**2 + 5 * u**4 / 24
    return loss


LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "depth 2": _product,
    "depth 4": _product,
    "depth 8": _product,
    "log-cosh": _log_cosh,
    "soft label": _soft_label,
    "fast direction": _fast_direction,
}


def coefficients(case: Case) -> tuple[float, float]:
    """β and κ₄ at the minimum of the curve with sharpness 2/η."""
    loss = LOSSES[case.name]
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


def end(case: Case, excess: float, expected: float) -> float:
    """y∞ of gradient descent from the start of this excess; how long it takes follows from the end that is expected."""
    loss, eta = LOSSES[case.name], float(case.step_size)
    weights = torch.tensor(case.start(excess), requires_grad=True)
    for _ in range(round(ENOUGH * (1 / abs(expected) + 1 / excess) / eta)):
        (slope,) = torch.autograd.grad(loss(weights), weights)
        with torch.no_grad():
            weights -= eta * slope
    return float(torch.linalg.eigvalsh(hessian(loss, weights.detach()))[-1]) - case.edge
