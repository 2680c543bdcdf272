"""The edge law: where gradient descent ends after it has entered the edge of stability near a manifold of minima.

At a minimum θ* with eigenpairs (λⱼ, vⱼ) of ∇²L and a simple top eigenvalue S = λ₁ ≈ 2/η, u = v₁, let

    T = ∇³L(u, u, ·),   Q = ∇⁴L(u, u, u, u),   β = Σ_slow (vⱼ·T)²,   κ₄ = Q − 3 Σ_fast (vⱼ·T)²/λⱼ,

where the directions with λⱼ = 0 are slow and all others, u among them, are fast. In x = u·(θ − θ*), q = x², and the
excess y = S − 2/η of the point of the manifold with the same slow coordinates, two steps of gradient descent are

    Δ₂y = −ηβq,    Δ₂x = x(2ηy + (η/3)κ₄q),

to leading order. With e = −2κ₄/(3β), orbits solve dq/dy = −4y/β + e q, and gradient descent that enters with the excess
y₀ > 0 and small q ends at

    y∞ = −(1 + W(−(1 + e y₀)e^{−(1 + e y₀)}))/e,

W₀ for κ₄ < 0 (self-stabilizing: y∞ → −1/e as e y₀ → ∞), W₋₁ for κ₄ > 0 while |e| y₀ < 1 (subcritical; beyond, the orbit
escapes), and y∞ = −y₀ for κ₄ = 0 (overshooting). Related work: Gan 2026a (arXiv 2604.02653), Gan 2026b (2606.15551),
Song and Yun 2023, Ahn et al. 2023.

The law is a formal leading-order argument; simulation tests it. Errors: `Undecided` where β = 0, where a sign is not
known, or where the Hessian at the minima is not known to have rank one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sympy import Dummy, Expr, LambertW, Matrix, cancel, diff, exp, factor, simplify, symbols

from eos_sym.errors import BadInput, Undecided
from eos_sym.objective import Objective
from eos_sym.signs import positive_where_defined


@dataclass(frozen=True)
class EdgeNormalForm:
    """β, κ₄ and what follows from them; the sharpness S* at which they were taken is close to 2/η."""

    beta: Expr
    quartic: Expr

    def __post_init__(self) -> None:
        """Refuse a manifold along which the sharpness does not change."""
        if self.beta.is_zero:
            raise Undecided("the edge law: the sharpness does not change along the manifold of minima, β = 0")

    @cached_property
    def kind(self) -> str:
        """By the sign of κ₄: ``self_stabilizing``, ``overshooting``, ``subcritical``, or ``undecided``."""
        quartic = factor(self.quartic)
        if quartic.is_zero:
            return "overshooting"
        if positive_where_defined(-quartic):
            return "self_stabilizing"
        return "subcritical" if positive_where_defined(quartic) else "undecided"

    @cached_property
    def e(self) -> Expr:
        """−2κ₄/(3β), the inverse of the depth of the endpoint below the edge."""
        return simplify(-2 * self.quartic / (3 * self.beta))

    def end(self, excess: Expr) -> Expr:
        """y∞ for an entry with the excess y₀ > 0."""
        if excess.is_nonpositive:
            raise BadInput(f"the excess {excess} is not positive: gradient descent enters the edge from above")
        if self.kind == "undecided":
            raise Undecided(f"the edge law: the sign of the quartic coefficient {self.quartic} is not known")
        if self.kind == "overshooting":
            return -excess
        height = 1 + self.e * excess
        if self.kind == "subcritical" and not height.is_positive:
            raise Undecided(f"the edge law: with 1 + e y₀ = {height} not known to be positive, the orbit may escape")
        branch = 0 if self.kind == "self_stabilizing" else -1
        return -(1 + LambertW(-height * exp(-height), branch)) / self.e

    @cached_property
    def depth(self) -> Expr:
        """How far below the edge gradient descent ends from a large excess: 3β/(2|κ₄|), if it is self-stabilizing."""
        if self.kind != "self_stabilizing":
            raise Undecided(f"the edge law: no limit of large excess, the kind is {self.kind}")
        return simplify(1 / self.e)


def edge_normal_form(objective: Objective) -> EdgeNormalForm:
    """The normal form at the minima of a loss whose Hessian there has rank one, in the coordinates of their chart.

    Then ∇²L = S u uᵀ, so that u is any column h of the Hessian over its length, every other direction is slow, and β
    and κ₄ are rational in the coordinates.
    """
    minima = objective.minima
    hessian = minima.on(objective.hessian)
    sharpness = cancel(hessian.trace())
    if not (hessian * hessian - sharpness * hessian).applyfunc(cancel).is_zero_matrix or sharpness.is_zero:
        raise Undecided(f"the edge law: the Hessian at the minima of {objective.name} is not known to have rank one")
    column = hessian.col(0)
    direction = symbols(f"direction0:{len(objective.weights)}", cls=Dummy)
    at_minima = {**dict(zip(direction, column, strict=True)), **minima.chart}
    curvature = objective.directional_derivative(direction, direction)
    length_squared = cancel((column.T * column)[0])
    third = Matrix([diff(curvature, weight) for weight in objective.weights])
    third = third.subs(at_minima, simultaneous=True).applyfunc(cancel) / length_squared
    fourth = objective.directional_derivative(direction, direction, direction, direction)
    fourth = cancel(fourth.subs(at_minima, simultaneous=True)) / length_squared**2
    along = (column.T * third)[0] ** 2 / length_squared
    return EdgeNormalForm(factor((third.T * third)[0] - along), factor(fourth - 3 * along / sharpness))
