"""Deep linear networks: f(v) = W_d … W₂ W₁ v, without biases.

With all widths 1 and the single example v = 1, label 1, the squared error ½ (1 − f(1))² is the catalogue's
``product(depth)``: the weights of the network are its weights, in the same order.

Shapes: inputs (n, widths[0]), outputs (n, widths[-1]). Errors: `BadInput` for fewer than two widths or a width < 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from eos_sym import BadInput
from numeric.networks.flat_loss import FlatLoss
from numeric.networks.losses import half_squared_error


class DeepLinear(nn.Module):
    """A chain of linear layers in float64; ``DeepLinear([1, 1, 1, 1, 1])`` has depth 4 and width 1."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        if len(widths) < 2 or min(widths) < 1:
            raise BadInput(f"widths = {list(widths)}: give at least an input and an output width, each 1 or more")
        layers = (nn.Linear(a, b, bias=False, dtype=torch.float64) for a, b in pairwise(widths))
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs: Tensor) -> Tensor:
        """The network's outputs, (n, widths[-1])."""
        outputs: Tensor = self.layers(inputs)
        return outputs


def scalar_chain(depth: int) -> FlatLoss:
    """½ (1 − f(1))² of a deep linear network of width 1, as a function of its `depth` weights."""
    one = torch.ones(1, 1, dtype=torch.float64)
    return FlatLoss(DeepLinear([1] * (depth + 1)), one, one, half_squared_error)
