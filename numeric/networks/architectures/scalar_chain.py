"""The chain of scalars: ½ (1 − w_d … w₂ w₁)², the loss of a deep linear network with all widths 1 on one example.

The example is v = 1 with label 1. The loss is the catalogue's ``product(depth)``: the weights of the network are its
weights, in the same order.

Shapes: θ (depth,). Errors: `BadInput` for a depth below 1.
"""

from __future__ import annotations

import torch

from numeric.networks.architectures.deep_linear import DeepLinear
from numeric.networks.loss import FlatLoss, half_squared_error


def scalar_chain(depth: int) -> FlatLoss:
    """½ (1 − f(1))² of a deep linear network of width 1, as a function of its `depth` weights."""
    one = torch.ones(1, 1, dtype=torch.float64)
    return FlatLoss(DeepLinear([1] * (depth + 1)), one, one, half_squared_error)
