"""What is derived of a typed problem: a function for every part, all of them worked off under a time limit.

Exact results stay expressions, numerical ones become floats; what could not be derived is `NotDerived`, with its
reason. The parts that depend on the rule are derived for every rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sympy import Expr, Float, oo

from analysis.derive.dynamics import flips, flow_on_minima, self_stabilization
from analysis.derive.edge import edge, without_edge
from analysis.derive.limited import NotDerived, Task, run_limited
from analysis.derive.orbits import Listed, fixed_points, two_cycles
from analysis.derive.problem import Problem, refusal
from eos_sym import STEP_SIZE, Map, Undecided
from eos_sym.flows import conserved_quantities
from eos_sym.losses import Piece
from eos_sym.losses.minima import Minima
from eos_sym.rules import RULES, Preconditioned
from eos_sym.stability import critical_sharpness, critical_step_size, stability_across

CONSERVED_DEGREE = 2


def gradient(problem: Problem) -> Any:
    """∇L."""
    return list(problem.objective.gradient)


def hessian(problem: Problem) -> Any:
    """∇²L."""
    return problem.objective.hessian


def minima(problem: Problem) -> Any:
    """The global minima, or the local ones where no others are known, piece by piece; or why there are none."""
    found = _minima(problem)
    if not found.pieces:
        return {"kind": "none", "reason": found.reason}
    kind = "global" if found.are_global else "local"
    pieces = [
        {
            "equations": [*piece.equations],
            "loss": _number(piece.value),
            "chart": {name: _number(value) for name, value in piece.chart.items()},
            **({"where_not_negative": [*piece.where]} if piece.where else {}),
        }
        for piece in found.pieces
    ]
    return {"kind": kind, **pieces[0]} if len(pieces) == 1 else {"kind": kind, "pieces": pieces}


def _minima(problem: Problem) -> Minima:
    """The minima with the values given; where these do not suffice, with what to say of the others."""
    objective = problem.with_values.objective
    try:
        return objective.minima
    except Undecided as reason:
        unsaid = [symbol.name for symbol in objective.parameters if not symbol.is_positive]
        if not unsaid:
            raise
        raise Undecided(f"{reason} (--at, or --positive {' '.join(unsaid)})") from reason


def _number(value: Expr) -> Expr | float:
    """An exact expression, or the float that stands for a number without a closed form."""
    return float(value) if value.has(Float) and not value.free_symbols else value


def stability_at_minima(rule: str, problem: Problem) -> Any:
    """The multipliers of the minima, and the critical step size, piece by piece."""
    problem = problem.with_values
    pieces = problem.objective.minima.pieces
    if not pieces:
        raise Undecided(f"there is no minimum: {problem.objective.minima.reason}")
    reports = [_stability_at(piece, rule, problem) for piece in pieces]
    return reports[0] if len(reports) == 1 else {"pieces": reports}


def _stability_at(piece: Piece, rule: str, problem: Problem) -> dict[str, Any]:
    if not piece.chart:
        return {"critical_step_size": NotDerived("the loss is the same all around, and every point at rest")}
    try:
        problem = replace(problem, objective=problem.objective.beside(piece))
    except Undecided as reason:
        return {"critical_step_size": NotDerived(str(reason))}
    report: dict[str, Any] = {}
    if piece.error == 0:
        dynamics = problem.maps[rule]
        at_rest = {symbol: 0 for symbol in dynamics.state if symbol not in problem.objective.weights}
        condition = stability_across(dynamics, {**piece.chart, **at_rest})
        report |= {"neutral": condition.neutral, "stable_where_positive": list(condition.margins)}
        if condition.multipliers is not None:
            report["multipliers"] = list(condition.multipliers)
    try:
        if isinstance(RULES[rule], Preconditioned) and piece.error == 0:
            critical = condition.critical_value(STEP_SIZE)
        else:
            critical = critical_step_size(RULES[rule], piece.sharpness(problem.objective.hessian))
        report["critical_step_size"] = NotDerived(FLAT) if critical == oo else _number(critical)
    except Undecided as reason:
        report["critical_step_size"] = NotDerived(str(reason))
    return report


def conserved(problem: Problem) -> Any:
    """The polynomials of low degree that gradient flow conserves."""
    return list(conserved_quantities(problem.objective, CONSERVED_DEGREE))


def step(rule: str, problem: Problem) -> Map:
    """The map of one step."""
    return problem.maps[rule]


def critical(rule: str, problem: Problem) -> Any:
    """The sharpness beyond which the rule is unstable on a quadratic."""
    return critical_sharpness(RULES[rule])


COMMON: dict[str, Task] = {
    "gradient": gradient,
    "hessian": hessian,
    "minima": minima,
    "conserved_quantities": conserved,
}
OF_A_RULE = {  # the quick parts first
    "map": step,
    "critical_sharpness": critical,
    "stability_at_minima": stability_at_minima,
    "limit_flow": flow_on_minima,
    "self_stabilization": self_stabilization,
    "flips": flips,
    "fixed_points": fixed_points,
    "edge": edge,
    "two_cycles": two_cycles,
}
LEGEND = {  # what letters and words of a part mean, where it came to something
    ("edge", "beta"): "Σ (v·∇S)² over the slow directions v, at the minimum with S = 2/η",
    ("edge", "quartic"): "κ₄ = ∇⁴L(u,u,u,u) − 3 Σ (v·∇S)²/λ over the fast directions",
    ("edge", "terminal_sharpness"): "the end of gradient descent after a large excess over 2/η: 2/η − 3β/(2|κ₄|)",
    ("edge", "predicted_end"): "its end from --start, with the excess that gradient flow has at its own end",
    ("edge", "depth_correction"): "the part of itself by which the next order deepens the depth; to be small against 1",
    ("self_stabilization", "beta"): "‖∇S⊥‖², over all directions but u, at --near or else --start",
    ("flips", "coefficient"): "c in w ↦ −w + c w³ at the critical step size; a two-cycle is born, stable if c > 0",
}
FLAT = (
    "the Hessian is 0 there and every multiplier 1, at all step sizes, so that the linear part does not decide; "
    "but gradient steps from close enough to the minimum lower the loss"
)
REFUSAL = "refusal"  # of what was typed; where there is no time for it, nothing is refused
OF_MINIMA = ("stability_at_minima", "limit_flow")


@dataclass(frozen=True)
class Theory:
    """The results by name, those of a rule by the rule's name and theirs."""

    common: Mapping[str, Any]
    of_rules: Mapping[str, Mapping[str, Any]]

    def as_report(self) -> dict[str, Any]:
        """All results: with one rule side by side, with several under the names of the rules."""
        legend = {
            f"{part}: {name}".replace("_", " "): said
            for (part, name), said in LEGEND.items()
            if any(_has(results[part], name) for results in self.of_rules.values())
        }
        more = {"legend": legend} if legend else {}
        if len(self.of_rules) == 1:
            (only,) = self.of_rules.values()
            return {**self.common, **only, **more}
        return {**self.common, "rules": self.of_rules, **more}


