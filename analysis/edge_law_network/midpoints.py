"""The midpoint identity on the runs: what the sharpness at two-step midpoints is, and what the identity says.

Along every run that reaches its edge, at the windows of `batch`, both sides are measured as excess over 2/η. A residual
is told in parts of the measured excess. Most readings are of small q, where the identity is the multiplier of the
oscillation and (1 + e^ρ)/η alone does nearly as well; what it says of Q is judged where Qq/6 is a tenth or more of the
predicted excess. Errors: `Undecided` where there are no readings of one mode.
"""

from functools import partial

import numpy as np
import torch
import xarray as xr

from analysis.edge_law_network.training.descents import Descents, label
from analysis.edge_law_network.training.moments import THIRD
from analysis.study import Evidence, Pieces, about, bounded, exceeds
from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.edge import MidpointReading, read_midpoint

FIELDS = ("sharpness", "second", "oscillation", "rate", "quartic", "next_order", "unsteadiness")
SAID = ("edge", "predicted", "early", "linear")
CORRELATION, RESIDUAL = 0.98, 0.03  # about those of the rate half a step earlier, on other runs
TRUSTED = 0.1  # of the predicted |S_mid − 2/η|: up to this estimate of the error a reading is judged
BENT = 0.1  # of the same: from this Qq/6 on a reading says something of Q
FEWEST = 5
COVERS, SHARE = 10.0, 0.9  # set with the runs that they judge at hand: of the order of the error, but for a tenth


def midpoints_of(descents: Descents, history: xr.Dataset, readings: int) -> xr.Dataset:
    """So many readings of the identity, evenly spread, along every run of a batch that reaches its edge."""
    losses = descents.losses()
    places = [
        (run, window)
        for run in range(history.sizes["member"])
        for window in np.linspace(THIRD + 1, history.sizes["window"] - 1, readings).round().astype(int)
        if history.weights[run, window].notnull().all()
    ]
    rows: list[MidpointReading] = []
    for run, window in places:
        loss = losses[run // len(descents.fractions)]
        weights = torch.from_numpy(history.weights[run, window].values)
        rows.append(read_midpoint(loss, weights, float(history.eta[run])))
    labels = [label(descents, run) for run, _ in places]
    steps = [int(history.middle[run, window]) for run, window in places]
    return xr.Dataset(
        {name: ("reading", np.array([getattr(row, name) for row in rows], dtype=float)) for name in (*FIELDS, *SAID)}
        | {
            "reason": ("reading", np.array([row.reason for row in rows], dtype=str)),
            "step": ("reading", np.array(steps, dtype=int)),
            "network": ("reading", np.array(labels, dtype=str)),
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


def bent(midpoints: xr.Dataset) -> xr.Dataset:
    """Those that say something of Q."""
    bend = abs(midpoints.quartic * midpoints.oscillation**2 / 6)
    return enough(midpoints, bend > BENT * abs(midpoints.predicted - midpoints.edge), "with enough of Qq/6")


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
    """Correlation and residual of the readings; what is left, against its estimate; the rate otherwise."""
    one = of_one_mode(midpoints)
    judged = trusted(one)
    all_read = f"{one.sizes['reading']} of one mode, {midpoints.sizes['reading']} in all"
    count = f"{judged.sizes['reading']} readings of {all_read}"
    quantity = f"correlation of measured and predicted ηS_mid/2 − 1, {count}"
    median = float(np.median(residuals(judged)))
    yield from about(
        "S_mid =",
        exceeds("network", quantity, correlation(judged), above=CORRELATION),
        bounded("network", f"median of |residual|/|S_mid − 2/η|, {count}", median, below=RESIDUAL),
        partial(residual_of_bent, judged),
    )
    estimate = abs(one.next_order) + one.unsteadiness
    covered = float((abs(one.sharpness - one.predicted) < COVERS * estimate).mean())
    quantity = f"share of residuals within {COVERS:g} times the estimate, {all_read}"
    yield from about("its estimate", exceeds("network", quantity, covered, above=SHARE))
    for words, name, other in (
        ("half a step", "early", "½ ln|x_{t+1}/x_{t−1}| for ρ"),
        ("first order in ρ", "linear", "1 + ρ for e^ρ"),
    ):
        ratio = float(np.median(residuals(judged, name))) / median
        quantity = f"median residual with {other}, over that of the identity, {count}"
        yield from about(words, exceeds("network", quantity, ratio, above=1))


def residual_of_bent(judged: xr.Dataset) -> Evidence:
    """The residual where Qq/6 is a part of the excess that shows: a wrong coefficient leaves its share of that."""
    some = bent(judged)
    quantity = f"the same where Qq/6 is {BENT:g} of the excess or more, {some.sizes['reading']} readings"
    return bounded("network", quantity, float(np.median(residuals(some))), below=RESIDUAL)
