"""The theory of normalized GD and of GD on √L, derived from the formulas of the two rules.

On ½ Σ λᵢθᵢ²: the length of a step, the two-cycles and their multipliers.
At a manifold of minima: the width of the oscillation, the drift, the limit flows, the stableness.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from sympy import Expr, Integer, Rational, Symbol, factor, simplify, sqrt, symbols

from eos_sym import STEP_SIZE, Objective, quadratic, shallow
from eos_sym.flows import Flow, Oscillation, limit_flow, oscillation
from eos_sym.flows.limit_flow import CURVATURE
from eos_sym.orbits import Orbit
from eos_sym.rules import NormalizedGradientDescent, RootLossGradientDescent, WrittenRule
from eos_sym.stability import StabilityCondition, stability

SHARE = Symbol("C", positive=True)  # of the two-cycle's width that lies on one side
RATIO = Symbol("r", positive=True)  # λⱼ/λᵢ
ODDS = Symbol("odds", positive=True)  # C = 1/(1 + odds) says that C is in (0, 1)
SHARE_IN_ODDS, IN_SHARE = 1 / (1 + ODDS), {ODDS: 1 / SHARE - 1}
x, y, z = symbols("x y z", real=True)


@dataclass(frozen=True)
class Kind:
    """One of the two rules, its two-cycle on ½λu², and the clock by which it follows gradient flow."""

    name: str
    shown: str
    rule: WrittenRule
    clock: str
    clock_shown: str

    def __str__(self) -> str:
        return self.name

    @cached_property
    def oscillation(self) -> Oscillation:
        """The width w of the two-cycle over η, and the drift along a valley."""
        return oscillation(self.rule)

    @property
    def objective(self) -> Objective:
        """A quadratic, on which the rate of the clock is looked at."""
        return quadratic(2)

    @property
    def squared_rate(self) -> Expr:
        """(ηt)'² of the rule's clock, ‖∇L‖²/‖Δθ/η‖², where Δθ is a step."""
        steps = self.rule.map(self.objective).substitution.items()
        moved = sum((step - weight) ** 2 for weight, step in steps) / STEP_SIZE**2
        return simplify(sum(slope**2 for slope in self.objective.gradient) / moved)

    @property
    def cycle(self) -> tuple[Expr, Expr]:
        """u at the two points: wηC and −wη(1 − C)."""
        width = self.oscillation.width * STEP_SIZE
        return width * SHARE_IN_ODDS, -width * factor(1 - SHARE_IN_ODDS)

    @property
    def root_loss_sum(self) -> Expr:
        """√L_t + √L_{t+1}."""
        return simplify(sum(sqrt(CURVATURE / 2) * abs(point) for point in self.cycle))

    @property
    def stableness(self) -> tuple[Expr, Expr]:
        """η_eff λ at the two points, where the effective step η_eff is what multiplies the gradient λu in the rule."""
        objective = quadratic(1)
        (weight,), (curvature,) = objective.weights, objective.parameters
        multiplied = (weight - self.rule.map(objective).step[0]) / weight
        first, second = (simplify(multiplied.subs(weight, u).subs(curvature, CURVATURE)) for u in self.cycle)
        return first, second


@dataclass(frozen=True, eq=False)
class Valley:
    """A loss with the chart of its minima, a start on them, and the order in η of the limit flow's error."""

    name: str
    objective: Objective
    chart: Mapping[Symbol, Expr]
    start: tuple[float, float]
    order: int


NORMALIZED = Kind("normalized", "normalized GD", NormalizedGradientDescent(), "length", "∫‖∇L‖dt")
ROOT_LOSS = Kind("root_loss", "GD on √L", RootLossGradientDescent(), "root_time", "∫2√L dt")
KINDS = (NORMALIZED, ROOT_LOSS)
STRAIGHT = Valley("straight", Objective("straight", (1 + x**2) * y**2 / 2, (x, y)), {y: Integer(0)}, (1.0, 0.0), 2)
HYPERBOLA = Valley("hyperbola", shallow(), shallow().minima.chart, (2.5, 0.4), 1)
VALLEYS = (STRAIGHT, HYPERBOLA)
# Two directions across the minima y = z = 0: only y has a curvature that changes along them.
FORKED = Objective("forked", (1 + x**2) * y**2 / 2 + Rational(1, 4) * z**2, (x, y, z))
QUADRATIC = NORMALIZED.rule.map(quadratic(2))  # normalized GD on ½(λ₁θ₁² + λ₂θ₂²)


def cycle() -> Orbit:
    """θ₁ from ηC to −η(1 − C) and back, θ₂ = 0: `Orbit` checks that it is one."""
    first, second = QUADRATIC.state
    return Orbit(QUADRATIC, tuple({first: point, second: Integer(0)} for point in NORMALIZED.cycle))


def multipliers_along_and_across(cycle: Orbit) -> tuple[Expr, Expr]:
    """Of two steps along the cycle: in its own direction, and in the other, in r and C."""
    own, other = QUADRATIC.parameters[:2]
    along, across = (cycle.jacobian[index, index].subs({other: RATIO * own, **IN_SHARE}) for index in (0, 1))
    return factor(along), simplify(across)


def cycle_stability(cycle: Orbit) -> StabilityCondition:
    """The stability of the cycle, the multiplier along it divided out if it is 1."""
    own, other = QUADRATIC.parameters[:2]
    return stability(cycle.jacobian.subs(other, RATIO * own))


@cache
def flow(valley: Valley, kind: Kind) -> Flow:
    """The limit flow of the rule on the minima of the valley."""
    return limit_flow(kind.rule, valley.objective, valley.chart)


def derived(cycle: Orbit) -> Mapping[str, Any]:
    """What is printed and written, in the order of the argument."""
    moved = (step - weight for weight, step in QUADRATIC.substitution.items())
    along, across = multipliers_along_and_across(cycle)
    return {
        "normalized_gd": QUADRATIC,
        "squared_length_of_a_step": simplify(sum(change**2 for change in moved)),
        "two_cycle": [
            {name.name: simplify(value.subs(IN_SHARE)) for name, value in point.items()} for point in cycle.points
        ],
        "two_step_multipliers": {"along": along, "across": across},
        "oscillation_width_over_eta": {kind.name: kind.oscillation.width for kind in KINDS},
        "drift_coefficient": {kind.name: kind.oscillation.drift for kind in KINDS},
        "stableness_on_the_cycle": {
            kind.name: [simplify(value.subs(IN_SHARE)) for value in kind.stableness] for kind in KINDS
        },
        "sum_of_root_losses": {kind.name: kind.root_loss_sum for kind in KINDS},
        "limit_flow_of_x": {
            valley.name: {kind.name: flow(valley, kind).velocity[0] for kind in KINDS} for valley in VALLEYS
        },
    }
