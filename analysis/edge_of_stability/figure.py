"""The figure: a column for each architecture; loss and sharpness against iterations and time, under each criterion."""

from collections.abc import Mapping, Sequence

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.study import new_figure
from analysis.training.edge_run import EdgeRun
from analysis.training.measures import sharpness_of
from analysis.training.panels import label_few_decades, plot_runs

CRITERION_TITLES = {"mse": "squared error", "cross_entropy": "cross-entropy"}
WIDTH, HEIGHT = 7.0, 4.6  # inches, the height that of a criterion
MOST_ABOVE = 2.0  # times the highest edge that is shown
GREY = "#666666"


def figure(training: xr.Dataset, groups: Mapping[str, Sequence[EdgeRun]]) -> Figure:
    """The runs by architecture and criterion, as in their names."""
    architectures, criteria = training.architecture.values, training.criterion.values
    drawing = new_figure(WIDTH, HEIGHT * len(criteria))
    halves = drawing.subfigures(len(criteria), 1, squeeze=False, hspace=0.02)[:, 0]
    for half, criterion in zip(halves, criteria, strict=True):
        half.suptitle(CRITERION_TITLES[criterion], fontweight="bold", fontsize="medium")
        axes = half.subplots(3, len(architectures), squeeze=False)
        for column, architecture in zip(axes.T, architectures, strict=True):
            draw_column(column, groups[f"{architecture}, {criterion}"])
            column[0].set_title(architecture.replace("_", " "))
    lines = [
        Line2D([], [], color=GREY, linestyle="--", linewidth=0.9, label="$2/\\eta$"),
        Line2D([], [], color=GREY, linestyle=":", linewidth=0.9, label="first at $2/\\eta$"),
    ]
    halves[-1].legend(handles=lines, loc="outside lower center", ncols=len(lines))
    return drawing


def draw_column(axes: tuple[Axes, Axes, Axes], runs: Sequence[EdgeRun]) -> None:
    """One architecture with one criterion."""
    loss, sharpness, by_time = axes
    plot_runs(axes, runs)
    loss.set_xlabel("")
    loss.sharex(sharpness)
    loss.tick_params(labelbottom=False)
    label_few_decades(loss)
    loss.legend(loc="upper right", handlelength=1.2, borderpad=0.1)
    highest = max(sharpness_of(run.history)[1].max() for run in runs)
    for axis in (sharpness, by_time):
        axis.set_ylim(0, 1.06 * min(highest, MOST_ABOVE * max(run.edge for run in runs)))
        axis.xaxis.set_major_locator(MaxNLocator(4))
