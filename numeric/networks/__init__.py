"""Networks in torch, and their curvature through automatic differentiation.

Importing this package loads torch; importing `numeric` does not.
"""

from numeric.networks.curvature import gradient, hessian, sharpness
from numeric.networks.deep_linear import DeepLinear, scalar_chain
from numeric.networks.expression import torch_function
from numeric.networks.flat_loss import FlatLoss
from numeric.networks.losses import half_squared_error
from numeric.networks.train import gradient_descent

__all__ = [
    "DeepLinear",
    "FlatLoss",
    "gradient",
    "gradient_descent",
    "half_squared_error",
    "hessian",
    "scalar_chain",
    "sharpness",
    "torch_function",
]
