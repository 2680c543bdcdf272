"""The midpoint identity on the runs: what the sharpness at two-step midpoints is, and what the identity says.

Along every run that reaches its edge, at the windows of `batch`, both sides are measured as excess over 2/η. A residual
is told in parts of the measured excess. Errors: `Undecided` where there are no readings of one mode.
"""

from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr

from analysis.edge_law_network.batch import THIRD, Descents
from analysis.study import Evidence, Pieces, about, agreement, bounded, counted, exceeds
from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.edge import MidpointReading, read_midpoint

FIELDS = ("sharpness", "second", "oscillation", "rate", "quartic", "next_order", "unsteadiness")
SAID = ("edge", "predicted", "early", "linear")
CORRELATION, RESIDUAL = 0.98, 0.03  # about those of the rate half a step earlier, on other runs
TRUSTED = 0.1  # of the predicted |S_mid − 2/η|: up to this estimate of the error a reading is judged
LARGER, FEWEST, NEXT = 10.0, 5, 0.25  # the next order is judged where it is so many times the rest of the estimate


def midpoints(histories: Mapping[Descents, xr.Dataset]) -> xr.Dataset:
    """Readings of the identity along every run that reaches its edge."""
    windows = [
        (descents, history, run, window)
        for descents, history in histories.items()
        for run in range(history.sizes["member"])
        for window in range(THIRD + 1, history.sizes["window"])
        if history.weights[run, window].notnull().all()
    ]
    losses = {descents: descents.losses() for descents in histories}
    rows: list[MidpointReading] = []
    for descents, history, run, window in counted(windows):
        loss = losses[descents][run // len(descents.multiples)]
        weights = torch.from_numpy(history.weights[run, window].values)
        rows.append(read_midpoint(loss, weights, float(history.eta[run])))
    labels = [(descents.data, descents.activation, int(history.seed[run])) for descents, history, run, _ in windows]
    return xr.Dataset(
        {name: ("reading", np.array([getattr(row, name) for row in rows], dtype=float)) for name in (*FIELDS, *SAID)}
        | {
            "reason": ("reading", np.array([row.reason for row in rows], dtype=str)),
            "step": ("reading", np.array([int(h.middle[run, window]) for _, h, run, window in windows], dtype=int)),
            "run": ("reading", np.array([f"{data} {activation} {seed}" for data, activation, seed in labels], str)),
        }
    )


def of_one_mode(midpoints: xr.Dataset) -> xr.Dataset:
    """The readings where one mode oscillates, and the series of its amplitude says something."""
    return enough(midpoints, midpoints.reason == "", "of one mode at the edge")


def trusted(midpoints: xr.Dataset) -> xr.Dataset:
    """Those of them that are to be judged by the estimate of their error."""
    error = abs(midpoints.next_order) + midpoints.unsteadiness
    return enough(
        midpoints, error < TRUSTED * abs(midpoints.predicted - midpoints.edge), "with a small estimated error"
    )


def enough(midpoints: xr.Dataset, which: xr.DataArray, words: str) -> xr.Dataset:
    """These readings, if there are a few."""
    chosen = midpoints.isel(reading=np.flatnonzero(which.values))
    if chosen.sizes["reading"] < FEWEST:
        raise Undecided(f"{chosen.sizes['reading']} readings {words}: take more runs")
    return chosen


def residuals(midpoints: xr.Dataset, name: str = "predicted") -> Array:
    """|S_mid − what is predicted| in parts of |S_mid − 2/η|."""
    return np.asarray(abs(midpoints.sharpness - midpoints[name]) / abs(midpoints.sharpness - midpoints.edge))


def correlation(midpoints: xr.Dataset, name: str = "predicted") -> float:
    """Of ηS_mid/2 − 1 with what is predicted of it."""
    measured, predicted = ((midpoints[one] / midpoints.edge - 1).values for one in ("sharpness", name))
    return float(np.corrcoef(measured, predicted)[0, 1])


def identity_holds(midpoints: xr.Dataset) -> Pieces:
    """Correlation and residual of the readings; what is left, against the next order; the rate half a step earlier."""
    one = of_one_mode(midpoints)
    judged = trusted(one)
    count = f"{judged.sizes['reading']} of {one.sizes['reading']} readings"
    quantity = f"correlation of measured and predicted ηS_mid/2 − 1, {count}"
    median = float(np.median(residuals(judged)))
    yield from about(
        "S_mid =",
        exceeds("network", quantity, correlation(judged), above=CORRELATION),
        bounded("network", f"median of |residual|/|S_mid − 2/η|, {count}", median, below=RESIDUAL),
    )
    yield from about("next order", lambda: next_order(one))
    ratio = float(np.median(residuals(judged, "early"))) / median
    quantity = f"median residual with ½ ln|x_{{t+1}}/x_{{t−1}}| for ρ, over that with ρ, {count}"
    yield from about("half a step", exceeds("network", quantity, ratio, above=1))


def next_order(one: xr.Dataset) -> Evidence:
    """The median of residual/next order, of readings where that is larger than the rest of the estimate."""
    chosen = enough(one, abs(one.next_order) > LARGER * one.unsteadiness, "whose next order stands out")
    ratio = float(((chosen.sharpness - chosen.predicted) / chosen.next_order).median())
    quantity = f"median of residual/next order, {chosen.sizes['reading']} readings"
    return agreement("network", quantity, 1, ratio, absolute=NEXT)
