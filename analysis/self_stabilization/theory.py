"""The theory of self-stabilization, derived: the cycle, its stages, its damped version, and the losses simulated.

TWO_EXAMPLES   ½(1 − ap)² + ½μ(30 − aq)²        a linear network with two layers of width 1, f(z) = a(pz₁ + qz₂)
SLICE          ½su² − αs + κ₄u⁴/24              a sharpness s that rises at the rate α
CAPPED         ½su² + ½b(s − 25)² + κ₄u⁴/24     the same, but s would stop at 25 by itself
"""

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Integer, Symbol, limit, sqrt, symbols

from eos_sym import STEP_SIZE, GradientDescent, Map, Objective
from eos_sym.self_stabilization import (
    CubicExpansion,
    SelfStabilization,
    conserved_by_separation,
    extremes,
    general_expansion,
    rise_per_step,
    small_period,
    undamped,
)
from eos_sym.self_stabilization.continuous_limit import LEVEL
from eos_sym.self_stabilization.cycle import ALPHA, BETA, EPSILON, QUARTIC, RESTORING, X, Y
from eos_sym.self_stabilization.predicted_dynamics import EXCESS, UNSTABLE

MU = Symbol("mu", positive=True)
TARGET, CAP = Integer(30), Integer(25)
DEPTH = Symbol("k", positive=True)  # |κ₄|
STAGES = {  # by the signs of X − 1 and Y
    (-1, -1): "progressive sharpening",
    (-1, 1): "blowup",
    (1, 1): "self-stabilization",
    (1, -1): "return",
}
p, q, a, u, s = symbols("p q a u s", real=True)
CYCLE = undamped()
DAMPED = SelfStabilization(ALPHA, BETA, -DEPTH, Integer(0))  # at a constant rate of sharpening
TWO_EXAMPLES = Objective("two_examples", (1 - a * p) ** 2 / 2 + MU * (TARGET - a * q) ** 2 / 2, (p, q, a), (MU,))
SLICE = Objective("slice", s * u**2 / 2 - ALPHA * s + QUARTIC * u**4 / 24, (u, s), (ALPHA, QUARTIC))
CAPPED = Objective(
    "capped", s * u**2 / 2 + RESTORING * (s - CAP) ** 2 / 2 + QUARTIC * u**4 / 24, (u, s), (RESTORING, QUARTIC)
)
EXACT = {  # gradient descent on these is the cycle with β = 1, exactly
    SLICE: SelfStabilization(ALPHA, Integer(1), QUARTIC, Integer(0)),
    CAPPED: SelfStabilization(RESTORING * (CAP - 2 / STEP_SIZE), Integer(1), QUARTIC, RESTORING),
}


def expansion() -> CubicExpansion:
    """The general loss to third order, at its origin."""
    return general_expansion()


def conserved() -> Expr:
    """h, conserved by the continuous limit."""
    return conserved_by_separation(CYCLE.limit)


def rise(conserved: Expr) -> Expr:
    """The coefficient of ε² in what one step of the map adds to h."""
    return rise_per_step(CYCLE.scaled, conserved)


def derived(expansion: CubicExpansion, conserved: Expr, rise: Expr) -> Mapping[str, Any]:
    """What is printed and written, in the order of the argument."""
    return {
        "general_loss": expansion.objective.loss,
        "alpha": expansion.alpha,
        "beta": expansion.beta,
        "predicted_dynamics": expansion.predicted,
        "neglected_in_the_gradient": list(expansion.neglected),
        "reduced_map": CYCLE.map,
        "scaled_map": CYCLE.scaled,
        "continuous_limit": CYCLE.limit,
        "conserved": conserved,
        "added_to_it_in_a_step": EPSILON**2 * rise,
        "stage_after": stage_after(),
        "period_of_small_oscillations": small_period(CYCLE.limit) / EPSILON,
        "extremes": {name: list(values) for name, values in extremes(LEVEL).items()},
        "two_cycle": CYCLE.equilibrium,
        "modulus_of_its_multipliers": CYCLE.growth,
        "damped_map": DAMPED.map,
        "damped_two_cycle": DAMPED.equilibrium,
        "damping": DAMPED.damping,
        "two_examples": TWO_EXAMPLES.loss,
    }


def stage_after() -> dict[str, str]:
    """Which stage follows on which: where the flow crosses the half-lines that part them.

    On Y = 0 it crosses with the sign of Ẏ, on X = 1 with the sign of Ẋ; a sign that is not known leaves a gap.
    """
    beyond = Symbol("s", positive=True)
    after = {}
    for side, place in ((-1, 1 / (1 + beyond)), (1, 1 + beyond)):
        if sign := _sign(CYCLE.limit[Y].subs({X: place, Y: 0}).factor()):
            after[STAGES[side, -sign]] = STAGES[side, sign]
    for side in (-1, 1):
        if sign := _sign(CYCLE.limit[X].subs({X: 1, Y: side * beyond})):
            after[STAGES[-sign, side]] = STAGES[sign, side]
    return after


def _sign(rate: Expr) -> int:
    """1 or −1, 0 where it is not known."""
    return 1 if rate.is_positive else -1 if rate.is_negative else 0


def seen_from_the_edge(objective: Objective) -> Map:
    """Gradient descent on one of the two losses in u and s, in x = u and y = s − 2/η."""
    inverse = {u: UNSTABLE, s: EXCESS + 2 / STEP_SIZE}
    return GradientDescent().map(objective).conjugate({UNSTABLE: u, EXCESS: s - 2 / STEP_SIZE}, inverse)


def turn_limit() -> Expr:
    """The limit, as ε → 0, of ε times the steps in which the map turns once about its two-cycle."""
    turn = CYCLE.turn.subs(STEP_SIZE, EPSILON / sqrt(ALPHA))
    return limit(turn * EPSILON, EPSILON, 0, "+")
