"""The figure: the midpoint identity, what it leaves, gaps foretold and by the edge law; hovering; the rate law."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.edge_law_network.ending.errors import BINS, agreeing, judged
from analysis.edge_law_network.hovering.panels import (
    plot_answers,
    plot_decay,
    plot_manners,
    plot_rates,
    plot_two_modes,
    say,
)
from analysis.edge_law_network.midpoints import of_one_mode
from analysis.study import COLORS, THEORY_COLOR, new_figure
from analysis.study.figure import legend_above
from eos_sym import Undecided

SMALL = 1e-4  # of the edge: where the scale of (a) becomes linear
WORDS = ("peak $<.05$", ".05 to .15", ".15 to .4", "above .4")


def draw(
    midpoints: xr.Dataset, ends: xr.Dataset, hovering: xr.Dataset, two_modes: xr.Dataset, decay: xr.Dataset
) -> Figure:
    """The whole figure."""
    figure = new_figure(7.0, 7.2)
    axes = figure.subplots(3, 3)
    for place, plot, title, data in (
        (axes[0, 0], identity, "(a) midpoint identity", midpoints),
        (axes[0, 1], remainder, "(b) what it leaves", midpoints),
        (axes[0, 2], foretold, "(c) model in function space", ends),
        (axes[1, 0], law, "(d) edge law", ends),
    ):
        try:
            plot(place, title, data)
        except Undecided as reason:
            say(place, title, str(reason))
    plot_answers(axes[1, 1], "(e) answers to a kick of 10 %", hovering)
    plot_rates(axes[1, 2], "(f) damping and turning", hovering)
    plot_manners(axes[2, 0], "(g) hover or burst", hovering)
    plot_two_modes(axes[2, 1], "(h) two modes driven", two_modes)
    plot_decay(axes[2, 2], "(i) the rate law", decay)
    return figure


def identity(axes: Axes, title: str, midpoints: xr.Dataset) -> None:
    """Both sides, as excess over the edge, on a scale that is logarithmic in both directions."""
    one = of_one_mode(midpoints)
    measured, predicted = (one[name] / one.edge - 1 for name in ("sharpness", "predicted"))
    axes.plot(predicted, measured, ".", markersize=3)
    axes.axline((0, 0), (1, 1), color=THEORY_COLOR, linewidth=0.8)
    reach = 1.3 * float(abs(measured).max())
    for scale in (axes.set_xscale, axes.set_yscale):
        scale("symlog", linthresh=SMALL)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), title=title)
    axes.set(xlabel="$(1+e^\\rho)/2-\\eta Qq/12-1$", ylabel="measured $\\eta S_{\\rm mid}/2-1$")
    ticks = [sign * 10.0**power for sign in (-1, 1) for power in (-3, -1)]
    axes.set_xticks([*ticks, 0])
    axes.set_yticks([*ticks, 0])


def remainder(axes: Axes, title: str, midpoints: xr.Dataset) -> None:
    """The size of what is left, against the estimate of it, with the centred rate and the early one."""
    one = of_one_mode(midpoints)
    estimate = (abs(one.next_order) + one.unsteadiness) / one.edge
    for name, words, color in (
        ("early", "rate early", COLORS[4]),
        ("predicted", "rate centred", COLORS[0]),
    ):
        residual = abs(one.sharpness - one[name]) / one.edge
        axes.loglog(estimate, residual, ".", markersize=3, color=color, label=words)
    across = np.array([float(estimate.min()), float(estimate.max())])
    axes.loglog(across, across, color=THEORY_COLOR, linewidth=0.8, label="equal")
    axes.set(xlabel="estimated error $\\times\\,\\eta/2$")
    axes.set(ylabel="$|S_{\\rm mid}-\\mathrm{identity}|\\,\\eta/2$")
    legend_above(axes, title)


def foretold(axes: Axes, title: str, ends: xr.Dataset) -> None:
    """F from the crossing; filled where M agrees."""
    _scatter(axes, ends, "space_crossing", filled=True)
    axes.plot([], [], "o", color="#666666", markersize=4, label="M agrees")
    axes.plot([], [], "o", color="#666666", markersize=4, markerfacecolor="none", label="M differs")
    axes.set(ylabel="predicted gap $\\cdot\\,\\eta/2$")
    legend_above(axes, title)


def law(axes: Axes, title: str, ends: xr.Dataset) -> None:
    """The law's limit, and the law with Lambert's W."""
    _scatter(axes, ends, "limit")
    _scatter(axes, ends, "lambert", marker="x")
    for marker, words in (("o", "limit, at the end"), ("x", "Lambert's $W$, at the crossing")):
        axes.plot([], [], marker, color="#666666", markersize=4, markerfacecolor="none", label=words)
    axes.set(ylabel="predicted gap $\\cdot\\,\\eta/2$")
    legend_above(axes, title, columns=1)


def _scatter(axes: Axes, ends: xr.Dataset, name: str, marker: str = "o", filled: bool = False) -> None:
    """Predicted gaps against gaps, coloured by the later peak; what is beyond the axes is not shown."""
    ends = judged(ends, "crossing")
    some = ends[name] > 0
    for (low, high), color, words in zip(BINS, COLORS, WORDS, strict=False):
        inside = some & (ends.peak_crossing >= low) & (ends.peak_crossing < high)
        agree = agreeing(ends, "crossing") if filled else ends.gap < 0
        for which, face in ((inside & agree, color), (inside & ~agree, "none")):
            chosen = ends.isel(run=np.flatnonzero(which.values))
            face = color if marker == "x" else face
            axes.loglog(chosen.gap, chosen[name], marker, color=color, markersize=4, markerfacecolor=face)
        if filled and inside.any():
            axes.plot([], [], "o", color=color, markersize=4, label=words)
    axes.axline((1e-2, 1e-2), (1e-1, 1e-1), color=THEORY_COLOR, linewidth=0.8)
    least, most = 0.5 * float(ends.gap.min()), 2.5 * float(ends.gap.max())
    axes.set(xlim=(least, most), ylim=(least, most), xlabel="gap $\\cdot\\,\\eta/2$")
