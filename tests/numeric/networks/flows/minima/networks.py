"""The networks of these tests."""

import torch
from torch import nn

from numeric.networks.loss import FlatLoss, half_squared_error


def network(seed=0, hidden=5, examples=4, inputs=2):
    """A network of tanh with more weights than examples, near a minimum or not."""
    generator = torch.Generator().manual_seed(seed)
    module = nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, 1)).double()
    for parameter in module.parameters():
        nn.init.normal_(parameter, generator=generator)
    data, targets = (torch.randn(examples, width, dtype=torch.float64, generator=generator) for width in (inputs, 1))
    return FlatLoss(module, data, targets, half_squared_error)
