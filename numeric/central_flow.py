"""The central flow integrated: gradient flow below the edge, the flow with S = 2/η at the edge, and the switches.

    below    θ̇ = −η∇L                   until S rises to 2/η
    edge     θ̇ = −η[∇L + ½σ²∇S]         until σ² falls to 0

The formulas are those of `eos_sym.central_flow`; the top eigenvector comes from a dense symmetric solver at every step,
and the switches from the solver's events. The time is counted in iterations of gradient descent. The edge regime keeps
S = 2/η up to the error of the integration, which the recorded `sharpness` shows.

Errors: `BadInput` for values and times as in `numeric.integrate`, and for a start beyond the edge, where there is no
central flow; `Undecided` where a second eigenvalue comes to the edge, where the flow cannot be followed, and where it
switches without end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from eos_sym import BadInput, Objective, Undecided
from eos_sym.central_flow import CentralFlow
from numeric.compile import Array, CompiledFunction, compile_function
from numeric.integrate import Integrator, compile_flow
from numeric.simulate import labelled_values
from numeric.solver import LostError, check_times, solve, top_eigenpair

AT_THE_EDGE = 1e-9  # relative distance from 2/η
SECOND_EIGENVALUE = 1e-6  # closer to the first than this, relatively, and there are two at the edge
MOST_SWITCHES = 1000


@dataclass(frozen=True)
class CentralFlowIntegrator:
    """The central flow with its two regimes, the Hessian and the variance compiled; the step size is the last value."""

    flow: CentralFlow
    below: Integrator
    edge: Integrator
    hessian: CompiledFunction
    variance: CompiledFunction

    def run(
        self,
        initial: Mapping[str, float],
        parameters: Mapping[str, float],
        *,
        times: ArrayLike,
        rtol: float,
        atol: float,
    ) -> xr.Dataset:
        """One central flow, with its `trajectory`, `sharpness`, `variance` and `regime` (below, edge) at the times.

        `switch` holds the times at which the regime changed.
        """
        recorded = check_times(times, rtol, atol)
        starts = labelled_values(initial, self.flow.objective.weights, "initial value")
        settings = labelled_values(parameters, self.flow.parameters, "parameter")
        point, values = (np.array([float(value) for value in group]) for group in (starts, settings))
        threshold = 2 / values[-1]
        sharpness = self._sharpness(point, values)
        if sharpness > threshold * (1 + AT_THE_EDGE):
            raise BadInput(f"the start is sharper, {sharpness:g}, than 2/eta = {threshold:g}: start below the edge")
        at_edge = sharpness >= threshold * (1 - AT_THE_EDGE) and self._variance(point, values) > 0

        path = np.empty((recorded.size, point.size))
        regimes = np.empty(recorded.size, dtype="<U5")
        switches: list[float] = []
        time: float | None = 0.0
        while time is not None:
            wanted = np.union1d([time], recorded[recorded > time])
            points, point, time = self._follow(at_edge, point, values, wanted, rtol, atol)
            passed = wanted[: len(points)]
            here = np.isin(recorded, passed)
            path[here] = points[np.isin(passed, recorded)]
            regimes[here] = "edge" if at_edge else "below"
            if time is not None:
                switches.append(time)
                at_edge = not at_edge
            if len(switches) > MOST_SWITCHES:
                raise Undecided(f"the central flow: it switches more than {MOST_SWITCHES} times")
        return self._dataset(recorded, path, regimes, switches, values)

    def _follow(
        self, at_edge: bool, point: Array, values: Array, times: Array, rtol: float, atol: float
    ) -> tuple[Array, Array, float | None]:
        """One regime, up to the switch to the other."""
        regime = self.edge if at_edge else self.below
        jacobian = regime.jacobian

        def room(point: Array) -> float:
            return self._variance(point, values) if at_edge else 2 / values[-1] - self._sharpness(point, values)

        try:
            return solve(
                lambda point: regime.velocity(point, values),
                None if jacobian is None else lambda point: jacobian(point, values),
                point,
                times,
                room,
                rtol=rtol,
                atol=atol,
            )
        except LostError as error:
            raise Undecided("the central flow: the solver cannot follow it") from error

    def _hessian(self, point: Array, values: Array) -> Array:
        entries = self.hessian.evaluate(*point, *values[:-1])
        return np.array(entries, dtype=float).reshape(point.size, point.size)

    def _sharpness(self, point: Array, values: Array) -> float:
        hessian = self._hessian(point, values)
        if not np.isfinite(hessian).all():
            raise LostError
        return float(np.linalg.eigvalsh(hessian)[-1])

    def _variance(self, point: Array, values: Array) -> float:
        eigenvalues = np.linalg.eigvalsh(hessian := self._hessian(point, values))
        if point.size > 1 and eigenvalues[-2] >= eigenvalues[-1] * (1 - SECOND_EIGENVALUE):
            raise Undecided("the central flow: a second eigenvalue has come to the edge")
        _, direction = top_eigenpair(hessian)
        return float(self.variance.evaluate(*point, *direction, *values[:-1])[0])

    def _dataset(
        self, times: Array, path: Array, regimes: NDArray[np.str_], switches: list[float], values: Array
    ) -> xr.Dataset:
        """The recorded flow; the variance is 0 below the edge."""
        variances = [
            self._variance(point, values) if regime == "edge" else 0.0
            for point, regime in zip(path, regimes, strict=True)
        ]
        dataset = xr.Dataset(
            {
                "trajectory": (("time", "state"), path, {"units": "1"}),
                "sharpness": ("time", [self._sharpness(point, values) for point in path], {"units": "1"}),
                "variance": ("time", variances, {"units": "1"}),
                "regime": ("time", regimes),
                "switch": ("switch", switches, {"units": "iterations"}),
            },
            coords={
                "time": ("time", times, {"units": "iterations"}),
                "state": [weight.name for weight in self.flow.objective.weights],
            },
        )
        return dataset.assign({symbol.name: value for symbol, value in zip(self.flow.parameters, values, strict=True)})


def compile_central_flow(objective: Objective) -> CentralFlowIntegrator:
    """The integrator of the central flow of gradient descent on the objective."""
    flow = CentralFlow(objective)
    return CentralFlowIntegrator(
        flow,
        compile_flow(flow.below),
        compile_flow(flow.edge),
        compile_function(list(objective.hessian), (*objective.weights, *objective.parameters)),
        compile_function([flow.variance], (*objective.weights, *flow.direction, *objective.parameters)),
    )
