"""The figure: a column for each architecture, under each criterion; loss and sharpness against iterations and time."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.edge_of_stability.claims import Run, runs_of
from analysis.study.figure import colors, new_figure
from analysis.training.measures import sharpness_of
from analysis.training.panels import label_few_decades, mark_crossing, plot_loss, plot_sharpness

CRITERION_TITLES = {"mse": "squared error", "cross_entropy": "cross-entropy"}
COLUMN, HEIGHT = 2.25, 6.4  # inches
MOST_ABOVE = 2.0  # times the highest edge that is shown
LINES = {"--": "$2/\\eta$", ":": "first at $2/\\eta$"}


def draw(training: xr.Dataset) -> Figure:
    """Three rows; the left half squared error, the right half cross-entropy."""
    groups = runs_of(training)
    architectures, criteria = training.architecture.values, training.criterion.values
    figure = new_figure(COLUMN * len(architectures) * len(criteria) + 0.3, HEIGHT)
    halves = figure.subfigures(1, len(criteria), squeeze=False, wspace=0.02)[0]
    for half, criterion in zip(halves, criteria, strict=True):
        half.suptitle(CRITERION_TITLES[criterion], fontweight="bold")
        axes = half.subplots(3, len(architectures), squeeze=False)
        for column, architecture in enumerate(architectures):
            _column(axes[:, column], groups[architecture, criterion])
            axes[0, column].set_title(str(architecture).replace("_", " "))
            if column:
                for axis in axes[:, column]:
                    axis.set_ylabel("")
    _explain_lines(halves[0].axes[len(architectures)])
    return figure


def _explain_lines(axes: Axes) -> None:
    for style, meaning in LINES.items():
        axes.plot([], [], style, color="#666666", linewidth=0.9, label=meaning)
    axes.legend(loc="lower right", handlelength=1.6, frameon=True, edgecolor="none")


def _column(axes: tuple[Axes, Axes, Axes], runs: list[Run]) -> None:
    loss, sharpness, by_time = axes
    for run, color in zip(runs, colors(len(runs)), strict=True):
        history = run.history.assign_attrs(eta=run.eta)
        plot_loss(loss, history, color, label=f"$\\eta = {run.eta:.3g}$")
        plot_sharpness(sharpness, history, color, edge=run.edge)
        plot_sharpness(by_time, history, color, edge=run.edge, time=True)
        for axis in (loss, sharpness):
            mark_crossing(axis, run.crossing, color)
    loss.set_xlabel("")
    loss.sharex(sharpness)
    loss.tick_params(labelbottom=False)
    label_few_decades(loss)
    loss.legend(loc="upper right", handlelength=1.2, borderpad=0.1)
    highest = max(sharpness_of(run.history)[1].max() for run in runs)
    for axis in (sharpness, by_time):
        axis.set_ylim(0, 1.06 * min(highest, MOST_ABOVE * max(run.edge for run in runs)))
        axis.xaxis.set_major_locator(MaxNLocator(4))
