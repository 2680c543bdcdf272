"""The statements of the essay, each with its checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr

from analysis.study.claim import Check, Claim, Evidence, agreement, bounded, identity
from analysis.sgd_batch.theory import along_a_direction, derived_bound, stated_bound
from analysis.training.measures import crossing, hovering, sharpness_of
from eos_sym import Undecided

SOURCE = "Cohen et al. 2021, Figure 29"
STOCHASTIC_EDGE = "Andreyev, Beneventano 2024"
LATE = 0.75  # of a run: from there on the sharpness has nearly come to rest
FEWEST_READINGS, FEWEST_STEPS = 5, 200
FULL_BATCH = (0.9, 1.25)  # of 2/η
FAR_BELOW = 0.8  # of 2/η: the smallest batch
RISING = 1.05  # the last quarter's mean over that of the one before: not yet at rest
NEAR_EDGE = 0.25  # between the batch sharpness over 2/η and 1
CURVATURE_ERROR = 0.02
DEVIATIONS = 4  # standard errors that two samples of the batch sharpness may be apart


@dataclass(frozen=True)
class Run:
    """One run and what was measured at its end."""

    eta: float
    batch_size: int
    history: xr.Dataset
    end: xr.Dataset
    too_short: str | None  # why nothing can be said of its late part

    @property
    def name(self) -> str:
        """The run in words."""
        return f"eta = {self.eta:g}, batch size {self.batch_size}"

    def late(self, name: str = "sharpness") -> float:
        """The mean over the last part of the run of what was read, over 2/η."""
        if str(self.history.ending.values) == "diverged":
            raise Undecided(f"{self.name}: diverged")
        if self.too_short:
            raise Undecided(self.too_short)
        found = hovering(self.history, 2 / self.eta, _late_start(self.history), name)
        if found.readings < FEWEST_READINGS:
            raise Undecided(f"{self.name}: {found.readings} late readings; {FEWEST_READINGS} are the fewest for a mean")
        return found.mean

    def still_rising(self, name: str) -> bool:
        """Whether what was read was lower in the part before the last one, of the same length."""
        steps, values = sharpness_of(self.history, name)
        late = steps >= _late_start(self.history)
        before = values[~late][-int(late.sum()) :]
        return bool(values[late].mean() > RISING * before.mean())


def runs_of(training: xr.Dataset, ends: xr.Dataset) -> list[list[Run]]:
    """The runs by step size, and for each by batch size; the full batch is the last."""
    return [_runs_of_one(float(eta), training.sel(eta=eta), ends.sel(eta=eta)) for eta in training.eta.values]


def _runs_of_one(eta: float, training: xr.Dataset, ends: xr.Dataset) -> list[Run]:
    """The runs with one step size, whose time scale is that of the full batch on its way to the edge."""
    full = training.isel(batch_size=-1)
    reached = crossing(full, 2 / eta)
    steps = sharpness_of(full)[0][-1]
    too_short = None
    if str(full.ending.values) == "steps" and steps < FEWEST_STEPS:
        too_short = f"eta = {eta:g}: the runs have {steps} steps; {FEWEST_STEPS} are the fewest to come to rest in"
    elif str(full.ending.values) == "steps" and (reached is None or reached > _late_start(full)):
        too_short = f"eta = {eta:g}: not even the full batch has brought the sharpness to 2/eta for long; train on"
    sizes = training.batch_size.values
    return [Run(eta, int(b), training.sel(batch_size=b), ends.sel(batch_size=b), too_short) for b in sizes]


def _late_start(history: xr.Dataset) -> int:
    return math.ceil(LATE * float(sharpness_of(history)[0][-1]))


def claims(training: xr.Dataset, ends: xr.Dataset) -> list[Claim]:
    """All claims."""
    groups = runs_of(training, ends)
    every = [run for runs in groups for run in runs]
    mini = [run for runs in groups for run in runs[:-1]]

    def of_each(check: Callable[[list[Run]], Evidence]) -> list[Check]:
        return [partial(check, runs) for runs in groups]

    return [
        Claim(
            "full_batch_at_the_edge",
            f"with the full batch the sharpness ends at {FULL_BATCH[0]:g} to {FULL_BATCH[1]:g} times 2/η",
            SOURCE,
            [*of_each(_full_batch), lambda: _curvature(every)],
        ),
        Claim(
            "the_smaller_the_farther_below",
            "the smaller the batch, the farther below 2/η the sharpness ends",
            SOURCE,
            of_each(_ordered),
        ),
        Claim(
            "small_batches_stay_below",
            f"with the smallest batch the sharpness ends below {FAR_BELOW:g} times 2/η",
            SOURCE,
            of_each(lambda runs: bounded("network", runs[0].late(), below=FAR_BELOW)),
        ),
        Claim(
            "batch_sharpness_above_the_sharpness",
            "with the smallest batch the batch sharpness ends above the sharpness: nearer to 2/η",
            STOCHASTIC_EDGE,
            [
                *of_each(lambda runs: bounded("network", runs[0].late() / runs[0].late("batch_sharpness"), below=1)),
                lambda: _second_differences(mini),
            ],
            open=True,
        ),
        Claim(
            "batch_sharpness_at_the_edge",
            f"with every batch smaller than the full one the batch sharpness ends within {NEAR_EDGE:g} of 2/η",
            STOCHASTIC_EDGE,
            of_each(_at_the_edge),
            open=True,
        ),
        Claim(
            "second_moment_along_a_direction",
            "E[(1 − ηuᵀH_Bu)²] = (1 − ηS)² + η²(n − B)s²/(B(n − 1)), which is 1 at S = 2/(η(1 + ν²(n − B)/(B(n − 1))))",
            "derived for this project; Ma, Ying 2021",
            [
                lambda: identity(*along_a_direction()),
                lambda: identity(stated_bound(), derived_bound()),
            ],
        ),
        Claim(
            "second_moment_bounds_the_sharpness",
            "the sharpness ends at or below the value up to which the second moment can be stable",
            "a prediction: the bound is that of a quadratic whose examples are all fitted",
            of_each(_below_the_bound),
            open=True,
        ),
    ]


def _full_batch(runs: list[Run]) -> Evidence:
    (low, high), ratio = FULL_BATCH, runs[-1].late()
    status = "supported" if low <= ratio <= high else "refuted"
    return Evidence("network", status, f"{low:g} to {high:g}", ratio, (high - low) / 2)  # type: ignore[arg-type]


def _ordered(runs: list[Run]) -> Evidence:
    """The largest ratio of the sharpness with a batch to that with the next larger one, where not both are at 2/η."""
    ratios = np.minimum(1, [run.late() for run in runs])
    below = ratios[:-1] + ratios[1:] < 2
    if not below.any():
        raise Undecided("with every batch size the sharpness ends at 2/eta; give smaller ones")
    return bounded("network", float((ratios[:-1] / ratios[1:])[below].max()), below=1)


def _at_the_edge(runs: list[Run]) -> Evidence:
    """The batch sharpness that is farthest from the edge."""
    ratios = {run.late("batch_sharpness"): run for run in runs[:-1]}
    if not ratios:
        raise Undecided("only the full batch was trained with; give smaller ones")
    farthest = max(ratios, key=lambda ratio: abs(ratio - 1))
    if farthest < 1 - NEAR_EDGE and ratios[farthest].still_rising("batch_sharpness"):
        raise Undecided(f"{ratios[farthest].name}: at {farthest:.2f} of 2/eta, and still rising; train for longer")
    return agreement("network", 1.0, farthest, absolute=NEAR_EDGE)


def _below_the_bound(runs: list[Run]) -> Evidence:
    """The largest ratio of the sharpness to its bound among the smaller batches."""
    ratios = [run.late() * 2 / run.eta / float(run.end.bound) for run in runs[:-1]]
    if not ratios:
        raise Undecided("only the full batch was trained with; give smaller ones")
    return bounded("network", max(ratios), below=1 + CURVATURE_ERROR)


def _curvature(every: Sequence[Run]) -> Evidence:
    """The last sharpness read, beside the mean of the examples' curvatures by second differences."""
    errors = [abs(float(run.end.curvature) / _read(run, "sharpness") - 1) for run in every if _ended(run)]
    if not errors:
        raise Undecided("every run diverged")
    return bounded("simulation", max(errors), below=CURVATURE_ERROR)


def _second_differences(mini: Sequence[Run]) -> Evidence:
    """The batch sharpness last read, beside the one by second differences of other batches' losses."""
    apart = [
        abs(float(run.end.batch_sharpness) - _read(run, "batch_sharpness"))
        / math.hypot(float(run.end.batch_sharpness_error), _read(run, "batch_sharpness_error"))
        for run in mini
        if _ended(run)
    ]
    if not apart:
        raise Undecided("no run with mini-batches came to its end")
    return bounded("simulation", max(apart), below=DEVIATIONS)


def _ended(run: Run) -> bool:
    return bool(np.isfinite(run.end.curvature))


def _read(run: Run, name: str) -> float:
    """What was read at the weights that the end was measured at."""
    return float(run.history[name].sel(reading=int(run.end.read_at)))
