"""Curvature of a network's loss: Hessian products, top eigenpairs, and derivatives along directions.

`eigen` follows the top of the spectrum with bounds, `spectrum` has the rest: density, traces, blocks, and what a vector
has of it. `products` counts what a product costs, `gauss_newton` has those of the Fisher matrix, `preconditioner`
reads P from an optimizer's state, `directional` goes to fourth order; `exact` builds the Hessian of a small network;
`critical_step` is a measure of curvature by forward passes alone, which `passes` counts.
"""

from numeric.networks.curvature.critical_step import CriticalStep, critical_step, critical_step_along
from numeric.networks.curvature.directional import (
    Expansion,
    directional_derivative,
    directional_gradient,
    expansion_along,
    third_derivatives,
)
from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.curvature.exact import gradient, hessian, sharpness
from numeric.networks.curvature.gauss_newton import GaussNewtonAt
from numeric.networks.curvature.passes import GradientAt
from numeric.networks.curvature.preconditioner import Preconditioned, inverse_preconditioner, preconditions
from numeric.networks.curvature.products import HessianAt

__all__ = [
    "CriticalStep",
    "Expansion",
    "GaussNewtonAt",
    "GradientAt",
    "HessianAt",
    "Preconditioned",
    "TopEigenpairs",
    "critical_step",
    "critical_step_along",
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
