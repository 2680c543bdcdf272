"""Full-batch gradient descent on a network with every iterate kept, for comparison with the theory step by step.

θ_{t+1} = θ_t − η ∇L(θ_t),   by the optimizer of the formula
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from numeric.networks.loss import FlatLoss
from numeric.networks.training.optimizers import GradientDescent
from numeric.values import positive_number, whole_number


def gradient_descent(loss: FlatLoss, initial: Tensor, step_size: float, steps: int) -> Tensor:
    """The iterates θ₀ … θ_steps, an array (steps + 1, p); the module is left at the last one."""
    positive_number("step_size", step_size)
    whole_number("steps", steps, least=1)
    parameters = list(loss.module.parameters())
    nn.utils.vector_to_parameters(initial.clone(), parameters)
    optimizer = GradientDescent(step_size).build(parameters)
    iterates = [loss.parameters]
    for _ in range(steps):
        loss.module.zero_grad()
        loss.criterion(loss.module(loss.inputs), loss.targets).backward()
        optimizer.step()
        iterates.append(loss.parameters)
    return torch.stack(iterates)
