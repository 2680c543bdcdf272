"""The figure: loss and sharpness against iterations, and the sharpness against time, a colour for each step size."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from analysis.study.figure import colors, new_figure
from analysis.training.panels import mark_crossing, plot_loss, plot_sharpness
from analysis.vgg.claims import runs_of

HEADROOM = 1.5  # times the highest edge


def draw(training: xr.Dataset) -> Figure:
    """One row of three panels, as in the paper."""
    runs = runs_of(training)
    figure = new_figure(8.4, 2.7)
    loss, sharpness, by_time = figure.subplots(1, 3)
    for run, color in zip(runs, colors(len(runs)), strict=True):
        history = run.history.assign_attrs(eta=run.eta)
        plot_loss(loss, history, color, label=f"$\\eta = {run.eta:g}$")
        plot_sharpness(sharpness, history, color, edge=run.edge)
        plot_sharpness(by_time, history, color, edge=run.edge, time=True)
        for axis in (loss, sharpness):
            mark_crossing(axis, run.crossing, color)
    for axis in (sharpness, by_time):
        axis.set_ylim(0, HEADROOM * max(run.edge for run in runs))
    loss.legend(loc="lower left")
    return figure
