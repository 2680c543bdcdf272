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
rule. It is an expansion. Where its next order (`eos_sym.edge.normal_forms.next_order`) moves the end by as much as it
is away from the edge, or leaves none, the law has ended, and there is no answer.

The coefficients in symbols come from `edge_normal_form`; in numbers, for any loss, from
`eos_sym.edge.normal_forms.normal_form_at_point`. Errors: `Undecided` where β = 0, where a sign is not known, beyond the
range of the law, at minima that are points or have no closed form of λ₁, and where the coefficients are not rational in
η.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

from sympy import (
    Expr,
    Float,
    LambertW,
    NotInvertible,
    Poly,
    S,
    cancel,
    count_ops,
    exp,
    factor,
    fraction,
    invert,
    simplify,
    together,
)

from eos_sym.algebra import positive_where_defined, rank_one_pivot
from eos_sym.edge.normal_forms.fast_directions import fast_coefficients, not_derived
from eos_sym.edge.normal_forms.next_orbit import NextOrbits
from eos_sym.edge.normal_forms.next_order import NextOrder, closed, truncated
from eos_sym.edge.normal_forms.steep_line import SteepLine
from eos_sym.errors import BadInput, Undecided
from eos_sym.losses import Objective, Piece
from eos_sym.notebook import aligned
from eos_sym.reasons import brief
from eos_sym.rules import STEP_SIZE
from eos_sym.values import Value, Values, exact, named

DIGITS = 60  # of 1 + e y₀, half of which are lost to Lambert's W near its branch point


@dataclass(frozen=True)
class EdgeNormalForm:
    """β and κ₄ at minima of the given sharpness, close to 2/η, and what follows from them.

    κ₄ may be off by `accuracy`, which is 0 where it is exact; within it, its sign is not known. `next_order` calculates
    what the law neglects of the loss; without it, the form stands for the map of x and y itself.
    """

    beta: Expr
    quartic: Expr
    sharpness: Expr = 2 / STEP_SIZE
    accuracy: Expr = S.Zero
    next_order: Callable[[], NextOrder] = truncated

    def __post_init__(self) -> None:
        """Refuse a manifold along which the sharpness does not change."""
        for name in ("beta", "quartic", "sharpness", "accuracy"):
            object.__setattr__(self, name, exact(name, getattr(self, name)))
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

    def end(self, excess: Value) -> Expr:
        """y∞ for an entry with the excess y₀ > 0, within the range of the law where all are numbers."""
        excess = exact("the excess", excess)
        end = self._end(excess)
        if not (self._in_numbers and excess.is_number):
            return end
        start = float(excess)
        if 2 * start >= self.sharpness:  # the flow of which it is Euler's method grows at the rate log(1 + ηy)/η
            raise Undecided(
                f"the edge law is an expansion, and does not reach the excess {start:.4g}, with the edge at "
                f"{self.sharpness.n(4)}: ηy₀ ≥ 1, a step more than doubles the oscillation"
            )
        self._check(f"the excess {start:.4g}", end, lambda orbits: orbits.end_from(start))
        return end

    def largest_square(self, excess: float) -> float:
        """The largest q on the orbit that enters with the excess y₀ and q = 0, all in numbers."""
        return self._orbits.largest_square(excess)

    @property
    def depth_correction(self) -> Expr:
        """By what part of itself the next order deepens the end of the parabola: ν, which is small against 1."""
        order, small = self.next_order(), S.One / 10**6 / (self.beta * self.e**2)
        growth, drift = order.growth(small) / small**2, order.drift(small) / small
        higher = 4 * (drift - order.lag) / (self.beta * self.e) + 32 * growth / (self.beta * self.e) ** 2
        return (1 / self.sharpness - order.quartic_slope / self.quartic + higher) / self.e

    @property
    def _in_numbers(self) -> bool:
        return not any(part.free_symbols for part in (self.beta, self.quartic, self.sharpness))

    @property
    def _orbits(self) -> NextOrbits:
        return NextOrbits(float(self.beta), float(self.quartic), float(2 / self.sharpness), self.next_order())

    def _check(self, where: str, end: Expr, next_end: Callable[[NextOrbits], float | None]) -> None:
        """Refuse an end that the next order takes away, or moves by as much as it is from the edge."""
        said = f"the edge law is an expansion, and does not reach {where}, with the edge at {self.sharpness.n(4)}: "
        try:
            found = next_end(self._orbits)
        except Undecided as reason:
            raise Undecided(said + f"there is {reason}") from reason
        if found is None:
            raise Undecided(said + f"the next order leaves no end near {end.n(4)}")
        if abs(found / end - 1) >= 1:
            raise Undecided(said + f"the next order moves the end {end.n(4)} to {found:.4g}")

    def _end(self, excess: Expr) -> Expr:
        if excess.is_nonpositive:
            raise BadInput(f"the excess {excess} is not positive: gradient descent enters the edge from above")
        if self.kind == "undecided":
            raise Undecided(f"the edge law: the sign of the quartic coefficient {brief(self.quartic)} is not known")
        if self.kind == "overshooting":
            return -excess
        scaled = self.e * excess
        height = 1 + (Float(scaled, DIGITS) if scaled.is_number else scaled)
        if self.kind == "subcritical" and not height.is_positive:
            raise Undecided(
                f"the edge law: with 1 + e y₀ = {brief(height)} not known to be positive, the orbit may escape"
            )
        branch = 0 if self.kind == "self_stabilizing" else -1
        return -(1 + LambertW(-height * exp(-height), branch)) / self.e

    @cached_property
    def depth(self) -> Expr:
        """How far below the edge gradient descent ends from a large excess: 3β/(2|κ₄|), if it is self-stabilizing."""
        if self.kind != "self_stabilizing":
            raise Undecided(f"the edge law: no limit of large excess, the kind is {self.kind}")
        depth = simplify(1 / self.e)
        if self._in_numbers:
            self._check(f"the depth {depth.n(4)}", -depth, NextOrbits.end_of_parabola)
        return depth

    @cached_property
    def terminal_sharpness(self) -> Expr | None:
        """Where gradient descent ends from a large excess, S − 3β/(2|κ₄|); None unless it is self-stabilizing."""
        return _shorter(self.sharpness - self.depth) if self.kind == "self_stabilizing" else None

    def parabola(self, amplitude_squared: Value) -> Expr:
        """The excess y = |κ₄|q/6 − 1/e on the parabola that orbits from a large excess follow to its end at q = 0."""
        return -self.quartic * exact("the squared amplitude", amplitude_squared) / 6 - self.depth

    def in_step_size(self) -> EdgeNormalForm:
        """The form at the edge itself, in η alone: its one coordinate eliminated by the equation S = 2/η.

        β and κ₄ are reduced modulo the numerator of S − 2/η, over the field of rational functions of η. Where the
        remainder does not contain the coordinate, the coefficient is the same at all solutions, and rational in η.
        """
        coordinates = self.sharpness.free_symbols - {STEP_SIZE}
        if len(coordinates) != 1:
            raise Undecided(f"the edge law in η: the sharpness {brief(self.sharpness)} is to depend on one coordinate")
        (coordinate,) = coordinates
        equation = Poly(fraction(together(self.sharpness - 2 / STEP_SIZE))[0], coordinate, field=True)
        beta, quartic = (_reduced(coefficient, equation) for coefficient in (self.beta, self.quartic))

        @cache
        def next_order() -> NextOrder:
            order = self.next_order()
            parts = (order.beta_slope, order.quartic_slope, order.lag, order.growth(S.One), order.drift(S.One))
            return closed(*(_reduced(part, equation) for part in parts))

        return EdgeNormalForm(beta, quartic, 2 / STEP_SIZE, next_order=next_order)


