"""What is measured of the runs of a factor: their ends, and how far the sharpness has gone from one to the other."""

from __future__ import annotations

from typing import Any

import xarray as xr

from analysis.training.sharpening.factor import Factor
from eos_sym import Undecided

GOALS = ("accuracy", "loss")  # the endings of runs that have reached theirs


def ends(runs: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """The sharpness at the first and at the last reading of every run."""
    sharpness = runs.sharpness
    last = sharpness.notnull().cumsum("reading").argmax("reading")  # runs that end early are padded with NaN
    return sharpness.isel(reading=0), sharpness.isel(reading=last)


def sharpening(runs: xr.Dataset) -> xr.DataArray:
    """S(end)/S(0) of every run."""
    first, last = ends(runs)
    return last.drop_vars(["reading", "reading_time"]) / first.drop_vars(["reading", "reading_time"])


def change(runs: xr.Dataset) -> xr.DataArray:
    """|log S(end)/S(0)| of every run."""
    logarithm: xr.DataArray = xr.ufuncs.log(sharpening(runs))
    return abs(logarithm)


def check_goals(runs: xr.Dataset, what: str) -> None:
    """`Undecided` unless all runs have reached their goal."""
    endings = runs.ending.values.ravel().astype(str).tolist()
    short = [ending for ending in endings if ending not in GOALS]
    if short:
        ways = ", ".join(sorted(set(short)))
        raise Undecided(f"{what}: {len(short)} of {len(endings)} runs ended before their goal ({ways})")


def summary(runs: xr.Dataset, factor: Factor) -> list[dict[str, Any]]:
    """Medians over the seeds for each value: the sharpness at both ends, and the η from which GD reaches the edge."""
    first, last = (sharpness.median("seed").values for sharpness in ends(runs))
    ratios = sharpening(runs).median("seed").values
    return [
        {
            factor.name: value,
            "start": round(float(first[index]), 3),
            "end": round(float(last[index]), 3),
            "sharpening": round(float(ratios[index]), 3),
            "edge_from_eta": round(2 / float(last[index]), 3),
        }
        for index, value in enumerate(factor.values)
    ]
