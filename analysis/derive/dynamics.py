"""Flips, self-stabilization and limit flows of a typed problem.

Where an isolated minimum loses its stability to gradient descent, the flip coefficient says whether a stable two-cycle
is born there. At a point where the sharpness rises along the gradient, the cubic expansion gives the self-stabilization
cycle. On a manifold of minima, rules that never come to rest follow a limit flow in the time τ = η²t.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from mpmath import mp
from sympy import Expr, Float, Rational, Symbol, pi, sqrt

from analysis.derive.limited import NotDerived
from analysis.derive.problem import Problem
from eos_sym import STEP_SIZE, Objective, Undecided
from eos_sym.edge import flip_normal_form
from eos_sym.flows import limit_flow
from eos_sym.losses import Derivatives, values_of
from eos_sym.losses.domain import is_in
from eos_sym.orbits import Orbit, fixed_points
from eos_sym.reasons import brief
from eos_sym.rules import RULES
from eos_sym.self_stabilization import DRIFT, NOT_STEEP, CubicExpansion, exact_zeros, neglected, top_eigenvector
from eos_sym.stability import stability

DIGITS = 60  # half of which may be lost before something is taken for 0
NEWTON_STEPS = 4  # from some 15 digits to all of them
MOST_REASONS = 3
SINGULAR = mp.mpf("1e-9")  # an eigenvalue this small, relative to the largest, counts as 0


def flips(rule: str, problem: Problem) -> Any:
    """At every isolated minimum: the critical step size, and what the flip there is like."""
    if rule != "gradient_descent":
        raise Undecided(f"flips are classified for gradient descent, not for {rule}")
    dynamics = problem.maps[rule]
    at = {symbol: problem.at[symbol] for symbol in problem.objective.parameters if symbol in problem.at}
    found, reasons = [], []
    for orbit in fixed_points(dynamics, {**at, STEP_SIZE: 1}).orbits:  # they are the same at every step size
        if is_in(problem.with_values.objective.domain, orbit.points[0]) is False:
            continue
        try:
            smooth = replace(problem, objective=problem.objective.smooth_near({**at, **orbit.points[0]}))
            point, critical = _losing_stability(smooth, orbit, at)
        except Undecided as reason:  # a kink, a saddle, a minimum with a singular Hessian, or parameters
            reasons.append(f"at {brief(orbit.points[0])}: {reason}")
            continue
        described = {"point": _plain(orbit.points[0]), "critical_step_size": _in_float(critical)}
        try:
            form = flip_normal_form(smooth.maps[rule], point, {**at, STEP_SIZE: critical})
            named = {direction: Symbol(direction.name, real=True) for direction in form.along}
            described |= {"coefficient": _in_float(form.coefficient.xreplace(named)), "kind": form.kind}
            if named:
                described["along"] = [str(name) for name in named.values()]
        except Undecided as reason:
            described |= {"coefficient": None, "kind": "undecided", "reason": str(reason)}
        found.append(described)
    if not found:
        few = [*reasons[:MOST_REASONS], *["and so on"] * (len(reasons) > MOST_REASONS)]
        raise Undecided(f"flips: {'; '.join(few) or 'no isolated critical point was found'}")
    return found


def _losing_stability(problem: Problem, orbit: Orbit, at: Mapping[Symbol, Expr]) -> tuple[dict[Symbol, Expr], Expr]:
    """A minimum and its critical step size, in closed form or to many digits."""
    (point,) = orbit.points
    if orbit.error == 0:
        jacobian = problem.maps["gradient_descent"].jacobian.subs(at).subs(point)
        with suppress(Undecided):  # a saddle, or no closed form
            return dict(point), stability(jacobian).critical_value(STEP_SIZE)
    objective = problem.objective
    if len(at) < len(objective.parameters) or any(value.free_symbols for value in point.values()):
        raise Undecided("numbers need values for all parameters")
    with mp.workdps(DIGITS):
        derivatives, place = Derivatives(objective, at), values_of("the point", objective.weights, point)
        for _ in range(NEWTON_STEPS):
            here = derivatives.expansion(place)
            if here.eigenvalues[-1] <= SINGULAR * here.eigenvalues[0]:
                raise Undecided("a saddle, or a singular Hessian")
            steps = [force / value for force, value in zip(here.forces, here.eigenvalues, strict=True)]
            place = list(mp.matrix(place) - here.vectors * mp.matrix(steps))
        critical = Float(2 / derivatives.expansion(place).eigenvalues[0], DIGITS)
        return {weight: Float(value, DIGITS) for weight, value in zip(objective.weights, place, strict=True)}, critical


def _plain(point: Mapping[Symbol, Expr]) -> dict[str, Any]:
    return {name.name: _in_float(value) for name, value in point.items()}


def _in_float(value: Expr) -> Expr | float:
    return float(value) if value.has(Float) and not value.free_symbols else value


def self_stabilization(rule: str, problem: Problem) -> Any:
    """α, β, δ and, with a step size, ε and the length of a turn, at --near or else at --start."""
    if rule != "gradient_descent":
        raise Undecided(f"self-stabilization is derived for gradient descent, not for {rule}")
    if len(problem.objective.weights) == 1:
        raise Undecided("self-stabilization: with one weight there is no second direction to stabilize by")
    point = problem.near or problem.start
    if point is None:
        raise Undecided("self-stabilization: no point to expand the loss at; give --near or --start")
    missing = [symbol.name for symbol in problem.objective.parameters if symbol not in problem.at]
    if missing:
        raise Undecided(f"self-stabilization: numbers need values for {', '.join(missing)}: add --at")
    loss = problem.objective.loss.subs({symbol: problem.at[symbol] for symbol in problem.objective.parameters})
    objective = Objective(problem.objective.name, loss, problem.objective.weights).smooth_near(point)
    expansion = CubicExpansion(objective, point, top_eigenvector(objective.hessian.subs(point), DIGITS))
    zeros = exact_zeros(objective, point)
    try:
        beta = 0.0 if zeros.steepness else float(expansion.beta)
    except Undecided:
        beta = 0.0
    alpha = 0.0 if beta == 0 or zeros.sharpening else float(expansion.sharpening)
    found = {"sharpness": float(expansion.sharpness), "alpha": alpha, "beta": beta}
    if alpha <= 0:
        no_drive = f"self-stabilization: no progressive sharpening at this point, α = {alpha:.6g}"
        none = NotDerived(no_drive if beta else NOT_STEEP)
        return found | dict.fromkeys(("delta", "epsilon", "steps_of_a_small_turn"), none)
    return found | _cycle(expansion, problem.at.get(STEP_SIZE))


def _cycle(expansion: CubicExpansion, step_size: Rational | None) -> dict[str, Any]:
    """δ, and with a step size ε and the length of a turn, as far as the expansion reaches."""
    delta: Any = float(expansion.delta)
    if step_size is None:
        return {"delta": delta}
    epsilon = float(expansion.epsilon.subs(STEP_SIZE, step_size))
    turn: Any = float(sqrt(2) * pi) / epsilon
    try:
        shares = neglected(expansion, step_size)
    except Undecided as reason:
        delta = turn = NotDerived(f"the cubic expansion does not reach the width of its cycle, {delta:.4g}: {reason}")
    else:
        largest = max(shares, key=lambda name: shares[name])
        if shares[DRIFT] >= 1:
            delta = NotDerived(f"the expansion does not reach the width of the cycle: {DRIFT}, is {shares[DRIFT].n(3)}")
        if shares[largest] >= 1:
            turn = NotDerived(f"the expansion does not reach its cycle: {largest}, is {shares[largest].n(3)}")
    return {"delta": delta, "epsilon": epsilon, "steps_of_a_small_turn": turn}


def flow_on_minima(rule: str, problem: Problem) -> Any:
    """The flow dX/dτ in the coordinates of the minima's chart, of every chart where there are several."""
    problem = problem.with_values
    pieces = problem.objective.minima.pieces
    if not pieces:
        raise Undecided(f"the limit flow: there is no minimum: {problem.objective.minima.reason}")
    manifolds = [piece for piece in pieces if piece.free and piece.chart]
    if any(not piece.chart for piece in pieces):
        raise Undecided("the limit flow: the minima fill a region, in which nothing moves")
    if not manifolds:
        raise Undecided("the limit flow: the minima are points, with no others to move along to")
    flows = [limit_flow(RULES[rule], problem.objective.beside(piece), piece.chart) for piece in manifolds]
    return flows[0] if len(flows) == 1 else {"pieces": flows}
