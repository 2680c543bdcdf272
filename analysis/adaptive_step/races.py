"""One start of one network, from which all contestants train until they have spent the same number of evaluations.

    loss         (contestant, evaluations)   L at the last weights whose loss was known when so much was spent
    step         (contestant, evaluations)   the number of steps that these weights are from the start
    sharpness    (contestant,)               at the end, of the Hessian there; not counted
    held         (contestant,)               ηS/2 of the last reading of those that track, S by Lanczos iteration
    choosing     (contestant,)               evaluations spent on choosing step sizes
    diverged     (contestant,)               1 where the loss is not finite, or at the end above that of the start

NaN where there is nothing to say. Units: evaluations are gradients of the full batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import xarray as xr

from analysis.adaptive_step.steppers import Chosen, Foreseen, Forward, Stepper, Tracked
from analysis.training import TrainingOptions, flat_loss
from analysis.training.runs import as_asked
from numeric.networks.architectures import Convolutional, FullyConnected
from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.data import Digits
from numeric.networks.loss import FlatLoss
from numeric.networks.training import Experiment
from numeric.networks.training.optimizers import GradientDescent
from numeric.progress import Progress

FIXED = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6)  # of 2/S at the start
FRACTIONS = (0.5, 0.8, 0.95, 1.05, 1.2)  # of 2/S
OF_CRITICAL = ((0.5, 1), (0.9, 1), (0.5, 10))  # of η_c, found every so many steps
LENGTHS = (0.03, 0.1, 0.3, 1.0)  # of a normalized step
FIRST_SEED = 100  # of the full preset: what the contestants were made on had seed 0

Label: TypeAlias = tuple[str, int]  # network, seed


@dataclass(frozen=True)
class Contestant:
    """A way to choose the step size; `begin` makes a run from a loss at its start and the sharpness there."""

    name: str
    kind: str
    words: str
    begin: Callable[[FlatLoss, float], Stepper]


def _fixed(share: float, loss: FlatLoss, sharpness: float) -> Stepper:
    eta = share * 2 / sharpness
    return Chosen(loss, lambda _value, _gradient: eta)


def _tracked(fraction: float, loss: FlatLoss, _sharpness: float) -> Stepper:
    return Tracked(loss, fraction)


def _forecast(loss: FlatLoss, _sharpness: float) -> Stepper:
    return Foreseen(loss)


def _forward(fraction: float, every: int, loss: FlatLoss, _sharpness: float) -> Stepper:
    return Forward(loss, fraction, every)


def _normalized(length: float, loss: FlatLoss, _sharpness: float) -> Stepper:
    return Chosen(loss, lambda _value, gradient: length / float(gradient.norm()))


def _polyak(loss: FlatLoss, _sharpness: float) -> Stepper:
    return Chosen(loss, lambda value, gradient: value / float(gradient @ gradient))


def _all() -> Iterator[Contestant]:
    for share in FIXED:
        yield Contestant(f"fixed_{share:g}", "fixed", f"fixed, {share:g} · 2/S₀", partial(_fixed, share))
    for fraction in FRACTIONS:
        yield Contestant(
            f"tracked_{fraction:g}", "tracked", f"tracked, {fraction:g} · 2/S", partial(_tracked, fraction)
        )
    yield Contestant("forecast", "forecast", "forecast", _forecast)
    for fraction, every in OF_CRITICAL:
        words = f"forward, {fraction:g} η_c" + f", every {every}th step" * (every > 1)
        yield Contestant(f"forward_{fraction:g}_{every}", "forward", words, partial(_forward, fraction, every))
    for length in LENGTHS:
        yield Contestant(
            f"normalized_{length:g}", "normalized", f"normalized, {length:g}", partial(_normalized, length)
        )
    yield Contestant("polyak", "polyak", "Polyak's", _polyak)


CONTESTANTS: Mapping[str, Contestant] = {one.name: one for one in _all()}


@dataclass(frozen=True)
class Course:
    """A network and its loss, what may be spent, and the shares of the start's loss that are to be reached."""

    words: str
    data: Digits
    network: FullyConnected | Convolutional
    loss: str
    budget: int
    near: float
    far: float


