"""A fully connected network with batch normalization, of elementary operations, between every layer and its activation.

z_{l+1} = φ(BN(W_l z_l)), and a linear layer at the end; torch's default initialization. Inputs (n, …) are flattened.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from numeric.networks.architectures.initialization import TORCH_DEFAULT, initialize
from numeric.networks.architectures.layers import Activation, activation_layer, linear
from numeric.networks.architectures.normalization import BatchNorm
from numeric.networks.data.examples import Examples


@dataclass(frozen=True)
class Normalized:
    """Hidden layers of the given widths."""

    widths: tuple[int, ...]
    activation: Activation

    def build(self, examples: Examples, generator: torch.Generator) -> nn.Sequential:
        """The network."""
        sizes = (examples.inputs[0].numel(), *self.widths)
        layers = [linear(inputs, outputs, bias=False) for inputs, outputs in pairwise(sizes)]
        head = linear(sizes[-1], examples.outputs)
        initialize([*layers, head], TORCH_DEFAULT, generator)
        modules: list[nn.Module] = [nn.Flatten()]
        for layer in layers:
            modules += [layer, BatchNorm(layer.out_features), activation_layer(self.activation)]
        return nn.Sequential(*modules, head)
