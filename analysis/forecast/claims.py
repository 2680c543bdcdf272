"""What the forecasts are held to, with the counts: fixed before the runs, and every claim an open one.

A run counts where there is a moment to forecast from; a forecast that is not made there, for an error, counts as one
that the gates refuse. The shares of first spikes are among the runs that the gates let through, and in which training
or the forecast has one: a forecast without a spike where training has one, or the other way round, is wrong; where
neither has, there is nothing to be right about. The quantities say how many are left out, and why. Errors: `Undecided`
for fewer than `FEWEST` runs, of which a share or a median says nothing; that number, of other studies, came later than
the demands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.study import Evidence, between
from analysis.study.evidence import Channel
from eos_sym import Undecided

CHANNEL: Channel = "network"


@dataclass(frozen=True)
class Demand:
    """What is asked of a contestant's forecasts of one loss: how near, in what share of the runs, at what cost."""

    contestant: str
    loss: str
    step: float
    height: float
    share: float
    correlations: tuple[tuple[int, float], ...]
    gradients: int
    words: str

    @property
    def correlated(self) -> str:
        """The correlations, in words."""
        return " and ".join(f"{least:g} over {steps} steps" for steps, least in self.correlations)

    def __str__(self) -> str:
        return f"{self.contestant}_{self.loss}"


SQUARED, ENTROPY = "half squared error", "cross-entropy"
TO_100, TO_300 = ((100, 0.95),), ((100, 0.99), (300, 0.95))
DEMANDS = (
    Demand("loss", "mse", 0.05, 0.02, 0.9, TO_300, 120, f"{SQUARED}, by the expansion of the loss"),
    Demand("cut", "mse", 0.05, 0.02, 0.9, TO_300, 300, f"{SQUARED}, by the expansion at the cut"),
    Demand("cut", "cross_entropy", 0.10, 0.05, 0.8, TO_100, 300, f"{ENTROPY}, by the expansion at the cut"),
)
LET_THROUGH = 0.8  # least share
FEWEST = 5  # runs


def runs_of(scores: xr.Dataset, demand: Demand, factors: Sequence[float] = (1.0,)) -> xr.Dataset:
    """The scores of the runs that a demand is about, with these step sizes, one after the other along ``run``."""
    known = all_runs(scores, demand)
    known = known.isel(trial=(known.reason == "").values)
    here = known.sel(contestant=demand.contestant, factor=list(factors)).assign(name=("trial", known.trial.values))
    here["trusted"] = here.trusted.fillna(0.0)
    rows = here.stack(run=("trial", "factor"), create_index=False)
    if not rows.sizes["run"]:
        raise Undecided(f"no run with {demand.words} has a moment to forecast from")
    return rows


def all_runs(scores: xr.Dataset, demand: Demand) -> xr.Dataset:
    """All runs with the loss of a demand that claims are about."""
    return scores.isel(trial=((scores.loss_function == demand.loss) & (scores.apart == "")).values)


def enough(rows: xr.Dataset, words: str) -> xr.Dataset:
    """These rows, if they are of a few runs."""
    if (many := len({*rows.name.values})) < FEWEST:
        raise Undecided(f"{many} {words}; {FEWEST} tell a share or a median")
    return rows


def let_through(scores: xr.Dataset, demand: Demand) -> Evidence:
    """The share that the gates let through."""
    trusted = enough(runs_of(scores, demand), "runs with a moment to forecast from").trusted.values
    without = int((all_runs(scores, demand).reason != "").sum())
    quantity = f"share of runs that the gates let through, {int(trusted.sum())} of {len(trusted)}"
    return between(CHANNEL, f"{quantity}, {without} more without a moment", trusted.mean(), LET_THROUGH, 1.0)


def good_spikes(scores: xr.Dataset, demand: Demand, factors: Sequence[float] = (1.0,)) -> Evidence:
    """The share of the forecasts let through whose first spike is near enough."""
    rows = trusted_runs(scores, demand, factors)
    refused = runs_of(scores, demand, factors).sizes["run"] - rows.sizes["run"]
    none = int((rows.spikes == 0).sum())
    rows = rows.isel(run=rows.spikes.values > 0)
    if not rows.sizes["run"]:
        raise Undecided("no run has a spike to forecast")
    good = near(rows, demand)
    counted = f"{int(good.sum())} of {len(good)}, {refused} more refused"
    counted += f", and {none} without a spike" if none else ""
    quantity = (
        f"share of the first spikes within {demand.step:.0%} of their step and {demand.height:.0%} of their height"
    )
    return between(CHANNEL, f"{quantity}, {counted}", good.mean(), demand.share, 1.0)


def near(rows: xr.Dataset, demand: Demand) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which first spikes are near enough."""
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = (rows.step.values <= demand.step) & (
        rows.height.values <= demand.height
    )
    return found


def correlation(scores: xr.Dataset, demand: Demand, steps: int, least: float) -> Evidence:
    """The median correlation of the sharpness, of the forecasts let through."""
    rows = trusted_runs(scores, demand)
    every = rows[f"correlation_{steps}"].values
    values = every[np.isfinite(every)]
    if not len(values):
        raise Undecided(f"the sharpness of no run is read over {steps} steps")
    quantity = f"median correlation of the sharpness over {steps} steps, {len(values)} of {len(every)} runs let through"
    quantity = f"{quantity}, least {values.min():.3f}"
    return between(CHANNEL, quantity, float(np.median(values)), least, 1.0)


def cost(scores: xr.Dataset, demand: Demand) -> Evidence:
    """The largest cost of one mode at the edge."""
    rows = runs_of(scores, demand)
    values = rows.evaluations.values[rows.modes.values == 1]
    if not len(values):
        raise Undecided("no run has one mode at the edge")
    quantity = f"largest cost of a forecast with one mode at the edge, gradients, {len(values)} runs"
    return between(CHANNEL, f"{quantity}, median {np.median(values):.0f}", values.max(), 0, demand.gradients)


def trusted_runs(scores: xr.Dataset, demand: Demand, factors: Sequence[float] = (1.0,)) -> xr.Dataset:
    """Those that the gates let through."""
    rows = runs_of(scores, demand, factors)
    return enough(rows.isel(run=rows.trusted.values == 1), "runs that the gates let through")
