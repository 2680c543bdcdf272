"""A small transformer for images: patches are tokens, pre-normalized blocks of attention and a two-layer network.

    tokens    t_i = W p_i + b + e_i          p_i: the pixels of a patch, e_i: a learned position
    block     t ← t + A(norm(t)),  t ← t + W₂ φ(W₁ norm(t) + b₁) + b₂
    A         softmax(Q Kᵀ/√d) V for each head of d features, heads side by side, then a linear layer
    output    W mean_i norm(t_i) + b

Attention is written out, since torch's fused kernels can be differentiated only once; so is `LayerNorm`. There is no
dropout. The hidden layer of a block has four times the width. Initialization: linear layers torch's default, positions
N(0, 0.02²). Inputs (n, channels, height, width), outputs (n, examples.outputs).

Errors: `BadInput` for inputs that are no images or no whole number of patches, a width that the heads do not divide, a
number below 1, an unknown activation. Source: :cite:t:`vaswani2017attention`; on patches,
:cite:t:`dosovitskiy2021image`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from eos_sym import BadInput
from numeric.networks.architectures.initialization import TORCH_DEFAULT, initialize
from numeric.networks.architectures.layers import Activation, activation_layer, check_widths, image_shape, linear
from numeric.networks.architectures.normalization import LayerNorm
from numeric.networks.data.examples import Examples

HIDDEN = 4  # times the width: the hidden layer of a block
POSITION = 0.02  # standard deviation of the initial positions


class Attention(nn.Module):
    """Attention of every token to all tokens of its image, (n, tokens, width) → (n, tokens, width)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = linear(width, 3 * width)
        self.output = linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """The heads' answers, combined."""
        split = self.queries_keys_values(tokens).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = split.permute(2, 0, 3, 1, 4)  # each (n, heads, tokens, features)
        scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
        answers = (scores.softmax(-1) @ values).transpose(1, 2).flatten(2)
        outputs: Tensor = self.output(answers)
        return outputs


class Block(nn.Module):
    """Attention, then a network of two layers on every token, each added to what it reads."""

    def __init__(self, width: int, heads: int, activation: Activation) -> None:
        super().__init__()
        self.attention = nn.Sequential(LayerNorm(width), Attention(width, heads))
        self.network = nn.Sequential(
            LayerNorm(width),
            linear(width, HIDDEN * width),
            activation_layer(activation),
            linear(HIDDEN * width, width),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """The tokens after both, (n, tokens, width)."""
        tokens = tokens + self.attention(tokens)
        outputs: Tensor = tokens + self.network(tokens)
        return outputs


class Patches(nn.Module):
    """Images (n, channels, height, width) as tokens (n, patches, width)."""

    def __init__(self, patch: int, pixels: int, patches: int, width: int) -> None:
        super().__init__()
        self.patch = patch
        self.embedding = linear(pixels, width)
        self.positions = nn.Parameter(torch.empty(patches, width, dtype=torch.float64))

    def forward(self, images: Tensor) -> Tensor:
        """One token for each patch, row by row."""
        patches = functional.unfold(images, self.patch, stride=self.patch).transpose(1, 2)
        tokens: Tensor = self.embedding(patches) + self.positions
        return tokens


class Mean(nn.Module):
    """The mean over tokens, (n, tokens, width) → (n, width)."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Their mean."""
        return tokens.mean(1)


@dataclass(frozen=True)
class Transformer:
    """`layers` blocks on patches of `patch` × `patch` pixels."""

    width: int = 32
    heads: int = 2
    layers: int = 2
    patch: int = 2
    activation: Activation = "gelu"

    def __post_init__(self) -> None:
        for name in ("width", "heads", "layers", "patch"):
            check_widths(name, (getattr(self, name),))
        if self.width % self.heads:
            raise BadInput(f"width = {self.width}, heads = {self.heads}: the width must be a multiple of the heads")
        activation_layer(self.activation)

    def build(self, examples: Examples, generator: torch.Generator) -> nn.Sequential:
        """The network: patches, blocks, a last normalization, the mean over tokens, a linear layer."""
        channels, height, image_width = image_shape(examples)
        if height % self.patch or image_width % self.patch:
            raise BadInput(f"patch = {self.patch}: images of {height}×{image_width} are no whole number of patches")
        count = (height // self.patch) * (image_width // self.patch)
        patches = Patches(self.patch, channels * self.patch**2, count, self.width)
        network = nn.Sequential(
            patches,
            *(Block(self.width, self.heads, self.activation) for _ in range(self.layers)),
            LayerNorm(self.width),
            Mean(),
            linear(self.width, examples.outputs),
        )
        linears = [module for module in network.modules() if isinstance(module, nn.Linear)]
        initialize([*linears], TORCH_DEFAULT, generator)
        nn.init.normal_(patches.positions, std=POSITION, generator=generator)
        return network
