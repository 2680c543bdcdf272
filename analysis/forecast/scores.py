"""How near a forecast came: its first spike, its sharpness and its loss, beside those of training from its weights.

    step        |t̂ − t|/t of the first spike, and 1 where only one of the two has a spike
    height      |x̂ − x|/x of it, with ‖x‖ over the contestant's edge, and 1 likewise
    spikes      how many of the two have one: 2, 1 or 0
    correlation_100, _300, _1000    of the sharpness at two-step midpoints, with η itself, at every `EVERY`th step as
                far as that; −1, the least there is, where the forecast does not go so far
    level_100, _300, _1000          the mean predicted loss of the last ten steps before, over the true mean
    trusted     1 where the gates let the forecast through, 0 where they do not

Shapes: (trial, contestant, factor). NaN where there is nothing to compare: no moment, no forecast, no reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from analysis.forecast.contestants import CONTESTANTS, GATED, WORDS
from analysis.forecast.followed import EVERY, FACTORS
from analysis.forecast.trials import Trial
from numeric.compile import Array
from numeric.networks.forecast import Peak, first_peak
from numeric.runs import combine

LEVEL = 10  # steps over which a loss that oscillates is averaged
LENGTHS = (100, 300, 1000)
SPIKES = ("step", "height", "spikes", "true_step", "foretold_step", "true_height", "foretold_height", "trusted")
SCORES = (*SPIKES, *(f"{name}_{steps}" for name, steps in product(("correlation", "level"), LENGTHS)))
COSTS = ("evaluations", "seconds", "memory", "modes", "directions")
GOOD = {"mse": (0.05, 0.02), "cross_entropy": (0.10, 0.05)}  # step and height, in the table


def all_scores(
    planned: Mapping[str, Trial], recorded: Mapping[str, xr.Dataset], foretold: Mapping[tuple[str, str], xr.Dataset]
) -> xr.Dataset:
    """Every contestant on every run."""
    shape = (len(planned), len(CONTESTANTS))
    scores = {name: np.full((*shape, len(FACTORS)), np.nan) for name in SCORES}
    costs = {name: np.full(shape, np.nan) for name in COSTS}
    for (row, run), (column, who) in product(enumerate(planned), enumerate(CONTESTANTS)):
        forecast = foretold[run, who]
        if forecast.refused:
            continue
        for name in COSTS:
            costs[name][row, column] = forecast.attrs[name]
        for place, factor in enumerate(FACTORS):
            if factor in forecast.factor:
                found = scored(recorded[run].sel(factor=factor), forecast.sel(factor=factor), forecast.modes)
                for name in SCORES:
                    scores[name][row, column, place] = found[name]
    along = ("trial", "contestant", "factor")
    return xr.Dataset(
        {name: (along, values) for name, values in scores.items()}
        | {name: (along[:2], values) for name, values in costs.items()}
        | {
            "loss_function": ("trial", [trial.experiment.loss for trial in planned.values()]),
            "apart": ("trial", np.array([trial.apart for trial in planned.values()], dtype=str)),
            "eta": ("trial", [trial.eta for trial in planned.values()]),
            "weights": ("trial", [recorded[name].weights for name in planned]),
            "moment": ("trial", [recorded[name].attrs.get("moment", np.nan) for name in planned]),
            "reason": ("trial", np.array([recorded[name].reason for name in planned], dtype=str)),
        },
        {"trial": [*planned], "contestant": [*CONTESTANTS], "factor": [*FACTORS]},
    )


def scored(true: xr.Dataset, foretold: xr.Dataset, modes: int) -> Mapping[str, float]:
    """The scores of one contestant on one run with one step size."""
    peaks = {name: first_peak(size(one, modes)) for name, one in (("true", true), ("foretold", foretold))}
    found = _spikes(*peaks.values()) | {"trusted": float(foretold.trusted)}
    for name, peak in peaks.items():
        found[f"{name}_step"], found[f"{name}_height"] = (np.nan, np.nan) if peak is None else peak
    for steps in LENGTHS:
        readings = steps // EVERY
        found[f"correlation_{steps}"] = np.nan
        if true.factor == 1:
            found[f"correlation_{steps}"] = _correlation(true.sharpness.values, foretold.sharpness.values, readings)
        found[f"level_{steps}"] = _level(true.loss.values, foretold.loss.values, steps)
    return found


def _spikes(true: Peak | None, foretold: Peak | None) -> dict[str, float]:
    if true is None and foretold is None:
        return {"spikes": 0, "step": np.nan, "height": np.nan}
    if true is None or foretold is None:
        return {"spikes": 1, "step": 1.0, "height": 1.0}
    return {"spikes": 2, "step": abs(foretold.step / true.step - 1), "height": abs(foretold.height / true.height - 1)}


def size(run: xr.Dataset, modes: int) -> Array:
    """‖x‖ over so many modes at every step, as far as it goes."""
    values: Array = np.linalg.norm(run.oscillation.values[:, :modes], axis=1)
    return values[np.isfinite(values)]


def _correlation(true: Array, foretold: Array, readings: int) -> float:
    true, foretold = true[:readings], foretold[:readings]
    if len(true) < readings or not np.isfinite(true).all():
        return np.nan
    if not np.isfinite(foretold).all():
        return -1.0
    return float(np.corrcoef(true, foretold)[0, 1])


def _level(true: Array, foretold: Array, steps: int) -> float:
    last = slice(steps - LEVEL, steps)
    return float(foretold[last].mean() / true[last].mean()) if steps <= len(true) else np.nan


def in_one(runs: Mapping[Any, xr.Dataset], *dimensions: str) -> xr.Dataset:
    """The datasets in one, without the weights; nan for runs that have nothing, and nothing if none has anything."""
    along = {name: dict.fromkeys(labels) for name, labels in zip(dimensions, zip(*runs, strict=True), strict=True)}
    found = [one.drop_vars("start", errors="ignore") if one.data_vars else None for one in runs.values()]
    return combine(found, along) if any(one is not None for one in found) else xr.Dataset()


def table(scores: xr.Dataset) -> Mapping[str, Mapping[str, str]]:
    """What each contestant came to: of each loss; by the number k of modes at the edge; of each kind that is apart."""
    found = {}
    for loss, apart in dict.fromkeys(zip(scores.loss_function.values, scores.apart.values, strict=True)):
        runs = scores.isel(trial=((scores.loss_function == loss) & (scores.apart == apart)).values)
        words = str(loss) + (f", {apart}" if apart else "")
        there = int((runs.reason == "").sum())
        found[words] = {"runs": f"{there} of {runs.sizes['trial']} with a moment to forecast from"}
        found[words] |= _by_contestant(runs, CONTESTANTS, *GOOD[loss])
        if not apart:
            for modes in np.unique(runs.modes.sel(contestant=GATED[0]).dropna("trial")):
                some = runs.isel(trial=(runs.modes.sel(contestant=GATED[0]) == modes).values)
                found[f"{words}, k = {modes:.0f}"] = _by_contestant(some, GATED, *GOOD[loss])
    return found


def _by_contestant(runs: xr.Dataset, names: Iterable[str], step: float, height: float) -> dict[str, str]:
    found = {}
    for who in names:
        rows = runs.sel(contestant=who, factor=1.0)
        made = np.isfinite(rows.trusted.values)
        found[WORDS[who]] = _in_words(rows.isel(trial=made), step, height)
        if missing := int((~made & (rows.reason == "").values).sum()):
            found[WORDS[who]] += f"; no forecast of {missing} more"
    return found


def _in_words(rows: xr.Dataset, step: float, height: float) -> str:
    if not rows.sizes["trial"]:
        return "no forecast"
    spikes = rows.isel(trial=rows.spikes.values > 0)
    good = ((spikes.step <= step) & (spikes.height <= height)).values
    said = [f"spike within {step:.0%}, {height:.0%} in {good.sum()} of {len(good)}"]
    if not (rows.trusted == 1).all():
        trusted = spikes.trusted.values == 1
        said += [f"let through {int(rows.trusted.sum())}, of these {good[trusted].sum()} of {trusted.sum()}"]
    if spikes.sizes["trial"]:
        said += [f"height off by {float(spikes.height.median()):.3f} (worst {float(spikes.height.max()):.2g})"]
    for steps in LENGTHS:
        if np.isfinite(rows[f"correlation_{steps}"]).any():
            said += [f"correlation to {steps}: {float(rows[f'correlation_{steps}'].median()):.4f}"]
    if np.isfinite(rows.level_100).any():
        said += [f"loss at 100 times {float(rows.level_100.median()):.3f}"]
    said += [f"{float(rows.evaluations.median()):.0f} gradients, {float(rows.seconds.median()):.2g} s"]
    return "; ".join([*said, f"{float(rows.memory.median()) / 2**20:.2g} MiB"])
