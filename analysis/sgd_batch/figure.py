"""The figure: a column for each batch size; loss, sharpness and batch sharpness against iterations."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from analysis.sgd_batch.runs import Run
from analysis.study import THEORY_COLOR, colors, new_figure
from analysis.training.measures import loss_of, sharpness_of

LABELS = ("loss", r"sharpness $/\ (2/\eta)$", r"batch sharpness $/\ (2/\eta)$")
WIDTH, HEIGHT = 7.0, 5.8  # inches
BOUND: Any = {"marker": "_", "markersize": 9, "markeredgewidth": 2, "clip_on": False}
HEADROOM = 1.5  # times the edge
PIECES = 60  # of a run, over each of which the losses of the batches are averaged


def figure(groups: Sequence[Sequence[Run]]) -> Figure:
    """The runs by batch size, and for each by step size."""
    drawing = new_figure(WIDTH, HEIGHT)
    by_size = list(zip(*groups, strict=True))
    axes = drawing.subplots(3, len(by_size), squeeze=False, sharex="col", sharey="row")
    for column, runs in zip(axes.T, by_size, strict=True):
        loss, sharpness, batch_sharpness = column
        full = runs is by_size[-1]
        loss.set_title("full batch" if full else f"batch size {runs[0].batch_size}")
        for run, color in zip(runs, colors(len(runs)), strict=True):
            plot_batch_loss(loss, run, color)
            plot_over_edge(sharpness, run, "sharpness", color, f"$\\eta = {run.eta:g}$")
            if not full:
                sharpness.plot(int(run.end.read_at), float(run.end.bound) / run.edge, color=color, **BOUND)
            plot_over_edge(batch_sharpness, run, "batch_sharpness", color)
        for axis, label in zip(column, LABELS, strict=True):
            axis.set_ylabel(label)
        for axis in (sharpness, batch_sharpness):
            axis.axhline(1, color=THEORY_COLOR, linestyle="--", linewidth=0.8)
            axis.set_ylim(0, HEADROOM)
        batch_sharpness.set_xlabel("iteration")
        batch_sharpness.xaxis.set_major_locator(MaxNLocator(4))
    handles, names = axes[1, 0].get_legend_handles_labels()
    handles.append(Line2D([], [], color=THEORY_COLOR, linestyle="none", **BOUND))
    names.append("bound from the second moment")
    drawing.legend(handles, names, loc="outside lower center", ncols=len(handles), columnspacing=1, handlelength=1.2)
    return drawing


def plot_batch_loss(axes: Axes, run: Run, color: Any) -> None:
    """The mean loss of the batches over pieces of the run."""
    loss = loss_of(run.history)
    length = max(1, len(loss) // PIECES)
    pieces = loss[: len(loss) // length * length].reshape(-1, length).mean(1)
    axes.semilogy(length * (np.arange(len(pieces)) + 0.5), pieces, color=color, linewidth=0.9)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def plot_over_edge(axes: Axes, run: Run, name: str, color: Any, label: str | None = None) -> None:
    """What was read, over 2/η."""
    steps, values = sharpness_of(run.history, name)
    axes.plot(steps, values / run.edge, color=color, linewidth=1, label=label)
