"""The figure: loss, sharpness and distance from the flow against time, a row for each activation."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.study.figure import THEORY_COLOR, colors, new_figure
from analysis.gradient_flow.claims import TITLES
from analysis.gradient_flow.measurements import descents_of, flow_sharpness
from analysis.training.panels import label_few_decades, mark_crossing, plot_loss, plot_sharpness

HEADROOM = 1.08  # above the flow's sharpness
LINES = {"--": "$2/\\eta$", ":": "first at $2/\\eta$"}


def draw(training: xr.Dataset, flow: xr.Dataset) -> Figure:
    """Two rows, three columns; dashed lines at 2/η, dotted ones where gradient descent crosses it."""
    figure = new_figure(8.4, 4.7)
    for axes, activation in zip(figure.subplots(2, 3, sharex="row"), TITLES, strict=True):
        _row(axes, training, flow.sel(activation=activation), activation)
    for axis in figure.axes[:3]:
        axis.set_xlabel("")
    return figure


def _row(axes: tuple[Axes, Axes, Axes], training: xr.Dataset, flow: xr.Dataset, activation: str) -> None:
    loss, sharpness, distance = axes
    runs = descents_of(training, activation)
    for number, (one, color) in enumerate(zip(runs, colors(len(runs)), strict=True)):
        history, label = one.history.assign_attrs(eta=one.eta), f"$\\eta = {one.eta:.3g}$"
        is_control = number == len(runs) - 1
        plot_loss(loss, history, color, time=True)
        plot_sharpness(sharpness, history, color, edge=None if is_control else one.edge, time=True)
        distance.plot(one.times, one.distance, color=color, label=label)
        for axis in axes:
            mark_crossing(axis, one.crossing, color)
    plot_loss(loss, flow, THEORY_COLOR, time=True)
    times, values = flow_sharpness(flow)
    sharpness.plot(times, values, color=THEORY_COLOR, linewidth=0.9)
    sharpness.set_ylim(0, HEADROOM * float(max(np.max(values), *(one.edge for one in runs[:-1]))))
    label_few_decades(loss)
    distance.plot([], [], color=THEORY_COLOR, linewidth=0.9, label="gradient flow")
    for style, meaning in LINES.items():
        distance.plot([], [], style, color="#666666", linewidth=0.8, label=meaning)
    distance.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=1.4)
    distance.set_xlabel("time  $t\\,\\eta$")
    distance.set_ylabel("distance from the flow")
    distance.set_ylim(bottom=0)
    loss.set_title(TITLES[activation])
