"""The figure: sharpness, oscillation and loss against the iteration, with the crossing of 2/η."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.study.figure import COLORS, THEORY_COLOR, new_figure
from analysis.instability.claims import episode
from analysis.training.measures import sharpness_of
from analysis.training.panels import label_few_decades, mark_crossing, plot_loss, plot_sharpness


def draw(history: xr.Dataset) -> Figure:
    """Three panels on top of each other."""
    figure = new_figure(5.4, 6.4)
    sharpness, wave, loss = figure.subplots(3, 1, sharex=True)
    eta = float(history.attrs["eta"])
    plot_sharpness(sharpness, history, COLORS[0], edge=2 / eta)
    sharpness.annotate(f"$2/\\eta = {2 / eta:.4g}$", (0, 2 / eta), va="bottom", color=COLORS[0])
    sharpness.set_title("(a) the sharpness crosses $2/\\eta$")
    steps, values = sharpness_of(history)
    amplitude = np.abs(history.oscillation.values[: len(steps)])
    wave.semilogy(steps, amplitude, color=COLORS[1], linewidth=0.9, label="measured")
    wave.set_ylabel("$|x|$, alternating part of $u\\cdot\\theta$")
    wave.set_title("(b) the oscillation along the top eigenvector grows")
    found = episode(history)
    if found is not None:
        here = found.growing
        growth = np.cumsum(np.log(eta * values[here][:-1] - 1))
        predicted = amplitude[here.start] * np.exp(np.concatenate([[0.0], growth]))
        wave.semilogy(steps[here], predicted, color=THEORY_COLOR, linestyle="--", label="$\\prod\\,(\\eta S - 1)$")
        wave.legend(loc="upper left")
    plot_loss(loss, history, COLORS[2])
    label_few_decades(loss)
    loss.set_title("(c) the loss rises, and then goes on falling")
    for axes in (sharpness, wave, loss):
        mark_crossing(axes, None if found is None else found.crossing)
        axes.set_xlabel("")
    loss.set_xlabel("iteration")
    return figure
