"""Initial weights, drawn from a given generator; b = 1/√(fan-in), fan-in the number of inputs a unit has.

    UniformFanIn(scale)   weights and biases uniform on scale·[−b, b]; scale 1: torch's default for linear layers and
                          convolutions, bit for bit
    NormalFanIn(scale)    weights N(0, scale² b²), biases 0
    NormalFanOut()        weights N(0, 2/fan-out), biases 0; fan-out of a convolution: channels × kernel size²
    XavierNormal(gains)   weights N(0, 2 gain²/(fan-in + fan-out)), biases 0, a gain for each layer in turn

Each is a frozen dataclass with one method, `fill(layer, position, generator)`.
Errors: `BadInput` for a scale or gain that is not positive, and for a number of gains other than that of the layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import nn

from eos_sym import BadInput
from numeric.values import positive_number

Layer: TypeAlias = nn.Linear | nn.Conv2d


def fan_in(layer: Layer) -> int:
    """The number of inputs each unit of the layer has."""
    return layer.weight[0].numel()


@dataclass(frozen=True)
class UniformFanIn:
    """Weights and biases uniform within scale/√(fan-in): with scale 1, torch's default."""

    scale: float = 1.0

    def __post_init__(self) -> None:
        positive_number("scale", self.scale)

    def fill(self, layer: Layer, position: int, generator: torch.Generator) -> None:
        """Draw the layer's weights, then its biases, as torch's own `reset_parameters` does."""
        nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
        if layer.bias is not None:
            bound = 1 / math.sqrt(fan_in(layer))
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
        for parameter in layer.parameters():
            parameter.data *= self.scale


@dataclass(frozen=True)
class NormalFanIn:
    """Weights normal with standard deviation scale/√(fan-in), zero biases."""

    scale: float = 1.0

    def __post_init__(self) -> None:
        positive_number("scale", self.scale)

    def fill(self, layer: Layer, position: int, generator: torch.Generator) -> None:
        """Draw the layer's weights."""
        nn.init.normal_(layer.weight, std=self.scale / math.sqrt(fan_in(layer)), generator=generator)
        _zero_bias(layer)


@dataclass(frozen=True)
class NormalFanOut:
    """Normal weights for ReLU, which keep the size of gradients (:cite:t:`he2015delving`); zero biases."""

    def fill(self, layer: Layer, position: int, generator: torch.Generator) -> None:
        """Draw the layer's weights."""
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        _zero_bias(layer)


@dataclass(frozen=True)
class XavierNormal:
    """Normal weights with a gain for each layer (:cite:t:`glorot2010understanding`), zero biases."""

    gains: tuple[float, ...]

    def __post_init__(self) -> None:
        for gain in self.gains:
            positive_number("gain", gain)

    def fill(self, layer: Layer, position: int, generator: torch.Generator) -> None:
        """Draw the weights of the layer at this position, counted from 0."""
        nn.init.xavier_normal_(layer.weight, gain=self.gains[position], generator=generator)
        _zero_bias(layer)


Initialization: TypeAlias = UniformFanIn | NormalFanIn | NormalFanOut | XavierNormal

TORCH_DEFAULT = UniformFanIn()


def initialize(layers: list[Layer], initialization: Initialization, generator: torch.Generator) -> None:
    """Draw the parameters of all the layers of a network, in order."""
    if isinstance(initialization, XavierNormal) and len(initialization.gains) != len(layers):
        raise BadInput(f"gains = {initialization.gains}: give one to each of the {len(layers)} layers")
    for position, layer in enumerate(layers):
        initialization.fill(layer, position, generator)


def _zero_bias(layer: Layer) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
