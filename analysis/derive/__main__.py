"""The edge-of-stability theory of a loss that you type.

    python -m analysis.derive "(1 - x*y*z*w)**2/2" --weights x y z w --at eta=0.2 \
        --near x=2 y=0.5 z=2 w=0.5 --start x=2.6 y=0.4 z=2.6 w=0.4 --steps 100000

From the formula alone come the gradient, the Hessian, the minima, what gradient flow conserves, and for every rule of
``--rule`` its map and its critical sharpness, the curvature beyond which it is unstable on a quadratic; for a minimum
that is a point its critical step size, and what becomes of gradient descent there. With values for the parameters
(``--at``) come fixed points and two-cycles with their multipliers; those found numerically are proved by
interval arithmetic where that succeeds. Parameters without a value are real, and positive if ``--positive`` names them:
what is derived holds for all such values. With a point near the edge (``--near``), or a start, comes the edge law: the
minimum with the sharpness 2/η nearest to that point, its normal form, and where gradient descent ends. With ``--start``
all of it is put to the test of a simulation.

Gradient and Hessian are compared with automatic differentiation and with finite differences of the compiled loss; the
thresholds and the two-cycles are simulated on both sides; the predicted end is a prediction under test, and so is open.

What cannot be derived is `undecided`, with the reason. So is what is not finished within ``--timeout``, which bounds
the whole, to a second or so: theory, runs, checks and figure; the rest still comes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

import tyro

from analysis.study import CommonOptions, Study
from analysis.study.options import Number
from eos_sym.errors import BadInput, Undecided

SOURCE = "derived here"
EXAMPLE = "--weights x y z w --at eta=0.2 --near x=2 y=0.5 z=2 w=0.5 --start x=2.6 y=0.4 z=2.6 w=0.4"
study = Study(__name__, source=SOURCE, example=("(1 - x*y*z*w)**2/2", *EXAMPLE.split()))
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
    positive: tuple[str, ...] = ()
    """parameters of the loss that are positive, by name; any other is real"""
    near: tuple[str, ...] = ()
    """a point near the minimum with sharpness 2/eta, NAME=VALUE for every weight"""
    start: tuple[str, ...] = ()
    """where to simulate from, NAME=VALUE for every weight"""
    tau: Number = Fraction(1, 100)
    """threshold τ of the edge law: directions with η|λ| well below it, such as those along minima, count as slow"""
    steps: int = 10_000
    """iterations of the simulation"""
    timeout: float = 60.0
    """seconds that it may take, from when all is loaded"""

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= MOST_STEPS:
            raise BadInput(f"--steps {self.steps}: must be 1 or more, and at most {MOST_STEPS}")
        if not (math.isfinite(self.timeout) and 0 < self.timeout <= LONGEST):
            raise BadInput(f"--timeout {self.timeout:g}: give seconds above 0, at most {LONGEST:g}")
        if not 0 < self.tau < LARGEST_TAU:
            raise BadInput(f"--tau {self.tau}: give a number above 0 and below {LARGEST_TAU}")


from analysis.derive.budget import Budget, within
from analysis.derive.limited import prepare
from analysis.derive.problem import Problem, read_problem
from analysis.derive.theory import Theory, derive

if study.given:
    prepare()  # now that SymPy is loaded, and before what brings threads

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from sympy import Rational

from analysis.derive.claims import derivatives, end, threshold, two_cycles
from analysis.derive.figure import draw
from analysis.study import Claim, Evidence, Piece, expect
from analysis.study.evidence import heard
from numeric import CompilationError, compile_map, compile_observable, compile_sharpness

RECORDED = 4000  # iterations of a run, or so, to a little beyond its end
SHORTEST = 20  # iterations that are shown of a run that ends at once


@study.measurement
def budget(options: Options) -> Budget:
    """The time that is left."""
    return Budget(options.timeout)


@study.measurement
def problem(options: Options) -> Problem:
    """What was typed, exact and checked."""
    points = options.at, options.near, options.start
    problem = read_problem(options.loss, options.weights, options.rule, *points, options.positive)
    return replace(problem, tau=Rational(options.tau))


@study.measurement
def simulations(budget: Budget, options: Options, problem: Problem) -> Mapping[str, Callable[[], xr.Dataset]]:
    """A run under every rule, with everything that can be wrong with it found before it starts."""
    if problem.start is None:
        return {}
    loss, weights, parameters = problem.objective.loss, problem.objective.weights, problem.objective.parameters
    settings = {rule: problem.values(dynamics.parameters, "--start") for rule, dynamics in problem.maps.items()}
    try:
        with within(budget.left / 2, "the compilation of the loss"):
            quantities = {
                "loss": compiled(compile_observable, loss, weights, parameters),
                "sharpness": compiled(compile_sharpness, problem.objective),
            }
            simulators = {rule: compiled(compile_map, dynamics) for rule, dynamics in problem.maps.items()}
    except Undecided as reason:
        return dict.fromkeys(problem.rules, partial(without_a_run, reason))
    runs = {}
    for rule, dynamics in problem.maps.items():
        values = {symbol.name: float(value) for symbol, value in settings[rule].items()}
        start = {symbol.name: float(problem.start.get(symbol, 0)) for symbol in dynamics.state}  # velocities: 0
        runs[rule] = partial(simulate, budget, simulators[rule], start, values, options.steps, quantities)
    return runs


def compiled(compile_it: Callable[..., Any], *what: Any) -> Any:
    """What is compiled; a loss that floating point cannot follow is the user's to rewrite."""
    try:
        return compile_it(*what)
    except CompilationError as error:
        raise BadInput(f"the loss cannot be evaluated reliably in floating point: {error}; rewrite it") from error


def simulate(
    budget: Budget,
    simulator: Any,
    start: Mapping[str, float],
    settings: Mapping[str, float],
    steps: int,
    quantities: Mapping[str, Any],
) -> xr.Dataset:
    """The end of a run, and its way there with the quantities along it."""
    with within(budget.left, f"a run of {steps} steps"):
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


def without_a_run(reason: Undecided) -> xr.Dataset:
    """In the place of a run."""
    raise reason


@study.theory
def theory(budget: Budget, problem: Problem, simulations: Mapping[str, Any]) -> Theory:
    """What can be derived in the time given; that the runs can be made is known before."""
    return derive(problem, budget.of_theory)


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
def claims(
    budget: Budget, options: Options, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]
) -> Iterator[Claim]:
    """All for which there are values enough, each with the time that is left."""
    for claim in all_claims(options, problem, theory, runs):
        yield replace(claim, evidence=partial(in_time, budget, claim.evidence))


def in_time(budget: Budget, evidence: Callable[[], Iterable[Piece]]) -> Iterator[Evidence]:
    """The evidence, as far as there is time for it."""
    pieces = iter(evidence())
    while True:
        with within(budget.left, "the check"):
            piece = next(pieces, None)
            found = piece and heard(piece)
        if found is None:
            return
        yield found


def all_claims(options: Options, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> Iterator[Claim]:
    """Those of the derivatives, and those of every rule."""
    if all(symbol in problem.at for symbol in problem.objective.parameters):
        statement = "the gradient and the Hessian are the loss's derivatives"
        yield Claim("derivatives", statement, SOURCE, partial(derivatives, problem, options.seed))
    for rule, results in theory.of_rules.items():
        yield from threshold(problem, rule, results["critical_sharpness"], SOURCE)
        yield from two_cycles(problem, rule, results["two_cycles"], SOURCE)
        if rule in runs:
            yield from end(problem, results["edge"].get("predicted_end"), runs[rule])


study.figure(draw)

if __name__ == "__main__":
    study.main()
