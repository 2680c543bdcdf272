"""The edge law of a typed problem: at the minimum with sharpness 2/η near a given point, or in closed form.

The point is that of ``--near``; without it, the end of gradient flow from ``--start``. The prediction for a start takes
its excess at the end of gradient flow from there. Without values, the law is derived in symbols where the minima and
the rank of the Hessian there are known.

The law is an expansion. Numbers beyond its range are undecided, with what decided that; in symbols the terminal
sharpness comes with the part of the depth by which the next order corrects it, to be small against 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Rational, Symbol, factor

from analysis.derive.limited import NotDerived
from analysis.derive.problem import Point, Problem
from eos_sym import STEP_SIZE, BadInput, Undecided
from eos_sym.edge import EdgeNormalForm, edge_normal_form, edge_normal_form_at, minimum_at_edge
from eos_sym.losses import Derivatives

ISOLATED = "the edge law is one of curves of minima; at an isolated minimum it is the flip that decides"


@dataclass(frozen=True)
class FlowEnd:
    """Where gradient flow from the start ends, how sharp it is there, and how far along u the start is from there."""

    point: Mapping[Symbol, Rational]
    sharpness: float
    distance: float


def edge(rule: str, problem: Problem) -> Any:
    """β, κ₄, the kind, and where gradient descent ends; what is not known is None, with the reason beside it."""
    if rule != "gradient_descent":
        return without_edge(f"the edge law is derived for gradient descent only, not for {rule}")
    if len(problem.objective.weights) == 1:
        return without_edge(ISOLATED)
    parameters = (*problem.objective.parameters, STEP_SIZE)
    missing = [symbol.name for symbol in parameters if symbol not in problem.at]
    if missing:
        return _symbolic(problem, f"numbers need values for {', '.join(missing)}: add --at")
    at = {symbol: problem.at[symbol] for symbol in problem.objective.parameters}
    try:
        end = _flow_end(problem, problem.start, at) if problem.start is not None else None
    except Undecided as reason:
        end, missing_end = None, str(reason)
    else:
        missing_end = "no --start was given" if end is None else ""
    near = problem.near or (end.point if end else None)
    if near is None:
        return _symbolic(problem, f"no point near the edge: give --near, one value for every weight ({missing_end})")
    eta = problem.at[STEP_SIZE]
    try:
        minimum = minimum_at_edge(problem.objective, eta, near, at)
        form = edge_normal_form_at(problem.objective, minimum.weights, eta, problem.tau, at)
    except Undecided as reason:
        return without_edge(str(reason))
    except BadInput as error:
        return without_edge(f"{error} (--near gives another point)")
    report = {
        "beta": float(form.beta),
        "quartic": float(form.quartic),
        "kind": form.kind,
        "terminal_sharpness": _terminal_sharpness(form),
        "minimum_at_the_edge": {name.name: float(value) for name, value in minimum.weights.items()},
        "slow_directions": form.slow,
        "slow_threshold": problem.tau,
    }
    return report | (_prediction(form, end, eta) if end else {"predicted_end": None, "reason": missing_end})


def _terminal_sharpness(form: EdgeNormalForm) -> float | NotDerived | None:
    """In numbers, undecided beyond the range of the law, and None where it has no such limit."""
    try:
        found = form.terminal_sharpness
    except Undecided as reason:
        return NotDerived(str(reason))
    return None if found is None else float(found)


def _prediction(form: EdgeNormalForm, end: FlowEnd, eta: Rational) -> dict[str, Any]:
    """Where gradient descent from the start ends, by the excess at the end of gradient flow."""
    excess = Rational(end.sharpness) - 2 / eta
    report = {"excess": float(excess), "predicted_end": None}
    if excess <= 0:
        reason = "gradient flow from the start ends below the edge: gradient descent need not reach it"
        return report | {"reason": reason}
    try:
        predicted = float(2 / eta + form.end(excess.evalf(30)))
    except Undecided as beyond:
        return report | {"reason": str(beyond)}
    if end.distance**2 >= (square := form.largest_square(float(excess))):
        far = (
            f"the start is {end.distance:.3g} away from the minima, along the top eigenvector; the edge law is for "
            f"starts much nearer than its orbit's amplitude, {square**0.5:.3g}"
        )
        return report | {"reason": far}
    return report | {"predicted_end": predicted}


def _flow_end(problem: Problem, start: Point, at: Point) -> FlowEnd:
    from numeric.flows import gradient_flow_end  # loads NumPy and SciPy, which nothing else here needs

    by_name = ({symbol.name: float(value) for symbol, value in values.items()} for values in (start, at))
    point, converged = gradient_flow_end(problem.objective, *by_name)
    if not converged:
        raise Undecided("gradient flow from the start was not seen to end at a minimum")
    exact = {weight: Rational(point[weight.name]) for weight in problem.objective.weights}
    here = Derivatives(problem.objective, at).expansion([exact[weight] for weight in problem.objective.weights])
    moved = [float(start[weight] - exact[weight]) for weight in problem.objective.weights]
    distance = abs(sum(float(part) * step for part, step in zip(here.vectors[:, 0], moved, strict=True)))
    return FlowEnd(exact, float(here.eigenvalues[0]), distance)


def _symbolic(problem: Problem, missing: str) -> Any:
    """The normal form in the coordinates of the minima's chart, with what is missing for numbers."""
    try:
        minima = problem.objective.minima
        if not minima.pieces:
            return without_edge(f"there is no minimum: {minima.reason}")
        if not any(piece.free for piece in minima.pieces):
            return without_edge(ISOLATED)
        form = edge_normal_form(problem.objective)
    except Undecided as reason:
        return without_edge(f"{reason}; {missing}")
    return {
        "beta": form.beta,
        "quartic": form.quartic,
        "kind": form.kind,
        "terminal_sharpness": form.terminal_sharpness,
        **_correction(form),
        "predicted_end": None,
        "sharpness": form.sharpness,
        "reason": missing,
    }


def _correction(form: EdgeNormalForm) -> dict[str, Any]:
    """By what part the next order changes the depth, where there is one and it is quick to derive."""
    if form.kind != "self_stabilizing" or len(form.sharpness.free_symbols) > 1:
        return {}
    return {"depth_correction": factor(form.depth_correction)}


def without_edge(reason: str) -> dict[str, Any]:
    """The report where there is no edge law, with the reason."""
    names = ("beta", "quartic", "terminal_sharpness", "predicted_end")
    return {**dict.fromkeys(names), "kind": "undecided", "reason": str(NotDerived(reason))}
