"""Flows integrated in time, from a grid of starts and parameters, as one labelled dataset.

    θ̇ = v(θ; p),   recorded at the times t₀ = 0 < t₁ < … < T

The solver is LSODA through `scipy.integrate.solve_ivp`: it changes between Adams' and the stiff methods by itself, and
is given the exact Jacobian of a `Flow`; that of a `TopEigenvectorFlow` it takes by differences. The error of every step
is at most rtol · |θᵢ| + atol. As in `numeric.simulate`, initial values and parameters broadcast by the names of their
dimensions, every combination is one run, and each run ends with an outcome:

    converged    over the second half of the time, T/2 to T, no coordinate moved by more than 1e-9 · (1 + |θᵢ|)
    diverged     a coordinate exceeded the bound; the state there is kept
    undecided    none of these, or the flow could not be followed: its velocity became undefined, the solver made no
                 progress, or the top eigenvalue became degenerate; the whole trajectory is then missing

Doubling the time tells convergence from creeping: exponentially near a minimum a flow stops, but θ = log t never does.

Errors: `BadInput` for values as in `numeric.simulate`, for times that do not increase from 0, and for tolerances that
are not positive.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from eos_sym import BadInput, Objective, Undecided
from eos_sym.flows import Flow, TopEigenvectorFlow, gradient_flow
from numeric.compile import Array, compile_function
from numeric.simulate import Values, labelled_values
from numeric.solver import LostError, check_times, solve, top_eigenpair

STILL = 1e-9
END_ACCURACY = {"rtol": 1e-10, "atol": 1e-12}
MOST_DOUBLINGS = 60
ROUNDING = 1e-12

Velocity = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Integrator:
    """A flow with its compiled velocity, and Jacobian if it has one, as functions of state and parameters."""

    flow: Flow | TopEigenvectorFlow
    velocity: Velocity
    jacobian: Velocity | None

    def run(
        self,
        initial: Values,
        parameters: Values,
        *,
        times: ArrayLike,
        rtol: float,
        atol: float,
        bound: float = 1e8,
        progress: Callable[[int], object] = lambda runs: None,
    ) -> xr.Dataset:
        """Integrate every combination of initial values and parameters, and record the states at the times.

        The dataset holds `initial`, `final`, `outcome`, `trajectory` with the dimension ``time``, and the parameters by
        name. `progress` is called after every run.
        """
        recorded = check_times(times, rtol, atol)
        starts = labelled_values(initial, self.flow.state, "initial value")
        settings = labelled_values(parameters, self.flow.parameters, "parameter")
        try:
            broadcast = xr.broadcast(*xr.align(*starts, *settings, join="exact"))
        except ValueError as error:
            raise BadInput(f"initial values and parameters: {error}; give them the same coordinates") from error
        template = broadcast[0]
        if "time" in template.dims:
            raise BadInput("the dimension time is the integrator's own; rename it")
        lanes = np.stack([array.values.reshape(-1) for array in broadcast], axis=1)
        paths, finals, outcomes = [], [], []
        for lane in lanes:
            path, final, outcome = self.follow(
                lane[: len(starts)], lane[len(starts) :], recorded, rtol=rtol, atol=atol, bound=bound
            )
            paths.append(path)
            finals.append(final)
            outcomes.append(outcome)
            progress(1)
        dims, shape = template.dims, template.shape
        states = (len(starts),)
        dataset = xr.Dataset(
            {
                "initial": ((*dims, "state"), lanes[:, : len(starts)].reshape(*shape, *states), {"units": "1"}),
                "final": ((*dims, "state"), np.reshape(finals, (*shape, *states)), {"units": "1"}),
                "outcome": (dims, np.reshape(outcomes, shape)),
                "trajectory": (
                    (*dims, "time", "state"),
                    np.reshape(paths, (*shape, recorded.size, *states)),
                    {"units": "1"},
                ),
            },
            coords={**template.coords, "time": recorded, "state": [variable.name for variable in self.flow.state]},
        )
        return dataset.assign({name.name: value for name, value in zip(self.flow.parameters, settings, strict=True)})

    def follow(
        self, start: Array, values: Array, times: Array, *, rtol: float, atol: float, bound: float
    ) -> tuple[Array, Array, str]:
        """One run: the states at the times (times, state), the last state, and the outcome."""
        half = times[-1] / 2
        wanted = np.union1d(times, half)
        states = np.full((wanted.size, start.size), np.nan)
        jacobian = self.jacobian
        try:
            points, last, left = solve(
                lambda point: self.velocity(point, values),
                None if jacobian is None else lambda point: jacobian(point, values),
                start,
                wanted,
                lambda point: bound - np.abs(point).max(),
                rtol=rtol,
                atol=atol,
            )
        except (LostError, Undecided):
            return states[: times.size], states[0], "undecided"
        states[: len(points)] = points
        path = states[np.isin(wanted, times)]
        if left is not None:
            return path, last, "diverged"
        moved = np.abs(last - states[np.searchsorted(wanted, half)])
        return path, last, "converged" if (moved <= STILL * (1 + np.abs(last))).all() else "undecided"


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
        path, _, outcome = integrator.follow(point, values, np.array([0, time]), **END_ACCURACY, bound=math.inf)
        if not np.isfinite(path).all():
            break
        point = path[-1]
        if outcome == "converged" and _is_minimum(integrator, point, values):
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
