"""The statements of the essay, each with its checks."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from analysis.study.claim import Claim, Evidence, same
from analysis.reasonable_steps.experiments import CRITERIA
from analysis.reasonable_steps.ranges import Range, range_of
from eos_sym import Undecided

SOURCE = "Cohen et al. 2021, section 3"


def claims(training: xr.Dataset) -> list[Claim]:
    """All claims."""
    ranges = [range_of(training, criterion) for criterion in CRITERIA]
    return [
        Claim(
            "half_of_the_range",
            "in half or more of the range of step sizes that train, on a logarithmic scale, training reaches the edge "
            "2/η before it is done",
            SOURCE,
            [partial(_half, found) for found in ranges],
            open=True,
        ),
        Claim(
            "an_interval",
            "the edge is reached from some step size on, and at all larger ones that train",
            SOURCE,
            [partial(_interval, found) for found in ranges],
        ),
        Claim(
            "fastest_at_the_edge",
            "the step size that needs the fewest steps is at the edge",
            SOURCE,
            [partial(_fastest, found) for found in ranges],
        ),
    ]


def _half(found: Range) -> Evidence:
    share = found.share
    return Evidence("network", "supported" if share >= 0.5 else "refuted", ">= 0.5", share)


def _interval(found: Range) -> Evidence:
    pattern = found.edge[found.trains]
    if not pattern.any():
        raise Undecided("the edge is reached at no step size that trains; try larger ones")
    return same("network", "from one on", "from one on" if (np.diff(pattern.astype(int)) >= 0).all() else "not at all")


def _fastest(found: Range) -> Evidence:
    if not found.trains.any():
        raise Undecided("no step size trains within the budget of steps; give more steps")
    if found.trains.sum() < 2:
        raise Undecided(f"of the step sizes tried only {found.etas[found.trains][0]:.3g} trains; try more")
    fastest = int(np.where(found.trains, found.steps, np.inf).argmin())
    return same("network", "at the edge", "at the edge" if found.edge[fastest] else "below the edge")
