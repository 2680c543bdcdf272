"""The gap of runs that converge, and the rate at which their drive decays.

Half the smallest root of its equation, and half the rate at the time from which the oscillation no longer follows. Of
every run that crosses 2/η and converges, in units of the edge: `gap`, 1 − ηS/2 at the end; `smallest`, by the
coefficients at the end; `frozen`, by those at the first window after the peak of the oscillation; `limit`, 3β/(2|κ₄|)
at the end. nan where there is none. Runs that converge above 2/η, to minima that are unstable (`ends`), have no gap:
they are counted and judge nothing. A guess is compared with another on the runs that have both.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
import xarray as xr

from analysis.edge_law_network.training.descents import Descents
from analysis.edge_law_network.training.moments import CROSSING, THIRD
from analysis.study import Evidence, Pieces, about, bounded, counted, exceeds, over
from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.edge.terminal.rate import drive_decay_at
from numeric.networks.forecast.anchor import anchor
from numeric.networks.loss import FlatLoss

BINS = {"below 0.005": (0.0, 0.005), "0.005 to 0.02": (0.005, 0.02), "above 0.02": (0.02, 1.0)}
FEWEST, SEVERAL, MEDIAN, CORRELATION = 5, 12, 0.3, 0.7


def decay(histories: Mapping[Descents, xr.Dataset]) -> xr.Dataset:
    """Every run that crosses and converges."""
    rows: list[dict[str, float]] = []
    for descents, history in counted(list(histories.items())):
        losses = descents.losses()
        each = history.sizes["member"] // len(losses)
        for run in np.flatnonzero((history.outcome == "converged") & (history.middle[:, CROSSING] >= 0)):
            rows.append(_row(losses[run // each], history.isel(member=int(run))))
    return xr.Dataset({name: ("run", np.array([row[name] for row in rows])) for name in FIELDS})


FIELDS = ("eta", "gap", "peak", "smallest", "frozen", "limit")


def _row(loss: FlatLoss, run: xr.Dataset) -> dict[str, float]:
    eta = float(run.eta)
    loss.load(torch.from_numpy(run.end.values))
    at_end = anchor(loss, eta, 1)
    peak = float(run.swing[int(run.peak)])
    found = {"eta": eta, "gap": 1 - eta * float(at_end.eigenvalues[0]) / 2, "peak": peak}
    found["smallest"] = _in_units(lambda: drive_decay_at(at_end, eta).smallest, eta)
    found["limit"] = _in_units(lambda: drive_decay_at(at_end, eta).limit, eta)
    later = [w for w in range(THIRD + 1, run.sizes["window"]) if run.middle[w] > run.peak]
    weights = run.weights[later[0], 1].values if later else np.array([np.nan])
    if not np.isfinite(weights).all():
        return found | {"frozen": math.nan}
    loss.load(torch.from_numpy(weights))
    after = anchor(loss, eta, 1)
    return found | {"frozen": _in_units(lambda: drive_decay_at(after, eta).frozen, eta)}


def _in_units(gap: Callable[[], float], eta: float) -> float:
    try:
        value = gap() * eta / 2
    except Undecided:
        return math.nan
    return value if 0 < value < math.inf else math.nan


def errors(runs: xr.Dataset, name: str) -> Array:
    """|guess/gap − 1| of the runs; where there is no guess, infinite."""
    return np.asarray(np.nan_to_num(np.abs(runs[name].values / runs.gap.values - 1), nan=np.inf))


def of_gap(decay: xr.Dataset, least: float, most: float) -> xr.Dataset:
    """The runs with a gap in this range, if there are a few."""
    runs = decay.isel(run=np.flatnonzero(((decay.gap > least) & (decay.gap <= most)).values))
    if runs.sizes["run"] < FEWEST:
        raise Undecided(f"{runs.sizes['run']} runs with a gap from {least:g} to {most:g}: take more")
    return runs


def rate_law(decay: xr.Dataset) -> Pieces:
    """Errors by size of the gap, the correlation of the logarithms, and the other guesses beside it."""
    yield from about("half the smallest root", over(BINS, partial(of_size, decay)), partial(correlation, decay))
    for name, words in {"frozen": "no longer follows", "limit": "limit formula"}.items():
        yield from about(words, partial(worse, decay, name))


def worse(decay: xr.Dataset, name: str) -> Evidence:
    """That another guess is further off than half the smallest root."""
    runs = of_gap(decay, 0.0, 1.0)
    both = runs.isel(run=np.flatnonzero((np.isfinite(runs.smallest) & np.isfinite(runs[name])).values))
    if both.sizes["run"] < FEWEST:
        raise Undecided(f"{both.sizes['run']} runs have both guesses: take more")
    mine, other = (float(np.median(errors(both, one))) for one in ("smallest", name))
    quantity = f"median relative error of it over that of half the smallest root, {both.sizes['run']} runs"
    unstable = f"{runs.sizes['run'] - both.sizes['run']} without one of them, {above_the_edge(decay)} above 2/η"
    return exceeds("network", f"{quantity}, {unstable}", other / mine, above=1)


def above_the_edge(decay: xr.Dataset) -> int:
    """How many runs converge to minima above 2/η."""
    return int((decay.gap <= 0).sum())


def of_size(decay: xr.Dataset, words: str) -> Evidence:
    """The median error of half the smallest root, of runs with a gap of this size."""
    runs = of_gap(decay, *BINS[words])
    quantity = f"median relative error, {runs.sizes['run']} runs with a gap·η/2 {words}"
    return bounded("network", quantity, float(np.median(errors(runs, "smallest"))), below=MEDIAN)


def correlation(decay: xr.Dataset) -> Evidence:
    """Of the logarithms of gap and guess."""
    known = decay.isel(run=np.flatnonzero(((decay.gap > 0) & np.isfinite(decay.smallest)).values))
    if known.sizes["run"] < SEVERAL:
        raise Undecided(f"{known.sizes['run']} runs have a guess; {SEVERAL} have a correlation: take more")
    found = float(np.corrcoef(np.log(known.gap), np.log(known.smallest))[0, 1])
    quantity = f"correlation of ln gap and ln of the guess, {known.sizes['run']} runs"
    return exceeds("network", quantity, found, above=CORRELATION)
