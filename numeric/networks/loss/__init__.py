"""The loss of a network on its data as a function of one vector of weights.

`FlatLoss` sums micro-batches, `in_double_precision` computes it in float64, `criteria` are the field's two;
`torch_function` is a typed formula in torch;
`wrong_derivatives` refuses operations whose higher derivatives torch gets wrong.
"""

from numeric.networks.loss.criteria import CRITERIA, cross_entropy, half_squared_error
from numeric.networks.loss.expression import torch_function
from numeric.networks.loss.flat_loss import FlatLoss
from numeric.networks.loss.precision import in_double_precision
from numeric.networks.loss.wrong_derivatives import DerivativesTaken, refuse_wrong_derivatives

__all__ = [
    "CRITERIA",
    "DerivativesTaken",
    "FlatLoss",
    "cross_entropy",
    "half_squared_error",
    "in_double_precision",
    "refuse_wrong_derivatives",
    "torch_function",
]
