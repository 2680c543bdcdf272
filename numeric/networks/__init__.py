"""Networks in torch, and their curvature through automatic differentiation.

Importing this package loads torch; importing `numeric` does not.
"""

from numeric.networks.curvature import FlatLoss, gradient, hessian, sharpness
from numeric.networks.deep_linear import DeepLinear, half_squared_error, scalar_chain
from numeric.networks.expression import torch_function
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
