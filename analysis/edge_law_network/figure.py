"""The figure: the midpoint identity, answers to kicks, what hovers or bursts, and the rate law."""

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.edge_law_network.hovering_panels import (
    plot_answers,
    plot_decay,
    plot_manners,
    plot_rates,
    plot_two_modes,
    say,
)
from analysis.edge_law_network.midpoints import of_one_mode
from analysis.study import THEORY_COLOR, new_figure
from eos_sym import Undecided


def draw(midpoints: xr.Dataset, hovering: xr.Dataset, two_modes: xr.Dataset, decay: xr.Dataset) -> Figure:
    """The whole figure."""
    figure = new_figure(7.0, 4.8)
    axes = figure.subplots(2, 3)
    plot_identity(axes[0, 0], "(a) midpoint identity", midpoints)
    plot_answers(axes[0, 1], "(b) answers to a kick of 10 %", hovering)
    plot_rates(axes[0, 2], "(c) damping and turning", hovering)
    plot_manners(axes[1, 0], "(d) hover or burst", hovering)
    plot_two_modes(axes[1, 1], "(e) two modes driven", two_modes)
    plot_decay(axes[1, 2], "(f) the rate law", decay)
    return figure


def plot_identity(axes: Axes, title: str, midpoints: xr.Dataset) -> None:
    """Both sides of the midpoint identity on all runs."""
    try:
        one = of_one_mode(midpoints)
    except Undecided as reason:
        say(axes, title, str(reason))
        return
    measured, predicted = (one[name] / one.edge - 1 for name in ("sharpness", "predicted"))
    axes.plot(predicted, measured, ".", markersize=3)
    axes.axline((0, 0), slope=1, color=THEORY_COLOR, linewidth=0.8)
    axes.set(title=title, xlabel="$(1 + e^\\rho)/2 - \\eta Qq/12 - 1$", ylabel="$\\eta S/2 - 1$")
