"""What is claimed of a typed problem, and the evidence: derivatives, thresholds, two-cycles, and the end of a run.

Every check takes the scale of what it checks, and a run the steps that the multipliers ask for; what a check cannot
tell is undecided, with what would decide it. The end that the edge law predicts is a prediction under test, and open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from sympy import Expr, Float, Poly, Rational, Symbol, fraction, oo, simplify, together

from analysis.derive.derivatives import compare_derivatives
from analysis.derive.growth import shows_stability
from analysis.derive.jets import jet
from analysis.derive.orbits import representative
from analysis.derive.problem import Problem
from analysis.study import Claim, Evidence, Pieces, Status, about, agreement, bounded, theorem
from analysis.study.evidence import Channel
from eos_sym import STEP_SIZE, BadInput, Map, Objective, Undecided, quadratic
from eos_sym.algebra import point_where_positive
from eos_sym.rules import RULES, Preconditioned
from eos_sym.stability import StabilityCondition, stability
from numeric import CompilationError, compile_function

ROUNDING = 1e-9
NEAR_THRESHOLD = Rational(1, 100)
END_TOLERANCE = 0.2  # of the distance of the predicted end from the edge; the law is of leading order


def derivatives(problem: Problem, seed: int) -> Pieces:
    """Gradient and Hessian with the values given, at random points about the start, or what there is instead."""
    weights = problem.objective.weights
    centres = [[float(value) for value in point.values()] for point in (problem.start, problem.near) if point]
    try:
        objective = Objective("loss", problem.objective.loss.subs(problem.at), weights)
        inside = point_where_positive(objective.domain, weights) or {}
        middle = [float(inside[weight]) if objective.domain else 0.0 for weight in weights]
        yield from compare_derivatives(objective, [*centres, middle], seed)
    except (CompilationError, BadInput) as error:
        raise Undecided(f"the derivatives: {error}") from error


def threshold(problem: Problem, rule: str, critical: Any, source: str) -> Iterator[Claim]:
    """That the rule on a quadratic is stable just below its critical sharpness and not above, with the values given."""
    dynamics = RULES[rule].map(quadratic(1))
    (curvature,) = quadratic(1).parameters
    named = {symbol.name: value for symbol, value in problem.at.items()}
    needed = [symbol for symbol in dynamics.parameters if symbol != curvature and not symbol.name.startswith("p_")]
    if not isinstance(critical, Expr) or any(symbol.name not in named for symbol in needed):
        return
    given = {symbol: named[symbol.name] for symbol in needed}
    values: dict[Symbol, Any] = dict.fromkeys(dynamics.parameters, 1) | given
    quantity = "λ₁(P⁻¹H)" if isinstance(RULES[rule], Preconditioned) else "the sharpness"
    level = critical.subs(values)
    yield Claim(
        f"critical_sharpness_of_{rule}",
        f"on a quadratic {rule.replace('_', ' ')} is stable while {quantity} is below {float(level):.6g}, not above",
        source,
        partial(about_the_threshold, dynamics, curvature, values, level),
    )


def about_the_threshold(dynamics: Map, curvature: Symbol, values: Mapping[Symbol, Any], level: Expr) -> Pieces:
    """The margins of stability at every sharpness, and what becomes of a run on both sides."""
    origin = dict.fromkeys(dynamics.state, 0)
    fixed = {symbol: value for symbol, value in values.items() if symbol != curvature}
    condition = stability(dynamics.jacobian.subs({**origin, **fixed}))
    yield partial(on_both_sides, condition, curvature, level)
    for verdict, side, factor in (("stable", "below", 1 - NEAR_THRESHOLD), ("unstable", "above", 1 + NEAR_THRESHOLD)):
        where = f"{float(NEAR_THRESHOLD):.0%} {side} the critical sharpness"
        yield partial(shows_stability, verdict, where, dynamics, [origin], {**values, curvature: factor * level})


def on_both_sides(condition: StabilityCondition, curvature: Symbol, level: Expr) -> Evidence:
    """That it is stable at every sharpness below the level, and at none above.

    Below, no margin vanishes; above, one is negative that vanishes there and, by Sturm's theorem, nowhere else.
    """
    below = "stable" if simplify(condition.critical_value(curvature) - level) == 0 else "undecided"

    def stays_negative(margin: Expr) -> bool:
        above, beneath = (Poly(part, curvature) for part in fraction(together(margin)))
        once = above.count_roots(0, oo) - above.count_roots(0, 0) == 1 and beneath.count_roots(0, oo) == 0
        vanishes = simplify(margin.subs(curvature, level)) == 0
        return bool(once and vanishes and margin.subs(curvature, 2 * level).is_negative)

    beyond = "unstable" if any(map(stays_negative, condition.margins)) else "undecided"
    quantity = "stability at every sharpness below the critical one, and at every one above"
    return theorem(quantity, "stable, unstable", f"{below}, {beyond}")


def two_cycles(problem: Problem, rule: str, found: Any, source: str) -> Iterator[Claim]:
    """That each two-cycle that was settled is what it was found to be."""
    if not isinstance(found, list) or any(symbol not in problem.at for symbol in problem.maps[rule].parameters):
        return
    settled = (cycle for cycle in found if "points" in cycle and cycle["verdict"] in ("stable", "unstable"))
    for index, cycle in enumerate(settled):
        first, second = representative(cycle)
        where = ", ".join(f"{name} = {float(first[name]):.6g} ↔ {float(second[name]):.6g}" for name in first)
        where += _shifted(cycle)
        yield Claim(
            f"two_cycle_{index + 1}_of_{rule}",
            f"{rule.replace('_', ' ')} has the two-cycle {where}; it is {cycle['verdict']}",
            source,
            partial(returns, problem, rule, cycle),
        )


def _shifted(cycle: Mapping[str, Any]) -> str:
    """How the other members of a family follow from the one whose integers are 0."""
    integers = [Symbol(name, integer=True) for name in cycle.get("for_every_integer", ())]
    points = cycle["points"][0].items() if integers else ()
    periodic = {name: value for name, value in points if isinstance(value, Expr) and value.has(*integers)}
    shifts = {name: value - value.subs(dict.fromkeys(integers, 0)) for name, value in periodic.items()}
    moved = [f"{name} by {shift}" for name, shift in shifts.items()]
    return f", and every one shifted from it in {', '.join(moved)}" if moved else ""


def returns(problem: Problem, rule: str, cycle: Mapping[str, Any]) -> Pieces:
    """One step of the compiled map from each point, a run from close by, which comes back or leaves, and the proof.

    The verdict is that of the proof, so that what can fail about it is the run.
    """
    dynamics, points, verdict = problem.maps[rule], representative(cycle), cycle["verdict"]
    located = [{symbol: point[symbol.name] for symbol in dynamics.state} for point in points]
    run = partial(shows_stability, verdict, "of the cycle", dynamics, located, problem.at)
    yield from about("has the two-cycle", partial(one_step, dynamics, located, problem.at))
    yield from about("it is", run)
    if cycle["status"] == "proved":
        exact = all(isinstance(value, Expr) for point in points for value in point.values())
        channel: Channel = "symbolic" if exact else "interval"
        quantity = "solutions of F(F(θ)) = θ" + ("" if exact else " in boxes about the points")
        yield from about("has the two-cycle", Evidence(channel, quantity, "proved", "2 points", "2 points"))
        yield from about("it is", Evidence(channel, "verdict of the multipliers", "proved", verdict, verdict))


def one_step(dynamics: Map, points: list[dict[Symbol, Any]], values: Mapping[Symbol, Any]) -> Evidence:
    """How far a step of the compiled map from each point misses the other, relative to what rounding leaves unknown.

    The points are known to the rounding of their size, which a step magnifies by at most the norm of its Jacobian.
    """
    settings = [float(values[symbol]) for symbol in dynamics.parameters]
    step, worst = compile_function(dynamics.step, (*dynamics.state, *dynamics.parameters)), 0.0
    for start, goal in (points, points[::-1]):
        at = {symbol: Float(float(value)) for symbol, value in start.items()}
        norm = float(dynamics.jacobian.subs({**values, **at}).norm())
        size = max(abs(float(value)) for value in (*start.values(), *goal.values()))
        end = step(*(float(start[symbol]) for symbol in dynamics.state), *settings)
        misses = [abs(float(ahead) - float(goal[symbol])) for symbol, ahead in zip(dynamics.state, end, strict=True)]
        worst = max(worst, max(misses) / (size * (1 + norm)))
    quantity = "distance of a step from each point to the other, over their size times 1 + |the Jacobian|"
    return bounded("simulation", quantity, worst, below=ROUNDING)


def end(problem: Problem, predicted: float | None, run: xr.Dataset) -> Iterator[Claim]:
    """That the run ends where the edge law says."""
    if predicted is not None:
        statement = (
            f"gradient descent ends at the sharpness {float(predicted):.6g}, as the edge law predicts, within "
            f"{END_TOLERANCE:.0%} of its distance from the edge"
        )
        source = "the edge law, to leading order"
        yield Claim("end", statement, source, partial(sharpness_at_the_end, problem, float(predicted), run), open=True)


def sharpness_at_the_end(problem: Problem, predicted: float, run: xr.Dataset) -> Pieces:
    """The prediction against the end of the run, and that end against automatic differentiation."""
    outcome = str(run.outcome.values)
    if outcome != "converged":
        status: Status = "undecided" if outcome == "undecided" else "refuted"
        found = "not at its end; --steps gives more" if outcome == "undecided" else outcome
        yield Evidence("simulation", "sharpness at the end of the run", status, predicted, found)
        return
    observed, distance = float(run.final_sharpness), abs(2 / float(problem.at[STEP_SIZE]) - predicted)
    tolerance = END_TOLERANCE * distance
    yield agreement("simulation", "sharpness at the end of the run", predicted, observed, absolute=tolerance)
    try:
        at_the_end = jet(problem.objective.loss.subs(problem.at), problem.objective.weights, run.final.values[None])
    except BadInput as error:  # a function that it does not know
        raise Undecided(str(error)) from error
    value = float(np.linalg.eigvalsh(at_the_end.hessian[:, :, 0])[-1])
    yield agreement(
        "autograd", "sharpness at the end of the run, by automatic differentiation", observed, value, relative=ROUNDING
    )
