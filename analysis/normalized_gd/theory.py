"""The theory of normalized GD and of GD on √L, derived from the formulas of the two rules.

On ½ Σ λᵢθᵢ²: the length of a step, the two-cycles and their multipliers.
At a manifold of minima: the width of the oscillation, the drift, the limit flows, the stableness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from sympy import Expr, Integer, Rational, Symbol, factor, simplify, sqrt, symbols

from eos_sym import STEP_SIZE, Map, Objective, Rule, quadratic, shallow
from eos_sym.flows import Flow, Oscillation, limit_flow, oscillation
from eos_sym.flows.limit_flow import CURVATURE
from eos_sym.orbits import Orbit
from eos_sym.rules import NormalizedGradientDescent, RootLossGradientDescent
from eos_sym.stability import StabilityCondition, stability

SHARE = Symbol("C", positive=True)  # of the two-cycle's width that lies on one side
RATIO = Symbol("r", positive=True)  # λⱼ/λᵢ
ODDS = Symbol("odds", positive=True)  # C = 1/(1 + odds) says that C is in (0, 1)
RULES: Mapping[str, Rule] = MappingProxyType(
    {"normalized": NormalizedGradientDescent(), "root_loss": RootLossGradientDescent()}
)
x, y, z = symbols("x y z", real=True)


@dataclass(frozen=True)
class Valley:
    """A loss with the chart of its minima that the limit flows are written in."""

    objective: Objective
    chart: Mapping[Symbol, Expr]


VALLEYS: Mapping[str, Valley] = MappingProxyType(
    {
        "straight": Valley(Objective("straight", (1 + x**2) * y**2 / 2, (x, y)), {y: Integer(0)}),
        "hyperbola": Valley(shallow(), shallow().minima.chart),
    }
)
# Two directions across the minima y = z = 0: only y has a curvature that changes along them.
FORKED = Objective("forked", (1 + x**2) * y**2 / 2 + Rational(1, 4) * z**2, (x, y, z))


@dataclass(frozen=True)
class Theory:
    """Every derived result is computed on first use; the order of the properties is the order of the argument."""

    @cached_property
    def quadratic_map(self) -> Map:
        """Normalized GD on ½(λ₁θ₁² + λ₂θ₂²)."""
        return RULES["normalized"].map(quadratic(2))

    @cached_property
    def step_length_squared(self) -> Expr:
        """‖θ' − θ‖², wherever the gradient is not 0."""
        moved = (step - weight for weight, step in self.quadratic_map.substitution.items())
        return simplify(sum(change**2 for change in moved))

    @cached_property
    def cycle(self) -> Orbit:
        """θ₁ from ηC to −η(1 − C) and back, θ₂ = 0, with C = 1/(1 + odds): `Orbit` checks that it is one."""
        first, second = self.quadratic_map.state
        share = 1 / (1 + ODDS)
        points = (
            {first: STEP_SIZE * share, second: Integer(0)},
            {first: -STEP_SIZE * factor(1 - share), second: Integer(0)},
        )
        return Orbit(self.quadratic_map, points)

    @cached_property
    def multipliers(self) -> tuple[Expr, Expr]:
        """Of two steps along the cycle: in its own direction, and in the other, in r and C."""
        own, other = self.quadratic_map.parameters[:2]
        named = {other: RATIO * own, ODDS: 1 / SHARE - 1}
        along, across = (self.cycle.jacobian[index, index].subs(named) for index in (0, 1))
        return factor(along), simplify(across)

    @cached_property
    def cycle_stability(self) -> StabilityCondition:
        """The stability of the cycle, the multiplier along it divided out if it is 1."""
        own, other = self.quadratic_map.parameters[:2]
        return stability(self.cycle.jacobian.subs(other, RATIO * own))

    @cached_property
    def oscillations(self) -> Mapping[str, Oscillation]:
        """The width and the drift of the two rules at a valley."""
        return {name: oscillation(rule) for name, rule in RULES.items()}

    @cached_property
    def flows(self) -> Mapping[str, Mapping[str, Flow]]:
        """The limit flows on the minima of every valley, by valley and rule."""
        return {
            name: {kind: limit_flow(rule, valley.objective, valley.chart) for kind, rule in RULES.items()}
            for name, valley in VALLEYS.items()
        }

    def on_the_cycle(self, kind: str) -> tuple[Expr, Expr]:
        """u at the two points of the cycle of a rule on ½λu²: wηC and −wη(1 − C)."""
        width = self.oscillations[kind].width * STEP_SIZE
        share = 1 / (1 + ODDS)
        return width * share, -width * factor(1 - share)

    def root_loss_sum(self, kind: str) -> Expr:
        """√L_t + √L_{t+1} on the cycle."""
        return simplify(sum(sqrt(CURVATURE / 2) * abs(point) for point in self.on_the_cycle(kind)))

    def stableness(self, kind: str) -> tuple[Expr, Expr]:
        """η_eff λ at the two points, where the effective step η_eff is what multiplies the gradient λu in the rule."""
        objective = quadratic(1)
        dynamics = RULES[kind].map(objective)
        (weight,), (curvature,) = objective.weights, objective.parameters
        multiplied = (weight - dynamics.step[0]) / weight
        points = (multiplied.subs({weight: point}) for point in self.on_the_cycle(kind))
        first, second = (simplify(value.subs(curvature, CURVATURE)) for value in points)
        return first, second

    def as_report(self) -> dict[str, Any]:
        """What is printed and written, in the order of the argument."""
        along, across = self.multipliers
        in_share = {ODDS: 1 / SHARE - 1}
        return {
            "normalized_gd": self.quadratic_map,
            "squared_length_of_a_step": self.step_length_squared,
            "two_cycle": [
                {str(name): simplify(value.subs(in_share)) for name, value in point.items()}
                for point in self.cycle.points
            ],
            "two_step_multipliers": {"along": along, "across": across},
            "oscillation_width_over_eta": {name: item.width for name, item in self.oscillations.items()},
            "drift_coefficient": {name: item.drift for name, item in self.oscillations.items()},
            "stableness_on_the_cycle": {
                name: [simplify(value.subs(in_share)) for value in self.stableness(name)] for name in RULES
            },
            "sum_of_root_losses": {name: self.root_loss_sum(name) for name in RULES},
            "limit_flow_of_x": {
                name: {kind: flow.velocity[0] for kind, flow in flows.items()} for name, flows in self.flows.items()
            },
        }