def _has(part: Any, name: str) -> bool:
    entries = part if isinstance(part, list) else [part]
    return any(isinstance(entry, Mapping) and entry.get(name) is not None for entry in entries)


def derive(problem: Problem, seconds: float) -> Theory:
    """Everything that can be derived of the problem in so many seconds."""
    tasks: dict[Any, Task] = {REFUSAL: refusal, **COMMON}
    for name, of_rule in OF_A_RULE.items():  # the quick parts of every rule before the slow ones of any
        tasks |= {(rule, name): partial(of_rule, rule) for rule in problem.rules}
    needs: dict[Any, Any] = {(rule, name): "minima" for name in OF_MINIMA for rule in problem.rules}
    results = run_limited(tasks, problem, seconds, needs)
    of_rules = {rule: _in_form({name: results[rule, name] for name in OF_A_RULE}) for rule in problem.rules}
    positive = [symbol.name for symbol in problem.with_values.objective.parameters if symbol.is_positive]
    assuming = {"assuming": [f"{name} > 0" for name in positive]} if positive else {}
    return Theory(assuming | {name: results[name] for name in COMMON}, of_rules)


def _in_form(results: dict[str, Any]) -> dict[str, Any]:
    """The results of a rule: lists of orbits with what is known of their completeness beside, the edge by its names."""
    known = {name: result for name, result in results.items() if isinstance(result, Listed)}
    completeness = {name: {"complete": listed.complete, "reason": listed.reason} for name, listed in known.items()}
    lists = {name: listed.orbits for name, listed in known.items()}
    law = results["edge"]
    law = without_edge(law.reason) if isinstance(law, NotDerived) else law
    return {**results, **lists, "edge": law, "completeness": completeness}
