"""The edge-of-stability theory of a loss that you type.

    python -m analysis.derive "(1 - x*y*z*w)**2/2" --weights x y z w --at eta=0.2 \
        --near x=2 y=0.5 z=2 w=0.5 --start x=2.6 y=0.4 z=2.6 w=0.4 --steps 100000

From the formula alone come the gradient, the Hessian, the minima, what gradient flow conserves, and for every rule of
``--rule`` its map and its critical sharpness, the curvature beyond which it is unstable on a quadratic; for a minimum
that is a point its critical step size, and what becomes of gradient descent there. With values for the parameters
(``--at``) come fixed points and two-cycles with their multipliers; those found numerically are proved by
interval arithmetic where that succeeds. With a point near the edge (``--near``), or a start, comes the edge law: the
minimum with the sharpness 2/η nearest to that point, its normal form, and where gradient descent ends. With ``--start``
all of it is put to the test of a simulation.

Gradient and Hessian are compared with automatic differentiation and with finite differences of the compiled loss; the
thresholds and the two-cycles are simulated on both sides; the predicted end is a prediction under test, and so is open.

What cannot be derived is `undecided`, with the reason. The derivation runs in a child process: what is not finished
within ``--timeout`` is undecided as well, and the rest still comes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

import tyro

from analysis.study import CommonOptions, Study
from analysis.study.options import Number
from eos_sym.errors import BadInput

study = Study(__name__, source="derived here")
LONGEST, MOST_STEPS = 3600.0, 20_000_000
LARGEST_TAU = Fraction(1, 3)  # beyond, the gap around it would reach the edge


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """The edge-of-stability theory of a loss, derived and put to the test."""

    loss: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="LOSS")]
    """the loss, for example "(1 - x*y)**2/2"; if it begins with a minus, write -- before it"""
    weights: tuple[str, ...]
    """the symbols of the loss that are trained; all other symbols are parameters"""
    rule: tuple[str, ...] = ("gradient_descent",)
    """optimizers, by name"""
    at: tuple[str, ...] = ()
    """values of parameters, NAME=VALUE, such as eta=0.05 for the step size"""
    near: tuple[str, ...] = ()
    """a point near the minimum with sharpness 2/eta, NAME=VALUE for every weight"""
    start: tuple[str, ...] = ()
    """where to simulate from, NAME=VALUE for every weight"""
    tau: Number = Fraction(1, 100)
    """threshold τ of the edge law: directions with η|λ| well below it, such as those along minima, count as slow"""
    steps: int = 10_000
    """iterations of the simulation"""
    timeout: float = 60.0
    """seconds that the derivation may take"""

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= MOST_STEPS:
            raise BadInput(f"--steps {self.steps}: must be 1 or more, and at most {MOST_STEPS}")
        if not (math.isfinite(self.timeout) and 0 < self.timeout <= LONGEST):
            raise BadInput(f"--timeout {self.timeout:g}: give seconds above 0, at most {LONGEST:g}")
        if not 0 < self.tau < LARGEST_TAU:
            raise BadInput(f"--tau {self.tau}: give a number above 0 and below {LARGEST_TAU}")


from analysis.derive.limited import prepare
from analysis.derive.problem import Problem, read_problem
from analysis.derive.theory import Theory, derive

if study.given:
    prepare()  # now that SymPy is loaded, and before what brings threads

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from sympy import Expr, Rational, Symbol

from analysis.derive.derivatives import compare_derivatives
from analysis.derive.figure import draw
from analysis.derive.growth import shows_stability
from analysis.derive.jets import jet
from analysis.study import Claim, Evidence, Pieces, Status, agreement, expect, theorem
from analysis.study.evidence import Channel
from eos_sym import STEP_SIZE, Map, Objective, Undecided, quadratic
from eos_sym.rules import RULES, Preconditioned
from eos_sym.stability import stability
from numeric import CompilationError, compile_map, compile_observable, compile_sharpness

RECORDED = 4000  # iterations of a run, or so, to a little beyond its end
SHORTEST = 20  # iterations that are shown of a run that ends at once
ROUNDING = 1e-9
NEAR_THRESHOLD = Rational(1, 100)
END_TOLERANCE = 0.2  # of the distance of the predicted end from the edge; the law is of leading order


@study.measurement
def problem(options: Options) -> Problem:
    """What was typed, exact and checked."""
    problem = read_problem(options.loss, options.weights, options.rule, options.at, options.near, options.start)
    return replace(problem, tau=Rational(options.tau))


@study.measurement
def simulations(options: Options, problem: Problem) -> Mapping[str, Callable[[], xr.Dataset]]:
    """A run under every rule, with everything that can be wrong with it found before it starts."""
    if problem.start is None:
        return {}
    loss, weights, parameters = problem.objective.loss, problem.objective.weights, problem.objective.parameters
    quantities = {
        "loss": compiled(compile_observable, loss, weights, parameters),
        "sharpness": compiled(compile_sharpness, problem.objective),
    }
    runs = {}
    for rule, dynamics in problem.maps.items():
        settings = {symbol.name: float(at) for symbol, at in problem.values(dynamics.parameters, "--start").items()}
        start = {symbol.name: float(problem.start.get(symbol, 0)) for symbol in dynamics.state}  # velocities: 0
        runs[rule] = partial(simulate, compiled(compile_map, dynamics), start, settings, options.steps, quantities)
    return runs


def compiled(compile_it: Callable[..., Any], *what: Any) -> Any:
    """What is compiled; a loss that floating point cannot follow is the user's to rewrite."""
    try:
        return compile_it(*what)
    except CompilationError as error:
        raise BadInput(f"the loss cannot be evaluated reliably in floating point: {error}; rewrite it") from error


