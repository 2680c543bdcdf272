"""Where the runs end that cross 2/η and converge, and where the models and the laws say they do.

Gaps are in units of the edge, 1 − ηS/2. Of every run the end is forecast from two starts:

    crossing   the last reading at which the sharpness rises to 2/η
    third      the last step at which the oscillation rises through a third of what is still to come

by the equation with memory M, by the model in function space F, and by the edge law: its limit with the coefficients at
the end, and Lambert's W with those at the crossing, from the largest excess that is read after it. From the crossing
F is also made again every `AGAIN` steps, of runs with an excess below `EXCESS`. `peak` is the largest swing after the
start, `excess` the largest of ηS/2 − 1 after the crossing; `evaluations` are the gradients that F took, `rebuilt_cost`
those that F took that was made again, `trained` the steps from the crossing to the end.

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

from analysis.edge_law_network.training.descents import Descents, label
from analysis.edge_law_network.training.moments import BEFORE, CROSSING, THIRD
from eos_sym import Undecided
from numeric.networks.edge.terminal import Frame, SplitLaw, TerminalForecast, forecasts, frame_at, split_law
from numeric.networks.edge.terminal.function_space import reach_for
from numeric.networks.edge.terminal.rebuilt import Rebuilt, rebuilt
from numeric.networks.loss import FlatLoss

STARTS = {"crossing": CROSSING, "third": THIRD}
STEPS = 20_000  # of the models: as many as of training
AGAIN, EXCESS = 100, 0.15  # steps after which F is made again, where the excess stays below
FORECAST = ("peak", "second", "memory", "space")  # from each of the starts
NUMBERS = (
    *("gap", "eta", "excess", "limit", "lambert", "separation", "evaluations", "trained", "rebuilt", "rebuilt_cost"),
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
    again = made_again(descents, history, losses, said["crossing"])
    rows = [end_of(descents, history, losses, said, laws[run], again.get(run), run) for run in chosen]
    numbers = {name: ("run", np.array([row[name] for row in rows], dtype=float)) for name in NUMBERS}
    return xr.Dataset(numbers | {name: ("run", np.array([row[name] for row in rows], dtype=str)) for name in TEXTS})


def end_of(
    descents: Descents,
    history: xr.Dataset,
    losses: list[FlatLoss],
    said: Mapping[str, Mapping[int, TerminalForecast]],
    at_end: SplitLaw,
    again: Rebuilt | None,
    run: int,
) -> dict[str, float | str]:
    """The same of one run."""
    one, loss = history.isel(member=run), losses[run // len(descents.fractions)]
    eta = float(one.eta)
    excess = excess_of(one)
    at_crossing = split_law(loss, frame_of(history, loss, run, CROSSING).middle, eta)
    row: dict[str, float | str] = {
        "label": label(descents, run),
        "gap": 1 - eta * at_end.sharpness / 2,
        "eta": eta,
        "excess": excess,
        "limit": gap_of(partial(getattr, at_end, "limit"), eta),
        "lambert": gap_of(partial(at_crossing.gap, 2 * excess / eta), eta),
        "separation": at_end.separation,
        "evaluations": said["crossing"][run].evaluations,
        "trained": int(one.ended - one.crossing),
        "rebuilt": 1 - eta * again.ending.sharpness / 2 if again else math.nan,
        "rebuilt_cost": again.evaluations if again else math.nan,
    }
    for name, window in STARTS.items():
        forecast = said[name].get(run)
        row[f"reason_{name}"] = forecast.reason if forecast else "the oscillation never rises by a factor of three"
        row[f"peak_{name}"] = float(one.swing[int(one.middle[window]) :].max()) if forecast else math.nan
        row[f"second_{name}"] = forecast.second * eta / 2 if forecast else math.nan
        row[f"memory_{name}"] = 1 - eta * forecast.memory.sharpness / 2 if forecast else math.nan
        row[f"space_{name}"] = 1 - eta * forecast.sharpness / 2 if forecast else math.nan
    return row


def excess_of(one: xr.Dataset) -> float:
    """The largest ηS/2 − 1 of a run after its last crossing."""
    return float(one.sharpness.sel(reading=slice(int(one.crossing), None)).max() * one.eta) / 2 - 1


def made_again(
    descents: Descents, history: xr.Dataset, losses: list[FlatLoss], said: Mapping[int, TerminalForecast]
) -> dict[int, Rebuilt]:
    """F made again on its way from the crossing, of the runs with a small excess."""
    runs = [run for run in said if excess_of(history.isel(member=run)) < EXCESS]
    frames = [frame_of(history, losses[run // len(descents.fractions)], run, CROSSING) for run in runs]
    reaches = [reach_for(said[run].function_space.peak) for run in runs]
    return dict(zip(runs, rebuilt(frames, reaches, STEPS, AGAIN), strict=True))


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
