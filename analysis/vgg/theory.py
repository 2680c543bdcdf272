"""What batch normalization makes of the loss: it no longer depends on the scale of the weights before it.

If L(cw) = L(w) for every c > 0, then w·∇L(w) = 0 and ∇²L(cw) = ∇²L(w)/c²: a step of gradient descent is orthogonal to w
and makes it longer, ‖w − η∇L‖² = ‖w‖² + η²‖∇L‖², and longer weights have less curvature. Shown for two weights and an
arbitrary loss of this kind, which is a function of their ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Function, Matrix, Symbol, diff, expand, hessian, simplify, symbols

from eos_sym import STEP_SIZE


@dataclass(frozen=True)
class ScaleInvariance:
    """What follows for two weights; each number is 0 where the statement above holds."""

    along_the_weights: Expr
    curvature_defect: tuple[Expr, ...]
    growth_defect: Expr


def derive() -> ScaleInvariance:
    """The consequences for an arbitrary function of the ratio of two weights."""
    weights = symbols("w1:3", real=True)
    scale = Symbol("c", positive=True)
    loss = Function("F")(weights[1] / weights[0])
    position, gradient = Matrix(weights), Matrix([diff(loss, weight) for weight in weights])
    curvature = hessian(loss, weights)
    scaled = curvature.subs({weight: scale * weight for weight in weights}, simultaneous=True).doit()
    step = position - STEP_SIZE * gradient
    growth = step.dot(step) - position.dot(position) - STEP_SIZE**2 * gradient.dot(gradient)
    return ScaleInvariance(
        simplify(position.dot(gradient)),
        tuple(simplify(entry) for entry in scale**2 * scaled - curvature),
        simplify(expand(growth)),
    )
