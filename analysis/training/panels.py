"""Panels that show training runs: the loss, and the sharpness beside the edge, against iterations or time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from analysis.study import THEORY_COLOR, colors
from analysis.training.edge_run import EdgeRun
from analysis.training.measures import loss_of, sharpness_of

MOST_POINTS = 4000  # a column of a paper resolves no more
MOST_DOTS = 100  # readings that are marked one by one


def plot_loss(axes: Axes, history: Any, color: Any, *, label: str | None = None, time: bool = False) -> None:
    """The loss against iterations, or against time, on a logarithmic scale."""
    loss = loss_of(history)
    places = np.asarray(history["time" if time else "step"].values)[: len(loss)]
    stride = max(1, len(loss) // MOST_POINTS)
    axes.semilogy(places[::stride], loss[::stride], color=color, label=label, linewidth=0.9)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("time  $t\\,\\eta$" if time else "iteration")
    axes.set_ylabel("loss")


def plot_sharpness(
    axes: Axes, history: Any, color: Any, *, edge: float | None = None, label: str | None = None, time: bool = False
) -> None:
    """The sharpness at the readings, a dot each if they are few, with a dashed line of the same colour at its edge."""
    steps, values = sharpness_of(history)
    scale = float(history.attrs["eta"]) if time else 1.0
    marker = "." if len(steps) <= MOST_DOTS else ""
    axes.plot(steps * scale, values, color=color, label=label, linewidth=0.9, marker=marker, markersize=2.5)
    if edge is not None:
        axes.axhline(edge, color=color, linestyle="--", linewidth=0.8)
    axes.set_xlabel("time  $t\\,\\eta$" if time else "iteration")
    axes.set_ylabel("sharpness")


def plot_runs(panels: Sequence[Axes], runs: Sequence[EdgeRun]) -> None:
    """Loss, sharpness, and sharpness against time, in three panels: dashed the edge of a run, dotted its crossing."""
    loss, sharpness, by_time = panels
    for run, color in zip(runs, colors(len(runs)), strict=True):
        history = run.history.assign_attrs(eta=run.eta)
        plot_loss(loss, history, color, label=f"$\\eta = {run.eta:.3g}$")
        plot_sharpness(sharpness, history, color, edge=run.edge)
        plot_sharpness(by_time, history, color, edge=run.edge, time=True)
        for axes in (loss, sharpness):
            mark_crossing(axes, run.crossing, color)


def label_few_decades(axes: Axes) -> None:
    """Label 1, 2 and 5 of every decade of the loss, where it spans only one or two."""
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))


def mark_crossing(axes: Axes, step: float | None, color: Any = THEORY_COLOR) -> None:
    """A dotted vertical line where the sharpness first crosses the edge; nothing if it never does."""
    if step is not None:
        axes.axvline(step, color=color, linestyle=":", linewidth=0.8)
