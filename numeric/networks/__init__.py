"""Networks in torch, their training, and their curvature through automatic differentiation.

Importing this package loads torch; importing `numeric` does not.
"""

from numeric.networks.architectures import DeepLinear
from numeric.networks.curvature import gradient, hessian, sharpness
from numeric.networks.directional import directional_derivative, directional_gradient, expansion_along
from numeric.networks.eigen import TopEigenpairs
from numeric.networks.expression import torch_function
from numeric.networks.flat_loss import FlatLoss
from numeric.networks.gather import gather
from numeric.networks.iterates import gradient_descent
from numeric.networks.losses import cross_entropy, half_squared_error
from numeric.networks.products import HessianAt
from numeric.networks.scalar_chain import scalar_chain
from numeric.networks.tracker import SharpnessTracker
from numeric.networks.training.experiment import Experiment, Measure, Stop

__all__ = [
    "DeepLinear",
    "Experiment",
    "FlatLoss",
    "HessianAt",
    "Measure",
    "SharpnessTracker",
    "Stop",
    "TopEigenpairs",
    "cross_entropy",
    "directional_derivative",
    "directional_gradient",
    "expansion_along",
    "gather",
    "gradient",
    "gradient_descent",
    "half_squared_error",
    "hessian",
    "scalar_chain",
    "sharpness",
    "torch_function",
]
