"""One problem: training, averaged over two steps, and everyone who foretells it, from the same weights.

The truth is `numeric.networks.flows.two_step_averages`. The onset is the first reading at which the sharpness at a
midpoint is at the edge. Flows begin where training does; the predicted dynamics and the forecast, which are for weights
at the edge, begin at the onset and go `SHORT` steps; the training up to there is no cost of theirs.

    gradient_flow    θ̇ = −η∇L, by Runge and Kutta's steps, as many as the sharpness asks for
    central          the central flow
    rod, edge        rod flow and edge flow by unit steps
    fine_rod         rod flow by `FINE` steps an iteration, nearer to the flow itself
    predicted        Damian, Nichani and Lee's predicted dynamics about the constrained trajectory
    forecast         the reduced-order model, `numeric.networks.forecast.forecast`

Over step: loss and gradient_norm (the root of the mean square) of training, and over contestant and step what is told
of them. Over reading: sharpness and moved, ‖θ̄ − θ₀‖; over contestant and reading told_sharpness, by one instrument at
everyone's own weights, and distance ‖w − θ̄‖; without weights it is the sharpness that is told, and there is no
distance. Over contestant: evaluations in gradients (NaN where not counted), seconds of processor time, iterations,
contestant_ending. Of the central flow besides told_rank, and told_loss_error, told_gradient_norm_error and
told_sharpness_error.

Besides onset, −1 if there is none and then nobody is asked, edge, eta, and gradient_seconds, which one gradient takes;
attribute ending of training.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from analysis.central_flow.problems import Problem
from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.edge import beside_descent
from numeric.networks.edge.descent import descended
from numeric.networks.flows import central_flow, edge_flow, rod_flow, two_step_averages
from numeric.networks.forecast import forecast
from numeric.networks.loss import FlatLoss
from numeric.networks.training.flow.runge_kutta import runge_kutta_step
from numeric.progress import Progress

SHORT = 60  # steps from the onset
FINE = 4
READING = 1e-3
TIMED = 30  # gradients
STABLE = 2.2  # hS of a step of gradient flow, of at most 2.785
WORDS: Mapping[str, str] = {
    "gradient_flow": "gradient flow",
    "central": "central flow",
    "rod": "rod flow",
    "edge": "edge flow",
    "fine_rod": "rod flow, fine steps",
    "predicted": "predicted dynamics",
    "forecast": "forecast",
}
SERIES = ("loss", "gradient_norm", "rank", "loss_error", "gradient_norm_error", "sharpness_error")


@dataclass(frozen=True)
class Told:
    """What a contestant foretells: series by step, the weights that it has at some, its cost, how it ended."""

    series: xr.Dataset  # over step: loss, gradient_norm, sharpness, and errors, as far as they are told
    weights: xr.DataArray | None
    evaluations: float
    ending: str


@dataclass(frozen=True)
class Onset:
    """The step of the onset, and the weights that training has then."""

    step: int
    weights: Tensor


@dataclass(frozen=True)
class Contest:
    """A problem, its training, and its contestants."""

    problem: Problem
    kept: int  # steps between readings
    asked: tuple[str, ...]  # contestants

    @property
    def steps(self) -> int:
        """Those of training."""
        return self.problem.steps

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """What was measured; nothing is resumed, for there are only seconds or minutes to lose."""
        del folder
        problem, kept = self.problem, self.kept
        truth = two_step_averages(*problem.module(), optimizer=problem.rule, steps=problem.steps, keep_every=kept)
        above = truth.sharpness.where(truth.sharpness >= truth.edge, drop=True)
        onset = at_step(problem, int(above.step[0])) if above.size else None
        loss = problem.flat_loss()
        began = time.process_time()
        for _ in range(TIMED):
            loss.value_and_gradient(loss.parameters)
        gradient_seconds = (time.process_time() - began) / TIMED
        readings = truth.kept.values[truth.kept.values > 0]
        told = {}
        for name, tell in CONTESTANTS.items():
            asked = name in self.asked and (problem.plain or name == "central")
            began = time.process_time()
            try:
                found = tell(problem, onset, kept) if asked and onset is not None else NOTHING
            except Undecided as reason:
                found = replace(NOTHING, ending=str(reason))
            spent = time.process_time() - began
            told[name] = compared(loss, found, truth, readings, problem.plain).assign(seconds=spent)
        progress(problem.steps)
        averaged = truth.weights.sel(kept=readings).values
        measured = {
            "loss": ("step", truth.loss.values),
            "gradient_norm": ("step", np.sqrt(truth.square_gradient.values)),
            "sharpness": ("reading", truth.sharpness.sel(step=readings).values),
            "moved": ("reading", np.linalg.norm(averaged - loss.parameters.numpy(), axis=1)),
        }
        crossing = -1 if onset is None else onset.step
        ends = {"onset": crossing, "edge": truth.edge, "eta": truth.eta, "gradient_seconds": gradient_seconds}
        everyone = xr.concat(told.values(), "contestant").assign_coords(contestant=[*told])
        return everyone.assign(measured | ends).assign_attrs(ending=str(truth.ending))


def compared(loss: FlatLoss, told: Told, truth: xr.Dataset, readings: Array, plain: bool) -> xr.Dataset:
    """A contestant's series at the steps of the truth, its sharpness by the common instrument, and its distance."""
    series = told.series.reindex(step=truth.step.values)
    nothing = np.full(truth.sizes["step"], np.nan)
    columns = {f"told_{name}": ("step", series[name].values if name in series else nothing) for name in SERIES}
    sharpness, distance = np.full((2, len(readings)), np.nan)
    if "sharpness" in series:
        sharpness = series.sharpness.sel(step=readings).values
    if told.weights is not None:
        instrument = TopEigenpairs(relative=READING)
        for place, step in enumerate(readings):
            if step not in told.weights.kept:
                continue
            here = torch.from_numpy(told.weights.sel(kept=step).values)
            distance[place] = np.linalg.norm(here.numpy() - truth.weights.sel(kept=step).values)
            if plain:
                hessian = HessianAt(loss, here)
                sharpness[place] = float(instrument.read(hessian, here, hessian.gradient).eigenvalues[0])
    columns |= {"told_sharpness": ("reading", sharpness), "distance": ("reading", distance)}
    ends = {"evaluations": told.evaluations, "iterations": told.series.sizes["step"], "contestant_ending": told.ending}
    return xr.Dataset(columns, {"step": truth.step.values, "reading": readings}).assign(ends)


