"""The figure: a column for each architecture, under each criterion; loss and sharpness against iterations and time."""

from collections.abc import Mapping, Sequence

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.study import new_figure
from analysis.training.edge_run import EdgeRun
from analysis.training.measures import sharpness_of
from analysis.training.panels import label_few_decades, plot_runs

CRITERION_TITLES = {"mse": "squared error", "cross_entropy": "cross-entropy"}
COLUMN, HEIGHT = 2.25, 6.4  # inches
MOST_ABOVE = 2.0  # times the highest edge that is shown
LINES = {"--": "$2/\\eta$", ":": "first at $2/\\eta$"}


def figure(training: xr.Dataset, groups: Mapping[str, Sequence[EdgeRun]]) -> Figure:
    """The runs by architecture and criterion, as in their names."""
    architectures, criteria = training.architecture.values, training.criterion.values
    drawing = new_figure(COLUMN * len(architectures) * len(criteria) + 0.3, HEIGHT)
    halves = drawing.subfigures(1, len(criteria), squeeze=False, wspace=0.02)[0]
    for half, criterion in zip(halves, criteria, strict=True):
        half.suptitle(CRITERION_TITLES[criterion], fontweight="bold")
        axes = half.subplots(3, len(architectures), squeeze=False)
        for column, architecture in zip(axes.T, architectures, strict=True):
            draw_column(column, groups[f"{architecture}, {criterion}"])
            column[0].set_title(architecture.replace("_", " "))
        for axis in axes[:, 1:].flat:
            axis.set_ylabel("")
    explained = halves[0].axes[len(architectures)]  # the first with the sharpness
    for style, meaning in LINES.items():
        explained.plot([], [], style, color="#666666", linewidth=0.9, label=meaning)
    explained.legend(loc="lower right", handlelength=1.6, frameon=True, edgecolor="none")
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
