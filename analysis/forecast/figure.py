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
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from analysis.forecast.contestants import WORDS
from analysis.forecast.scores import size
from analysis.study import COLORS, SMALLEST_FONT, THEORY_COLOR, new_figure
from analysis.study.figure import legend_above

LOSSES = {"mse": "half squared error", "cross_entropy": "cross-entropy"}
BEST = "cut"  # whose forecast is drawn
COLOR = {"mse": COLORS[0], "cross_entropy": COLORS[1]}
LEAST, MOST = 1e-4, 3.0  # of the errors that are drawn: what is beyond is at the edge


def draw(training: xr.Dataset, forecasts: xr.Dataset, scores: xr.Dataset) -> Figure:
    """Columns: a run of each loss, and all runs."""
    figure = new_figure(7.0, 6.2)
    axes = figure.subplots(3, 3, width_ratios=(1, 1, 1.15))
    for column, (loss, words) in enumerate(LOSSES.items()):
        panels = axes[:, column]
        name = in_the_middle(scores, loss)
        title = f"({'ab'[column]}) {words}:\n" + (name or "no first spike")
        panels[0].set_title(title)
        for axis in panels[:2]:
            axis.tick_params(labelbottom=False)
        if name is None:
            continue
        one = scores.sel(trial=name)
        true = training.sel(trial=name, factor=1.0)
        show_run(panels, one, true, forecasts.sel(trial=name, contestant=BEST, factor=1.0), COLOR[loss])
    for row, quantity in enumerate(("oscillation $\\|x\\|$", "sharpness at midpoints, $\\eta S/2$", "loss")):
        axes[row, 0].set_ylabel(quantity)
    show_heights(axes[0, 2], scores)
    for place, (loss, words) in enumerate(LOSSES.items()):
        show_contestants(axes[1 + place, 2], scores, loss)
        axes[1 + place, 2].set_title(f"({'de'[place]}) its error, {words}")
    axes[1, 2].set_xlabel("")
    return figure


def of_loss(scores: xr.Dataset, loss: str) -> xr.Dataset:
    """The runs with this loss that claims are about, with the step size of training."""
    return scores.sel(factor=1.0).isel(trial=((scores.loss_function == loss) & (scores.apart == "")).values)


def in_the_middle(scores: xr.Dataset, loss: str) -> str | None:
    """The run with the median error of the height; none if there is none with a spike."""
    runs = of_loss(scores, loss).sel(contestant=BEST)
    runs = runs.isel(trial=np.isfinite(runs.height.values))
    if (runs.trusted == 1).any():
        runs = runs.isel(trial=runs.trusted.values == 1)
    order = np.argsort(runs.height.values, kind="stable")
    return str(runs.trial.values[order[(len(order) - 1) // 2]]) if len(order) else None


def show_run(panels: Sequence[Axes], score: xr.Dataset, true: xr.Dataset, foretold: xr.Dataset, color: str) -> None:
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
    below.set(xlabel="steps from the moment on")
    highest = float(np.nanmax(true.loss))
    below.set_ylim(0, 1.15 * highest)
    middle.set_ylim(*_about(true.sharpness.values * float(score.eta) / 2))
    above.set_ylim(0, 1.35 * float(np.nanmax(size(true, modes))))
    middle.legend(loc="best")


def _about(values: np.ndarray) -> tuple[float, float]:
    low, high = np.nanmin(values), np.nanmax(values)
    return float(low - 0.2 * (high - low)), float(high + 0.2 * (high - low))


def show_heights(axes: Axes, scores: xr.Dataset) -> None:
    """The height of the first spike, forecast against measured, of all runs; none forecast is at the lower edge."""
    measured = of_either(scores).true_height.values
    known = measured[np.isfinite(measured)]
    ends = np.array([known.min() / 1.6, known.max() * 1.6]) if len(known) else np.array([0.1, 1.0])
    axes.plot(ends, ends, color=THEORY_COLOR, linewidth=0.7)
    for loss, words in LOSSES.items():
        runs = of_loss(scores, loss).sel(contestant=BEST)
        heights = np.clip(runs.foretold_height.fillna(0.0).values, ends[0] * 1.08, ends[1] / 1.08)
        for trusted, face in ((1, COLOR[loss]), (0, "none")):
            some = runs.trusted.values == trusted
            axes.plot(
                runs.true_height.values[some],
                heights[some],
                "o",
                color=COLOR[loss],
                markerfacecolor=face,
                markersize=3.5,
            )
        axes.plot([], [], "o", color=COLOR[loss], markersize=3.5, label=words)
    for words, face in (("let through", "#666666"), ("refused", "none")):
        axes.plot([], [], "o", color="#666666", markerfacecolor=face, markersize=3.5, label=words)
    axes.set(xlim=ends, ylim=ends, xscale="log", yscale="log", xlabel="measured", ylabel="forecast")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axis.set_major_formatter(FormatStrFormatter("%g"))
        axis.set_minor_formatter(NullFormatter())
    legend_above(axes, "(c) height of the first spike")


def of_either(scores: xr.Dataset) -> xr.Dataset:
    """All runs that claims are about, with the step size of training."""
    return scores.sel(factor=1.0).isel(trial=scores.apart.values == "")


def show_contestants(axes: Axes, scores: xr.Dataset, loss: str) -> None:
    """The relative errors of the height, a row for each contestant, in order of size, and their median."""
    runs = of_loss(scores, loss)
    names = runs.contestant.values.tolist()
    for row, name in enumerate(names):
        errors = runs.height.sel(contestant=name).values
        errors = np.sort(np.clip(errors[np.isfinite(errors)], LEAST, MOST))
        axes.annotate(WORDS[name], (LEAST, row - 0.14), fontsize=SMALLEST_FONT, va="bottom")
        if len(errors):
            places = row + 0.14 + np.linspace(-0.18, 0.18, len(errors))
            axes.plot(errors, places, ".", color=COLORS[row % len(COLORS)], markersize=3)
            axes.plot([np.median(errors)] * 2, [row - 0.08, row + 0.36], color=THEORY_COLOR, linewidth=1.2)
    axes.set_yticks([])
    axes.set(xscale="log", xlim=(LEAST / 1.5, MOST * 1.5), ylim=(len(names) - 0.5, -0.6), xlabel="relative error")
    axes.axvline(1, color="#666666", linestyle=":", linewidth=0.8)
