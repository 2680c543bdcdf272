"""Curvature of a network's loss: Hessian products, top eigenpairs, and derivatives along directions.

`eigen` follows the top of the spectrum with bounds, `products` counts what a product costs, `preconditioner` reads P
from an optimizer's state, `directional` goes to fourth order; `exact` builds the whole Hessian of a small network.
"""

from numeric.networks.curvature.directional import (
    Expansion,
    directional_derivative,
    directional_gradient,
    expansion_along,
    third_derivatives,
)
from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.curvature.exact import gradient, hessian, sharpness
from numeric.networks.curvature.preconditioner import Preconditioned, inverse_preconditioner, preconditions
from numeric.networks.curvature.products import HessianAt

__all__ = [
    "Expansion",
    "HessianAt",
    "Preconditioned",
    "TopEigenpairs",
    "directional_derivative",
    "directional_gradient",
    "expansion_along",
    "gradient",
    "hessian",
    "inverse_preconditioner",
    "preconditions",
    "sharpness",
    "third_derivatives",
]
