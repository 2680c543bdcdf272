"""The parts of networks: layers in float64 that draw nothing by themselves, and activations by name.

torch's own constructors draw initial weights from its global generator, which other threads share. `linear` and
`convolution` leave them unset, for `initialization` to fill from a generator of the caller's.

    ScaledLinear   x ↦ W x/√(fan-in) + b, the layer of the neural tangent parameterization
    gelu_tanh      x (1 + tanh(√(2/π)(x + .044715 x³)))/2, which other programs call gelu; off x Φ(x) by up to 5e-4

Every activation here can be differentiated as often as torch is asked, almost everywhere. Shapes: as torch's layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from eos_sym import BadInput
from numeric.networks.data.examples import Examples

Activation: TypeAlias = Literal[
    "identity", "tanh", "relu", "elu", "gelu", "gelu_tanh", "silu", "softplus", "sigmoid", "hardtanh", "leaky_relu"
]

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        "identity": nn.Identity,
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "elu": nn.ELU,
        "gelu": nn.GELU,
        "gelu_tanh": partial(nn.GELU, approximate="tanh"),
        "silu": nn.SiLU,
        "softplus": nn.Softplus,
        "sigmoid": nn.Sigmoid,
        "hardtanh": nn.Hardtanh,
        "leaky_relu": nn.LeakyReLU,
    }
)


class ScaledLinear(nn.Linear):
    """A linear layer that divides its weights by √(fan-in) when it uses them."""

    def forward(self, inputs: Tensor) -> Tensor:
        """W x/√(fan-in) + b."""
        return functional.linear(inputs, self.weight / math.sqrt(self.in_features), self.bias)


def linear(inputs: int, outputs: int, *, bias: bool = True, kind: type[nn.Linear] = nn.Linear) -> nn.Linear:
    """A linear layer in float64 with its parameters unset."""
    layer: nn.Linear = nn.utils.skip_init(kind, inputs, outputs, bias=bias, dtype=torch.float64)
    return layer


def convolution(inputs: int, outputs: int, *, size: int = 3, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    """A convolution in float64 with its parameters unset; padded, so that with stride 1 images keep their size."""
    layer: nn.Conv2d = nn.utils.skip_init(
        nn.Conv2d, inputs, outputs, size, stride=stride, padding=size // 2, bias=bias, dtype=torch.float64
    )
    return layer


def activation_layer(name: str) -> nn.Module:
    """The activation of this name."""
    if name not in ACTIVATIONS:
        raise BadInput(f"activation = {name}: must be one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def check_widths(name: str, widths: tuple[int, ...]) -> None:
    """Refuse widths below 1, and a number where a tuple belongs."""
    if not isinstance(widths, tuple):
        raise BadInput(f"{name} = {widths}: must be a tuple, such as (200, 200)")
    if min(widths, default=1) < 1:
        raise BadInput(f"{name} = {widths}: each must be 1 or more")


def image_shape(examples: Examples) -> tuple[int, int, int]:
    """Channels, height and width of the examples' images."""
    shape = tuple(examples.inputs.shape[1:])
    if len(shape) != 3:
        raise BadInput(f"inputs of shape {shape}: this network needs images, (channels, height, width)")
    return shape[0], shape[1], shape[2]
