"""What batch normalization makes of the loss: it no longer depends on the scale of the weights before it.

If L(cw) = L(w) for every c > 0, then w·∇L(w) = 0 and ∇²L(cw) = ∇²L(w)/c²: a step of gradient descent is orthogonal to w
and makes it longer, ‖w − η∇L‖² = ‖w‖² + η²‖∇L‖², and longer weights have less curvature. Derived for two weights and an
arbitrary loss of this kind, which is a function of their ratio; and measured on a network, in float64, with w all
weights of its convolutions together, which leave the other weights as they are:

    norm         ‖w‖
    alignment    |w·g|/(‖w‖ ‖g‖),  g = ∇_w L
    loss_change  |L(2w) − L(w)|/L(w)
    curvature    gᵀ∇²L(w)g/‖g‖²,     curvature_at_twice  the same second derivative, along the same g, at 2w
"""

import torch
from sympy import Expr, Function, Matrix, Symbol, diff, expand, hessian, simplify, symbols
from torch import Tensor, nn

from eos_sym import STEP_SIZE
from numeric.networks.curvature import HessianAt
from numeric.networks.loss import FlatLoss

TWO_WEIGHTS = symbols("w1:3", real=True)
LOSS = Function("F")(TWO_WEIGHTS[1] / TWO_WEIGHTS[0])
POSITION, GRADIENT = Matrix(TWO_WEIGHTS), Matrix([diff(LOSS, weight) for weight in TWO_WEIGHTS])


def slope_along_the_weights() -> Expr:
    """w·∇L."""
    return simplify(POSITION.dot(GRADIENT))


def defects_of_the_curvature() -> list[Expr]:
    """The entries of c²∇²L(cw) − ∇²L(w)."""
    scale = Symbol("c", positive=True)
    curvature = hessian(LOSS, TWO_WEIGHTS)
    scaled = curvature.subs({weight: scale * weight for weight in TWO_WEIGHTS}, simultaneous=True).doit()
    return [simplify(entry) for entry in scale**2 * scaled - curvature]


def defect_of_the_growth() -> Expr:
    """‖w − η∇L‖² − ‖w‖² − η²‖∇L‖²."""
    step = POSITION - STEP_SIZE * GRADIENT
    return simplify(expand(step.dot(step) - POSITION.dot(POSITION) - STEP_SIZE**2 * GRADIENT.dot(GRADIENT)))


def convolution_weights(loss: FlatLoss) -> Tensor:
    """Which of the parameters θ are weights of convolutions, (p,), a mask."""
    own = {f"{name}.weight" for name, module in loss.module.named_modules() if isinstance(module, nn.Conv2d)}
    return torch.cat([torch.full((part.numel(),), name in own) for name, part in loss.trainable.items()])


def measured_scale(loss: FlatLoss, weights: Tensor) -> dict[str, float]:
    """The measures above, at these parameters θ."""
    convolutions = convolution_weights(loss)
    here = HessianAt(loss, weights)
    there = HessianAt(loss, torch.where(convolutions, 2 * weights, weights))
    chosen, slope = weights[convolutions], here.gradient[convolutions]
    norm, length = torch.linalg.vector_norm(chosen), torch.linalg.vector_norm(slope)
    direction = torch.where(convolutions, here.gradient, 0) / length
    values = {
        "norm": norm,
        "alignment": (chosen @ slope).abs() / (norm * length),
        "loss_change": (there.value / here.value - 1).abs(),
        "curvature": direction @ here.product(direction[:, None])[:, 0],
        "curvature_at_twice": direction @ there.product(direction[:, None])[:, 0],
    }
    return {name: float(value) for name, value in values.items()}
