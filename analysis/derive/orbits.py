"""Fixed points and two-cycles of a typed problem, with multipliers, verdict, and what is known of each.

Orbits that were found numerically are handed to `numeric.proofs.certify`; where it succeeds, they are proved.
Coordinates in closed form stay expressions, all others are floats.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sympy import CRootOf, Dummy, Expr, Float, I, Symbol, im, re

from analysis.derive.problem import Problem
from eos_sym import Map, Undecided
from eos_sym.losses.domain import is_in
from eos_sym.orbits import Manifold, Orbit, Orbits
from eos_sym.orbits import fixed_points as find_fixed_points
from eos_sym.orbits import two_cycles as find_two_cycles
from eos_sym.stability import StabilityCondition
from numeric.proofs import certify


def fixed_points(rule: str, problem: Problem) -> Any:
    """The fixed points of the rule's map, manifolds of them among the rest."""
    dynamics, at = _with_given(problem, rule)
    return _described(_inside(find_fixed_points(dynamics, at, _named_points(problem)), problem), dynamics, at)


def two_cycles(rule: str, problem: Problem) -> Any:
    """The two-cycles of the rule's map."""
    dynamics, at = _with_given(problem, rule)
    return _described(_inside(find_two_cycles(dynamics, at, _named_points(problem)), problem), dynamics, at)


def _inside(found: Orbits, problem: Problem) -> Orbits:
    """Those orbits that are not known to leave the set where the loss is defined."""
    domain = problem.with_values.objective.domain
    kept = tuple(orbit for orbit in found.orbits if all(is_in(domain, point) is not False for point in orbit.points))
    manifolds = tuple(part for part in found.manifolds if is_in(domain, part.chart) is not False)
    return replace(found, orbits=kept, manifolds=manifolds)


def _named_points(problem: Problem) -> list[Mapping[Symbol, Expr]]:
    """The points that the user named, near which the orbits matter most."""
    return [point for point in (problem.near, problem.start) if point]


def _with_given(problem: Problem, rule: str) -> tuple[Map, dict[Symbol, Expr]]:
    dynamics = problem.maps[rule]
    return dynamics, {symbol: problem.at[symbol] for symbol in dynamics.parameters if symbol in problem.at}


@dataclass(frozen=True)
class Listed:
    """Descriptions of orbits, whether they are known to be all of them, and how that is known or why it is not."""

    orbits: list[dict[str, Any]]
    complete: bool
    reason: str


def _described(found: Orbits, dynamics: Map, at: Mapping[Symbol, Expr]) -> Listed:
    if not found.orbits and not found.manifolds and not found.complete:
        raise Undecided(found.reason)
    listed = [_orbit(orbit, dynamics, at) for orbit in found.orbits]
    listed += [_manifold(manifold) for manifold in found.manifolds]
    return Listed(listed, found.complete, found.reason)


def _orbit(orbit: Orbit, dynamics: Map, at: Mapping[Symbol, Expr]) -> dict[str, Any]:
    status, verdict = orbit.status, orbit.verdict
    neutral = orbit.neutral if verdict == "stable" else 0
    if status == "numerical" and set(dynamics.parameters) <= set(at):
        certificate = certify(dynamics, orbit.representative.points, at)
        if certificate.status == "proved":
            status, verdict, neutral = "proved", certificate.verdict, certificate.neutral
    try:
        multipliers: Any = [_value(multiplier) for multiplier in orbit.multipliers]
    except Undecided as reason:
        multipliers = f"undecided: {reason}"
    if verdict == "stable" and neutral:
        verdict = "marginal"  # degenerate, or a point of a continuum: the linear part does not decide
    described: dict[str, Any] = {
        "points": [{name.name: _value(value) for name, value in point.items()} for point in orbit.points],
        "multipliers": multipliers,
        "verdict": verdict,
        "status": status,
    }
    if verdict == "undecided" and orbit.error == 0:
        with suppress(Undecided):
            described |= _unstable(orbit.stability)
    if orbit.integers:
        described["for_every_integer"] = [symbol.name for symbol in orbit.integers]
    if orbit.real_where:
        described["real_where_positive"] = list(orbit.real_where)
    return described


def _manifold(manifold: Manifold) -> dict[str, Any]:
    plain = {name: Symbol(name.name, real=True) for name in manifold.variables if isinstance(name, Dummy)}
    described: dict[str, Any] = {
        "equations": [equation.subs(plain) for equation in manifold.equations],
        "dimension": manifold.dimension,
        "verdict": "undecided",
        "status": manifold.status,
    }
    if plain:
        described["second_point"] = [str(name) for name in plain.values()]
    if manifold.sample is None:
        described["reason"] = "complex solutions; no real one at which they are smooth was found"
    if manifold.sample is not None and not manifold.equations:
        described["sample"] = {plain.get(name, name).name: _value(value) for name, value in manifold.sample.items()}
        described["reason"] = "beside this orbit, where multipliers are 1, others are found numerically"
    if manifold.where:
        described["where_positive"] = [condition.subs(plain) for condition in manifold.where]
    if manifold.chart:
        described["chart"] = {name.name: value.subs(plain) for name, value in manifold.chart.items()}
    try:
        condition = manifold.stability
        described["neutral_multipliers"] = condition.neutral
        described["stable_where_positive"] = [margin.subs(plain) for margin in condition.margins]
        if condition.multipliers is not None:
            described["multipliers"] = [multiplier.subs(plain) for multiplier in condition.multipliers]
        described |= _unstable(condition)  # all along it; stability is across it alone
    except Undecided:
        pass  # the equations are an answer without their stability
    return described


def _unstable(condition: StabilityCondition) -> dict[str, Any]:
    """The verdict if some multiplier is known to be beyond the unit circle, and where that is not so."""
    if condition.verdict({}) == "unstable":
        return {"verdict": "unstable"}
    exception = condition.unstable_unless_zero
    return {} if exception is None else {"verdict": "unstable", "unless_zero": exception}


def representative(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The points of an orbit as it was described, of a family those of the member for the integers 0."""
    zeros = {Symbol(name, integer=True): 0 for name in described.get("for_every_integer", ())}
    return [
        {name: _value(value.subs(zeros)) if isinstance(value, Expr) else value for name, value in point.items()}
        for point in described.get("points", ())
    ]


def _value(value: Expr) -> Any:
    """An expression that `eos_sym.reading.parse` reads back, a float, or a complex number."""
    if value.free_symbols:
        return value.xreplace({number: Float(number, 17) for number in value.atoms(Float)})
    if not value.has(Float, CRootOf, I):
        return value
    real, imaginary = (float(part.evalf(17)) for part in (re(value), im(value)))
    return complex(real, imaginary) if imaginary else real
