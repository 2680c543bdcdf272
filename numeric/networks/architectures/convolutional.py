"""Convolutional networks: 3×3 convolutions, each followed by an activation and 2×2 pooling, then a linear layer.

Inputs (n, channels, height, width), outputs (n, examples.outputs). Every pooling halves the image, rounding down. The
maximum in max pooling has kinks: where it matters that the loss is smooth, take the average. Initialization: torch's
default. Errors: `BadInput` for inputs that are no images, images too small to be halved so often, a number of channels
below 1, an unknown activation or pooling. Source: :cite:t:`cohen2021edge`, two layers of 32 channels, both poolings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

import torch
from torch import nn

from eos_sym import BadInput
from numeric.networks.architectures.initialization import TORCH_DEFAULT, initialize
from numeric.networks.architectures.layers import (
    Activation,
    activation_layer,
    check_widths,
    convolution,
    image_shape,
    linear,
)
from numeric.networks.data.examples import Examples
from numeric.values import yes_or_no

POOLINGS: Mapping[str, Callable[[int], nn.Module]] = MappingProxyType({"max": nn.MaxPool2d, "average": nn.AvgPool2d})


@dataclass(frozen=True)
class Convolutional:
    """One convolution for each number of channels; with `bias` in the convolutions, always in the linear layer."""

    channels: tuple[int, ...] = (32, 32)
    activation: Activation = "tanh"
    pooling: Literal["max", "average"] = "max"
    bias: bool = True

    def __post_init__(self) -> None:
        check_widths("channels", self.channels)
        activation_layer(self.activation)
        yes_or_no("bias", self.bias)
        if self.pooling not in POOLINGS:
            raise BadInput(f"pooling = {self.pooling}: must be max or average")

    def build(self, examples: Examples, generator: torch.Generator) -> nn.Sequential:
        """The network: convolution, activation and pooling for each number of channels; flattening; linear layer."""
        colours, height, width = image_shape(examples)
        shrink = 2 ** len(self.channels)
        if min(height, width) < shrink:
            raise BadInput(f"images of {height}×{width}: need {shrink}×{shrink} for {len(self.channels)} poolings")
        convolutions = [convolution(a, b, bias=self.bias) for a, b in pairwise((colours, *self.channels))]
        features = (self.channels or (colours,))[-1] * (height // shrink) * (width // shrink)
        head = linear(features, examples.outputs)
        initialize([*convolutions, head], TORCH_DEFAULT, generator)
        modules: list[nn.Module] = []
        for layer in convolutions:
            modules += [layer, activation_layer(self.activation), POOLINGS[self.pooling](2)]
        return nn.Sequential(*modules, nn.Flatten(), head)
