"""Runs of a flow, over a grid or one as a function of the time: what every integrator of flows offers.

Initial values, parameters and the thresholds of events broadcast by the names of their dimensions, every combination is
one run, and each run ends with an outcome:

    converged    over the second half of the time, T/2 to T, no coordinate moved by more than 1e-9 · (1 + |θᵢ|), and
                 the velocity has a zero within √1e-9 · (1 + |θᵢ|), by `numeric.zeros`: on a plateau it is merely small
    diverged     a coordinate exceeded the bound; the state there is kept
    undecided    none of these, or the flow could not be followed, for the `reason` given

Doubling the time tells convergence from creeping: exponentially near a minimum a flow stops, but θ = log t never does.
A run that is lost is known up to its `end`, missing (nan) from there, and takes no other with it.

Errors: `BadInput` for values and names as in `numeric.flows.grid`, for times, methods and tolerances as in
`numeric.flows.solver`, and for events as in `numeric.flows.events`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import OdeSolution
from sympy import Symbol

from eos_sym import BadInput
from numeric.compile import Array
from numeric.flows.crossings import Watch
from numeric.flows.events import DIRECTIONS, Event, compile_quantity, table
from numeric.flows.grid import Grid, make_grid
from numeric.flows.solution import Solution
from numeric.flows.solver import MOST_EVALUATIONS, Solved, Solver, begin, check_times
from numeric.progress import Progress, listener
from numeric.values import Values

STILL = 1e-9
OUT_OF_BOUND = "out of bound"

Watches = Callable[[Array, Array], list[Watch]]


@dataclass(frozen=True)
class Run:
    """One run: what was solved, the times to record and the states (time, state) there, and the outcome."""

    solved: Solved
    times: Array
    path: Array
    outcome: str


class FlowIntegrator(ABC):
    """A flow that can be run: a kind of flow says its state, its parameters, and how one solution is found.

    It may have events of its own (`own_events`), and more to say of the states along a run (`described`).
    """

    own_events: ClassVar[tuple[str, ...]] = ()
    described: ClassVar[tuple[str, ...]] = ()
    time_units: ClassVar[str] = "1"

    @property
    @abstractmethod
    def state(self) -> tuple[Symbol, ...]:
        """The variables of the state."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[Symbol, ...]:
        """The parameters, in the order of their values."""

    @abstractmethod
    def solve(
        self, start: Array, values: Array, times: Array, watches: Sequence[Watch], solver: Solver, *, keep: bool
    ) -> Solved:
        """One solution, as `solver.solve` gives it, with the crossings of its own events among the others."""

    def own_thresholds(self, values: Array) -> Array:
        """The thresholds of its own events."""
        return np.empty(len(self.own_events))

    def describe(self, run: Run, values: Array) -> Mapping[str, NDArray[Any]]:
        """The variables named in `described`, each along the times of the run."""
        return {}

    def run(
        self,
        initial: Values,
        parameters: Values,
        *,
        times: ArrayLike,
        rtol: float,
        atol: float,
        method: str = "LSODA",
        events: Mapping[str, Event] | None = None,
        bound: float = 1e8,
        most_evaluations: int = MOST_EVALUATIONS,
        progress: Progress | None = None,
    ) -> xr.Dataset:
        """Integrate every combination of initial values and parameters, and record the states at the times.

        The dataset holds, over the dimensions of the input: `initial` and `final` (with the dimension ``state``);
        `outcome`; `reason`, empty unless the run was lost; `end`, the time at which it was lost or diverged, else the
        last; `evaluations` of the velocity; `trajectory` with the dimension ``time``; the parameters by name; and what
        `numeric.flows.events` says of the events. `progress`, or who is listening, is called after every run.
        """
        recorded, solver, watched = check_times(times), Solver(method, rtol, atol, most_evaluations), events or {}
        grid = self._grid(initial, parameters, watched)
        watches = self._watches(watched)
        runs, more, report = [], [], listener(progress)
        for start, values, thresholds in zip(grid.starts, grid.values, grid.thresholds, strict=True):
            run = self.follow(start, values, recorded, solver, watches(values, thresholds), bound=bound)
            runs.append(run)
            more.append(self.describe(run, values))
            report(1)
        solved = [run.solved for run in runs]
        dataset = xr.Dataset(
            {
                "initial": (("run", "state"), grid.starts, {"units": "1"}),
                "final": (("run", "state"), np.array([one.last for one in solved]), {"units": "1"}),
                "outcome": ("run", [run.outcome for run in runs]),
                "reason": ("run", [one.reason for one in solved]),
                "end": ("run", [one.end for one in solved], {"units": self.time_units}),
                "evaluations": ("run", [one.evaluations for one in solved]),
                "trajectory": (("run", "time", "state"), np.array([run.path for run in runs]), {"units": "1"}),
            }
            | {name: (("run", "time"), np.array([one[name] for one in more])) for name in self.described},
            coords={"time": ("time", recorded, {"units": self.time_units}), "state": self._names},
        )
        if self.own_events or watched:
            dataset = dataset.merge(self._events(solved, grid, watched))
        return grid.over(dataset)

    def solution(
        self,
        initial: Mapping[str, float],
        parameters: Mapping[str, float],
        *,
        until: float,
        rtol: float,
        atol: float,
        method: str = "LSODA",
        events: Mapping[str, Event] | None = None,
        bound: float = 1e8,
        most_evaluations: int = MOST_EVALUATIONS,
    ) -> Solution:
        """One run to the time `until`, as a function of the time."""
        times, solver, watched = check_times([0, until]), Solver(method, rtol, atol, most_evaluations), events or {}
        grid = self._grid(initial, parameters, watched)
        if grid.template.ndim:
            names = ", ".join(map(str, grid.template.dims))
            raise BadInput(f"a solution is one run, and the input has the dimensions {names}; select one entry")
        start, values = grid.starts[0], grid.values[0]
        watches = self._watches(watched)(values, grid.thresholds[0])
        run = self.follow(start, values, times, solver, watches, bound=bound, keep=True)
        solved = run.solved
        return Solution(
            until,
            solved.end,
            run.outcome,
            solved.reason,
            xr.DataArray(solved.last, dims="state", coords={"state": self._names}, attrs={"units": "1"}),
            solved.evaluations,
            self._events([solved], grid, watched).isel(run=0),
            OdeSolution(solved.breaks, solved.pieces) if solved.pieces else None,
            self.time_units,
        )

    def follow(
        self,
        start: Array,
        values: Array,
        times: Array,
        solver: Solver,
        watches: Sequence[Watch] = (),
        *,
        bound: float,
        keep: bool = False,
    ) -> Run:
        """One run, recorded at the times, with its outcome."""
        half = times[-1] / 2
        wanted = np.union1d(times, half)
        limit = Watch(OUT_OF_BOUND, lambda point: float(bound - np.abs(point).max()), -1, terminal=True)
        if limit.value(start) < 0:
            solved = begin(start, wanted)
            solved.ended = OUT_OF_BOUND
        else:
            limits = [limit] if math.isfinite(bound) else []
            solved = self.solve(start, values, wanted, [*watches, *limits], solver, keep=keep)
        path = solved.states[np.isin(wanted, times)]
        if solved.ended == OUT_OF_BOUND:
            return Run(solved, times, path, "diverged")
        moved = np.abs(solved.last - solved.states[np.searchsorted(wanted, half)])
        still = not solved.reason and (moved <= STILL * (1 + np.abs(solved.last))).all()
        still = still and self.stops_near(solved.last, values, math.sqrt(STILL))
        return Run(solved, times, path, "converged" if still else "undecided")

    def stops_near(self, point: Array, values: Array, reach: float) -> bool:
        """Whether the velocity has a zero near a point where the flow is at rest; where that is not known, yes."""
        return True

    @property
    def _names(self) -> list[str]:
        return [variable.name for variable in self.state]

    def _grid(self, initial: Values, parameters: Values, events: Mapping[str, Event]) -> Grid:
        taken = sorted({*events} & {*self.own_events})
        if taken:
            raise BadInput(f"event {taken[0]}: the name of an event of the flow's own; rename it")
        thresholds = {name: event.threshold for name, event in events.items()}
        return make_grid(initial, parameters, thresholds, self.state, self.parameters, self.described)

    def _watches(self, events: Mapping[str, Event]) -> Watches:
        """The watches of the events, from the values of the parameters and of the thresholds."""
        quantities = {
            name: compile_quantity(name, event.quantity, self.state, self.parameters) for name, event in events.items()
        }

        def watches(values: Array, thresholds: Array) -> list[Watch]:
            return [
                Watch(
                    name,
                    lambda point, name=name, limit=limit: quantities[name](point, values) - limit,  # type: ignore[misc]
                    DIRECTIONS[event.direction],
                )
                for (name, event), limit in zip(events.items(), thresholds, strict=True)
            ]

        return watches

    def _events(self, solved: Sequence[Solved], grid: Grid, events: Mapping[str, Event]) -> xr.Dataset:
        """The dataset of the flow's own events and the others, with the dimension ``run``."""
        thresholds = np.hstack([[self.own_thresholds(values) for values in grid.values], grid.thresholds])
        crossings = [one.crossings for one in solved]
        found = table(crossings, thresholds, [*self.own_events, *events], self._names)
        found.crossing_time.attrs["units"] = self.time_units
        return found
