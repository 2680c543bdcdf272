"""How well the ends are foretold, by how wide the oscillation still swings: errors, correlations, claims.

    error         |predicted gap/gap − 1|, infinite where there is no prediction, so that the median counts all runs
    correlation   of the logarithms of predicted gaps and gaps, over the runs that have both

Runs are sorted by the largest swing after the start, in units of the weights: below .05, to .15, to .4, and beyond.
From the crossing those are judged whose excess over 2/η stays below `EXCESS`. Which crossing is the last one, the
later peak and the excess are known afterwards only: they say where a forecast is good, and not beforehand. Errors:
`Undecided` for fewer than `FEWEST` runs.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from analysis.edge_law_network.ending.ends import AGAIN, EXCESS
from analysis.study import Evidence, Pieces, about, bounded, exceeds
from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.edge.terminal.forecast import AGREE

BINS = ((0.0, 0.05), (0.05, 0.15), (0.15, 0.4), (0.4, np.inf))
FEWEST = 5
ERROR, CORRELATION = 0.1, 0.9  # of the narrow bin, set before these runs were made
TOO_DEEP = 1.5  # times the gap; "about twice too deep" was the expectation
FROM_CROSSING = {
    "limit": "the edge law's limit, at the end",
    "lambert": "the edge law with Lambert's W, at the crossing",
    "memory_crossing": "M",
    "space_crossing": "F",
    "rebuilt": f"F made again every {AGAIN} steps",
}
FROM_THIRD = {"memory_third": "M", "space_third": "F"}


def judged(ends: xr.Dataset, start: str, between: tuple[float, float] = (0.0, np.inf)) -> xr.Dataset:
    """The runs from this start whose later peak is in the bin; at least `FEWEST`."""
    peak = ends[f"peak_{start}"]
    chosen = (peak >= between[0]) & (peak < between[1])
    if start == "crossing":
        chosen &= ends.excess < EXCESS
    found = ends.isel(run=np.flatnonzero(chosen.values))
    if found.sizes["run"] < FEWEST:
        raise Undecided(f"{found.sizes['run']} runs with a later peak from {between[0]:g} to {between[1]:g}: take more")
    return found


def errors(ends: xr.Dataset, name: str) -> Array:
    """|predicted/gap − 1|, (run,)."""
    return np.asarray(np.nan_to_num(abs(ends[name] / ends.gap - 1).values, nan=np.inf))


def correlation(ends: xr.Dataset, name: str) -> float:
    """Of ln(predicted gap) and ln(gap), where both are positive."""
    both = with_gap(ends, name)
    if both.sizes["run"] < FEWEST:
        raise Undecided(f"{both.sizes['run']} runs whose gap is foretold: take more")
    return float(np.corrcoef(np.log(both[name]), np.log(both.gap))[0, 1])


def with_gap(ends: xr.Dataset, name: str) -> xr.Dataset:
    """The runs that are foretold to end below 2/η, and do."""
    return ends.isel(run=np.flatnonzero(((ends[name] > 0) & (ends.gap > 0)).values))


def agreeing(ends: xr.Dataset, start: str) -> xr.DataArray:
    """Where M and F agree, (run,)."""
    memory, space = ends[f"memory_{start}"], ends[f"space_{start}"]
    ratio = (memory / space).where((memory > 0) & (space > 0), np.inf)
    agree: xr.DataArray = (ratio < np.exp(AGREE)) & (ratio > np.exp(-AGREE))
    return agree


def table(ends: xr.Dataset) -> dict[str, Any]:
    """Median error and correlation of every prediction, by start and bin, in words."""
    rows: dict[str, Any] = {}
    for start, names in {"crossing": FROM_CROSSING, "third": FROM_THIRD}.items():
        for low, high in BINS:
            key = f"from the {start}, later peak {low:g} to {high:g}"
            try:
                some = judged(ends, start, (low, high))
            except Undecided as few:
                rows[key] = str(few)
                continue
            said = [f"{words} {_summary(some, name)}" for name, words in names.items()]
            rows[key] = f"{some.sizes['run']} runs; median error / correlation: " + ", ".join(said)
            if start == "crossing":
                costs = {
                    "F": some.evaluations,
                    f"F made again every {AGAIN} steps": some.rebuilt_cost,
                    "training from there": some.trained,
                }
                cost = ", ".join(f"{words} {float(of_it.median()):.0f}" for words, of_it in costs.items())
                rows[key] += f"; gradients: {cost}"
        with_trust = agreeing(ends, start)
        for words, which in {"agree": with_trust, "differ": ~with_trust}.items():
            some = ends.isel(run=np.flatnonzero((which & ends[f"peak_{start}"].notnull()).values))
            if some.sizes["run"]:
                median = float(np.median(errors(some, f"space_{start}")))
                rows[f"from the {start}, M and F {words}"] = f"{some.sizes['run']} runs; median error of F {median:.3f}"
    return rows


def _summary(ends: xr.Dataset, name: str) -> str:
    try:
        return f"{np.median(errors(ends, name)):.3f} / {correlation(ends, name):.2f}"
    except Undecided:
        return f"{np.median(errors(ends, name)):.3f} / –"


def foretold(ends: xr.Dataset) -> Pieces:
    """The narrow bin, from the crossing, by both models."""
    for name, words in {"space_crossing": "F", "memory_crossing": "M"}.items():
        for piece in (error_of, correlation_of):
            yield from about(f"{words} foretells", partial(piece, ends, name, words))


def narrow(ends: xr.Dataset) -> tuple[xr.Dataset, str]:
    """The runs of the narrow bin, and how to speak of them."""
    some = judged(ends, "crossing", BINS[0])
    return some, f"later peak below {BINS[0][1]:g}, {some.sizes['run']} of {ends.sizes['run']} runs"


def error_of(ends: xr.Dataset, name: str, words: str) -> Evidence:
    """The median error of a prediction in the narrow bin."""
    some, of_them = narrow(ends)
    quantity = f"median relative error of the gap, {words}, {of_them}"
    return bounded("network", quantity, float(np.median(errors(some, name))), below=ERROR)


def correlation_of(ends: xr.Dataset, name: str, words: str) -> Evidence:
    """The correlation of a prediction in the narrow bin."""
    some, of_them = narrow(ends)
    known = with_gap(some, name).sizes["run"]
    quantity = f"correlation of the gaps' logarithms, {words}, {of_them}, {known} of which have a foretold gap"
    return exceeds("network", quantity, correlation(some, name), above=CORRELATION)


def better_made_again(ends: xr.Dataset) -> Pieces:
    """The median error of F made again over that of F in the narrow bin, and its gradients over those of training."""

    def error() -> Evidence:
        some, of_them = narrow(ends)
        ratio = float(np.median(errors(some, "rebuilt")) / np.median(errors(some, "space_crossing")))
        return bounded("network", f"median error of F made again, over that of F, {of_them}", ratio, below=1)

    def cost() -> Evidence:
        some, of_them = narrow(ends)
        ratio = float((some.rebuilt_cost / some.trained).median())
        quantity = f"gradients that F takes that is made again, over those of training, median, {of_them}"
        return exceeds("network", quantity, ratio, above=1)

    yield from about("smaller error", error)
    yield from about("as many gradients", cost)


def law_misses(ends: xr.Dataset) -> Pieces:
    """How deep the law's limit is against the gap, and its error against that of F, in the narrow bin."""
    yield from about("too deep", partial(depth_of_limit, ends))
    for name in ("limit", "lambert"):
        yield from about("less well", partial(worse_than_space, ends, name))


