"""Fully connected networks: z_{l+1} = W_l φ(z_l) + b_l, with an activation φ between linear layers.

    standard   z ↦ W z + b,             torch's default initialization: uniform within 1/√(fan-in)
    ntk        z ↦ W z/√(fan-in) + b,   weights N(0, 1), biases 0

The second is the neural tangent parameterization. The two describe the same functions, W_standard = W_ntk/√(fan-in),
but a step of gradient descent differs: it moves W_standard by 1/fan-in as much in the second. An initialization says
what W_standard is, in either; None is the parameterization's own, above.

Inputs (n, …) are flattened; outputs (n, examples.outputs). Errors: `BadInput` for a width below 1, an activation or a
parameterization that is not known, a wrong number of gains. Source: :cite:t:`cohen2021edge`, two hidden layers of 200;
their Chebyshev network is ``FullyConnected((100,), output_bias=False, initialization=XavierNormal((1.9, 1.0)))``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import nn

from eos_sym import BadInput
from numeric.networks.architectures.initialization import TORCH_DEFAULT, Initialization, NormalFanIn, initialize
from numeric.networks.architectures.layers import Activation, ScaledLinear, activation_layer, check_widths, linear
from numeric.networks.data.examples import Examples
from numeric.values import yes_or_no


@dataclass(frozen=True)
class FullyConnected:
    """Hidden layers of the given widths; `bias` for all layers, `output_bias` for the last one besides."""

    widths: tuple[int, ...] = (200, 200)
    activation: Activation = "tanh"
    bias: bool = True
    output_bias: bool = True
    parameterization: Literal["standard", "ntk"] = "standard"
    initialization: Initialization | None = None

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        activation_layer(self.activation)
        yes_or_no("bias", self.bias)
        yes_or_no("output_bias", self.output_bias)
        if self.parameterization not in ("standard", "ntk"):
            raise BadInput(f"parameterization = {self.parameterization}: must be standard or ntk")

    def build(self, examples: Examples, generator: torch.Generator) -> nn.Sequential:
        """The network: a flattening layer, then linear layers with activations between them."""
        sizes = (examples.inputs[0].numel(), *self.widths, examples.outputs)
        scaled = self.parameterization == "ntk"
        layers = [
            linear(
                inputs,
                outputs,
                bias=self.bias and (position < len(self.widths) or self.output_bias),
                kind=ScaledLinear if scaled else nn.Linear,
            )
            for position, (inputs, outputs) in enumerate(pairwise(sizes))
        ]
        initialize([*layers], self.initialization or (NormalFanIn() if scaled else TORCH_DEFAULT), generator)
        if scaled:
            for layer in layers:
                layer.weight.data *= math.sqrt(layer.in_features)
        modules: list[nn.Module] = [nn.Flatten()]
        for layer in layers[:-1]:
            modules += [layer, activation_layer(self.activation)]
        return nn.Sequential(*modules, layers[-1])
