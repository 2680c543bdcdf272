"""The figure: the burst on the way, both exponents against the step size, and the window between their zeros.

(a) loss along GD and some runs of SGD; (b) rates of growth of the distance from 1, typical and root mean square,
derived and measured; (c) distances in the window, where the typical one shrinks and the root mean square grows.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.study import COLORS, SMALLEST_FONT, THEORY_COLOR, new_figure
from numeric import CompiledFunction

SHOWN = 6
SMALLEST = 1e-24
AVERAGES = {"log_typical": COLORS[0], "log_root_mean_square": COLORS[1]}
GREY, DARK_GREY = "#999999", "#666666"


def draw(
    eta: float,
    derived: Mapping[str, Any],
    rates: CompiledFunction,
    gd: xr.Dataset,
    sgd: xr.Dataset,
    growth: xr.Dataset,
    moments: xr.Dataset,
) -> Figure:
    """The three panels side by side."""
    figure = new_figure(7.0, 2.5)
    left, middle, right = figure.subplots(1, 3)
    draw_burst(left, eta, gd, sgd.isel(run=slice(SHOWN)))
    draw_exponents(middle, derived["critical_step_size"], rates, growth)
    draw_window(right, rates, moments.isel(eta=1))
    return figure


def draw_burst(axes: Axes, eta: float, gd: xr.Dataset, sgd: xr.Dataset) -> None:
    """The loss along GD and along some runs of SGD, until they have ended."""
    for loss in sgd.loss.transpose("run", ...):
        axes.semilogy(loss.iteration, loss.clip(SMALLEST), color=COLORS[1], linewidth=0.8, alpha=0.7)
    axes.semilogy(gd.iteration, gd.loss.clip(SMALLEST), color=COLORS[0], linewidth=1.8, label="GD, stays at 1")
    axes.plot([], [], color=COLORS[1], linewidth=0.8, label=f"SGD, {sgd.sizes['run']} runs")
    over = (sgd.loss > SMALLEST).any("run")
    last = int(over.iteration.where(over).max())
    axes.set(title=f"(a) a burst on the way, $\\eta = {eta:g}$", xlabel="iteration", ylabel="loss $L = (f_1 + f_2)/2$")
    axes.set(xlim=(0, max(1.05 * last, 20)), ylim=(SMALLEST, 1e7))
    axes.legend(loc="upper left")


def draw_exponents(axes: Axes, critical: Mapping[str, Any], rates: CompiledFunction, growth: xr.Dataset) -> None:
    """Rates of growth against the step size, and their zeros."""
    step_sizes = np.linspace(0.28, 0.82, 300)
    names = ("typical: $E\\,\\log|m|$", "root mean square: $\\frac{1}{2}\\log E\\,m^2$")
    for name, values, (average, color) in zip(names, rates(step_sizes), AVERAGES.items(), strict=True):
        axes.plot(step_sizes, values, color=color, label=name)
        measured = growth[average].isel(iteration=-1)
        axes.plot(growth.eta, measured / measured.iteration, "o", color=color, markersize=3.5)
    axes.axhline(0, color=THEORY_COLOR, linewidth=0.8)
    zeros = [float(critical[kind]) for kind in ("sgd_almost_sure", "sgd_mean_square")]
    for zero, color in zip(zeros, AVERAGES.values(), strict=True):
        axes.vlines(zero, -0.3, 0.6, color=color, linestyle="--", linewidth=0.9)
    axes.set(title="(b) two thresholds", xlabel="step size $\\eta$", ylabel="rate of growth per step")
    axes.annotate(
        f"{zeros[1]:.4f}, {zeros[0]:.4f}",
        (zeros[1], 0.5),
        xytext=(-6, 0),
        textcoords="offset points",
        horizontalalignment="right",
        fontsize=SMALLEST_FONT,
    )
    axes.plot([], [], "o", color=DARK_GREY, markersize=3.5, label="measured")
    axes.legend(loc="lower right")
    axes.set_ylim(-1.9, 0.6)


def draw_window(axes: Axes, rates: CompiledFunction, moments: xr.Dataset) -> None:
    """Distances from the minimum between the thresholds: some runs, the typical one, and the root mean square."""
    eta = float(moments.eta)
    axes.semilogy(moments.iteration, moments.shown.transpose("iteration", ...), color=GREY, linewidth=0.5, alpha=0.7)
    for name, rate, (average, color) in zip(("typical", "root mean square"), rates(eta), AVERAGES.items(), strict=True):
        axes.plot(moments.iteration, np.exp(moments[average].values), color=color, linewidth=1.8, label=name)
        derived = np.exp(float(rate) * moments.iteration.values)
        axes.plot(moments.iteration, derived, color=THEORY_COLOR, linestyle="--", linewidth=0.9)
    axes.plot([], [], color=GREY, linewidth=0.5, label="runs")
    axes.plot([], [], color=THEORY_COLOR, linestyle="--", linewidth=0.9, label="derived")
    axes.set(title=f"(c) between them, $\\eta = {eta:.4f}$", xlabel="iteration")
    axes.set(ylabel="distance from the minimum / initial", ylim=(1e-5, 30))
    axes.legend(loc="lower left")
