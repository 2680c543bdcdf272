"""The figure: loss, sharpness and its rate against time, a column for each criterion."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.integrate import cumulative_trapezoid

from analysis.study.figure import COLORS, THEORY_COLOR, new_figure
from analysis.progressive_sharpening.claims import SETTLED
from analysis.training.panels import plot_loss, plot_sharpness

START = 1  # the first snapshot that the scale of the rates minds
TITLES = {"mse": "squared error", "cross_entropy": "cross-entropy"}


def draw(training: xr.Dataset, rates: xr.Dataset) -> Figure:
    """Three rows, two columns."""
    figure = new_figure(6.8, 6.0)
    axes = figure.subplots(3, 2, sharex="col")
    for column, (name, title) in enumerate(TITLES.items()):
        history, rate = training.sel(criterion=name), rates.sel(criterion=name).dropna("snapshot")
        color = COLORS[column]
        loss, sharpness, slope = axes[:, column]
        plot_loss(loss, history, color)
        loss.set_title(title)
        plot_sharpness(sharpness, history, color, label="read from second derivatives")
        _plot_integral(sharpness, rate)
        edge = 2 / float(history.eta)
        if edge > sharpness.get_ylim()[1]:
            sharpness.set_title(f"the edge $2/\\eta = {edge:g}$ lies above", fontsize="small")
        sharpness.legend(loc="lower right" if column == 0 else "lower center")
        slope.plot(rate.snapshot, rate.rate, color=color)
        slope.axhline(0, color=THEORY_COLOR, linewidth=0.6)
        slope.set_xlabel("iteration")
        slope.set_ylabel("$-\\nabla^3 L(u, u, \\nabla L)$")
        settled = rate.rate.isel(snapshot=slice(START, None))
        if settled.size:  # the first rates are far larger, and would hide the others
            margin = 0.1 * float(settled.max() - settled.min())
            slope.set_ylim(min(0.0, float(settled.min())) - margin, float(settled.max()) + margin)
        for axis in (loss, sharpness):
            axis.set_xlabel("")
    return figure


def _plot_integral(axes: Axes, rate: xr.Dataset) -> None:
    start = int(SETTLED * rate.sizes["snapshot"])
    known = rate.isel(snapshot=slice(start, None))
    if known.sizes["snapshot"] > 1:
        gained = cumulative_trapezoid(known.rate.values, known.snapshot_time.values, initial=0)
        axes.plot(
            known.snapshot,
            float(known.sharpness[0]) + gained,
            color=THEORY_COLOR,
            linestyle="--",
            linewidth=0.9,
            label="its rate, integrated",
        )
