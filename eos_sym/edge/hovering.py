"""Hovering at the edge: the two-cycle of gradient descent under progressive sharpening, and whether it is stable.

Along the floor of a valley whose gradient leads to sharper points, α = −∇L·∇λ₁ > 0 there, the excess y = S − 2/η of the
point of the floor with the same slow coordinates obeys Δy = η(α − βq/2) per step, q = x². Near the edge gradient
descent is that of the model

    L = ½ (2/η + g s) x² + κ₄ x⁴/24 − (α₀/g) s + ½ b s²,     y = g s,  g = √β,

in which every fast direction but x is eliminated; b = −∂(α − βq/2)/∂y at fixed q is the rate at which the drift turns
back, from α and, where β changes along the floor, from β. It has the two-cycle x = ±δ,

    δ² = 2α/β,    y* = −κ₄δ²/6,    where α = α₀ − b y*, so that δ² = 2α₀/(β − b κ₄/3).

One step followed by the reflection x → −x, which commutes with it, has a fixed point there, whose Jacobian squared is
that of the two steps. `hovering_stability` proves it a fixed point and derives its Jury margins. To leading order in δ,
with b = O(δ²), two of them are positive, and the third is 2η times |κ₄|δ²/3 + b − ηβδ² if κ₄ < 0: for constant drift
the cycle is stable iff |κ₄| > 3ηβ. (The two-step map of the edge law, truncated as it is, would give 2ηβδ² for ηβδ²: in
it both steps of y see the same x.)

On the cycle the fast directions stand at −Tⱼδ²/(2λⱼ), Tⱼ = vⱼ·T, the first one ±δ away from there. By second-order
perturbation of λ₁ the sharpness, to second order in δ, is

    on the floor        2/η + y*
    at the midpoint     2/η + y* − Σ_fast Tⱼ²δ²/(2λⱼ)  =  2/η − Qδ²/6        (θ_{t−1} + 2θ_t + θ_{t+1})/4
    at the iterates     2/η − Qδ²/6 ± δ u·T + ½δ²[Q + 2 Σ_{j≠1} Tⱼ²/(λ₁ − λⱼ)].

Formal to leading order, and tested by simulation. It is an expansion in δ². In numbers the growth and the drift of the
next order (`eos_sym.edge.normal_forms.next_order`) are known at that amplitude, g = κ₄δ²/6 + c and f = ½βδ²(1 + b'),
and with κ₄ that changes by κ₄'y* on the way to y*. Relative to what is kept they are

    |c| + |κ₄'y*|δ²/6, over the terms of κ₄δ²/6,        |b'|,        η|y*|,

and where that is 1 or more, there is no answer. c changes the third margin over 2η by up to 4|c|, and b' by ηβδ²|b'|: a
margin within is of no sign.

Errors: `BadInput` where α₀ is not positive; `Undecided` where β − bκ₄/3 is not known to be, without which there is no
cycle, and beyond the range of the expansion.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import count

from sympy import Expr, Symbol, factor, sqrt

from eos_sym.algebra import expand_in
from eos_sym.edge.normal_forms.normal_form_at_point import LocalEdgeNormalForm
from eos_sym.errors import BadInput, Undecided
from eos_sym.losses import Objective
from eos_sym.orbits import Orbit
from eos_sym.reasons import brief
from eos_sym.rules import STEP_SIZE, GradientDescent, Map
from eos_sym.stability import StabilityCondition
from eos_sym.values import exact

AMPLITUDE = Symbol("delta", positive=True)
SLOPE = Symbol("g", positive=True)  # √β
QUARTIC = Symbol("kappa4", real=True)
RESTORING = Symbol("b", real=True)


@cache
def hovering_stability() -> StabilityCondition:
    """The condition for the cycle of the model to be stable, in η, δ, g = √β, κ₄ and b."""
    x, s = Symbol("x", real=True), Symbol("s", real=True)
    floor = -QUARTIC * AMPLITUDE**2 / (6 * SLOPE)  # s* = y*/g
    drift = SLOPE * AMPLITUDE**2 / 2 + RESTORING * floor  # α₀/g
    curvature = 2 / STEP_SIZE + SLOPE * s
    loss = curvature * x**2 / 2 + QUARTIC * x**4 / 24 - drift * s + RESTORING * s**2 / 2
    model = Objective("hovering", loss, (x, s), (STEP_SIZE, AMPLITUDE, SLOPE, QUARTIC, RESTORING))
    descent = GradientDescent().map(model)
    reflected = Map(descent.state, descent.parameters, (-descent.substitution[x], descent.substitution[s]))
    return Orbit(reflected, ({x: AMPLITUDE, s: floor},)).stability


@cache
def leading_margins() -> tuple[Expr, ...]:
    """The margins of the cycle to leading order in δ, with b = O(δ²)."""
    return tuple(
        factor(next(terms for order in count(1) if (terms := expand_in(margin, AMPLITUDE, order, {RESTORING: 2})) != 0))
        for margin in hovering_stability().margins
    )


@dataclass(frozen=True)
class Hovering:
    """The two-cycle at a point of the floor with sharpness 2/η; `restoring` is b."""

    form: LocalEdgeNormalForm
    restoring: Expr

    def __post_init__(self) -> None:
        """Refuse where there is no such cycle."""
        object.__setattr__(self, "restoring", exact("restoring", self.restoring))
        if not self.form.sharpening.is_positive:
            raise BadInput(
                f"progressive sharpening α = {self.form.sharpening}: hovering needs a positive one; choose a point on "
                "the floor of a valley that leads to sharper ones"
            )
        if not self._turning.is_positive:
            raise Undecided(
                f"hovering: β − bκ₄/3 = {brief(self._turning)} is not known to be positive: no cycle at the edge"
            )
        if not self.amplitude_squared.free_symbols and not self.form.sharpness.free_symbols and self.neglected >= 1:
            raise Undecided(
                f"hovering: at the amplitude δ = {sqrt(self.amplitude_squared).n(4)} the next order of the expansion "
                f"is {self.neglected.n(3)} times the first"
            )

    @property
    def _turning(self) -> Expr:
        return self.form.beta - self.restoring * self.form.quartic / 3

    @cached_property
    def amplitude_squared(self) -> Expr:
        """δ² = q, where x = ±δ."""
        return 2 * self.form.sharpening / self._turning

    @cached_property
    def sharpness_on_floor(self) -> Expr:
        """At the point of the floor with the same slow coordinates."""
        return self.form.sharpness - self.form.quartic * self.amplitude_squared / 6

    @cached_property
    def sharpness_at_midpoint(self) -> Expr:
        """At (θ_{t−1} + 2θ_t + θ_{t+1})/4."""
        return self.form.sharpness - self.form.fourth * self.amplitude_squared / 6

    @cached_property
    def sharpness_at_iterates(self) -> tuple[Expr, Expr]:
        """At the two points of the cycle, the smaller one first."""
        mean = self.sharpness_at_midpoint + self.amplitude_squared * (self.form.fourth / 2 + self.form.tilt)
        swing = sqrt(self.amplitude_squared) * abs(self.form.skew)
        return mean - swing, mean + swing

    @cached_property
    def neglected(self) -> Expr:
        """The next order over the first, at the amplitude of the cycle."""
        order, square = self.form.next_order(), self.amplitude_squared
        excess = abs(self.sharpness_on_floor - self.form.sharpness)
        growth, drift = abs(order.growth(square)), abs(order.drift(square))
        kept = (abs(self.form.fourth) + abs(self.form.fourth - self.form.quartic)) * square / 6
        growth += abs(order.quartic_slope) * excess * square / 6
        return drift + 2 * excess / self.form.sharpness + (growth / kept if growth != 0 else 0)

    @cached_property
    def verdict(self) -> str:
        """``stable``, ``unstable`` or ``marginal``: of the cycle of the model; ``undecided`` if a sign is not known."""
        order, square = self.form.next_order(), self.amplitude_squared
        drift = 2 / self.form.sharpness * self.form.beta * square * abs(order.drift(square))
        uncertain = 4 / self.form.sharpness * (4 * abs(order.growth(square)) + drift)
        no_sign = (abs(self.margin) < uncertain) == True  # noqa: E712  # of symbols it is a relation
        return "undecided" if no_sign else hovering_stability().verdict(self._values)

    @cached_property
    def margin(self) -> Expr:
        """The leading-order margin that decides, positive where the cycle is stable: 2η(|κ₄|δ²/3 + b − ηβδ²)."""
        return leading_margins()[-1].subs(self._values)

    @property
    def _values(self) -> dict[Symbol, Expr]:
        return {
            STEP_SIZE: 2 / self.form.sharpness,
            AMPLITUDE: sqrt(self.amplitude_squared),
            SLOPE: sqrt(self.form.beta),
            QUARTIC: self.form.quartic,
            RESTORING: self.restoring,
        }
