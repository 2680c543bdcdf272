"""Where the runs end that cross 2/η and converge, and where the models and the laws say they do.

Gaps are in units of the edge, 1 − ηS/2. Of every run the end is forecast from two starts:

    crossing   the last reading at which the sharpness rises to 2/η
    third      the last step at which the oscillation rises through a third of what is still to come

by the equation with memory M, by the model in function space F, and by the edge law: its limit with the coefficients at
the end, and Lambert's W with those at the crossing, from the largest excess that is read after it. `peak` is the
largest swing after the start, `excess` the largest of ηS/2 − 1 after the crossing.

Where a model has no end its gap is nan. A run that converges at a sharpness above 2/η, before an oscillation has grown
out of rounding, is at an unstable minimum and would leave it: it has no end, and is left out; the summary says how many
there are.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
import xarray as xr

from analysis.edge_law_network.batch import BEFORE, CROSSING, THIRD, Descents, label
from eos_sym import Undecided
from numeric.networks.edge.terminal import Frame, SplitLaw, TerminalForecast, forecasts, frame_at, split_law
from numeric.networks.loss import FlatLoss

STARTS = {"crossing": CROSSING, "third": THIRD}
STEPS = 8000  # of the models
FORECAST = ("peak", "second", "memory", "space")  # from each of the starts
NUMBERS = (
    *("gap", "eta", "excess", "limit", "lambert", "separation"),
    *(f"{name}_{start}" for name in FORECAST for start in STARTS),
)
TEXTS = ("label", *(f"reason_{start}" for start in STARTS))


def ends_of(descents: Descents, history: xr.Dataset) -> xr.Dataset:
    """Every run of a batch that crosses and converges: its gap, and what is said of it."""
    losses = descents.losses()
    crossed = (history.outcome == "converged") & (history.middle[:, CROSSING] >= BEFORE)
    laws = {
        int(run): split_law(
            losses[run // len(descents.fractions)], torch.from_numpy(history.end[run].values), float(history.eta[run])
        )
        for run in np.flatnonzero(crossed)
    }
    chosen = [run for run, law in laws.items() if law.sharpness < 2 / law.eta]
    said = {name: forecasts_from(descents, history, losses, chosen, window) for name, window in STARTS.items()}
    rows = [end_of(descents, history, losses, said, laws[run], run) for run in chosen]
    numbers = {name: ("run", np.array([row[name] for row in rows], dtype=float)) for name in NUMBERS}
    return xr.Dataset(numbers | {name: ("run", np.array([row[name] for row in rows], dtype=str)) for name in TEXTS})


def end_of(
    descents: Descents,
    history: xr.Dataset,
    losses: list[FlatLoss],
    said: Mapping[str, Mapping[int, TerminalForecast]],
    at_end: SplitLaw,
    run: int,
) -> dict[str, float | str]:
    """The same of one run."""
    one, loss = history.isel(member=run), losses[run // len(descents.fractions)]
    eta = float(one.eta)
    later = one.sharpness.sel(reading=slice(int(one.crossing), None))
    excess = float(later.max()) * eta / 2 - 1
    at_crossing = split_law(loss, frame_of(history, loss, run, CROSSING).middle, eta)
    row: dict[str, float | str] = {
        "label": label(descents, run),
        "gap": 1 - eta * at_end.sharpness / 2,
        "eta": eta,
        "excess": excess,
        "limit": gap_of(partial(getattr, at_end, "limit"), eta),
        "lambert": gap_of(partial(at_crossing.gap, 2 * excess / eta), eta),
        "separation": at_end.separation,
    }
    for name, window in STARTS.items():
        forecast = said[name].get(run)
        row[f"reason_{name}"] = forecast.reason if forecast else "the oscillation never rises by a factor of three"
        row[f"peak_{name}"] = float(one.swing[int(one.middle[window]) :].max()) if forecast else math.nan
        row[f"second_{name}"] = forecast.second * eta / 2 if forecast else math.nan
        row[f"memory_{name}"] = 1 - eta * forecast.memory.sharpness / 2 if forecast else math.nan
        row[f"space_{name}"] = 1 - eta * forecast.sharpness / 2 if forecast else math.nan
    return row


def forecasts_from(
    descents: Descents, history: xr.Dataset, losses: list[FlatLoss], chosen: Sequence[int], window: int
) -> dict[int, TerminalForecast]:
    """The forecasts of those of the chosen runs that have this window."""
    runs = [run for run in chosen if history.middle[run, window] >= BEFORE]
    frames = [frame_of(history, losses[run // len(descents.fractions)], run, window) for run in runs]
    return dict(zip(runs, forecasts(frames, STEPS), strict=True)) if frames else {}


def frame_of(history: xr.Dataset, loss: FlatLoss, run: int, window: int) -> Frame:
    """The frame in the middle of a window."""
    weights = torch.from_numpy(history.weights[run, window, BEFORE - 1 : BEFORE + 2].values)
    return frame_at(loss, weights, float(history.eta[run]))


def gap_of(gap: Callable[[], float], eta: float) -> float:
    """The gap in units of the edge, nan where the law has none."""
    try:
        return gap() * eta / 2
    except Undecided:
        return math.nan
