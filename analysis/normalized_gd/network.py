"""The two rules on a torch network: a deep linear one with three examples, more weights than that, and so a manifold Γ.

Nothing here comes from SymPy: gradients and Hessians are torch's.
"""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor

from analysis.normalized_gd.theory import KINDS
from analysis.study import CommonOptions
from numeric.networks import DeepLinear, FlatLoss, gradient, half_squared_error, hessian, sharpness

WIDTHS = (3, 4, 1)
EXAMPLES = 3
NETWORKS = 5
STEP_SIZE = 0.04
STEPS = 1000
SEGMENT = 9  # points of the segment on which the supremum of the sharpness is taken


def networks(options: CommonOptions) -> Mapping[str, Mapping[str, float]]:
    """For each rule, of every quantity the value farthest from 1 on NETWORKS networks with random examples and weights.

    At the last two steps: `cosine`, |cosine| to the top eigenvector; `reciprocals`, 1/S_t + 1/S_{t+1}; `root_losses`,
    √L_t + √L_{t+1} over the theory's.
    """
    worst = {}
    for kind in KINDS:
        runs = [last_steps(kind.name, NETWORKS * options.seed + index) for index in range(NETWORKS)]
        worst[kind.name] = {
            name: max((run[name] for run in runs), key=lambda value: abs(value - 1)) for name in runs[0]
        }
    return worst


def last_steps(kind: str, seed: int) -> dict[str, float]:
    """The three quantities at the end of one run."""
    generator = torch.Generator().manual_seed(seed)
    inputs, targets = (
        torch.randn(EXAMPLES, width, dtype=torch.float64, generator=generator) for width in (WIDTHS[0], WIDTHS[-1])
    )
    loss = FlatLoss(DeepLinear(WIDTHS), inputs, targets, half_squared_error)
    weights = torch.randn(loss.parameters.numel(), dtype=torch.float64, generator=generator)
    path = advance(kind, loss, weights)
    eigenvalues, eigenvectors = torch.linalg.eigh(hessian(loss, (path[0] + 2 * path[1] + path[2]) / 4))
    last, top = path[2] - path[1], float(eigenvalues[-1])
    theory = STEP_SIZE * (top / 2) ** 0.5 if kind == "normalized" else STEP_SIZE * top / 2
    return {
        "cosine": float(abs(last @ eigenvectors[:, -1]) / last.norm()),
        "reciprocals": sum(1 / stableness(loss, before, after) for before, after in pairwise(path)),
        "root_losses": sum(float(loss(point).sqrt()) for point in path[1:]) / theory,
    }


def advance(kind: str, loss: FlatLoss, weights: Tensor) -> list[Tensor]:
    """The last three of STEPS iterates of a rule."""
    path = [weights]
    for _ in range(STEPS):
        point = path[-1].requires_grad_(True)
        value = loss(point)
        (slope,) = torch.autograd.grad(value, point)
        length = slope.norm() if kind == "normalized" else 2 * value.detach().sqrt()
        path = [*path[-2:-1], point.detach(), point.detach() - STEP_SIZE * slope / length]
    return path


def stableness(loss: FlatLoss, before: Tensor, after: Tensor) -> float:
    """The effective step times the largest sharpness on the segment that it covers."""
    effective = float((after - before).norm() / gradient(loss, before).norm())
    points = (before + share * (after - before) for share in torch.linspace(0, 1, SEGMENT, dtype=torch.float64))
    return effective * max(sharpness(loss, point) for point in points)