def _reduced(quantity: Expr, equation: Poly) -> Expr:
    """The value that a fraction takes at every zero of the equation."""
    coordinate = equation.gen
    numerator, denominator = (Poly(part, coordinate, field=True) for part in fraction(together(quantity)))
    try:
        remainder = (numerator * invert(denominator, equation)).rem(equation)
    except NotInvertible as error:
        raise Undecided(
            f"the edge law in η: {brief(quantity)} is not defined wherever {brief(equation.as_expr())} = 0"
        ) from error
    if remainder.degree() > 0:
        raise Undecided(
            f"the edge law in η: {brief(quantity)} is not the same wherever {brief(equation.as_expr())} = 0"
        )
    return _shorter(remainder.as_expr())


def _shorter(fraction_of_polynomials: Expr) -> Expr:
    """Factored or expanded, whichever is the shorter to read."""
    return min((factor(fraction_of_polynomials), cancel(fraction_of_polynomials)), key=count_ops)


def edge_normal_form(objective: Objective, curve: Values | None = None, piece: Piece | None = None) -> EdgeNormalForm:
    """The normal form at the minima of a loss, in the coordinates of their chart.

    The largest eigenvalue of the Hessian there needs a closed form, as it has for ranks one and two; the next order,
    and so what the form says of an end, needs rank one.

    The minima may be restricted to a curve that gives some coordinates by another one, as {z: x, y: 1/x}, and are to be
    one `piece` where there are several.
    """
    curve, piece = named("the curve", objective.weights, curve), piece or objective.minima.piece
    if not piece.free:
        raise Undecided("the edge law: the minimum is a point, with no others to drift along to")
    objective = objective.beside(piece)
    chart = {weight: piece.chart.get(weight, weight) for weight in objective.weights}
    point = {weight: cancel(value.subs(curve, simultaneous=True)) for weight, value in chart.items()}
    hessian = objective.hessian.xreplace(point).applyfunc(cancel)
    pivot = rank_one_pivot(hessian)
    if pivot is None:
        beta, quartic, sharpness = fast_coefficients(objective, point, hessian)
        return EdgeNormalForm(beta, quartic, sharpness, next_order=not_derived)
    line = SteepLine(objective, point, hessian, pivot)
    return EdgeNormalForm(line.beta, line.quartic, line.sharpness, next_order=cache(line.next_order))
