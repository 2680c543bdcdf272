"""The figure: the sharpness from the start to the goal, a row for each factor, and last in it what is claimed of that.

A panel for each value shows the sharpness against time, a curve for each seed, from its start to the goal, relative to
the start where its change is what is claimed; the last panel what is claimed of the factor, such as the sharpening
S(end)/S(0), of every run, and its medians.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from analysis.study import THEORY_COLOR, colors, new_figure
from analysis.training.sharpening.factor import Factor
from analysis.training.sharpening.trend import Histories, Measured, change, ends, sharpening

WIDTH, SUMMARY_SHARE, ROW_HEIGHT = 7.0, 1.6, 1.9  # inches; of a panel's width
MEASURES: dict[Measured, str] = {sharpening: "$S_\\mathrm{end}/S_0$", change: "$|\\log S_\\mathrm{end}/S_0|$"}
GREY = "#666666"


def draw(training: Histories, factors: Sequence[Factor]) -> Figure:
    """The whole figure."""
    figure = new_figure(WIDTH, ROW_HEIGHT * len(factors) + 0.2)
    rows = figure.subfigures(len(factors), 1, squeeze=False)[:, 0]
    for row, factor in zip(rows, factors, strict=True):
        runs = training[factor.name]
        ratios = [1.0] * len(factor.values) + [SUMMARY_SHARE]
        panels = row.subplots(1, len(ratios), width_ratios=ratios)
        palette = colors(runs.sizes["seed"])
        _histories(panels[:-1], runs, factor, palette)
        _summary(panels[-1], runs, factor, palette)
    return figure


def _histories(panels: Sequence[Axes], runs: xr.Dataset, factor: Factor, palette: Sequence[Any]) -> None:
    """Sharpness against time, a panel for each value, all to one scale of sharpness."""
    relative = factor.measure is change
    sharpness = runs.sharpness / runs.sharpness.isel(reading=0) if relative else runs.sharpness
    runs = runs.assign(sharpness=sharpness)
    least, highest = float(sharpness.min()) if relative else 0.0, float(sharpness.max())
    margin = 0.08 * (highest - least)
    limits = (least - margin if relative else 0.0, highest + margin)
    for panel, value in zip(panels, factor.values, strict=True):
        of_value = runs.sel({factor.name: value})
        for index in range(runs.sizes["seed"]):
            run = of_value.isel(seed=index).dropna("reading", subset=["sharpness"])
            panel.plot(run.reading_time, run.sharpness, color=palette[index], linewidth=0.9)
            panel.plot(run.reading_time[-1:], run.sharpness[-1:], "o", color=palette[index], markersize=2.5)
        panel.axhline(float(ends(of_value)[0].median()), color=GREY, linestyle=":", linewidth=0.9)
        panel.set(title=f"${factor.symbol} = {value:g}$", xlabel="time $t$", ylim=limits)
        panel.set_xlim(left=0)
        panel.xaxis.set_major_locator(MaxNLocator(3))
    for panel in panels[1:]:
        panel.tick_params(labelleft=False)
    panels[0].set_ylabel("sharpness / its start" if relative else "sharpness  $\\lambda_1(\\nabla^2 L)$")


def _summary(panel: Axes, runs: xr.Dataset, factor: Factor, palette: Sequence[Any]) -> None:
    """What is claimed to rise or fall, against the factor."""
    measured = factor.measure(runs).transpose("seed", factor.name)
    places = np.array(factor.values, dtype=float)
    for index, series in enumerate(measured.values):
        panel.plot(places, series, "o", color=palette[index], markersize=3)
    panel.plot([], [], "o", color=GREY, markersize=3, label="seeds")
    panel.plot([], [], ":", color=GREY, linewidth=0.9, label="start, median")
    panel.plot(places, measured.median("seed"), color=THEORY_COLOR, linewidth=1.0, label="median")
    if factor.measure is sharpening:
        panel.axhline(1, color=GREY, linestyle=":", linewidth=0.9)
    else:
        panel.set_yscale("log")
    panel.set(xlabel=factor.label, ylabel=MEASURES[factor.measure])
    if factor.logarithmic:
        panel.set_xscale("log")
    panel.xaxis.set_major_locator(FixedLocator(places.tolist()))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.legend(loc="best")
