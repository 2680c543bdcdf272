"""The loss of a network on its data as a function of one vector of weights.

`FlatLoss` is of tensors, in micro-batches, `StreamedLoss` of a loss and batches of one's own, both a `BatchedLoss`;
`in_double_precision` computes it in float64, `criteria` are the field's two, `torch_function` is a typed formula in
torch; `wrong_derivatives` refuses operations whose higher derivatives torch gets wrong.
"""

from numeric.networks.loss.batched_loss import BatchedLoss
from numeric.networks.loss.criteria import CRITERIA, cross_entropy, half_squared_error
from numeric.networks.loss.expression import torch_function
from numeric.networks.loss.flat_loss import FlatLoss
from numeric.networks.loss.precision import in_double_precision
from numeric.networks.loss.streamed_loss import StreamedLoss
from numeric.networks.loss.wrong_derivatives import DerivativesTaken, refuse_wrong_derivatives

__all__ = [
    "CRITERIA",
    "BatchedLoss",
    "DerivativesTaken",
    "FlatLoss",
    "StreamedLoss",
    "cross_entropy",
    "half_squared_error",
    "in_double_precision",
    "refuse_wrong_derivatives",
    "torch_function",
]
