"""What is claimed of networks trained with momentum, and how it is decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import xarray as xr

from analysis.claim import Claim, Evidence, agreement, identity
from analysis.momentum_network.experiments import FORMULAS
from analysis.training.measures import crossing, hovering
from eos_sym import Undecided
from eos_sym.rules import MOMENTUM, STEP_SIZE
from eos_sym.stability import critical_sharpness

SOURCE = "Cohen et al. 2021, appendix B"
NAMES = {"heavy_ball": "heavy ball", "nesterov": "Nesterov's rule"}
THRESHOLDS = {
    "heavy_ball": (2 + 2 * MOMENTUM) / STEP_SIZE,
    "nesterov": (2 + 2 * MOMENTUM) / (STEP_SIZE * (1 + 2 * MOMENTUM)),
}
FEWEST_READINGS = 20  # at the edge
HOVERING = 0.1  # the mean of S over the edge is this close to 1


def each_run(training: xr.Dataset, rule: str) -> Iterator[xr.Dataset]:
    """The runs of a rule."""
    for momentum in training.momentum.values:
        for edge in training.edge.values:
            yield training.sel(rule=rule, momentum=momentum, edge=edge)


def level(history: xr.Dataset) -> float:
    """The mean sharpness over the second half of the run after it crossed its edge, in units of the edge."""
    edge = float(history.edge)
    first, last = crossing(history, edge), int(history.reading[-1])
    name = f"{NAMES[str(history.rule.values)]}, β = {float(history.momentum):g}, edge {edge:g}"
    if history.ending == "diverged":
        raise Undecided(f"{name}: the run diverged")
    if first is None:
        raise Undecided(f"{name}: the run ended before its sharpness reached the edge")
    found = hovering(history, edge, (first + last) // 2)
    if found.readings < FEWEST_READINGS:
        raise Undecided(f"{name}: {found.readings} readings at the edge; {FEWEST_READINGS} tell whether it hovers")
    return found.mean


def claims(training: xr.Dataset) -> Sequence[Claim]:
    """The claims on these runs."""
    thresholds = [
        Claim(
            f"threshold_of_{rule}",
            f"the critical sharpness of {NAMES[rule]} that its formula gives is {THRESHOLDS[rule]}",
            SOURCE,
            [partial(_threshold, rule)],
        )
        for rule in THRESHOLDS
    ]
    hovers = [
        Claim(
            f"{rule}_hovers_at_its_own_edge",
            f"networks trained with {NAMES[rule]} sharpen to its critical sharpness and hover there, for both momentum "
            "coefficients and both step sizes",
            SOURCE,
            [partial(_hovers, run) for run in each_run(training, rule)],
        )
        for rule in THRESHOLDS
    ]
    told_apart = Claim(
        "the_sharpness_tells_the_rule",
        "the sharpness at which a network hovers, times η, tells which rule trained it: it is nearest to that rule's "
        "own threshold among gradient descent's, heavy ball's and Nesterov's",
        "this program",
        [partial(_nearest, run, rule) for rule in THRESHOLDS for run in each_run(training, rule)],
    )
    return [*thresholds, *hovers, told_apart]


def _threshold(rule: str) -> Evidence:
    return identity(THRESHOLDS[rule], critical_sharpness(FORMULAS[rule]))


def _hovers(history: xr.Dataset) -> Evidence:
    return agreement("network", 1.0, level(history), absolute=HOVERING)


def _nearest(history: xr.Dataset, rule: str) -> Evidence:
    momentum = float(history.momentum)
    values = {name: float(at.subs({STEP_SIZE: 1, MOMENTUM: momentum})) for name, at in THRESHOLDS.items()}
    values["gradient_descent"] = 2.0
    measured = level(history) * float(history.edge) * float(history.eta)
    nearest = min(values, key=lambda name: abs(np.log(measured / values[name])))
    return Evidence("network", "supported" if nearest == rule else "refuted", rule, nearest)
