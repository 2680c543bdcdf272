"""The next order of the edge law, which says where the law ends.

Averaged over its alternation between two points, ±x along u, a step of gradient descent is

    x⁺ = x(1 + η(y + g)),    y⁺ = y − ηf,        g = κ₄q/6 + …,  f = ½βq(1 + …),  q = x²,

of which the law keeps the first terms. The next ones are, in the order of the fields of `NextOrder`,

    f:  yβ'/β                  β' = dβ/dy and κ₄' = dκ₄/dy along the steepest ascent of the sharpness on the floor of
    g:  yqκ₄'/6                the valley, in which the slow coordinates move
    g:  (y + g)q Σ Tⱼ²/λⱼ²     the fast directions lag behind q by the time 2/λⱼ, and with them 3Tⱼ²/λⱼ in κ₄
    g:  c(q)                   growth and drift at the amplitude, g − κ₄q/6 and f/(½βq) − 1: all that the higher
    f:  b(q)                   derivatives across the valley do (`eos_sym.edge.normal_forms.alternation`)

and the step size, with which Euler's method differs from its flow (`eos_sym.edge.normal_forms.next_orbit`). On the
parabola, the end of orbits from a large excess, with c = c q² and b = b q, all of it moves the end from y∞ = −1/e to
−(1 + ν)/e,

    ν = [η/2 − κ₄'/κ₄ + 4(b − Σ Tⱼ²/λⱼ²)/(βe) + 32c/(β²e²)]/e;

β' drops out. (With H(q) all corrections of y + g on the parabola, φ' = κ(φ + H), κ = ¼βe², for the correction φ of the
parabola, and φ(0) = −(H + H'/κ + H''/κ²) at q = 0.)

In closed form c and b are known where the Hessian has rank one. With T, Q⃗, P and R the second to fifth derivatives of
∇L(θ + xu), ⊥ their parts across u, the pair of points is, in orders of x,

    m = m₂q + m₄q² along u,   m₂ = −T_u/(2S),      z = z₃x³ across u, odd,   z₃ = (m₂T⊥ + Q⊥/6)/S,
    S m₄ = −(½T_u m₂² + ½Q m₂ + P_u/24 + z₃·T⊥),
    c = T_u m₄ + ½Q m₂² + P_u m₂/6 + R_u/120 + z₃·(m₂T⊥ + ½Q⊥),
    ½β b = ½m₂²β + ½m₂ T⊥·Q⊥ + T⊥·P⊥/24 + ∇³L(u, z₃, T⊥).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Expr, S


@dataclass(frozen=True)
class NextOrder:
    """dβ/dy, dκ₄/dy, Σ_fast Tⱼ²/λⱼ² (u among them), and, as functions of q, g − κ₄q/6 and f/(½βq) − 1."""

    beta_slope: Expr
    quartic_slope: Expr
    lag: Expr
    growth: Callable[[Expr], Expr]
    drift: Callable[[Expr], Expr]


def closed(beta_slope: Expr, quartic_slope: Expr, lag: Expr, growth: Expr, drift: Expr) -> NextOrder:
    """The next order in closed form, with the coefficients c and b of growth and drift."""
    return NextOrder(beta_slope, quartic_slope, lag, lambda square: growth * square**2, lambda square: drift * square)


def truncated() -> NextOrder:
    """That of the map of x and y itself, if it is not an approximation of anything."""
    return closed(S.Zero, S.Zero, S.Zero, S.Zero, S.Zero)
