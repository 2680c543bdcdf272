"""The edge law: where gradient descent ends after it has entered the edge of stability near a manifold of minima.

At a minimum θ* with eigenpairs (λⱼ, vⱼ) of ∇²L and a simple top eigenvalue S = λ₁ ≈ 2/η, u = v₁, let

    T = ∇³L(u, u, ·),   Q = ∇⁴L(u, u, u, u),   β = Σ_slow (vⱼ·T)²,   κ₄ = Q − 3 Σ_fast (vⱼ·T)²/λⱼ,

where the directions with λⱼ = 0 are slow and all others, u among them, are fast. In x = u·(θ − θ*), q = x², and the
excess y = S − 2/η of the point of the manifold with the same slow coordinates, two steps of gradient descent are

    Δ₂y = −ηβq,    Δ₂x = x(2ηy + (η/3)κ₄q),

to leading order. With e = −2κ₄/(3β), orbits solve dq/dy = −4y/β + e q, and gradient descent that enters with the excess
y₀ > 0 and small q ends at

    y∞ = −(1 + W(−(1 + e y₀)e^{−(1 + e y₀)}))/e,

W₀ for κ₄ < 0 (self-stabilizing: y∞ → −1/e as e y₀ → ∞, along the parabola y = |κ₄|q/6 − 1/e), W₋₁ for κ₄ > 0 while
|e| y₀ < 1 (subcritical; beyond, the orbit escapes), and y∞ = −y₀ for κ₄ = 0 (overshooting). Related work:
:cite:t:`gan2026productstability`, :cite:t:`gan2026bifurcation`, :cite:t:`song2023trajectory`,
:cite:t:`ahn2023threshold`.

The law is a formal leading-order argument; simulation tests it. It is derived for gradient descent, and for no other
rule. The coefficients in symbols come from `edge_normal_form`; in numbers, for any loss, from
`eos_sym.edge.normal_form_at_point`. Errors: `Undecided` where β = 0, where a sign is not known, where the Hessian at
the minima is not known to have rank one, and where the coefficients are not rational in η.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sympy import (
    Dummy,
    Expr,
    LambertW,
    Matrix,
    NotInvertible,
    Poly,
    PolynomialError,
    S,
    Symbol,
    cancel,
    count_ops,
    diff,
    exp,
    factor,
    factorial,
    fraction,
    invert,
    simplify,
    together,
)

from eos_sym.algebra import positive_where_defined, rank_one_pivot
from eos_sym.errors import BadInput, Undecided
from eos_sym.losses import Objective
from eos_sym.notebook import aligned
from eos_sym.rules import STEP_SIZE


@dataclass(frozen=True)
class EdgeNormalForm:
    """β and κ₄ at minima of the given sharpness, close to 2/η, and what follows from them.

    κ₄ may be off by `accuracy`, which is 0 where it is exact; within it, its sign is not known.
    """

    beta: Expr
    quartic: Expr
    sharpness: Expr = 2 / STEP_SIZE
    accuracy: Expr = S.Zero

    def __post_init__(self) -> None:
        """Refuse a manifold along which the sharpness does not change."""
        if self.beta.is_zero:
            raise Undecided("the edge law: the sharpness does not change along the manifold of minima, β = 0")

    def _repr_latex_(self) -> str:
        kind = rf"\text{{{self.kind.replace('_', '-')}}}"
        return aligned([(r"\beta", "=", self.beta), (r"\kappa_4", "=", self.quartic), ("", "", kind)])

    @cached_property
    def kind(self) -> str:
        """By the sign of κ₄: ``self_stabilizing``, ``overshooting``, ``subcritical``, or ``undecided``."""
        if self.accuracy != 0 and abs(self.quartic) <= self.accuracy:
            return "undecided"
        if factor(self.quartic).is_zero:
            return "overshooting"
        for kind, sign in {"self_stabilizing": -1, "subcritical": 1}.items():
            # a sum of positive terms may have factors whose signs SymPy does not know, and the other way round
            if any(positive_where_defined(form(sign * self.quartic)) for form in (factor, cancel)):
                return kind
        return "undecided"

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

    @cached_property
    def terminal_sharpness(self) -> Expr | None:
        """Where gradient descent ends from a large excess, S − 3β/(2|κ₄|); None unless it is self-stabilizing."""
        return _shorter(self.sharpness - self.depth) if self.kind == "self_stabilizing" else None

    def parabola(self, amplitude_squared: Expr) -> Expr:
        """The excess y = |κ₄|q/6 − 1/e on the parabola that orbits from a large excess follow to its end at q = 0."""
        return -self.quartic * amplitude_squared / 6 - self.depth

    def in_step_size(self) -> EdgeNormalForm:
        """The form at the edge itself, in η alone: its one coordinate eliminated by the equation S = 2/η.

        β and κ₄ are reduced modulo the numerator of S − 2/η, over the field of rational functions of η. Where the
        remainder does not contain the coordinate, the coefficient is the same at all solutions, and rational in η.
        """
        coordinates = self.sharpness.free_symbols - {STEP_SIZE}
        if len(coordinates) != 1:
            raise Undecided(f"the edge law in η: the sharpness {self.sharpness} is to depend on one coordinate")
        (coordinate,) = coordinates
        equation = Poly(fraction(together(self.sharpness - 2 / STEP_SIZE))[0], coordinate, field=True)
        beta, quartic = (_reduced(coefficient, equation) for coefficient in (self.beta, self.quartic))
        return EdgeNormalForm(beta, quartic, 2 / STEP_SIZE)


def _reduced(quantity: Expr, equation: Poly) -> Expr:
    """The value that a fraction takes at every zero of the equation."""
    coordinate = equation.gen
    numerator, denominator = (Poly(part, coordinate, field=True) for part in fraction(together(quantity)))
    try:
        remainder = (numerator * invert(denominator, equation)).rem(equation)
    except NotInvertible as error:
        raise Undecided(f"the edge law in η: {quantity} is not defined wherever {equation.as_expr()} = 0") from error
    if remainder.degree() > 0:
        raise Undecided(f"the edge law in η: {quantity} is not the same wherever {equation.as_expr()} = 0")
    return _shorter(remainder.as_expr())


def _shorter(fraction_of_polynomials: Expr) -> Expr:
    """Factored or expanded, whichever is the shorter to read."""
    return min((factor(fraction_of_polynomials), cancel(fraction_of_polynomials)), key=count_ops)


def edge_normal_form(objective: Objective, curve: Mapping[Symbol, Expr] | None = None) -> EdgeNormalForm:
    """The normal form at the minima of a loss whose Hessian there has rank one, in the coordinates of their chart.

    Then ∇²L = S u uᵀ, so that u is any column h of the Hessian over its length, every other direction is slow, and β
    and κ₄ are rational in the coordinates. T and Q are derivatives of the gradient along the line θ + th.
    The minima may be restricted to a curve that gives some coordinates by another one, as {z: x, y: 1/x}.
    """
    minima = objective.minima
    chart = {weight: minima.chart.get(weight, weight) for weight in objective.weights}
    point = {weight: cancel(value.subs(curve or {}, simultaneous=True)) for weight, value in chart.items()}
    hessian = objective.hessian.xreplace(point).applyfunc(cancel)
    pivot = rank_one_pivot(hessian)
    if pivot is None:
        raise Undecided(f"the edge law: the Hessian at the minima of {objective.name} is not known to have rank one")
    column, sharpness = hessian.col(pivot), cancel(hessian.trace())
    length_squared = cancel(column[pivot] * sharpness)
    distance = Dummy("t", real=True)
    line = {weight: value + distance * part for (weight, value), part in zip(point.items(), column, strict=True)}
    slopes = [slope.xreplace(line) for slope in objective.gradient]
    third = Matrix([_derivative(slope, distance, 2) for slope in slopes]) / length_squared
    fourth = Matrix([_derivative(slope, distance, 3) for slope in slopes]).dot(column) / length_squared**2
    along = cancel(third.dot(column)) ** 2 / length_squared
    return EdgeNormalForm(factor(third.dot(third) - along), factor(fourth - 3 * along / sharpness), sharpness)


def _derivative(slope: Expr, distance: Symbol, order: int) -> Expr:
    """The derivative at distance 0; of a polynomial from its coefficients, which is a hundred times faster."""
    try:
        return factorial(order) * Poly(slope, distance).coeff_monomial(distance**order)
    except PolynomialError:
        return diff(slope, distance, order).subs(distance, 0)
