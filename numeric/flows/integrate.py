"""Flows integrated in time, from a grid of starts and parameters, as one labelled dataset, or as functions of the time.

    θ̇ = v(θ; p),   recorded at the times t₀ = 0 < t₁ < … < T

Runs, outcomes, events and the solution as a function are those of `numeric.flows.runs`; the methods are those of
`numeric.flows.solver`. The implicit ones are given the exact Jacobian of a `Flow`; that of a `TopEigenvectorFlow` they
take by differences. A flow whose top eigenvalue becomes degenerate cannot be followed further.

    flow = compile_flow(gradient_flow(loss))
    edge = {"edge": Event(compile_sharpness(loss), 2 / eta, "rising")}    # numeric.flows.events
    run = flow.run({"x": 3.0, "y": 0.1}, {}, times=[0, 1, 10], rtol=1e-9, atol=1e-12, events=edge)
    run.crossing_time.sel(event="edge")                                   # where S = 2/η
    flow.solution({"x": 3.0, "y": 0.1}, {}, until=10, rtol=1e-9, atol=1e-12)(0.5)

Errors: `BadInput` as in `numeric.flows.runs`; `Undecided` for the end of gradient flow where the Hessian is undefined.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sympy import Symbol

from eos_sym import Objective, Undecided
from eos_sym.flows import Flow, TopEigenvectorFlow, gradient_flow
from numeric.compile import Array, compile_function
from numeric.flows.crossings import Watch
from numeric.flows.runs import STILL, FlowIntegrator
from numeric.flows.solver import Solved, Solver, begin, solve, top_eigenpair
from numeric.values import labelled_values
from numeric.zeros import has_zero_near

END_SOLVER = Solver("LSODA", rtol=1e-10, atol=1e-12)
MOST_DOUBLINGS = 60
ROUNDING = 1e-12

Velocity = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Integrator(FlowIntegrator):
    """A flow with its compiled velocity, and Jacobian if it has one, as functions of state and parameters."""

    flow: Flow | TopEigenvectorFlow
    velocity: Velocity
    jacobian: Velocity | None

    @property
    def state(self) -> tuple[Symbol, ...]:
        """As `FlowIntegrator.state`."""
        return self.flow.state

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """As `FlowIntegrator.parameters`."""
        return self.flow.parameters

    def solve(
        self, start: Array, values: Array, times: Array, watches: Sequence[Watch], solver: Solver, *, keep: bool
    ) -> Solved:
        """As `FlowIntegrator.solve`."""
        solved = begin(start, times)
        self.advance(solved, values, watches, solver, keep=keep)
        return solved

    def stops_near(self, point: Array, values: Array, reach: float) -> bool:
        """As `FlowIntegrator.stops_near`; not known of a velocity along the top eigenvector."""
        if not isinstance(self.flow, Flow):
            return True
        rate = compile_function(self.flow.velocity, (*self.flow.state, *self.flow.parameters))
        return bool(has_zero_near(rate, point[:, None], values[:, None], reach)[0])

    def advance(self, solved: Solved, values: Array, watches: Sequence[Watch], solver: Solver, *, keep: bool) -> None:
        """Follow a solution from its end on, as `numeric.flows.solver.solve`."""
        jacobian = self.jacobian
        solve(
            lambda point: self.velocity(point, values),
            None if jacobian is None else lambda point: jacobian(point, values),
            solved,
            watches,
            solver,
            keep=keep,
        )


def compile_flow(flow: Flow | TopEigenvectorFlow) -> Integrator:
    """The integrator of a flow."""
    size = len(flow.state)
    if isinstance(flow, Flow):
        rate = compile_function(flow.velocity, (*flow.state, *flow.parameters)).evaluate
        slope = compile_function(list(flow.jacobian), (*flow.state, *flow.parameters)).evaluate
        return Integrator(
            flow,
            lambda point, values: np.array(rate(*point, *values), dtype=float),
            lambda point, values: np.array(slope(*point, *values), dtype=float).reshape(size, size),
        )
    entries = compile_function(list(flow.matrix), (*flow.state, *flow.parameters)).evaluate
    along = compile_function(flow.velocity, (*flow.state, *flow.direction, *flow.parameters)).evaluate

    def velocity(point: Array, values: Array) -> Array:
        _, direction = top_eigenpair(np.array(entries(*point, *values), dtype=float))
        return np.array(along(*point, *direction, *values), dtype=float)

    return Integrator(flow, velocity, None)


def gradient_flow_end(
    objective: Objective, start: Mapping[str, float], parameters: Mapping[str, float]
) -> tuple[dict[str, float], bool]:
    """Where gradient flow from the start ends, by the names of the weights, and whether it converged to a minimum.

    The time is doubled until the flow stands still where Newton's method would not move it any more either: along an
    eigenvector of the Hessian with the eigenvalue λⱼ > 0 the end is |vⱼ·∇L|/λⱼ away, and for λⱼ ≤ 0 nothing but
    rounding may push. So neither a saddle passed by nor a slow stretch is taken for the end. If there is none, as where
    the infimum is at infinity, the answer is the last point that was reached, and False.
    """
    integrator = compile_flow(gradient_flow(objective))
    starts = labelled_values(start, objective.weights, "initial value")
    settings = labelled_values(parameters, objective.parameters, "parameter")
    point, values = (np.array([float(value) for value in group]) for group in (starts, settings))
    fastest = np.abs(_spectrum(integrator, point, values)[0]).max()
    time = 1 / fastest if fastest > 0 else 1.0
    for _ in range(MOST_DOUBLINGS):
        run = integrator.follow(point, values, np.array([0, time]), END_SOLVER, bound=math.inf)
        if run.solved.reason:
            break
        point = run.solved.last
        if run.outcome == "converged" and _is_minimum(integrator, point, values):
            return _named(objective, point), True
        time *= 2
    return _named(objective, point), False


def _is_minimum(integrator: Integrator, point: Array, values: Array) -> bool:
    """Whether Newton's method stays, within STILL, and no eigenvalue is below rounding."""
    eigenvalues, eigenvectors = _spectrum(integrator, point, values)
    push = np.abs(eigenvectors.T @ integrator.velocity(point, values))
    noise = ROUNDING * np.abs(eigenvalues).max()
    size = 1 + np.abs(point).max()
    still = push <= (STILL * np.maximum(eigenvalues, 0) + noise) * size
    return bool(still.all() and eigenvalues[0] >= -STILL * np.abs(eigenvalues).max())


def _spectrum(integrator: Integrator, point: Array, values: Array) -> tuple[Array, Array]:
    """Eigenvalues, ascending, and eigenvectors of the Hessian, minus the Jacobian of gradient flow."""
    assert integrator.jacobian is not None  # gradient flow is a Flow
    with np.errstate(all="ignore"):
        hessian = -integrator.jacobian(point, values)
    if not np.isfinite(hessian).all():
        raise Undecided(f"gradient flow: the Hessian is not defined at {point}")
    eigenvalues, eigenvectors = np.linalg.eigh(hessian)
    return eigenvalues, eigenvectors


def _named(objective: Objective, point: Array) -> dict[str, float]:
    return {weight.name: float(value) for weight, value in zip(objective.weights, point, strict=True)}
