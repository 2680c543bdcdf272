"""The simulation of a typed problem: the same start under every rule, recorded, with loss and sharpness along it.

Velocities and averages start at 0. A run is recorded to a little beyond its end, at `RECORDED` of its iterations or so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import xarray as xr

from analysis.derive.problem import Problem
from eos_sym import BadInput
from numeric import CompilationError, compile_map, compile_observable, compile_sharpness

RECORDED = 4000
SHORTEST = 20  # iterations that are shown of a run that ends at once
MOST_STEPS = 20_000_000


def check_steps(steps: int) -> None:
    """Refuse numbers of iterations that are not positive or take hours."""
    if not 1 <= steps <= MOST_STEPS:
        raise BadInput(f"--steps {steps}: must be 1 or more, and at most {MOST_STEPS}")


def experiment(
    problem: Problem, rule: str, steps: int, quantities: Mapping[str, Any]
) -> Callable[[Callable[[int], object]], xr.Dataset]:
    """The run under a rule, with everything that can be wrong with it found before it starts."""
    dynamics = problem.maps[rule]
    parameters = {symbol.name: float(value) for symbol, value in problem.values(dynamics.parameters, "--start").items()}
    assert problem.start is not None
    start = {symbol.name: float(problem.start.get(symbol, 0)) for symbol in dynamics.state}
    simulator = compiled(lambda: compile_map(dynamics))

    def run(progress: Callable[[int], object]) -> xr.Dataset:
        result: xr.Dataset = simulator.run(start, parameters, steps=steps, progress=progress)
        shown = min(steps, SHORTEST + int(1.2 * int(result.step)))
        every = 2 * (shown // (2 * RECORDED)) + 1  # odd, so that both points of a two-cycle are seen
        again = simulator.run(start, parameters, steps=shown, record_every=every)
        result = result.assign(trajectory=again.trajectory)
        for name, observable in quantities.items():
            result[name] = observable.along(result)
            result[f"final_{name}"] = observable.at_end(result)
        return result

    return run


def observables(problem: Problem) -> dict[str, Any]:
    """The loss and the sharpness."""
    objective = problem.objective
    return {
        "loss": compiled(lambda: compile_observable(objective.loss, objective.weights, objective.parameters)),
        "sharpness": compiled(lambda: compile_sharpness(objective)),
    }


def compiled(compile_it: Callable[[], Any]) -> Any:
    """What is compiled; a loss that floating point cannot follow is the user's to rewrite."""
    try:
        return compile_it()
    except CompilationError as error:
        raise BadInput(f"the loss cannot be evaluated reliably in floating point: {error}; rewrite it") from error


def summary(run: xr.Dataset) -> dict[str, Any]:
    """What came of a run: outcome, steps, final point and sharpness; null for what a diverged run does not have."""
    diverged = str(run.outcome.values) == "diverged"
    final = {str(name): float(value) for name, value in zip(run.state.values, run.final.values, strict=True)}
    return {
        "outcome": str(run.outcome.values),
        "period": int(run.period),
        "steps": int(run.step),
        "final": None if diverged else final,
        "final_sharpness": None if diverged else float(run.final_sharpness),
    }