QUICK = {
    "mse": Course("fully connected, squared error", Digits(100), FullyConnected((20,)), "mse", 240, 1 / 10, 1 / 30)
}
WIDE = FullyConnected((30, 30))
FULL = {
    "mse": Course("fully connected, squared error", Digits(200), WIDE, "mse", 1500, 1 / 10, 1 / 30),
    "cross_entropy": Course(
        "fully connected, cross-entropy", Digits(200), WIDE, "cross_entropy", 1000, 1 / 10, 1 / 1000
    ),
    "convolutional": Course(
        "convolutional, squared error",
        Digits(50),
        Convolutional((4, 8), pooling="average"),
        "mse",
        700,
        1 / 3,
        1 / 10,
    ),
}
COURSES = {"quick": QUICK, "full": FULL}
SEEDS = {"quick": 2, "full": 5}


@dataclass(frozen=True)
class Race:
    """A start, by an experiment that would train from it, and what each contestant may spend."""

    start: Experiment
    budget: int

    @property
    def steps(self) -> int:
        """Evaluations of all contestants."""
        return self.budget * len(CONTESTANTS)

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """All contestants, one after the other."""
        sharpness, found = top(flat_loss(self.start)), []
        for contestant in CONTESTANTS.values():
            found.append(raced(contestant.begin(flat_loss(self.start), sharpness), self.budget))
            progress(self.budget)
        return xr.concat(found, "contestant").assign_coords(contestant=[*CONTESTANTS]).assign(start_sharpness=sharpness)


def planned_races(options: TrainingOptions, seeds: int | None) -> dict[Label, Race]:
    """Those of a preset, by network and seed."""
    first = options.seed + (FIRST_SEED if options.preset == "full" else 0)
    races = {}
    for name, course in COURSES[options.preset].items():
        for seed in range(first, first + (seeds or SEEDS[options.preset])):
            rule = GradientDescent(1.0)  # which nobody trains with
            start = Experiment(
                course.data, course.network, rule, course.budget, course.loss, seed=seed, precision="float64"
            )
            asked = as_asked(options, start)
            races[name, seed] = Race(asked, asked.steps)
    return races


def raced(stepper: Stepper, budget: int) -> xr.Dataset:
    """One contestant, until its budget is spent, or its loss is not finite or its gradient 0."""
    spent, choosing, step = 0.0, 0.0, 0
    loss, steps = np.full(budget, math.nan), np.zeros(budget)
    while spent + 1 <= budget:
        value, gradient = stepper.loss.value_and_gradient(stepper.weights)
        spent += 1
        since = slice(math.ceil(spent) - 1, None)
        finite = bool(gradient.isfinite().all() and value.isfinite())
        loss[since], steps[since] = float(value) if finite else math.inf, step
        if not finite or not float(gradient @ gradient) > 0:
            break
        cost = stepper.advance(float(value), gradient)
        spent, choosing, step = spent + cost, choosing + cost, step + 1
    ended = math.nan
    if stepper.weights.isfinite().all():
        stepper.loss.load(stepper.weights)
        ended = top(stepper.loss)
    return xr.Dataset(
        {
            "loss": ("evaluations", loss),
            "step": ("evaluations", steps),
            "sharpness": ended,
            "held": stepper.held,
            "choosing": choosing,
            "diverged": float(not loss[-1] <= loss[0]),
        },
        {"evaluations": np.arange(1, budget + 1)},
    )


def top(loss: FlatLoss) -> float:
    """The sharpness at the module's weights; NaN where it is not finite."""
    hessian = HessianAt(loss, weights := loss.parameters)
    return float(TopEigenpairs(1, relative=1e-2).read(hessian, weights, hessian.gradient).eigenvalues[0])