def depth_of_limit(ends: xr.Dataset) -> Evidence:
    """The median of limit over gap; where the law has no limit, 0."""
    some, of_them = narrow(ends)
    quantity = f"median of the limit over the gap, {of_them}"
    return exceeds("network", quantity, float((some.limit / some.gap).fillna(0.0).median()), above=TOO_DEEP)


def worse_than_space(ends: xr.Dataset, name: str) -> Evidence:
    """The median error of a law over that of F."""
    some, of_them = narrow(ends)
    ratio = float(np.median(errors(some, name)) / np.median(errors(some, "space_crossing")))
    none = int(some[name].isnull().sum())
    quantity = f"median error of {FROM_CROSSING[name]}, over that of F, {of_them}, {none} of which it says nothing of"
    return exceeds("network", quantity, ratio, above=1)


def trust(ends: xr.Dataset) -> Pieces:
    """The median error of F where the two models agree, and where not, from both starts."""
    for start in ("crossing", "third"):
        for words, agree in {"where they agree": True, "where they differ": False}.items():
            yield from about(words, partial(error_by_trust, ends, start, agree))


def error_by_trust(ends: xr.Dataset, start: str, agree: bool) -> Evidence:
    """The median error of F on the runs where the models agree, or on those where they differ."""
    which = agreeing(ends, start) if agree else ~agreeing(ends, start)
    some = ends.isel(run=np.flatnonzero((which & ends[f"peak_{start}"].notnull()).values))
    if some.sizes["run"] < FEWEST:
        raise Undecided(f"{some.sizes['run']} runs where the models {'agree' if agree else 'differ'}: take more")
    median = float(np.median(errors(some, f"space_{start}")))
    quantity = f"median error of F from the {start}, {some.sizes['run']} runs"
    if agree:
        return bounded("network", quantity, median, below=ERROR)
    return exceeds("network", quantity, median, above=ERROR)


def outcomes(training: xr.Dataset, ends: xr.Dataset) -> Mapping[str, Any]:
    """How many runs there are of what kind, and how large the gaps are."""
    outcome = training.outcome.values.ravel()
    counts = {name: int((outcome == name).sum()) for name in ("converged", "diverged", "undecided")}
    crossed = training.crossing.values.ravel() >= 0
    converged = int((crossed & (outcome == "converged")).sum())
    gaps = ends.gap.values
    return {
        "runs": f"{outcome.size}: " + ", ".join(f"{count} {name}" for name, count in counts.items()),
        "crossed 2/η": int(crossed.sum()),
        "crossed and converged": f"{converged}, {converged - len(gaps)} of them to minima above 2/η, unstable ones",
        "ends": f"{len(gaps)}"
        + (f", gap·η/2 from {gaps.min():.2g} to {gaps.max():.2g}, median {np.median(gaps):.2g}" if len(gaps) else ""),
    }
