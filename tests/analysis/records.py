"""A recorded run for tests: two layers on random data, whose first loss is by a network written out here."""

import numpy as np
import torch
from torch import nn


def recorded(file, activation="tanh", **changed):
    """Write the run, with what is changed or, if it is None, left out; the loss at its weights."""
    generator = torch.Generator().manual_seed(0)
    inputs, targets = (torch.randn(5, 2, generator=generator).double() for _ in range(2))
    between = {"tanh": nn.Tanh(), "linear": nn.Identity(), "gelu": nn.GELU(approximate="tanh")}[activation]
    network = nn.Sequential(nn.Linear(2, 3), between, nn.Linear(3, 2)).double()
    weights = torch.randn(17, generator=generator).double()
    nn.utils.vector_to_parameters(weights, network.parameters())
    loss = float((network(inputs) - targets).detach().square().mean() / 2)
    record = {"inputs": inputs.numpy(), "targets": targets.numpy(), "sizes": [2, 3, 2], "weights": weights.numpy()}
    record |= {"eta": 0.1, "activation": activation, "loss": [loss, 0.0, 0.0], "eigenvalues": np.zeros((3, 3))}
    np.savez(file, **{name: value for name, value in (record | changed).items() if value is not None})
    return loss
