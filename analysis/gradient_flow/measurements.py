"""What is measured of gradient descent beside the flow: crossing, distance, departure, and growth in between.

excess(t)    D_η(t) / ((η/η_c) D_c(t)), with the distance D_c of a control with a small step size η_c: 1 as far as
             the distance is of first order in η
departure    the first time with an excess above `FACTOR`
growth       Σ ln(ηS_t − 1) over the steps from the crossing of 2/η to the departure: the logarithm of what a small
             oscillation along the top eigenvector is multiplied by
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.training.measures import crossing, sharpness_of
from numeric.compile import Array

FACTOR = 2.0  # times the control's distance, scaled to the step size: gradient descent has left the flow
LEAST_RATE = 1e-9  # of ηS − 1, where a reading between the crossing and the departure is below half the edge
RESOLUTION = 1000  # of the integral over this time


@dataclass(frozen=True)
class Descent:
    """One run of gradient descent: its history, the time of its crossing of 2/η, its distance from the flow."""

    history: xr.Dataset
    eta: float
    crossing: float | None
    times: Array
    distance: Array

    @property
    def edge(self) -> float:
        """The critical sharpness."""
        return 2 / self.eta

    @property
    def end(self) -> float:
        """The last time of a comparison."""
        return float(self.times[-1])


def descents_of(training: xr.Dataset, activation: str) -> list[Descent]:
    """The runs with this activation, by descending step size, the control last."""
    several = training.sel(activation=activation)
    return [_descent(several.sel(number=number)) for number in several.number.values]


def _descent(history: xr.Dataset) -> Descent:
    eta = float(history.eta)
    first = crossing(history, 2 / eta)
    known = np.isfinite(history.distance.values)
    times, distance = history.distance_time.values[known], history.distance.values[known]
    return Descent(history, eta, None if first is None else first * eta, times, distance)


def excess(one: Descent, control: Descent) -> tuple[Array, Array]:
    """Times, and the distance over that of the control scaled by η: 1 as far as the first order goes."""
    both = (one.times > 0) & (one.times <= control.end)
    times = one.times[both]
    first_order = one.eta / control.eta * np.interp(times, control.times, control.distance)
    return times, one.distance[both] / first_order


def departure(one: Descent, control: Descent) -> float | None:
    """The first time at which the distance is so many times what the first order says; None if it never is."""
    times, ratio = excess(one, control)
    away = ratio > FACTOR
    return float(times[away.argmax()]) if away.any() else None


def growth(one: Descent, departed: float) -> float:
    """The logarithm of the growth from the crossing to the departure; the run must have crossed."""
    if one.crossing is None or departed <= one.crossing:
        return 0.0
    steps, values = sharpness_of(one.history)
    times = np.linspace(one.crossing, departed, RESOLUTION)
    rate = np.log(np.maximum(one.eta * np.interp(times, steps * one.eta, values) - 1, LEAST_RATE))
    return float(np.trapezoid(rate, times) / one.eta)


def flow_sharpness(flow: xr.Dataset) -> tuple[Array, Array]:
    """The times of the flow's readings, and its sharpness there."""
    values = sharpness_of(flow)[1]
    return flow.reading_time.values[np.isfinite(flow.sharpness.values)], values
