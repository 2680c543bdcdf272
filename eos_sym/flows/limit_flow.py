"""Limit flows: how a rule that cannot converge creeps along a manifold Γ of minima, at the rate η² a step.

Normalized GD takes steps of length η however small the gradient is, and so oscillates across Γ for ever. In the model
L = ½ λ(s) u², with s along Γ and u across it, let u be of order η. One step takes ηC to −η(w − C) and back: the two
distances from Γ always add up to the width ηw, whatever C is, and the drift of s over the two steps does not depend on
C either. `oscillation` derives both from the formula of the rule:

    normalized GD        w = 1          s' = s − ¼ η² (log λ)'     a step, on average
    GD on √L             w = √(λ/2)     s' = s − ⅛ η² λ'

In general u is the top eigenvector of the Hessian, with which these rules align, λ = λ₁, and s' becomes the gradient
along Γ: with τ = η²t and P_Γ the projection onto the tangent space of Γ,

    dX/dτ = −¼ P_Γ ∇log λ₁(X),        dX/dτ = −⅛ P_Γ ∇λ₁(X).

Γ is given by a chart, the last weights as functions c of the first, t. There P_Γ ∇f has the components G⁻¹∂f/∂t, where
G = I + CCᵀ, C = ∂c/∂t, is the metric of Γ, and by Woodbury's identity G⁻¹ = I − C(I + CᵀC)⁻¹Cᵀ.

Source: :cite:t:`arora2022understanding`, who prove convergence to these flows as η → 0, for normalized GD with small
noise injected. The averaging here is the formal argument at leading order. Errors: `BadInput` for a chart that is not
one of critical points; `Undecided` for rules that do not oscillate at the scale of η, such as GD, and, in `limit_flow`,
where λ₁ has no closed form on Γ, or is not one and the same eigenvalue all along it: `limit_flow_by_eigenvector` leaves
it to the integrator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sympy import Dummy, Expr, Matrix, Max, Symbol, diff, factor, limit, simplify

from eos_sym.algebra import positive_where_defined, top_eigenvalue, vanishes
from eos_sym.errors import BadInput, Undecided
from eos_sym.flows.flow import Flow, TopEigenvectorFlow, top_direction
from eos_sym.losses import Objective
from eos_sym.reasons import brief
from eos_sym.rules import STEP_SIZE, Rule
from eos_sym.values import Values, named

CURVATURE = Symbol("lambda", positive=True)
_SLOPE = Dummy("slope", real=True)


@dataclass(frozen=True)
class Oscillation:
    """(|u_t| + |u_{t+1}|)/η and −Δs/(η² λ') per step, both functions of the curvature λ."""

    width: Expr
    drift: Expr


@cache
def oscillation(rule: Rule) -> Oscillation:
    """The two-cycles of the rule across a valley, to leading order in η, and the drift along it."""
    along, across = Dummy("s", real=True), Dummy("u", real=True)
    valley = Objective("a valley", (CURVATURE + _SLOPE * along) * across**2 / 2, (along, across), (CURVATURE, _SLOPE))
    dynamics = rule.map(valley)
    if dynamics.state != valley.weights:
        raise Undecided("the oscillation: only rules without a state of their own are averaged")
    distance = Dummy("C", positive=True)
    widths, drifts = [], []
    for side in (1, -1):
        start = {along: 0, across: side * distance * STEP_SIZE}
        drift, reached = (simplify(step.subs(start)) for step in dynamics.step)
        widths.append(simplify(distance - side * limit(reached / STEP_SIZE, STEP_SIZE, 0)))
        drifts.append(limit(drift / STEP_SIZE**2, STEP_SIZE, 0))
    width, back = widths
    if width.is_zero:
        raise Undecided("the oscillation: the rule comes to rest on the minima, so that it does not creep along them")
    if width.has(distance) or not width.is_finite or not vanishes(width - back):
        raise Undecided(
            f"the oscillation: the rule does not step over the minima at the scale of η, but by {brief(width)}η"
        )
    forth, on_the_way_back = drifts
    average = simplify((forth + on_the_way_back.subs(distance, width - distance)) / 2)
    if average.has(distance) or not average.is_finite:
        raise Undecided(f"the oscillation: the drift {brief(average)} depends on where the two-cycle lies")
    return Oscillation(width, simplify(-average / _SLOPE))


def limit_flow(rule: Rule, objective: Objective, chart: Values) -> Flow:
    """The limit flow in the coordinates of the chart, where λ₁ has a closed form, as for Hessians of rank two."""
    chart = _checked_chart(objective, chart)
    try:
        sharpness = top_eigenvalue(objective.hessian.subs(chart))
    except Undecided as reason:
        raise Undecided(f"the limit flow: {reason}; limit_flow_by_eigenvector finds it numerically") from reason
    if sharpness.has(Max):
        raise Undecided(f"the limit flow: which eigenvalue is the largest changes along the minima, {brief(sharpness)}")
    if not positive_where_defined(factor(sharpness)) and not _are_minima(objective, chart):
        raise Undecided(f"the limit flow: the sharpness {brief(sharpness)} is not known to be positive")
    state = _coordinates(objective, chart)
    slopes = Matrix([diff(sharpness, coordinate) for coordinate in state])
    speed = oscillation(rule).drift.subs(CURVATURE, sharpness)
    velocity = (-speed * _raised(slopes, state, chart)).applyfunc(factor)
    return Flow(state, objective.parameters, tuple(velocity))


def limit_flow_by_eigenvector(rule: Rule, objective: Objective, chart: Values) -> TopEigenvectorFlow:
    """The limit flow as an expression in the top eigenvector, for a Hessian of any rank on Γ.

    ∂λ₁/∂t is uᵀ (∂H/∂t) u with u held fixed. That Γ consists of minima, of the Hessian's full rank, is not checked.
    """
    chart = _checked_chart(objective, chart)
    state = _coordinates(objective, chart)
    hessian = objective.hessian.subs(chart)
    direction = top_direction(objective)
    u = Matrix(direction)
    sharpness = (u.T * hessian * u)[0]
    slopes = Matrix([diff(sharpness, coordinate) for coordinate in state])
    speed = oscillation(rule).drift.subs(CURVATURE, sharpness)
    velocity = -speed * _raised(slopes, state, chart)
    return TopEigenvectorFlow(state, objective.parameters, hessian, direction, tuple(velocity))


def _are_minima(objective: Objective, chart: Mapping[Symbol, Expr]) -> bool:
    """Whether the chart is one of minima, so that no eigenvalue of the Hessian is negative."""
    try:
        return any(piece.chart == chart for piece in objective.minima.pieces)
    except Undecided:
        return False


def _coordinates(objective: Objective, chart: Mapping[Symbol, Expr]) -> tuple[Symbol, ...]:
    return tuple(weight for weight in objective.weights if weight not in chart)


def _checked_chart(objective: Objective, given: Values) -> dict[Symbol, Expr]:
    """The chart by symbols, unless the gradient is not known to vanish on it, or it leaves nothing to move along."""
    chart = named("the chart", objective.weights, given)
    free = {*_coordinates(objective, chart), *objective.parameters}
    strangers = {*chart} - {*objective.weights} | set().union(*(c.free_symbols for c in chart.values())) - free
    if not chart or strangers or len(chart) == len(objective.weights):
        shown = ", ".join(f"{weight} = {value}" for weight, value in chart.items())
        raise BadInput(f"the chart {shown or 'of nothing'}: write some of the weights as expressions in the others")
    for slope in objective.gradient:
        if not vanishes(slope.subs(chart)):
            raise BadInput(f"the chart is not one of minima: there the gradient of {objective.name} is not 0")
    return chart


def _raised(slopes: Matrix, state: tuple[Symbol, ...], chart: Mapping[Symbol, Expr]) -> Matrix:
    """G⁻¹ ∂f/∂t, the gradient of f along Γ in the coordinates t."""
    tilt = Matrix([[diff(value, coordinate) for value in chart.values()] for coordinate in state])
    across = Matrix.eye(len(chart)) + tilt.T * tilt
    return slopes - tilt * across.inv() * (tilt.T * slopes)
