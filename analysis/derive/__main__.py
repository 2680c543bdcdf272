"""``python -m analysis.derive LOSS --weights x y …``: the options, and the study put together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import tyro
import xarray as xr

from analysis.cli import CommonOptions, Study, main
from analysis.derive import experiments
from analysis.derive.claims import claims_about
from analysis.derive.figures import draw
from analysis.derive.problem import read_problem
from analysis.derive.theory import derive
from analysis.study.claim import Claim
from eos_sym import BadInput

LONGEST = 3600.0


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
    steps: int = 10_000
    """iterations of the simulation"""
    timeout: float = 60.0
    """seconds that the derivation may take"""


def analyse(options: Options) -> Study:
    """Check the options, derive, and set up the simulation."""
    experiments.check_steps(options.steps)
    if not (math.isfinite(options.timeout) and 0 < options.timeout <= LONGEST):
        raise BadInput(f"--timeout {options.timeout:g}: give seconds above 0, at most {LONGEST:g}")
    problem = read_problem(options.loss, options.weights, options.rule, options.at, options.near, options.start)
    runs = {}
    if problem.start is not None:
        quantities = experiments.observables(problem)
        runs = {rule: experiments.experiment(problem, rule, options.steps, quantities) for rule in problem.rules}
    theory = derive(problem, options.timeout)

    def simulation(data: Mapping[str, xr.Dataset]) -> Mapping[str, Any] | None:
        summaries = {rule: experiments.summary(run) for rule, run in data.items()}
        if not summaries:
            return None
        return summaries[problem.rules[0]] if len(problem.rules) == 1 else {"rules": summaries}

    def claims(data: Mapping[str, xr.Dataset]) -> list[Claim]:
        return claims_about(problem, theory, data, options.seed)

    return Study(
        theory=theory.as_report(),
        experiments=runs,
        claims=claims,
        figure=lambda data: draw(problem, theory, data),
        simulation=simulation,
    )


if __name__ == "__main__":
    main("derive", Options, analyse)
