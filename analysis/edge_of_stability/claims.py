"""The statements of the essay, each with its checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import xarray as xr

from analysis.claim import Check, Claim, Evidence, agreement, bounded, identity, same
from analysis.training.measures import crossing, hovering, loss_of, share_of_falls, share_of_rises, sharpness_of
from eos_sym import STEP_SIZE, Undecided
from eos_sym.rules import GradientDescent
from eos_sym.stability import critical_sharpness
from numeric.compile import Array

SOURCE = "Cohen et al. 2021, Figures 1 and 5"
FEWEST_READINGS = 10  # at the edge, to say that the sharpness hovers there
BELOW, ABOVE = 0.9, 1.5  # of 2/η: "right at, or just above"
EXPONENT_ERROR = 0.25
LONG_WINDOWS = 3  # into which a run at the edge is divided: each is to hold more than one spike of the loss
OFTEN = 0.02  # the least share of steps in which the loss rises
COLLAPSE = 0.1
SECOND_READING = 0.01


@dataclass(frozen=True)
class Run:
    """One run, and the step of its first reading at or above 2/η."""

    name: str
    eta: float
    ending: str
    history: xr.Dataset
    crossing: int | None

    @property
    def edge(self) -> float:
        """2/η."""
        return 2 / self.eta

    @property
    def crossed(self) -> int:
        """The crossing, of a run that is known to have one and enough readings after it."""
        if self.ending == "diverged":
            raise Undecided(f"{self.name}: diverged")
        if self.crossing is None:
            highest = sharpness_of(self.history)[1].max() / self.edge
            raise Undecided(f"{self.name}: ended by its {self.ending} at {highest:.2f} of the edge")
        readings = hovering(self.history, self.edge, self.crossing).readings
        if readings < FEWEST_READINGS:
            raise Undecided(f"{self.name}: {readings} readings at the edge; {FEWEST_READINGS} tell whether it hovers")
        return self.crossing

    @property
    def ratio(self) -> float:
        """The mean of the sharpness over 2/η, from the crossing to the end."""
        return hovering(self.history, self.edge, self.crossed).mean

    @property
    def loss_at_edge(self) -> Array:
        """The loss from the crossing on."""
        return loss_of(self.history)[self.crossed :]


def runs_of(training: xr.Dataset) -> dict[tuple[str, str], list[Run]]:
    """The runs by architecture and criterion, by ascending step size."""
    found = {}
    for architecture in training.architecture.values:
        for criterion in training.criterion.values:
            several = training.sel(architecture=architecture, criterion=criterion)
            found[str(architecture), str(criterion)] = [*_runs(several, f"{architecture}, {criterion}")]
    return found


def _runs(several: xr.Dataset, name: str) -> Iterator[Run]:
    for number in several.number.values:
        history = several.sel(number=number)
        eta = float(history.eta)
        if np.isfinite(eta):
            ending = str(history.ending.values)
            yield Run(f"{name}, eta = {eta:.4g}", eta, ending, history, crossing(history, 2 / eta))


def claims(training: xr.Dataset, second: xr.Dataset) -> list[Claim]:
    """All claims."""
    groups = runs_of(training)
    each = [*groups.values()]

    def of_all(check: Callable[[list[Run]], Evidence]) -> list[Check]:
        return [partial(check, runs) for runs in each]

    return [
        Claim(
            "edge",
            "gradient descent is stable on a quadratic up to the sharpness 2/η",
            "Cohen et al. 2021, section 2",
            [lambda: identity(2 / STEP_SIZE, critical_sharpness(GradientDescent()))],
        ),
        Claim(
            "reaches_the_edge",
            "the sharpness starts below 2/η and rises until it reaches 2/η, before the network is trained",
            SOURCE,
            of_all(_reach),
        ),
        Claim(
            "hovers_at_the_edge",
            f"from then on it hovers right at, or just above, 2/η: its mean is {BELOW:g} to {ABOVE:g} times 2/η",
            SOURCE,
            [*of_all(_hover), lambda: _confirmed(second)],
            open=True,
        ),
        Claim(
            "inversely_with_the_step_size",
            "the level at which it hovers is proportional to 1/η: exponent −1; a level set by the loss would give 0",
            SOURCE,
            of_all(_exponent),
            open=True,
        ),
        Claim(
            "falls_until_the_edge",
            "until the sharpness reaches 2/η the loss falls in every step",
            "the descent lemma",
            of_all(_monotone),
        ),
        Claim(
            "non_monotone_yet_falling",
            f"at the edge the loss rises in more than {OFTEN:.0%} of the steps; yet its mean falls from each third "
            "of that time to the next",
            SOURCE,
            [*of_all(_rises), *of_all(_falls)],
            open=True,
        ),
        Claim(
            "one_curve_in_time",
            "until then the sharpness is a function of the time ηt, the same for all step sizes",
            "Cohen et al. 2021, Figure 5, right",
            of_all(_collapse),
            open=True,
        ),
    ]


def _reach(runs: list[Run]) -> Evidence:
    for run in runs:
        if run.ending == "diverged" or (run.crossing is None and run.ending == "steps"):
            _ = run.crossed  # says why this is undecided
        if run.crossing == 0:
            raise Undecided(f"{run.name}: starts above the edge; take a smaller step size")
    reached = sum(run.crossing is not None for run in runs)
    return same("network", f"{len(runs)} of {len(runs)}", f"{reached} of {len(runs)}")


def _hover(runs: list[Run]) -> Evidence:
    ratios = [run.ratio for run in runs]
    middle, half = (ABOVE + BELOW) / 2, (ABOVE - BELOW) / 2
    farthest = max(ratios, key=lambda ratio: abs(ratio - middle))
    held = all(abs(ratio - middle) <= half for ratio in ratios)
    return Evidence("network", "supported" if held else "refuted", f"{BELOW:g} to {ABOVE:g}", farthest, half)


def _confirmed(second: xr.Dataset) -> Evidence:
    error = abs(second.tracked / second.independent - 1)
    if not np.isfinite(error).all():
        raise Undecided("the sharpness at the weights that were kept is not finite")
    return bounded("autograd", float(error.max()), below=SECOND_READING)


def _exponent(runs: list[Run]) -> Evidence:
    if len(runs) < 2:
        raise Undecided("one step size has no exponent; give two or more")
    levels = [run.ratio * run.edge for run in runs]
    slope = np.polyfit(np.log([run.eta for run in runs]), np.log(levels), 1)[0]
    return agreement("network", -1.0, float(slope), absolute=EXPONENT_ERROR)


def _monotone(runs: list[Run]) -> Evidence:
    before = [loss_of(run.history)[: run.crossed] for run in runs]
    return agreement("network", 0.0, max(share_of_rises(loss) for loss in before))


def _rises(runs: list[Run]) -> Evidence:
    least = min(share_of_rises(run.loss_at_edge) for run in runs)
    return Evidence("network", "supported" if least > OFTEN else "refuted", f"> {OFTEN:g}", least)


def _falls(runs: list[Run]) -> Evidence:
    parts = [np.array_split(run.loss_at_edge, LONG_WINDOWS) for run in runs]
    return agreement("network", 1.0, min(share_of_falls(np.array([np.mean(part) for part in one]), 1) for one in parts))


def _collapse(runs: list[Run]) -> Evidence:
    if len(runs) < 2:
        raise Undecided("one step size has nothing to be compared with; give two or more")
    return bounded("network", max(_distance(one, other) for one, other in pairwise(runs)), below=COLLAPSE)


def _distance(one: Run, other: Run) -> float:
    """The median relative difference of the two sharpnesses at equal times, until the first of them is at its edge."""
    (times, values), (other_times, other_values) = _until_edge(one), _until_edge(other)
    common = times <= other_times[-1]
    return float(np.median(abs(np.interp(times[common], other_times, other_values) / values[common] - 1)))


def _until_edge(run: Run) -> tuple[Array, Array]:
    steps, values = sharpness_of(run.history)
    before = steps <= run.crossed
    return steps[before] * run.eta, values[before]
