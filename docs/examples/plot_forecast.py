"""What training will do next, from one moment
=============================================

From a network's weights at one moment, a map of some dozen numbers that says when the first spike comes, how high it
is, and how training goes on; and how far to trust it.
"""

# %%
# A network on some handwritten digits, with part of the labels random, trained until shortly before its first spike.
import copy

import matplotlib.pyplot as plt
import torch
from torch import nn

from numeric.networks import half_squared_error
from numeric.networks.data import Digits
from numeric.networks.forecast import forecast

data = Digits(100, classes=3, noise=0.3).load()
inputs, targets = data.inputs.flatten(1), data.targets
torch.manual_seed(7)
model = nn.Sequential(nn.Linear(64, 14), nn.Tanh(), nn.Linear(14, 14), nn.Tanh(), nn.Linear(14, 3)).double()


def train(model, optimizer, steps):
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = half_squared_error(model(inputs), targets)
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    return losses


eta = 0.15
optimizer = torch.optim.SGD(model.parameters(), lr=eta)
train(model, optimizer, 470)

# %%
# The forecast, at the cost of so many gradients: the oscillation along the eigenvectors at the edge, the sharpness at
# two-step midpoints and the loss are an xarray dataset; `trust` says what was measured of the model beforehand.
prediction = forecast(model, half_squared_error, inputs, targets, optimizer=optimizer, steps=60)
print(prediction.peak)
print(prediction.trust)
print(prediction.data)

# %%
# What the network then does. Another step size takes no other model.
others = {factor: copy.deepcopy(model) for factor in (0.95, 1.0, 1.05)}
losses = {
    factor: train(other, torch.optim.SGD(other.parameters(), lr=factor * eta), 61) for factor, other in others.items()
}

for factor, measured in losses.items():
    expected = prediction.at(factor * eta).data
    (line,) = plt.plot(expected.step, expected.loss, label=f"η = {factor * eta:.4g}")
    plt.plot(measured, ".", color=line.get_color(), markersize=4)
plt.xlabel("steps from now on")
plt.ylabel("loss: lines forecast, dots measured")
plt.legend()

spike = max(losses[1.0])
assert prediction.trust.trusted
assert abs(prediction.data.loss.max() / spike - 1) < 0.05
assert abs(losses[1.0].index(spike) - int(prediction.data.loss.idxmax())) <= 1
