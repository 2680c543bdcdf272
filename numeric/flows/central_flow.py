"""The central flow integrated: gradient flow below the edge, the flow with S = 2/η at the edge, and the switches.

    below    θ̇ = −η∇L                   until S rises to 2/η
    edge     θ̇ = −η[∇L + ½σ²∇S]         until σ² falls to 0

The formulas are those of `eos_sym.flows.central_flow`; the top eigenvector comes from a dense symmetric solver at every
step. The time is counted in iterations of gradient descent. Runs, outcomes, events and the solution as a function are
those of `numeric.flows.runs`. The switches are two events of the flow's own:

    arrival      S rises to 2/η; at time 0 for a start at the edge, with σ² > 0
    departure    σ² falls to 0

The edge regime keeps S = 2/η up to the error of the integration, which the recorded `sharpness` shows; an event of the
user's at that threshold is therefore crossed there at random.

A run is undecided, with the reason, if it starts beyond the edge, where there is no central flow; if a second
eigenvalue comes to the edge; if the next order of the average over the oscillation becomes as large as the first; and
if it switches without end. Errors: `BadInput` as in `numeric.flows.runs`, and for a
step size that is not positive; `Undecided` for a loss whose sharpness is constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from eos_sym import BadInput, Objective, Undecided
from eos_sym.flows import CentralFlow
from numeric.compile import Array, CompiledFunction, compile_function
from numeric.flows.crossings import Crossing, Watch
from numeric.flows.integrate import Integrator, compile_flow
from numeric.flows.runs import FlowIntegrator, Run
from numeric.flows.solver import LostError, Solved, Solver, begin, top_eigenpair

ARRIVAL, DEPARTURE = "arrival", "departure"
BEYOND = "beyond the expansion"
AT_THE_EDGE = 1e-9  # relative distance from 2/η
SECOND_EIGENVALUE = 1e-6  # closer to the first than this, relatively, and there are two at the edge
MOST_SWITCHES = 1000


@dataclass(frozen=True)
class CentralFlowIntegrator(FlowIntegrator):
    """The central flow with its two regimes, the Hessian and the variance compiled; the step size is the last value.

    Its runs hold `sharpness`, `variance` (0 below the edge) and `regime` (below, edge) along the times as well.
    """

    flow: CentralFlow
    below: Integrator
    edge: Integrator
    hessian: CompiledFunction
    variance: CompiledFunction
    neglected: CompiledFunction

    own_events: ClassVar[tuple[str, ...]] = (ARRIVAL, DEPARTURE)
    described: ClassVar[tuple[str, ...]] = ("regime", "sharpness", "variance")
    time_units: ClassVar[str] = "iterations"

    @property
    def state(self) -> tuple[Symbol, ...]:
        """The weights."""
        return self.flow.objective.weights

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """The parameters of the objective, and the step size."""
        return self.flow.parameters

    def own_thresholds(self, values: Array) -> Array:
        """2/η of the sharpness, 0 of the variance."""
        return np.array([2 / values[-1], 0.0])

    def solve(
        self, start: Array, values: Array, times: Array, watches: Sequence[Watch], solver: Solver, *, keep: bool
    ) -> Solved:
        """One regime after the other, up to the last time, a terminal watch, or where the flow is lost."""
        if values[-1] <= 0:
            raise BadInput(f"parameter {self.parameters[-1].name} = {values[-1]:g}: a step size must be positive")
        solved = begin(start, times)
        threshold = 2 / values[-1]
        try:
            at_edge = self._starts_at_edge(start, values)
        except (LostError, Undecided) as error:
            solved.reason = f"at time 0: {error}"
            return solved
        if at_edge:
            solved.crossings.append(Crossing(ARRIVAL, 0.0, start, 1))
        arrival = Watch(ARRIVAL, lambda point: self._sharpness(point, values) - threshold, 1, terminal=True)
        departure = Watch(DEPARTURE, lambda point: self._variance(point, values), -1, terminal=True)
        beyond = Watch(BEYOND, lambda point: self._neglected(point, values) - 1, 1, terminal=True)
        for _ in range(MOST_SWITCHES):
            regime, switch = (self.edge, departure) if at_edge else (self.below, arrival)
            if at_edge and self._is_beyond(solved.last, values):
                solved.ended = BEYOND
            else:
                own = [switch, beyond] if at_edge else [switch]
                regime.advance(solved, values, [*watches, *own], solver, keep=keep)
            if solved.ended == BEYOND:
                solved.ended = ""
                solved.reason = f"at time {solved.end:g}: the next order of the average is as large as the first"
            if solved.ended != switch.name:
                return solved
            solved.ended, at_edge = "", not at_edge
        solved.reason = f"at time {solved.end:g}: the central flow switched {MOST_SWITCHES} times"
        return solved

    def describe(self, run: Run, values: Array) -> Mapping[str, NDArray[Any]]:
        """The regime, the sharpness and the variance at the recorded times; missing after the end of the run."""
        regimes = np.full(run.times.size, "below")
        for crossing in run.solved.crossings:
            if crossing.name in self.own_events:
                regimes[run.times > crossing.time] = "edge" if crossing.name == ARRIVAL else "below"
                if crossing.time == 0:  # a start at the edge
                    regimes[0] = "edge"
        known = run.times <= run.solved.end
        regimes[~known] = ""
        sharpness, variance = np.full((2, run.times.size), np.nan)
        for index in np.flatnonzero(known):
            point = run.path[index]
            sharpness[index] = self._sharpness(point, values)
            variance[index] = self._variance(point, values) if regimes[index] == "edge" else 0
        return {"regime": regimes, "sharpness": sharpness, "variance": variance}

    def _starts_at_edge(self, start: Array, values: Array) -> bool:
        sharpness, threshold = self._sharpness(start, values), 2 / values[-1]
        if sharpness > threshold * (1 + AT_THE_EDGE):
            raise Undecided(f"the start is sharper, {sharpness:g}, than 2/eta = {threshold:g}; start below the edge")
        return sharpness >= threshold * (1 - AT_THE_EDGE) and self._variance(start, values) > 0

    def _hessian(self, point: Array, values: Array) -> Array:
        entries = np.array(self.hessian.evaluate(*point, *values[:-1]), dtype=float)
        if not np.isfinite(entries).all():
            raise LostError("the Hessian is undefined")
        return entries.reshape(point.size, point.size)

    def _sharpness(self, point: Array, values: Array) -> float:
        return float(np.linalg.eigvalsh(self._hessian(point, values))[-1])

    def _variance(self, point: Array, values: Array) -> float:
        return self._at_edge(self.variance, point, values)

    def _neglected(self, point: Array, values: Array) -> float:
        return abs(self._at_edge(self.neglected, point, values))

    def _is_beyond(self, point: Array, values: Array) -> bool:
        try:
            return self._neglected(point, values) >= 1
        except Undecided:  # of which the integration of the flow gives the reason
            return False

    def _at_edge(self, quantity: CompiledFunction, point: Array, values: Array) -> float:
        """A function of the weights and the top eigenvector."""
        hessian = self._hessian(point, values)
        eigenvalues = np.linalg.eigvalsh(hessian)
        if point.size > 1 and eigenvalues[-2] >= eigenvalues[-1] * (1 - SECOND_EIGENVALUE):
            raise Undecided("a second eigenvalue has come to the edge")
        _, direction = top_eigenpair(hessian)
        return float(quantity.evaluate(*point, *direction, *values[:-1])[0])


def compile_central_flow(objective: Objective) -> CentralFlowIntegrator:
    """The integrator of the central flow of gradient descent on the objective."""
    flow = CentralFlow(objective)
    return CentralFlowIntegrator(
        flow,
        compile_flow(flow.below),
        compile_flow(flow.edge),
        compile_function(list(objective.hessian), (*objective.weights, *objective.parameters)),
        *(
            compile_function([quantity], (*objective.weights, *flow.direction, *objective.parameters))
            for quantity in (flow.variance, flow.neglected)
        ),
    )
