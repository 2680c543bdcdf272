"""The descent lemma as identities: Taylor's remainder for any function, and in full for a loss of two weights."""

from __future__ import annotations

from sympy import Expr, Function, Integral, Symbol, diff, expand, integrate

from eos_sym import STEP_SIZE, GradientDescent, Objective, quadratic
from eos_sym.stability import stability

SEGMENT, END = Symbol("s", real=True), Symbol("t", real=True)  # where on the segment from θ to θ − ηg, and up to where


def taylor_remainder() -> tuple[Expr, Expr, Expr]:
    """R'', R'(0) and R(0) of R(t) = φ(t) − φ(0) − tφ'(0) − ∫₀ᵗ (t − s)φ''(s) ds for any φ: all are 0, so that R is."""
    phi = Function("phi")
    start = phi(SEGMENT).diff(SEGMENT).subs(SEGMENT, 0)
    integral = Integral((END - SEGMENT) * phi(SEGMENT).diff(SEGMENT, 2), (SEGMENT, 0, END))
    remainder = phi(END) - phi(0) - END * start - integral
    second, first = diff(remainder, END, 2).doit(), diff(remainder, END).subs(END, 0).doit()
    return second, first, remainder.subs(END, 0).doit()


def total_weight() -> Expr:
    """∫₀¹ 2(1 − s) ds, the total weight of the mean that ℓ is."""
    return integrate(2 * (1 - SEGMENT), (SEGMENT, 0, 1))


def curvature_along(objective: Objective) -> Expr:
    """c(s)‖g‖² = gᵀ∇²L(θ − sηg)g, g = ∇L(θ), in the weights, η and s."""
    along = {
        weight: weight - SEGMENT * STEP_SIZE * slope
        for weight, slope in zip(objective.weights, objective.gradient, strict=True)
    }
    hessian = objective.hessian.subs(along, simultaneous=True)
    return (objective.gradient.T * hessian * objective.gradient)[0]


def change_of_loss(objective: Objective) -> tuple[Expr, Expr]:
    """L(θ⁺) − L(θ), and −η(1 − ηℓ/2)‖g‖² with ℓ integrated: the two sides of the identity, for a polynomial loss."""
    moved = GradientDescent().map(objective).after(objective.loss)
    squared = (objective.gradient.T * objective.gradient)[0]
    mean = integrate(expand(2 * (1 - SEGMENT) * curvature_along(objective)), (SEGMENT, 0, 1))
    return expand(moved - objective.loss), expand(-STEP_SIZE * squared + STEP_SIZE**2 * mean / 2)


def critical_sharpness_of_a_quadratic() -> Expr:
    """The λ₁ beyond which GD on a quadratic model diverges."""
    (eigenvalue,) = quadratic(1).parameters
    return stability(GradientDescent().map(quadratic(1)).jacobian).critical_value(eigenvalue)
