"""VGG networks: 3×3 convolutions in five groups, the image halved after each, then three linear layers.

    depth                convolutions per group      channels per group (width w = 64: VGG as published)
    11, 13, 16, 19       8, 10, 13, 16 in all        w, 2w, 4w, 8w, 8w

Every convolution is followed by batch normalization, if that is asked for, and the activation. There is no dropout: the
loss is a fixed function of the weights. Initialization: convolutions N(0, 2/fan-out), biases 0; linear layers torch's
default. Inputs (n, channels, height, width), at least 32×32; outputs (n, examples.outputs).

Errors: `BadInput` for another depth, images that are too small, a width below 1, an unknown activation or pooling.
Source: :cite:t:`simonyan2015very`; without dropout, and with these linear layers, :cite:t:`cohen2021edge`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import nn

from eos_sym import BadInput
from numeric.networks.architectures.convolutional import POOLINGS
from numeric.networks.architectures.initialization import TORCH_DEFAULT, NormalFanOut, initialize
from numeric.networks.architectures.layers import (
    Activation,
    activation_layer,
    check_widths,
    convolution,
    image_shape,
    linear,
)
from numeric.networks.architectures.normalization import BatchNorm
from numeric.networks.data.examples import Examples
from numeric.values import yes_or_no

GROUPS: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
)
MULTIPLES = (1, 2, 4, 8, 8)  # of the width: the channels of the groups
SHRINK = 2 ** len(MULTIPLES)


@dataclass(frozen=True)
class Vgg:
    """A VGG of 11, 13, 16 or 19 layers; narrower than the published one with a `width` below 64."""

    depth: Literal[11, 13, 16, 19] = 11
    batch_norm: bool = True
    width: int = 64
    activation: Activation = "relu"
    pooling: Literal["max", "average"] = "max"

    def __post_init__(self) -> None:
        if self.depth not in GROUPS:
            raise BadInput(f"depth = {self.depth}: must be one of {', '.join(map(str, GROUPS))}")
        check_widths("width", (self.width,))
        activation_layer(self.activation)
        yes_or_no("batch_norm", self.batch_norm)
        if self.pooling not in POOLINGS:
            raise BadInput(f"pooling = {self.pooling}: must be max or average")

    def build(self, examples: Examples, generator: torch.Generator) -> nn.Sequential:
        """The network: five groups of convolutions with pooling after each; flattening; three linear layers."""
        channels, height, width = image_shape(examples)
        if min(height, width) < SHRINK:
            raise BadInput(
                f"images of {height}×{width}: a VGG needs {SHRINK}×{SHRINK}; load the data with size={SHRINK}"
            )
        modules: list[nn.Module] = []
        convolutions = []
        for multiple, count in zip(MULTIPLES, GROUPS[self.depth], strict=True):
            for _ in range(count):
                convolutions.append(convolution(channels, multiple * self.width))
                channels = multiple * self.width
                normalization = [BatchNorm(channels)] if self.batch_norm else []
                modules += [convolutions[-1], *normalization, activation_layer(self.activation)]
            modules.append(POOLINGS[self.pooling](2))
        hidden = MULTIPLES[-1] * self.width
        head = [
            linear(channels * (height // SHRINK) * (width // SHRINK), hidden),
            linear(hidden, hidden),
            linear(hidden, examples.outputs),
        ]
        initialize([*convolutions], NormalFanOut(), generator)
        initialize([*head], TORCH_DEFAULT, generator)
        modules.append(nn.Flatten())
        for layer in head[:-1]:
            modules += [layer, activation_layer(self.activation)]
        return nn.Sequential(*modules, head[-1])
