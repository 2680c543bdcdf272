"""Residual networks: blocks x ↦ φ(x + F(x)) of two 3×3 convolutions, in stages of more channels and smaller images.

    x ↦ φ(s(x) + norm(conv(φ(norm(conv(x))))))

The first block of each stage but the first halves the image; s is the identity, or a normalized 1×1 convolution where
the shape changes. Then the mean over the image, and a linear layer. norm is batch normalization, or the identity where
that is not asked for, and the convolutions have biases instead. Initialization: convolutions N(0, 2/fan-out), biases 0;
linear layer torch's default. Inputs (n, channels, height, width), outputs (n, examples.outputs).

Errors: `BadInput` for inputs that are no images, no stages, a number below 1, an unknown activation.
Source: :cite:t:`he2016deep`; three stages (16, 32, 64) of 5 blocks are their ResNet-32 but for its shortcuts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from eos_sym import BadInput
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


def normalized_convolution(inputs: int, outputs: int, size: int, stride: int, batch_norm: bool) -> nn.Sequential:
    """A convolution and the normalization of its outputs; or, without that, a convolution with biases."""
    layer = convolution(inputs, outputs, size=size, stride=stride, bias=not batch_norm)
    return nn.Sequential(layer, BatchNorm(outputs)) if batch_norm else nn.Sequential(layer)


class Block(nn.Module):
    """φ(s(x) + F(x)) for images (n, inputs, h, w) → (n, outputs, h/stride, w/stride), rounded up."""

    def __init__(self, inputs: int, outputs: int, stride: int, activation: Activation, batch_norm: bool) -> None:
        super().__init__()
        self.activation = activation_layer(activation)
        self.residual = nn.Sequential(
            normalized_convolution(inputs, outputs, 3, stride, batch_norm),
            activation_layer(activation),
            normalized_convolution(outputs, outputs, 3, 1, batch_norm),
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else normalized_convolution(inputs, outputs, 1, stride, batch_norm)

    def forward(self, images: Tensor) -> Tensor:
        """The block's output."""
        outputs: Tensor = self.activation(self.shortcut(images) + self.residual(images))
        return outputs


@dataclass(frozen=True)
class Residual:
    """Stages of `blocks` blocks each, with the given channels."""

    channels: tuple[int, ...] = (16, 32)
    blocks: int = 1
    activation: Activation = "relu"
    batch_norm: bool = True

    def __post_init__(self) -> None:
        if not self.channels:
            raise BadInput("channels = (): give the channels of at least one stage")
        check_widths("channels", self.channels)
        check_widths("blocks", (self.blocks,))
        activation_layer(self.activation)
        yes_or_no("batch_norm", self.batch_norm)

    def build(self, examples: Examples, generator: torch.Generator) -> nn.Sequential:
        """The network: a convolution, the stages of blocks, the mean over the image, a linear layer."""
        colours, _, _ = image_shape(examples)
        modules: list[nn.Module] = [
            normalized_convolution(colours, self.channels[0], 3, 1, self.batch_norm),
            activation_layer(self.activation),
        ]
        before = self.channels[0]
        for stage, channels in enumerate(self.channels):
            for block in range(self.blocks):
                stride = 2 if stage and not block else 1
                modules.append(Block(before, channels, stride, self.activation, self.batch_norm))
                before = channels
        head = linear(before, examples.outputs)
        network = nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
        convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
        initialize([*convolutions], NormalFanOut(), generator)
        initialize([head], TORCH_DEFAULT, generator)
        return network
