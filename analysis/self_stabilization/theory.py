"""The theory of self-stabilization, derived: the cycle, its stages, its damped version, and the losses simulated.

two_examples   ½(1 − ap)² + ½μ(30 − aq)²        a linear network with two layers of width 1, f(z) = a(pz₁ + qz₂)
slice_loss     ½su² − αs + κ₄u⁴/24              a sharpness s that rises at the rate α
capped_loss    ½su² + ½b(s − 25)² + κ₄u⁴/24     the same, but s would stop at 25 by itself
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
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


@dataclass(frozen=True)
class Theory:
    """Every derived result is computed on first use; the order of the properties is the order of the argument."""

    @cached_property
    def expansion(self) -> CubicExpansion:
        """The general loss to third order, at its origin."""
        return general_expansion()

    @cached_property
    def cycle(self) -> SelfStabilization:
        """x and y, undamped."""
        return undamped()

    @cached_property
    def conserved(self) -> Expr:
        """h, conserved by the continuous limit."""
        return conserved_by_separation(self.cycle.limit)

    @cached_property
    def rise(self) -> Expr:
        """The coefficient of ε² in what one step of the map adds to h."""
        return rise_per_step(self.cycle.scaled, self.conserved)

    @cached_property
    def stage_after(self) -> dict[str, str]:
        """Which stage follows on which: where the flow crosses the half-lines that part them.

        On Y = 0 it crosses with the sign of Ẏ, on X = 1 with the sign of Ẋ; a sign that is not known leaves a gap.
        """
        beyond = Symbol("s", positive=True)
        after = {}
        for side, place in ((-1, 1 / (1 + beyond)), (1, 1 + beyond)):
            rate = self.cycle.limit[Y].subs({X: place, Y: 0}).factor()
            if rate.is_positive or rate.is_negative:
                sign = 1 if rate.is_positive else -1
                after[STAGES[side, -sign]] = STAGES[side, sign]
        for side in (-1, 1):
            rate = self.cycle.limit[X].subs({X: 1, Y: side * beyond})
            if rate.is_positive or rate.is_negative:
                sign = 1 if rate.is_positive else -1
                after[STAGES[-sign, side]] = STAGES[sign, side]
        return after

    @cached_property
    def damped(self) -> SelfStabilization:
        """x and y with κ₄ = −k < 0 and a constant rate of sharpening."""
        return SelfStabilization(ALPHA, BETA, -DEPTH, Integer(0))

    @cached_property
    def two_examples(self) -> Objective:
        """A linear network of width 1 that learns a sharp example at once and a flat one slowly."""
        p, q, a = symbols("p q a", real=True)
        loss = (1 - a * p) ** 2 / 2 + MU * (TARGET - a * q) ** 2 / 2
        return Objective("two_examples", loss, (p, q, a), (MU,))

    @cached_property
    def slice_loss(self) -> Objective:
        """The loss whose gradient descent is the damped map with β = 1, b = 0, exactly."""
        u, s = symbols("u s", real=True)
        loss = s * u**2 / 2 - ALPHA * s + QUARTIC * u**4 / 24
        return Objective("slice", loss, (u, s), (ALPHA, QUARTIC))

    @cached_property
    def capped_loss(self) -> Objective:
        """The loss whose gradient descent is the damped map with β = 1, α = b(25 − 2/η), exactly."""
        u, s = symbols("u s", real=True)
        loss = s * u**2 / 2 + RESTORING * (s - CAP) ** 2 / 2 + QUARTIC * u**4 / 24
        return Objective("capped", loss, (u, s), (RESTORING, QUARTIC))

    def seen_from_the_edge(self, objective: Objective) -> Map:
        """Gradient descent on one of the two losses in u and s, in x = u and y = s − 2/η."""
        u, s = objective.weights
        inverse = {u: UNSTABLE, s: EXCESS + 2 / STEP_SIZE}
        return GradientDescent().map(objective).conjugate({UNSTABLE: u, EXCESS: s - 2 / STEP_SIZE}, inverse)

    @cached_property
    def exact_slice(self) -> SelfStabilization:
        """What `slice_loss` is an example of."""
        return SelfStabilization(ALPHA, Integer(1), QUARTIC, Integer(0))

    @cached_property
    def exact_cap(self) -> SelfStabilization:
        """What `capped_loss` is an example of."""
        return SelfStabilization(RESTORING * (CAP - 2 / STEP_SIZE), Integer(1), QUARTIC, RESTORING)

    @cached_property
    def turn_limit(self) -> Expr:
        """The limit, as ε → 0, of ε times the steps in which the map turns once about its two-cycle."""
        turn = self.cycle.turn.subs(STEP_SIZE, EPSILON / sqrt(ALPHA))
        return limit(turn * EPSILON, EPSILON, 0, "+")

    def as_report(self) -> dict[str, Any]:
        """What is printed and written, in the order of the argument."""
        expansion, level = self.expansion, extremes(LEVEL)
        return {
            "general_loss": expansion.objective.loss,
            "alpha": expansion.alpha,
            "beta": expansion.beta,
            "predicted_dynamics": expansion.predicted,
            "neglected_in_the_gradient": list(expansion.neglected),
            "reduced_map": self.cycle.map,
            "scaled_map": self.cycle.scaled,
            "continuous_limit": self.cycle.limit,
            "conserved": self.conserved,
            "added_to_it_in_a_step": EPSILON**2 * self.rise,
            "stage_after": self.stage_after,
            "period_of_small_oscillations": small_period(self.cycle.limit) / EPSILON,
            "extremes": {name: list(values) for name, values in level.items()},
            "two_cycle": self.cycle.equilibrium,
            "modulus_of_its_multipliers": self.cycle.growth,
            "damped_map": self.damped.map,
            "damped_two_cycle": self.damped.equilibrium,
            "damping": self.damped.damping,
            "two_examples": self.two_examples.loss,
        }
