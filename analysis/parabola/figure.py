"""The figure: loss, sharpness, the local trajectory with its parabolas, and what is said of gaps and coefficients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from analysis.parabola.local import at_midpoints
from analysis.study import COLORS, THEORY_COLOR, colors, new_figure
from analysis.study.figure import legend_above
from analysis.training.panels import plot_loss, plot_sharpness

MARKERS = {  # predictions that are drawn, by their words: marker, colour, legend
    "edge law at 0.01": ("^", COLORS[1], r"edge law, $\tau=.01$"),
    "edge law at 0": ("v", COLORS[4], r"edge law, $\tau=0$"),
    "slowest mode": ("s", COLORS[3], "slowest mode"),
    "M": ("o", COLORS[0], "M"),
    "F": ("x", COLORS[2], "F"),
    "M from the crossing": ("o", COLORS[0], "M, from the crossing"),
    "F from the crossing": ("x", COLORS[2], "F, from the crossing"),
}


def draw(
    runs: list[xr.Dataset],
    foretold: xr.Dataset,
    predictions: Callable[[xr.Dataset, str], dict[str, xr.DataArray]],
) -> Figure:
    """The whole figure."""
    figure = new_figure(7.0, 5.6)
    axes = figure.subplots(2, 3)
    for number, (run, color) in enumerate(zip(runs, colors(len(runs)), strict=True)):
        plot_loss(axes[0, 0], run, color, label=f"start {int(run.seed)}")
        plot_sharpness(axes[0, 1], run, color)
        if not number:
            edge = 2 / run.attrs["eta"]
            axes[0, 1].axhline(edge, color=THEORY_COLOR, linestyle="--", linewidth=0.8, label=f"$2/\\eta={edge:.4g}$")
            axes[0, 1].set_ylim(0, 1.4 * edge)
    axes[0, 1].set_ylabel("sharpness at midpoints")
    legend_above(axes[0, 0], "(a) loss")
    legend_above(axes[0, 1], "(b) sharpness")
    known = [run for run in runs if "x" in run]
    if known:
        one = known[0]
        chosen = foretold.isel(run=int(np.flatnonzero(foretold.seed.values == int(one.seed))[0]))
        trajectory(axes[0, 2], one, chosen)
        all_trajectories(axes[1, 0], known)
    for place, name, title in (
        (axes[1, 1], "coefficient", "(e) coefficient"),
        (axes[1, 2], "gap", "(f) gap, $2/\\eta-S$"),
    ):
        against(place, foretold, predictions(foretold, name), name, title)
    return figure


def trajectory(axes: Axes, run: xr.Dataset, foretold: xr.Dataset) -> None:
    """Iterates and midpoints of one run, in the plane of u and of the motion, as figure 7 of the source has it."""
    scale = 1e4
    for odd, color in ((0, COLORS[5]), (1, COLORS[4])):
        some = run.point.values % 2 == odd
        axes.plot(
            scale * run.iterate_along[some],
            scale * run.iterate_x[some],
            ".",
            color=color,
            markersize=2,
            label="odd steps" if odd else "even steps",
        )
    found = at_midpoints(run)
    axes.plot(scale * run.along, scale * abs(run.x), ".", color=COLORS[0], markersize=2, label="midpoints, $|x|$")
    x = np.linspace(-1, 1, 201) * float(abs(run.x).max())
    for coefficient, style, words in (
        (found.coefficient, "-", f"fit, {found.coefficient:.3g} $x^2$"),
        (float(foretold.memory_coefficient), "--", f"M, {float(foretold.memory_coefficient):.3g} $x^2$"),
        (float(foretold.law_coefficient[-1]), ":", f"edge law, {float(foretold.law_coefficient[-1]):.3g} $x^2$"),
    ):
        if np.isfinite(coefficient):
            axes.plot(
                scale * (coefficient * x**2 + found.offset),
                scale * x,
                style,
                color=THEORY_COLOR,
                linewidth=0.9,
                label=words,
            )
    axes.set_xlabel(r"along the valley $\times10^4$")
    axes.set_ylabel(r"along the top eigenvector $\times10^4$")
    legend_above(axes, f"(c) local trajectory, start {int(run.seed)}")


def all_trajectories(axes: Axes, runs: list[xr.Dataset]) -> None:
    """Motion over the square of the oscillation, both by their largest, of all runs: a parabola is the diagonal."""
    for run, color in zip(runs, colors(len(runs)), strict=True):
        q, along = run.x.values**2, run.along.values
        axes.loglog(
            q / q.max(),
            np.abs(along - along[-1])[:] / np.abs(along - along[-1]).max(),
            color=color,
            label=f"start {int(run.seed)}",
        )
    axes.plot([1e-4, 1], [1e-4, 1], ":", color=THEORY_COLOR, label="parabola")
    axes.set(xlabel="$q$ over its largest", ylabel="motion over its largest", xlim=(5e-5, 1.5), ylim=(5e-5, 1.5))
    legend_above(axes, "(d) all starts", columns=2)


def against(axes: Axes, foretold: xr.Dataset, said: dict[str, xr.DataArray], name: str, title: str) -> None:
    """What is said over what is measured, of every run."""
    measured = foretold[name].values
    for words, values in said.items():
        if words not in MARKERS or not np.isfinite(values.values).any():
            continue
        marker, color, legend = MARKERS[words]
        face: Any = color if marker == "x" else "none"
        axes.loglog(measured, values.values, marker, color=color, markersize=4, markerfacecolor=face, label=legend)
    if np.isfinite(measured).any():
        ends = np.array([0.2 * np.nanmin(measured), 5 * np.nanmax(measured)])
        axes.loglog(ends, ends, color=THEORY_COLOR, linewidth=0.8)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="measured", ylabel="predicted")
    legend_above(axes, title, columns=2)
