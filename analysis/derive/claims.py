"""What is claimed of a typed problem: its derivatives, thresholds and two-cycles, and where gradient descent ends.

The derivatives are compared with torch's automatic differentiation and with finite differences of the compiled loss;
thresholds and two-cycles are simulated on both sides; the predicted end is a prediction under test, and so is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from sympy import Expr, Float, Symbol

from analysis.derive.experiments import compiled
from analysis.derive.problem import Problem
from analysis.derive.theory import Theory
from analysis.study.claim import Claim, Evidence, Status, agreement, bounded, same, theorem
from eos_sym import STEP_SIZE, quadratic
from eos_sym.rules import RULES, Preconditioned
from eos_sym.stability import stability
from numeric import compile_function, compile_map

SOURCE, LAW = "derived here", "the edge law, to leading order"
POINTS = 5
ROUNDING = 1e-9
DIFFERENCE = 1e-5  # half the distance of the points of a finite difference, relative to 1 + |θ|
DIFFERENCE_ERROR = 1e-5
NEAR_THRESHOLD = 1e-2
THRESHOLD_STEPS = 4000
PERTURBATION = 1e-6  # of a two-cycle, relative
RETURNS = 200  # passages along a two-cycle
END_TOLERANCE = 0.2  # of the distance of the predicted end from the edge; the law is of leading order


def claims_about(problem: Problem, theory: Theory, data: Mapping[str, xr.Dataset], seed: int) -> list[Claim]:
    """All claims for which there are values enough."""
    claims = []
    if all(symbol in problem.at for symbol in problem.objective.parameters):
        claims.append(derivatives(problem, seed))
    for rule, results in theory.of_rules.items():
        if isinstance(results["critical_sharpness"], Expr):
            claims += threshold(problem, rule, results["critical_sharpness"])
        claims += two_cycles(problem, rule, results["two_cycles"])
        if rule in data:
            claims += end(problem, results["edge"], data[rule])
    return claims


def derivatives(problem: Problem, seed: int) -> Claim:
    """Gradient and Hessian against autograd and finite differences, at random points."""
    objective = problem.objective
    dimension = len(objective.weights)
    expressions = [entry.subs(problem.at) for entry in (objective.loss, *objective.gradient, *objective.hessian)]
    functions = compiled(lambda: compile_function(expressions, objective.weights))
    around = list(map(float, (problem.start or problem.near or dict.fromkeys(objective.weights, 0)).values()))
    points = np.array(around) + np.random.default_rng(seed).uniform(-0.5, 0.5, (POINTS, dimension))
    values = np.array([np.broadcast_to(entry, POINTS) for entry in functions(*points.T)])
    gradients, hessians = values[1 : dimension + 1].T, values[dimension + 1 :].T.reshape(POINTS, dimension, dimension)

    def by_autograd() -> Evidence:
        import torch

        from numeric.networks import gradient, hessian, torch_function

        loss = torch_function(expressions[0], objective.weights)
        errors = []
        for point, slope, curvature in zip(points, gradients, hessians, strict=True):
            theta = torch.tensor(point, dtype=torch.float64)
            errors += [_error(slope, gradient(loss, theta).numpy()), _error(curvature, hessian(loss, theta).numpy())]
        return bounded("autograd", max(errors), below=ROUNDING)

    def by_differences() -> Evidence:
        errors = []
        for direction in range(dimension):
            half = np.zeros((POINTS, dimension))
            half[:, direction] = DIFFERENCE * (1 + np.abs(points[:, direction]))
            ahead, behind = (np.array(functions(*(points + sign * half).T)[: dimension + 1]) for sign in (1, -1))
            slopes = (ahead - behind) / (2 * half[:, direction])
            errors += [_error(gradients[:, direction], slopes[0]), _error(hessians[:, :, direction].T, slopes[1:])]
        return bounded("simulation", max(errors), below=DIFFERENCE_ERROR)

    return Claim(
        "derivatives", "the gradient and the Hessian are the loss's derivatives", SOURCE, [by_autograd, by_differences]
    )


def _error(expected: Any, observed: Any) -> float:
    return float(np.max(np.abs(expected - observed) / (1 + np.abs(expected))))


def threshold(problem: Problem, rule: str, critical: Expr) -> list[Claim]:
    """The rule on a quadratic just below and just above its critical sharpness, with the values given."""
    objective = quadratic(1)
    (curvature,) = objective.parameters
    dynamics = RULES[rule].map(objective)
    named = {symbol.name: value for symbol, value in problem.at.items()}
    needed = [symbol for symbol in dynamics.parameters if symbol != curvature and not symbol.name.startswith("p_")]
    if any(symbol.name not in named for symbol in needed):
        return []
    values: dict[Symbol, Any] = dict.fromkeys(dynamics.parameters, 1) | {
        symbol: named[symbol.name] for symbol in needed
    }
    sides = [critical.subs(values) * (1 + sign * Float(NEAR_THRESHOLD)) for sign in (-1, 1)]

    def derived() -> Evidence:
        jacobian = dynamics.jacobian.subs(dict.fromkeys(dynamics.state, 0))
        verdicts = [stability(jacobian.subs(values | {curvature: side})).verdict({}) for side in sides]
        return theorem("stable, unstable", ", ".join(verdicts))

    def simulated() -> Evidence:
        parameters: dict[str, Any] = {symbol.name: float(value) for symbol, value in values.items()}
        parameters[curvature.name] = xr.DataArray([float(side) for side in sides], dims="side")
        start = dict.fromkeys((symbol.name for symbol in dynamics.state), 0.0) | {objective.weights[0].name: 1.0}
        run = compile_map(dynamics).run(start, parameters, steps=THRESHOLD_STEPS)
        sizes = np.abs(run.final).max("state").values
        return same("simulation", "shrinks, grows", ", ".join("shrinks" if size < 1 else "grows" for size in sizes))

    shown = rule.replace("_", " ")
    quantity = "λ₁(P⁻¹H)" if isinstance(RULES[rule], Preconditioned) else "the sharpness"
    statement = (
        f"on a quadratic {shown} is stable while {quantity} is below {float(critical.subs(values)):.6g}, not above"
    )
    return [Claim(f"critical_sharpness_of_{rule}", statement, SOURCE, [derived, simulated])]


def two_cycles(problem: Problem, rule: str, found: Any) -> list[Claim]:
    """Each two-cycle that was settled: the proof, and runs from close by, which come back or leave."""
    if not isinstance(found, list) or any(symbol not in problem.at for symbol in problem.maps[rule].parameters):
        return []
    return [
        _two_cycle(problem, rule, index, cycle)
        for index, cycle in enumerate(cycle for cycle in found if cycle["verdict"] in ("stable", "unstable"))
    ]


def _two_cycle(problem: Problem, rule: str, index: int, cycle: Mapping[str, Any]) -> Claim:
    first, second = cycle["points"]
    exact = isinstance(next(iter(first.values())), Expr)

    def proved() -> Evidence:
        status: Status = "proved" if cycle["status"] == "proved" else "supported"
        return Evidence("symbolic" if exact else "interval", status, cycle["verdict"], cycle["verdict"])

    def simulated() -> Evidence:
        dynamics = problem.maps[rule]
        names = [symbol.name for symbol in dynamics.state]
        cycle_point = np.array([float(first[name]) for name in names])
        directions = np.random.default_rng(index).standard_normal(len(names))
        size = PERTURBATION * (1 + np.abs(cycle_point).max())
        start = cycle_point + size * directions / np.linalg.norm(directions)
        parameters = {symbol.name: float(problem.at[symbol]) for symbol in dynamics.parameters}
        run = compile_map(dynamics).run(
            dict(zip(names, start, strict=True)), parameters, steps=2 * RETURNS, record_every=2
        )
        distances = np.abs(run.trajectory.values - cycle_point).max(axis=1) / size
        return same("simulation", cycle["verdict"], "stable" if distances[-1] < 1 else "unstable")

    where = ", ".join(f"{name} = {float(first[name]):.6g} ↔ {float(second[name]):.6g}" for name in first)
    return Claim(
        f"two_cycle_{index + 1}_of_{rule}",
        f"{rule.replace('_', ' ')} has the {cycle['verdict']} two-cycle {where}",
        SOURCE,
        [proved, simulated],
    )


def end(problem: Problem, edge: Any, run: xr.Dataset) -> list[Claim]:
    """The prediction of the edge law against the end of the run, and that end against autograd."""
    predicted = edge.get("predicted_end")
    if predicted is None:
        return []
    objective = problem.objective
    outcome = str(run.outcome.values)
    statement = f"gradient descent ends at the sharpness {float(predicted):.6g}, as the edge law predicts"
    if outcome != "converged":
        status: Status = "undecided" if outcome == "undecided" else "refuted"
        found = "not at its end; --steps gives more" if outcome == "undecided" else outcome
        evidence = Evidence("simulation", status, float(predicted), found)
        return [Claim("end", statement, LAW, [lambda: evidence], open=True)]
    observed = float(run.final_sharpness)
    distance = abs(2 / float(problem.at[STEP_SIZE]) - float(predicted))

    def by_autograd() -> Evidence:
        import torch

        from numeric.networks import sharpness, torch_function

        loss = torch_function(objective.loss.subs(problem.at), objective.weights)
        value = sharpness(loss, torch.tensor(run.final.values, dtype=torch.float64))
        return agreement("autograd", observed, value, relative=ROUNDING)

    return [
        Claim(
            "end",
            statement,
            LAW,
            [
                partial(agreement, "simulation", float(predicted), observed, absolute=END_TOLERANCE * distance),
                by_autograd,
            ],
            open=True,
        )
    ]
