"""Runs of a map drawn at random at every step, as in SGD, and the Lyapunov exponent of random products.

    θ_{t+1} = F_{b_t}(θ_t; p),    b_t uniform over the maps (one for every batch), independent of the others

Every start and parameter value is run many times, with draws of its own; the same seed gives the same draws. A run is

    converged    at iteration `step` no map, whichever is drawn, moves any θᵢ by more than tolerance · (1 + |θᵢ|), and
                 each has a fixed point within √tolerance · (1 + |θᵢ|) (`numeric.zeros`)
    diverged     at iteration `step` a coordinate exceeds the bound or is no number; the state before it is kept
    undecided    none of these yet

Convergence is looked for every `CHECKED_EVERY` iterations. A run that has ended is left where it is.

Shapes: a state is an array (coordinates, runs). The Lyapunov exponent is estimated from runs of random products that
are rescaled at every step, with the standard error over the runs.

Errors: `BadInput` as in `numeric.maps.simulator`, for maps of different states or parameters, and for runs < 1 or seed
< 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sympy import Expr, Symbol

from eos_sym import STEP_SIZE, BadInput, Map
from eos_sym.losses import LossFamily
from eos_sym.rules import StochasticGradientDescent
from numeric.compile import CompiledFunction, compile_function
from numeric.maps.outcomes import Array, Mask
from numeric.maps.rest import compile_displacement
from numeric.progress import Progress, listener
from numeric.values import Values, labelled_values
from numeric.zeros import has_zero_near

CHECKED_EVERY = 64


@dataclass(frozen=True)
class _Ends:
    """The states, their outcomes, and what was recorded of the runs, as far as they got."""

    final: Array
    outcome: NDArray[np.str_]
    step: NDArray[np.int64]
    path: Array
    drawn: NDArray[np.int64]

    def end(self, runs: NDArray[np.int64], outcome: str, iteration: int) -> None:
        self.outcome[runs], self.step[runs] = outcome, iteration


@dataclass(frozen=True)
class StochasticSimulator:
    """Equally likely maps and their compiled steps."""

    maps: tuple[Map, ...]
    steps: tuple[CompiledFunction, ...]

    def run(
        self,
        initial: Values,
        parameters: Values,
        *,
        steps: int,
        runs: int,
        seed: int,
        record_every: int | None = None,
        tolerance: float = 1e-12,
        bound: float = 1e8,
        progress: Progress | None = None,
    ) -> xr.Dataset:
        """Run every combination of initial values and parameters `runs` times for `steps` iterations.

        The dataset holds `final`, `outcome` and `step` over the dimensions of the input and ``run``, and the
        parameters by name; with `record_every` also `trajectory` and `drawn`, with the dimension ``iteration``: the
        state at every so many iterations, nan from where a run diverged, and the map drawn next.
        """
        for name, value in {"steps": steps, "runs": runs, "record_every": record_every}.items():
            if value is not None and value < 1:
                raise BadInput(f"{name} = {value}: must be 1 or more")
        if seed < 0:
            raise BadInput(f"seed = {seed}: must be 0 or more")
        starts = labelled_values(initial, self.maps[0].state, "initial value")
        settings = labelled_values(parameters, self.maps[0].parameters, "parameter")
        each = xr.DataArray(np.zeros(runs), dims="run", coords={"run": np.arange(runs)})
        try:
            broadcast = xr.broadcast(*xr.align(*starts, *settings, each, join="exact"))
        except ValueError as error:
            raise BadInput(f"initial values and parameters: {error}; give them the same coordinates") from error
        lanes = np.stack([array.values.reshape(-1) for array in broadcast[:-1]])
        state, values = lanes[: len(starts)].copy(), lanes[len(starts) :]

        ends = self._advance(state, values, steps, seed, record_every, tolerance, bound, listener(progress))
        template = broadcast[-1]
        dims, shape = template.dims, template.shape
        dataset = xr.Dataset(
            {
                "final": ((*dims, "state"), ends.final.T.reshape(*shape, len(state)), {"units": "1"}),
                "outcome": (dims, ends.outcome.reshape(shape)),
                "step": (dims, ends.step.reshape(shape), {"units": "iterations"}),
            },
            coords={**template.coords, "state": [variable.name for variable in self.maps[0].state]},
        )
        for parameter, setting in zip(self.maps[0].parameters, settings, strict=True):
            dataset[parameter.name] = setting
        if record_every is not None:
            path = ends.path.transpose(2, 0, 1).reshape(*shape, len(ends.path), len(state))
            dataset["trajectory"] = ((*dims, "iteration", "state"), path, {"units": "1"})
            dataset["drawn"] = ((*dims, "iteration"), ends.drawn.T.reshape(*shape, len(ends.path)))
            recorded = np.arange(0, steps + 1, record_every)
            dataset = dataset.assign_coords(iteration=("iteration", recorded, {"units": "iterations"}))
        return dataset

    def _advance(
        self,
        state: Array,
        values: Array,
        steps: int,
        seed: int,
        record_every: int | None,
        tolerance: float,
        bound: float,
        progress: Progress,
    ) -> _Ends:
        """Every column of `state` with its column of parameter `values`, for `steps` iterations or to its end."""
        generator = np.random.default_rng(seed)
        runs = state.shape[1]
        records = steps // record_every + 1 if record_every else 0
        ends = _Ends(
            state,
            np.full(runs, "undecided", "<U9"),
            np.full(runs, steps),
            np.empty((records, *state.shape)),
            np.empty((records, runs), np.int64),
        )
        active = np.arange(runs)
        for iteration in range(steps + 1):
            if iteration % CHECKED_EVERY == 0 or iteration == steps:
                settled = self._settled(state[:, active], values[:, active], tolerance)
                ends.end(active[settled], "converged", iteration)
                active = active[~settled]
            drawn = generator.integers(len(self.maps), size=(runs,))
            if record_every and iteration % record_every == 0:
                ends.path[iteration // record_every] = np.where(ends.outcome == "diverged", np.nan, state)
                ends.drawn[iteration // record_every] = drawn
            if iteration == steps:
                break
            moved = self._step(state[:, active], values[:, active], drawn[active])
            inside = (np.abs(moved) <= bound).all(axis=0)
            ends.end(active[~inside], "diverged", iteration + 1)
            active = active[inside]
            state[:, active] = moved[:, inside]
            progress(1)
        return ends

    def _step(self, state: Array, values: Array, drawn: NDArray[np.int64]) -> Array:
        """The next states, every column by the map that was drawn for it."""
        moved = np.empty_like(state)
        for index, step in enumerate(self.steps):
            lanes = np.flatnonzero(drawn == index)
            if lanes.size:
                moved[:, lanes] = step(*state[:, lanes], *values[:, lanes])
        return moved

    def _settled(self, state: Array, values: Array, tolerance: float) -> Mask:
        """The runs that no map moves any more."""
        ends = np.stack([step(*state, *values) for step in self.steps])
        settled = np.asarray((np.abs(ends - state) <= tolerance * (1 + np.abs(state))).all(axis=(0, 1)))
        for dynamics in self.maps if settled.any() else ():
            at, settings = state[:, settled], values[:, settled]
            settled[settled] = has_zero_near(compile_displacement(dynamics), at, settings, math.sqrt(tolerance))
        return settled


def compile_maps(maps: Sequence[Map]) -> StochasticSimulator:
    """The simulator of maps drawn with equal probability."""
    if not maps or any((other.state, other.parameters) != (maps[0].state, maps[0].parameters) for other in maps):
        raise BadInput("the maps of a stochastic rule: give at least one, all with the same state and parameters")
    return StochasticSimulator(
        tuple(maps), tuple(compile_function(map_.step, (*map_.state, *map_.parameters)) for map_ in maps)
    )


def lyapunov_exponent(
    rule: StochasticGradientDescent,
    family: LossFamily,
    minimum: Mapping[Symbol, Expr],
    step_size: float,
    *,
    steps: int,
    runs: int,
    seed: int,
) -> tuple[float, float]:
    """The mean of (1/t) log‖J_{b_t}…J_{b_1} δ‖ over runs of t = `steps` steps, and its standard error.

    The runs start in random directions. The error is that of sampling; the bias of a start that is not yet aligned
    falls as 1/t. Directions in which all losses are flat count, with exponent 0.
    """
    if steps < 1 or runs < 2:
        raise BadInput(f"steps = {steps}, runs = {runs}: give at least one step, and two runs for a standard error")
    at = {**minimum, STEP_SIZE: step_size}
    jacobians = np.array([map_.jacobian.subs(at).tolist() for map_ in rule.maps(family)], dtype=np.float64)
    generator = np.random.default_rng(seed)
    direction = generator.standard_normal((runs, len(family.weights)))
    growth = np.zeros(runs)
    for _ in range(steps):
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        drawn = jacobians[generator.integers(len(jacobians), size=runs)]
        direction = np.einsum("rij,rj->ri", drawn, direction)
        growth += np.log(np.linalg.norm(direction, axis=1))
    rates = growth / steps
    return float(rates.mean()), float(rates.std(ddof=1) / np.sqrt(runs))
