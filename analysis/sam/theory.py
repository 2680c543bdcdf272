"""What is derived of SAM: its edge, its two-cycles on a quadratic, and its drift along the minima of ½(1 − xyzw)²."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Matrix, Symbol, diff, factor, simplify, solve

from eos_sym import STEP_SIZE, Undecided, minimalist, quadratic
from eos_sym.rules import RADIUS, RULES
from eos_sym.stability import StabilityCondition, critical_sharpness, stability

GRADIENT_NORM = Symbol("norm", positive=True)
SHARPNESS = Symbol("sharpness", positive=True)
first, second = quadratic(2).parameters
SLACK = Symbol("slack", positive=True)  # 2/(η λ₁) − 1, how SymPy is told that ηλ₁ < 2


@dataclass(frozen=True)
class Theory:
    """The edges, the two-cycle ±`amplitude` on eigenvector 1 of two, and the rate of flattening."""

    edge: Expr
    normalized_edge: Expr
    amplitude: Expr
    multipliers: tuple[Expr, Expr]
    flattening: Expr

    def as_report(self) -> Mapping[str, Any]:
        """The derived formulas under the names of the report."""
        return {
            "critical_sharpness_of_unnormalized_sam": self.edge,
            "edge_of_normalized_sam": self.normalized_edge,
            "amplitude_of_the_two_cycle": self.amplitude,
            "multipliers_of_half_the_two_cycle": self.multipliers,
            "change_of_sharpness_per_step": self.flattening,
        }

    def stability(self, ratio: Expr) -> StabilityCondition:
        """Of the two-cycle on eigenvector 1, with λ₂ = ratio · λ₁ and ηλ₁ = 2/(1 + slack)."""
        at = {second: ratio * first, STEP_SIZE: 2 / (first * (1 + SLACK))}
        along, across = (simplify(multiplier.subs(at)) for multiplier in self.multipliers)
        return stability(Matrix.diag(along**2, across**2))


def derive() -> Theory:
    """All of it."""
    edge = critical_sharpness(RULES["sam_unnormalized"])
    amplitude, multipliers = two_cycle()
    return Theory(
        edge,
        simplify(edge.subs(RADIUS, RADIUS / GRADIENT_NORM)),
        amplitude,
        multipliers,
        flattening(amplitude),
    )


def two_cycle() -> tuple[Expr, tuple[Expr, Expr]]:
    """The c with F(c, 0) = (−c, 0) on ½(λ₁θ₁² + λ₂θ₂²), and the multipliers of one step there, along and across.

    F is odd, so (c, 0) and (−c, 0) are a two-cycle, and the multipliers over both steps are the squares.
    """
    dynamics = RULES["sam"].map(quadratic(2))
    height = Symbol("height", positive=True)
    on_axis = dict(zip(dynamics.state, (height, Integer(0)), strict=True))
    mirrored = dynamics.substitution[dynamics.state[0]].subs(on_axis) + height
    found = solve(mirrored, height)
    if len(found) != 1:
        raise Undecided(f"the two-cycles of SAM on a quadratic: {len(found)} solutions of F(c) = −c")
    mirror = {variable: -variable for variable in dynamics.state}
    if any(simplify(step.subs(mirror, simultaneous=True) + step) != 0 for step in dynamics.step):
        raise Undecided("the two-cycles of SAM on a quadratic: the map is not odd")
    jacobian = dynamics.jacobian.subs(on_axis).subs(height, found[0]).applyfunc(simplify)
    if not jacobian.is_diagonal():
        raise Undecided("the multipliers of SAM's two-cycle: the Jacobian is not diagonal")
    return factor(found[0]), (factor(jacobian[0, 0]), factor(jacobian[1, 1]))


def flattening(amplitude: Expr) -> Expr:
    """The change of the sharpness per step, −½η(c + ρ)²‖∇_Γλ‖², at the minima (a, 1/a, a, 1/a) of ½(1 − xyzw)².

    The flow along −∇_Γλ keeps to this curve γ by symmetry, so ‖∇_Γλ‖² = (dλ/da)²/‖γ'‖², written in λ instead of a.
    """
    a = Symbol("a", positive=True)
    objective = minimalist()
    curve = dict(zip(objective.weights, (a, 1 / a, a, 1 / a), strict=True))
    along = simplify(objective.hessian.subs(curve).trace())  # the Hessian at a minimum has rank one
    squared_slope = factor(diff(along, a) ** 2 / sum(diff(point, a) ** 2 for point in curve.values()))
    at_sharpness = simplify(squared_slope.subs(a, solve(along - SHARPNESS, a)[-1]))
    if simplify(at_sharpness.subs(SHARPNESS, along) - squared_slope) != 0:
        raise Undecided("the slope of the sharpness along the minima: not a function of the sharpness")
    reach = factor(amplitude.subs(first, SHARPNESS) + RADIUS)
    return factor(-STEP_SIZE * reach**2 * at_sharpness / 2)
