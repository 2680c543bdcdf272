"""The figure: the sharpness against iterations, a panel for each rule and momentum, with the edges dashed."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figure import COLORS, THEORY_COLOR, new_figure
from analysis.momentum_network.claims import NAMES
from analysis.training.panels import plot_sharpness


def draw(training: xr.Dataset) -> Figure:
    """Rules in rows, momentum coefficients in columns; dotted: where gradient descent would hover at the same η."""
    figure = new_figure(6.8, 5.0)
    axes = figure.subplots(training.sizes["rule"], training.sizes["momentum"], sharex=True, sharey=True)
    for row, rule in zip(axes, training.rule.values, strict=True):
        for axis, momentum in zip(row, training.momentum.values, strict=True):
            for color, edge in zip(COLORS, training.edge.values, strict=False):
                history = training.sel(rule=rule, momentum=momentum, edge=edge)
                plot_sharpness(axis, history, color, edge=float(edge), label=f"$\\eta = {float(history.eta):.3g}$")
                axis.axhline(2 / float(history.eta), color=color, linestyle=":", linewidth=0.8)
            axis.set_title(f"{NAMES[str(rule)]}, $\\beta = {momentum:g}$")
            axis.legend(loc="lower right", frameon=True, edgecolor="none")
    for axis in axes[:-1].flat:
        axis.set_xlabel("")
    for axis in axes[:, 1:].flat:
        axis.set_ylabel("")
    styles = [
        Line2D([], [], color=THEORY_COLOR, linestyle="--", linewidth=0.8, label="critical sharpness of the rule"),
        Line2D([], [], color=THEORY_COLOR, linestyle=":", linewidth=0.8, label="that of gradient descent, $2/\\eta$"),
    ]
    figure.legend(handles=styles, loc="outside lower center", ncols=2)
    return figure
