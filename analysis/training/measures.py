"""What can be said of one training run in a number: where it crosses the edge, how it hovers there, how its loss falls.

With the sharpness S at the readings, the edge S* (2/η for GD) and the loss L_t at the steps:

    crossing            the first reading with S ≥ S*
    crossing_from_below the same, of a run whose first reading is below S*; of another nothing was reached or crossed
    hovering            mean and extremes of S/S* over the readings from a step on
    share of rises      the share of steps in which the loss rises, L_{t+1} > L_t
    share of falls      the share of windows of w steps over which it falls, L_{t+w} < L_t, for non-overlapping windows
    oscillation         the share of steps in which a series changes its sign

A history may be padded with NaN, as runs of different lengths are when they are combined. Shapes: one run, loss
(step,), sharpness (reading,).

Errors: `Undecided` for a crossing from below of a run that starts at or above the edge.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from eos_sym import Undecided
from numeric.compile import Array


@dataclass(frozen=True)
class Hovering:
    """The sharpness over the edge, S/S*, over the readings from a step on."""

    mean: float
    least: float
    largest: float
    readings: int


def sharpness_of(history: xr.Dataset, name: str = "sharpness") -> tuple[Array, Array]:
    """The steps of the readings and what was read, without padding."""
    values = np.asarray(history[name].values, dtype=float)
    read = np.isfinite(values)
    return np.asarray(history["reading"].values)[read], values[read]


def loss_of(history: xr.Dataset, name: str = "loss") -> Array:
    """The loss at every step, without padding."""
    values: Array = np.asarray(history[name].values, dtype=float)
    return values[np.isfinite(values)]


def crossing(history: xr.Dataset, edge: float, name: str = "sharpness") -> int | None:
    """The step of the first reading at or above the edge; None if there is none."""
    steps, values = sharpness_of(history, name)
    above = values >= edge
    return int(steps[above.argmax()]) if above.any() else None


def crossing_from_below(history: xr.Dataset, edge: float, of: str = "the run") -> int | None:
    """The crossing of a run that starts below the edge; None if there is none."""
    found = crossing(history, edge)
    if found is not None and found == sharpness_of(history)[0][0]:
        raise Undecided(f"{of}: starts at the edge or above it; take a smaller step size")
    return found


def hovering(history: xr.Dataset, edge: float, start: int, name: str = "sharpness") -> Hovering:
    """How the sharpness hovers about the edge over the readings from step `start` on; NaN without any."""
    steps, values = sharpness_of(history, name)
    ratios = values[steps >= start] / edge
    if not len(ratios):
        return Hovering(np.nan, np.nan, np.nan, 0)
    return Hovering(float(ratios.mean()), float(ratios.min()), float(ratios.max()), len(ratios))


def share_of_rises(loss: Array) -> float:
    """The share of steps in which the loss rises; NaN without a step."""
    return float((np.diff(loss) > 0).mean()) if len(loss) > 1 else np.nan


def share_of_falls(loss: Array, window: int) -> float:
    """The share of the windows of so many steps, end to end, over which the loss falls; NaN without a window."""
    ends = loss[::window]
    return float((np.diff(ends) < 0).mean()) if len(ends) > 1 else np.nan


def oscillation(series: Array) -> float:
    """The share of steps in which the series changes its sign; NaN without a step."""
    return float((series[1:] * series[:-1] < 0).mean()) if len(series) > 1 else np.nan
