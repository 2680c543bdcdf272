"""The figure: one run of either loss beside its forecast, all first spikes, and the contestants.

The run that is shown of each loss is the one in the middle: that with the median error of the height, of those that the
gates let through, if they let any through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.forecast.contestants import WORDS
from analysis.forecast.scores import size
from analysis.study import COLORS, SMALLEST_FONT, THEORY_COLOR, new_figure

LOSSES = {"mse": "half squared error", "cross_entropy": "cross-entropy"}
BEST = {"mse": "loss", "cross_entropy": "loss"}  # whose forecast is drawn
COLOR = {"mse": COLORS[0], "cross_entropy": COLORS[1]}
LEAST, MOST = 1e-4, 3.0  # of the errors that are drawn: what is beyond is at the edge


def draw(training: xr.Dataset, forecasts: xr.Dataset, scores: xr.Dataset) -> Figure:
    """Columns: a run of each loss, and all runs."""
    figure = new_figure(7.0, 6.4)
    axes = figure.subplots(3, 3)
    for column, (loss, words) in enumerate(LOSSES.items()):
        panels = axes[:, column]
        name = in_the_middle(scores, loss)
        if name is None:
            panels[0].set_title(f"{words}: no run")
            continue
        one = scores.sel(trial=name)
        true = training.sel(trial=name, factor=1.0)
        run(panels, one, true, forecasts.sel(trial=name, contestant=BEST[loss], factor=1.0), COLOR[loss])
        panels[0].set_title(f"({'ab'[column]}) {words}\n{name}", fontsize=SMALLEST_FONT)
    heights(axes[0, 2], scores)
    for place, loss in enumerate(LOSSES):
        contestants(axes[1 + place, 2], scores, loss, f"({'de'[place]}) {LOSSES[loss]}: error of the height")
    return figure


def of_loss(scores: xr.Dataset, loss: str) -> xr.Dataset:
    """The runs with this loss that claims are about, with the step size of training."""
    return scores.sel(factor=1.0).isel(trial=((scores.loss_function == loss) & (scores.apart == "")).values)


def in_the_middle(scores: xr.Dataset, loss: str) -> str | None:
    """The run with the median error of the height; none if there is none with a spike."""
    runs = of_loss(scores, loss).sel(contestant=BEST[loss])
    runs = runs.isel(trial=np.isfinite(runs.height.values))
    if (runs.trusted == 1).any():
        runs = runs.isel(trial=runs.trusted.values == 1)
    order = np.argsort(runs.height.values, kind="stable")
    return str(runs.trial.values[order[(len(order) - 1) // 2]]) if len(order) else None


def run(panels: Sequence[Axes], score: xr.Dataset, true: xr.Dataset, foretold: xr.Dataset, color: str) -> None:
    """Oscillation, sharpness and loss, measured and forecast."""
    modes = int(score.sel(contestant=str(foretold.contestant.values)).modes)
    style: dict[str, Any] = {"color": color, "linewidth": 1.0, "label": "forecast"}
    measured: dict[str, Any] = {"color": THEORY_COLOR, "linestyle": "none", "marker": ".", "markersize": 2.0}
    above, middle, below = panels
    for axes, data, kind in ((above, true, measured), (above, foretold, style)):
        values = size(data, modes)
        axes.plot(np.arange(1, len(values) + 1), values, **kind)
    middle.axhline(1, color="#666666", linestyle="--", linewidth=0.7)
    for data, kind in ((true, measured | {"markersize": 3.0, "label": "training"}), (foretold, style)):
        middle.plot(data.reading, data.sharpness * float(score.eta) / 2, **kind)
    for data, kind in ((true, measured), (foretold, style)):
        below.plot(data.step, data.loss, **kind)
    above.set(ylabel="oscillation $\\|x\\|$")
    middle.set(ylabel="sharpness at midpoints, $\\eta S/2$")
    below.set(ylabel="loss", xlabel="steps from the moment on")
    highest = float(np.nanmax(true.loss))
    below.set_ylim(0, 1.15 * highest)
    middle.set_ylim(*_about(true.sharpness.values * float(score.eta) / 2))
    above.set_ylim(0, 1.35 * float(np.nanmax(size(true, modes))))
    middle.legend(loc="best")


def _about(values: np.ndarray) -> tuple[float, float]:
    low, high = np.nanmin(values), np.nanmax(values)
    return float(low - 0.2 * (high - low)), float(high + 0.2 * (high - low))


def heights(axes: Axes, scores: xr.Dataset) -> None:
    """The height of the first spike, forecast against measured, of all runs."""
    for loss, words in LOSSES.items():
        runs = of_loss(scores, loss).sel(contestant=BEST[loss])
        for trusted, face, said in ((1.0, COLOR[loss], "let through"), (0.0, "none", "refused")):
            some = runs.isel(trial=(runs.trusted.values == trusted))
            label = f"{words}, {said}"
            axes.plot(
                some.true_height,
                some.foretold_height,
                "o",
                color=COLOR[loss],
                markerfacecolor=face,
                markersize=3.5,
                label=label,
            )
    known = scores.true_height.values[np.isfinite(scores.true_height.values)]
    if len(known):
        ends = np.array([known.min() / 2, known.max() * 2])
        axes.plot(ends, ends, color=THEORY_COLOR, linewidth=0.7)
        axes.set(xlim=ends, ylim=ends, xscale="log", yscale="log")
    axes.set_title("(c) height of the first spike")
    axes.set(xlabel="measured", ylabel="forecast")
    axes.legend(loc="upper left", handletextpad=0.2)


def contestants(axes: Axes, scores: xr.Dataset, loss: str, title: str) -> None:
    """The relative errors of the height, a row for each contestant, and their median."""
    runs = of_loss(scores, loss)
    names = runs.contestant.values.tolist()
    for row, name in enumerate(names):
        errors = runs.height.sel(contestant=name).values
        errors = np.clip(errors[np.isfinite(errors)], LEAST, MOST)
        if not len(errors):
            continue
        offsets = np.linspace(-0.25, 0.25, len(errors))
        axes.plot(np.sort(errors), row + offsets, "o", color=COLORS[row % len(COLORS)], markersize=2, alpha=0.7)
        axes.plot([np.median(errors)] * 2, [row - 0.38, row + 0.38], color=THEORY_COLOR, linewidth=1.4)
    axes.set_yticks(range(len(names)), [WORDS[name] for name in names])
    axes.set(xscale="log", xlim=(LEAST / 1.5, MOST * 1.5), ylim=(len(names) - 0.5, -0.5), xlabel="relative error")
    axes.axvline(1, color="#666666", linestyle=":", linewidth=0.8)
    axes.set_title(title)
