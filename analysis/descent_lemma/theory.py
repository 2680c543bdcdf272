"""The descent lemma as identities: Taylor's remainder for any function, and in full for a loss of two weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Function, Integral, Symbol, diff, expand, integrate

from eos_sym import STEP_SIZE, GradientDescent, Objective, quadratic, shallow
from eos_sym.stability import stability

SEGMENT, END = Symbol("s", real=True), Symbol("t", real=True)  # where on the segment from θ to θ − ηg, and up to where


@dataclass(frozen=True)
class Lemma:
    """What is derived: for any loss, for ½(1 − xy)² in full, and for the quadratic model."""

    @cached_property
    def remainder(self) -> Expr:
        """φ(t) − φ(0) − tφ'(0) − ∫₀ᵗ (t − s)φ''(s) ds, for any function φ."""
        phi = Function("phi")
        start = phi(SEGMENT).diff(SEGMENT).subs(SEGMENT, 0)
        integral = Integral((END - SEGMENT) * phi(SEGMENT).diff(SEGMENT, 2), (SEGMENT, 0, END))
        return phi(END) - phi(0) - END * start - integral

    @cached_property
    def remainder_data(self) -> tuple[Expr, Expr, Expr]:
        """The remainder's second derivative, and its first and its value at t = 0: with all of them 0, it is 0."""
        second = diff(self.remainder, END, 2).doit()
        first = diff(self.remainder, END).subs(END, 0).doit()
        return second, first, self.remainder.subs(END, 0).doit()

    @cached_property
    def weight(self) -> Expr:
        """∫₀¹ 2(1 − s) ds, the total weight of the mean that ℓ is."""
        return integrate(2 * (1 - SEGMENT), (SEGMENT, 0, 1))

    @cached_property
    def example(self) -> Objective:
        """A loss small enough to carry the identity out in full."""
        return shallow()

    @cached_property
    def example_curvature(self) -> Expr:
        """c(s)‖g‖² on the example, a polynomial in the weights, η and s."""
        return curvature_along(self.example)

    @cached_property
    def example_change(self) -> tuple[Expr, Expr]:
        """L(θ⁺) − L(θ) of the example, and −η(1 − ηℓ/2)‖g‖² with ℓ integrated: the two sides of the identity."""
        loss, gradient = self.example.loss, self.example.gradient
        moved = GradientDescent().map(self.example).after(loss)
        squared = (gradient.T * gradient)[0]
        mean = integrate(expand(2 * (1 - SEGMENT) * self.example_curvature), (SEGMENT, 0, 1))
        return expand(moved - loss), expand(-STEP_SIZE * squared + STEP_SIZE**2 * mean / 2)

    @cached_property
    def example_defect(self) -> Expr:
        """The difference of the two sides."""
        change, predicted = self.example_change
        return expand(change - predicted)

    @cached_property
    def critical_sharpness(self) -> Expr:
        """The λ₁ beyond which GD on a quadratic model diverges."""
        (eigenvalue,) = quadratic(1).parameters
        return stability(GradientDescent().map(quadratic(1)).jacobian).critical_value(eigenvalue)

    def as_report(self) -> dict[str, Any]:
        """What is printed and written."""
        return {
            "taylor": "L(θ⁺) = L(θ) − η(1 − ηℓ/2)‖g‖²,  ℓ = 2∫₀¹ (1 − s) c(s) ds,  c(s) = gᵀ∇²L(θ − sηg)g/‖g‖²",
            "lemma": "L(θ⁺) ≤ L(θ) − η(1 − ηS̄/2)‖g‖²,  S̄ = max c(s)",
            "example": {"loss": self.example.loss, "change_of_the_loss_in_a_step": self.example_change[0].factor()},
            "critical_sharpness_of_the_quadratic_model": self.critical_sharpness,
        }


def curvature_along(objective: Objective) -> Expr:
    """gᵀ∇²L(θ − sηg)g, g = ∇L(θ)."""
    along = {
        weight: weight - SEGMENT * STEP_SIZE * slope
        for weight, slope in zip(objective.weights, objective.gradient, strict=True)
    }
    hessian = objective.hessian.subs(along, simultaneous=True)
    return (objective.gradient.T * hessian * objective.gradient)[0]
