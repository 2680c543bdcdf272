"""The figure: (a) all losses on one curve, (b) how far off, (c) orbits and the parabola they end on."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import lambertw

from analysis.edge_law.cases import cases
from analysis.study import COLORS, SMALLEST_FONT, THEORY_COLOR, colors, new_figure

MARKERS = "osD^vP"


def draw(ends: xr.Dataset, orbits: xr.Dataset) -> Figure:
    """The whole figure."""
    figure = new_figure(7.0, 6.0)
    (left, middle), (right, beside) = figure.subplots(2, 2)
    runs = {f"{case.name}, $\\eta={float(case.step_size):g}$": ends.sel(loss=case.name) for case in cases()}
    law(left, runs)
    deviation(middle, runs)
    in_units_of_the_law(right, orbits)
    beside.set_axis_off()
    beside.legend(*left.get_legend_handles_labels(), loc="center", title="in (a) and (b)", fontsize="medium")
    return figure


def law(axes: Axes, runs: Mapping[str, xr.Dataset]) -> None:
    """e|y∞| against e y₀."""
    excess = np.geomspace(3e-3, 20, 300)
    axes.loglog(excess, _end(excess), color=THEORY_COLOR, linewidth=1.0, label="$1 + W_0(-(1+ey_0)e^{-(1+ey_0)})$")
    axes.loglog(excess, excess, color=THEORY_COLOR, linestyle=":", linewidth=0.8, label="$y_\\infty = -y_0$")
    for marker, color, (label, run) in zip(MARKERS, COLORS, runs.items(), strict=True):
        scale = run.scaled_excess / run.excess
        axes.loglog(
            run.scaled_excess, -scale * run.end, marker, color=color, markersize=5, markerfacecolor="none", label=label
        )
    axes.set(title="(a) where gradient descent ends", xlabel="excess at entry, $e y_0$")
    axes.set(ylabel="depth of the end, $-e y_\\infty$", ylim=(2.5e-3, 2.5))


def _end(excess: np.ndarray) -> np.ndarray:
    """−e y∞ by SciPy's Lambert W."""
    height = 1 + excess
    result: np.ndarray = 1 + lambertw(-height * np.exp(-height), 0).real
    return result


def deviation(axes: Axes, runs: Mapping[str, xr.Dataset]) -> None:
    """The relative deviation from the law against the size of the neglected terms."""
    sizes = np.array([float(f(run.neglected)) for run in runs.values() for f in (np.min, np.max)])
    across = np.array([0.7 * sizes.min(), 1.4 * sizes.max()])
    axes.loglog(across, across, color=THEORY_COLOR, linestyle="--", linewidth=0.8)
    axes.annotate("tolerance $\\sigma$", (0.3 * across[1], 0.45 * across[1]), ha="right", fontsize=SMALLEST_FONT)
    for marker, color, run in zip(MARKERS, COLORS, runs.values(), strict=True):
        off = abs(run.end / run.predicted - 1)
        axes.loglog(run.neglected, off, marker + "-", color=color, markersize=4, markerfacecolor="none", linewidth=0.5)
    axes.set(title="(b) how far from the law", xlabel="size of the neglected terms, $\\sigma$")
    axes.set(ylabel="$|y_\\infty/\\mathrm{law} - 1|$")


def in_units_of_the_law(axes: Axes, run: xr.Dataset) -> None:
    """Orbits of the loss with a fast direction, in the units of the law."""
    for color, index in zip(colors(run.sizes["start"]), range(run.sizes["start"]), strict=True):
        orbit = run.isel(start=index)
        start = float(orbit.scaled_y[0])
        axes.plot(orbit.scaled_y, orbit.scaled_q, ".", color=color, markersize=2.5, label=f"$ey_0 = {start:.2g}$")
        y = np.linspace(-1.05, start, 300)
        predicted = 1 + y - (1 + start) * np.exp(y - start)
        axes.plot(y, np.where(predicted >= 0, predicted, np.nan), color=color, linewidth=0.7)
    y = np.linspace(-1, 8, 50)
    axes.plot(y, 1 + y, color=THEORY_COLOR, linestyle="--", linewidth=0.8, label="parabola")
    axes.plot([], [], color="#666666", linewidth=0.7, label="law, to leading order")
    axes.axvline(0, ymax=0.45, color="#666666", linewidth=0.6)
    axes.set(title="(c) orbits, fast direction", ylim=(-0.4, 11.5), xlabel="excess of the sharpness, $e y$")
    axes.set(ylabel="squared amplitude, $\\beta e^2 q/4$")
    axes.legend(loc="upper left")