def gradient_flow(problem: Problem, onset: Onset, kept_every: int) -> Told:
    """Runge and Kutta's steps, an iteration divided into as many as the sharpness asks for."""
    loss, eta = problem.flat_loss(), problem.rule.eta
    weights, instrument = loss.parameters, TopEigenpairs(relative=1e-2)
    values, norms, kept, evaluations = [], [], {}, 0.0

    def gradient(point: Tensor) -> Tensor:
        return loss.value_and_gradient(point)[1]

    parts = 1
    for step in range(problem.steps + 1):
        value, first = loss.value_and_gradient(weights)
        values.append(float(value))
        norms.append(float(first.norm()))
        if step % kept_every == 0:
            kept[step] = weights.numpy()
            hessian = HessianAt(loss, weights)
            sharpness = float(instrument.read(hessian, weights, hessian.gradient).eigenvalues[0])
            parts = max(1, math.ceil(eta * sharpness / STABLE))
            evaluations += hessian.evaluations
        if step == problem.steps:
            break
        for part in range(parts):
            weights, _ = runge_kutta_step(gradient, weights, gradient(weights) if part else first, eta / parts)
            evaluations += 4
    series = xr.Dataset({"loss": ("step", values), "gradient_norm": ("step", norms)}, {"step": range(len(values))})
    return Told(series, stacked(kept), evaluations, "steps")


def central(problem: Problem, onset: Onset, kept_every: int) -> Told:
    """The central flow, which tells its own errors."""
    told = central_flow(*problem.module(), optimizer=problem.rule, steps=problem.steps, keep_every=kept_every)
    series = told.drop_vars("loss").rename(mean_loss="loss", mean_gradient_norm="gradient_norm")
    series = series.rename(mean_loss_error="loss_error", mean_gradient_norm_error="gradient_norm_error")
    return Told(series, told.weights, told.evaluations, told.ending)


def alternating(
    flow: Callable[..., xr.Dataset], per_step: int, problem: Problem, onset: Onset, kept_every: int
) -> Told:
    """Rod flow or edge flow."""
    options = {"eta": problem.rule.eta, "steps": problem.steps, "per_step": per_step, "keep_every": kept_every}
    told = flow(*problem.module(), **options)
    series = told.rename(mean_loss="loss", mean_gradient_norm="gradient_norm")
    return Told(series, told.weights, told.evaluations, told.ending)


def at_step(problem: Problem, step: int) -> Onset:
    """The weights after so many steps of gradient descent; of another rule nobody begins there, but at the start."""
    loss = problem.flat_loss()
    return Onset(step, descended(loss, loss.parameters, problem.rule.eta, step if problem.plain else 0))


def loss_at(problem: Problem, onset: Onset) -> FlatLoss:
    """The loss at the weights that training has at the onset."""
    loss = problem.flat_loss()
    loss.load(onset.weights)
    return loss


def predicted(problem: Problem, onset: Onset, kept_every: int) -> Told:
    """The paper's predicted dynamics."""
    loss = loss_at(problem, onset)
    told = beside_descent(loss, loss.parameters, problem.rule.eta, SHORT).sel(order="cubic")
    series = xr.Dataset({"loss": two_steps(told.predicted_loss), "sharpness": told.predicted_sharpness})
    return Told(series.assign_coords(step=series.step + onset.step), None, math.nan, told.ending)


def foretold(problem: Problem, onset: Onset, kept_every: int) -> Told:
    """The forecast from the onset."""
    loss = loss_at(problem, onset)
    told = forecast(loss.module, loss.criterion, loss.inputs, loss.targets, eta=problem.rule.eta, steps=SHORT).data
    series = xr.Dataset({"loss": two_steps(told.loss), "sharpness": told.sharpness})
    return Told(series.assign_coords(step=series.step + onset.step), None, float(told.evaluations), "steps")


def two_steps(values: xr.DataArray) -> xr.DataArray:
    """The averages over two steps, as of training."""
    return (values.shift(step=1) + 2 * values + values.shift(step=-1)) / 4


def stacked(kept: Mapping[int, Array]) -> xr.DataArray:
    """Weights by the steps at which they were kept."""
    return xr.DataArray(np.stack([*kept.values()]), {"kept": [*kept]}, ("kept", "weight"))


NOTHING = Told(xr.Dataset(coords={"step": np.zeros(0, int)}), None, math.nan, "not asked")
CONTESTANTS: Mapping[str, Callable[[Problem, Onset, int], Told]] = {
    "gradient_flow": gradient_flow,
    "central": central,
    "rod": partial(alternating, rod_flow, 1),
    "edge": partial(alternating, edge_flow, 1),
    "fine_rod": partial(alternating, rod_flow, FINE),
    "predicted": predicted,
    "forecast": foretold,
}
