"""The figure: loss, sharpness and distance from the flow against time, a row for each activation."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.gradient_flow.beside import TITLES, Beside
from analysis.study import THEORY_COLOR, colors, new_figure
from analysis.training.panels import label_few_decades, mark_crossing, plot_loss, plot_sharpness

HEADROOM = 1.08  # above the flow's sharpness
GREY = "#666666"


def draw(rows: Sequence[Beside]) -> Figure:
    """Three columns; dashed lines at 2/η, dotted ones where gradient descent crosses it."""
    figure = new_figure(7.0, 5.0)
    axes = figure.subplots(len(rows), 3, sharex="row")
    for row, runs in zip(axes, rows, strict=True):
        draw_row(row, runs)
    lines = [
        Line2D([], [], color=THEORY_COLOR, linewidth=0.9, label="gradient flow"),
        Line2D([], [], color=GREY, linestyle="--", linewidth=0.9, label="$2/\\eta$"),
        Line2D([], [], color=GREY, linestyle=":", linewidth=0.9, label="first at $2/\\eta$"),
    ]
    figure.legend(handles=lines, loc="outside lower center", ncols=len(lines))
    return figure


def draw_row(axes: Sequence[Axes], runs: Beside) -> None:
    """The runs with one activation."""
    loss, sharpness, distance = axes
    several = [*runs.descents, runs.control]
    for one, color in zip(several, colors(len(several)), strict=True):
        history = one.history.assign_attrs(eta=one.eta)
        plot_loss(loss, history, color, time=True)
        plot_sharpness(sharpness, history, color, edge=None if one is runs.control else one.edge, time=True)
        distance.plot(one.times, one.distance, color=color, label=f"$\\eta = {one.eta:.3g}$")
        for axis in axes:
            mark_crossing(axis, one.crossing, color)
    plot_loss(loss, runs.flow, THEORY_COLOR, time=True)
    label_few_decades(loss)
    loss.set_title(TITLES[runs.activation])
    times, values = runs.flow_sharpness
    sharpness.plot(times, values, color=THEORY_COLOR, linewidth=0.9)
    sharpness.set_ylim(0, HEADROOM * float(max(np.max(values), *(one.edge for one in runs.descents))))
    distance.legend(loc="upper left", handlelength=1, borderpad=0.2, frameon=True, edgecolor="none")
    distance.set(xlabel="time  $t\\,\\eta$", ylabel="distance from the flow")
    distance.set_ylim(bottom=0)
