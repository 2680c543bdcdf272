"""The pair of losses in torch, which shares nothing with the formulas: its curvatures at 1, and its own SGD."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from numeric.compile import Array
from numeric.networks import sharpness


def losses(x: Tensor) -> Tensor:
    """min{x², c(x − 1)²} for c = 1/10 and 19/10, stacked."""
    return torch.stack([torch.minimum(x**2, curvature * (x - 1) ** 2) for curvature in (0.1, 1.9)])


def curvatures() -> list[float]:
    """The second derivatives of the two losses at 1, by automatic differentiation."""

    def one(index: int) -> Callable[[Tensor], Tensor]:
        return lambda x: losses(x)[index].sum()

    return [sharpness(one(index), torch.ones(1, dtype=torch.float64)) for index in (0, 1)]


def multipliers(step_size: float) -> Array:
    """What SGD multiplies the distance from 1 by, on either loss."""
    return 1 - step_size * np.array(curvatures())


def path(start: float, step_size: float, draws: Sequence[int] | None, steps: int) -> Array:
    """The iterates of `torch.optim.SGD`: on the drawn losses, or on the mean loss if there are no draws."""
    x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=step_size)
    iterates = [start]
    for step in range(steps):
        optimizer.zero_grad()
        both = losses(x)
        loss = both.mean() if draws is None else both[draws[step]]
        loss.backward()
        optimizer.step()
        iterates.append(x.item())
    return np.array(iterates)


def mean_loss(iterates: Array) -> Array:
    """The mean loss along a path."""
    return np.asarray(losses(torch.from_numpy(iterates)).mean(dim=0))
