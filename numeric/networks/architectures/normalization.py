"""Batch and layer normalization written out of elementary operations, so that derivatives of every order are right.

    y = w (x − mean)/√(variance + ε) + b,   mean and variance (of the population) over the normalized axes

torch's own layers treat the mean and variance they have saved as constants when they are differentiated a third time,
which is wrong without a word. Nothing here is saved, so there is nothing to go wrong.

`BatchNorm` normalizes every channel over the examples it is given, and the pixels where there are any: there are no
running statistics, in training or after. So the full-batch loss is a fixed function of the weights, as
:cite:t:`cohen2021edge` need it; and so, too, an example's output depends on the others of its batch, and a loss in
micro-batches is not the full-batch loss. `LayerNorm` normalizes the last axis of each example by itself.

Shapes: `BatchNorm` (n, channels, …), `LayerNorm` (…, features). Source: :cite:t:`ioffe2015batch`,
:cite:t:`ba2016layer`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPSILON = 1e-5  # torch's


def normalized(values: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The values less their mean over the axes, divided by their standard deviation, with ε under the root."""
    centred = values - values.mean(axes, keepdim=True)
    return centred * torch.rsqrt(centred.square().mean(axes, keepdim=True) + EPSILON)


class BatchNorm(nn.Module):
    """Batch normalization of (n, channels, …) by the statistics of the batch at hand."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(channels, dtype=torch.float64))

    def forward(self, inputs: Tensor) -> Tensor:
        """The normalized inputs, scaled and shifted channel by channel."""
        channels = (-1, *[1] * (inputs.ndim - 2))
        values = normalized(inputs, (0, *range(2, inputs.ndim)))
        return values * self.weight.view(channels) + self.bias.view(channels)


class LayerNorm(nn.Module):
    """Layer normalization of the last axis, (…, features)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features, dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(features, dtype=torch.float64))

    def forward(self, inputs: Tensor) -> Tensor:
        """The normalized inputs, scaled and shifted feature by feature."""
        return normalized(inputs, (-1,)) * self.weight + self.bias