def simulate(
    simulator: Any, start: Mapping[str, float], settings: Mapping[str, float], steps: int, quantities: Mapping[str, Any]
) -> xr.Dataset:
    """The end of a run, and its way there with the quantities along it."""
    expect(steps)
    result: xr.Dataset = simulator.run(start, settings, steps=steps)
    shown = min(steps, SHORTEST + int(1.2 * int(result.step)))
    expect(steps + shown)
    every = 2 * (shown // (2 * RECORDED)) + 1  # odd, so that both points of a two-cycle are seen
    result = result.assign(trajectory=simulator.run(start, settings, steps=shown, record_every=every).trajectory)
    for name, observable in quantities.items():
        result[name] = observable.along(result)
        result[f"final_{name}"] = observable.at_end(result)
    return result


@study.theory
def theory(options: Options, problem: Problem, simulations: Mapping[str, Any]) -> Theory:
    """What can be derived in the time given; that the runs can be made is known before."""
    return derive(problem, options.timeout)


@study.experiments
def runs(simulations: Mapping[str, Callable[[], xr.Dataset]]) -> Mapping[str, Callable[[], xr.Dataset]]:
    """From the same start under every rule."""
    return simulations


@study.summary
def simulation(problem: Problem, runs: Mapping[str, xr.Dataset]) -> Mapping[str, Any] | None:
    """What came of the runs."""
    ends = {rule: summary(run) for rule, run in runs.items()}
    return None if not ends else {"rules": ends} if len(problem.rules) > 1 else ends[problem.rules[0]]


def summary(run: xr.Dataset) -> dict[str, Any]:
    """Outcome, steps, final point and sharpness of a run; null for what a diverged one does not have."""
    diverged = str(run.outcome.values) == "diverged"
    final = {str(name): float(value) for name, value in zip(run.state.values, run.final.values, strict=True)}
    return {
        "outcome": str(run.outcome.values),
        "period": int(run.period),
        "steps": int(run.step),
        "final": None if diverged else final,
        "final_sharpness": None if diverged or np.isnan(run.final_sharpness) else float(run.final_sharpness),
    }


@study.claims
def claims(options: Options, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> Iterator[Claim]:
    """All for which there are values enough."""
    if all(symbol in problem.at for symbol in problem.objective.parameters):
        statement = "the gradient and the Hessian are the loss's derivatives"
        yield Claim("derivatives", statement, study.source, partial(derivatives, problem, options.seed))
    for rule, results in theory.of_rules.items():
        yield from threshold(problem, rule, results["critical_sharpness"])
        yield from two_cycles(problem, rule, results["two_cycles"])
        if rule in runs:
            yield from end(problem, results["edge"].get("predicted_end"), runs[rule])


def derivatives(problem: Problem, seed: int) -> Pieces:
    """Gradient and Hessian with the values given, at random points about the start, or what there is instead."""
    weights = problem.objective.weights
    centres = [[float(value) for value in point.values()] for point in (problem.start, problem.near) if point]
    try:
        objective = Objective("loss", problem.objective.loss.subs(problem.at), weights)
        yield from compare_derivatives(objective, [*centres, [0.0] * len(weights)], seed)
    except (CompilationError, BadInput) as error:
        raise Undecided(f"the derivatives: {error}") from error


def threshold(problem: Problem, rule: str, critical: Any) -> Iterator[Claim]:
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
        study.source,
        partial(about_the_threshold, dynamics, curvature, values, level),
    )


def about_the_threshold(dynamics: Map, curvature: Symbol, values: Mapping[Symbol, Any], level: Expr) -> Pieces:
    """The verdict from the multipliers, and what becomes of a run, on both sides."""
    origin = dict.fromkeys(dynamics.state, 0)
    for verdict, side, factor in (("stable", "below", 1 - NEAR_THRESHOLD), ("unstable", "above", 1 + NEAR_THRESHOLD)):
        where, settings = (
            f"{float(NEAR_THRESHOLD):.0%} {side} the critical sharpness",
            {**values, curvature: factor * level},
        )
        found = stability(dynamics.jacobian.subs({**origin, **settings})).verdict({})
        yield theorem(f"stability {where}, by the multipliers", verdict, found)
        yield partial(shows_stability, verdict, where, dynamics, [origin], settings)


def two_cycles(problem: Problem, rule: str, found: Any) -> Iterator[Claim]:
    """That each two-cycle that was settled is what it was found to be."""
    if not isinstance(found, list) or any(symbol not in problem.at for symbol in problem.maps[rule].parameters):
        return
    settled = (cycle for cycle in found if cycle["verdict"] in ("stable", "unstable"))
    for index, cycle in enumerate(settled):
        first, second = cycle["points"]
        where = ", ".join(f"{name} = {float(first[name]):.6g} ↔ {float(second[name]):.6g}" for name in first)
        yield Claim(
            f"two_cycle_{index + 1}_of_{rule}",
            f"{rule.replace('_', ' ')} has the {cycle['verdict']} two-cycle {where}",
            study.source,
            partial(returns, problem, rule, cycle),
        )


def returns(problem: Problem, rule: str, cycle: Mapping[str, Any]) -> Pieces:
    """The proof, and a run from close by, which comes back or leaves."""
    dynamics, points = problem.maps[rule], cycle["points"]
    if cycle["status"] == "proved":
        exact = all(isinstance(value, Expr) for point in points for value in point.values())
        channel: Channel = "symbolic" if exact else "interval"
        yield Evidence(channel, "stability by the multipliers", "proved", cycle["verdict"], cycle["verdict"])
    else:
        quantity = "stability by the multipliers, computed but not enclosed"
        yield Evidence("simulation", quantity, "supported", cycle["verdict"], cycle["verdict"])
    located = [{symbol: point[symbol.name] for symbol in dynamics.state} for point in points]
    yield partial(shows_stability, cycle["verdict"], "of the cycle", dynamics, located, problem.at)


def end(problem: Problem, predicted: float | None, run: xr.Dataset) -> Iterator[Claim]:
    """That the run ends where the edge law says."""
    if predicted is not None:
        statement = f"gradient descent ends at the sharpness {float(predicted):.6g}, as the edge law predicts"
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


study.figure(draw)

if __name__ == "__main__":
    study.main()
