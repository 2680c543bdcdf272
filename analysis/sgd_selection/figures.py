"""The figure: the burst on the way, both exponents against the step size, and the window between their zeros.

(a) loss along GD and some runs of SGD; (b) rates of growth of the distance from 1, typical and root mean square,
derived and measured; (c) distances in the window, where the typical one shrinks and the root mean square grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from sympy import log

from analysis.study.figure import COLORS, THEORY_COLOR, new_figure
from analysis.sgd_selection.experiments import rates
from analysis.sgd_selection.theory import Theory
from eos_sym import STEP_SIZE
from numeric import compile_function

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 6
SMALLEST = 1e-24
TYPICAL, MEAN_SQUARE, PATHS = COLORS[0], COLORS[1], "#999999"


def draw(theory: Theory, eta: float, data: Mapping[str, xr.Dataset]) -> Figure:
    """The whole figure."""
    figure = new_figure(10.5, 3.1)
    left, middle, right = figure.subplots(1, 3)
    burst(left, eta, data["gd"], data["sgd"])
    exponents(middle, theory, data["growth"])
    window(right, theory, data["moments"].isel(eta=1))
    return figure


def burst(axes: Axes, eta: float, gd: xr.Dataset, sgd: xr.Dataset) -> None:
    """The loss along GD and along some runs of SGD, until they have ended."""
    shown = sgd.isel(run=slice(SHOWN))
    for index in range(shown.sizes["run"]):
        loss = shown.loss.isel(run=index)
        axes.semilogy(loss.iteration, loss.clip(SMALLEST), color=COLORS[1], linewidth=0.8, alpha=0.7)
    axes.semilogy(gd.iteration, gd.loss.clip(SMALLEST), color=COLORS[0], linewidth=1.8)
    axes.plot([], [], color=COLORS[0], linewidth=1.8, label="GD, stays at 1")
    axes.plot([], [], color=COLORS[1], linewidth=0.8, label=f"SGD, {shown.sizes['run']} runs")
    over = (shown.loss > SMALLEST).any("run")
    last = int(over.iteration.where(over).max())
    axes.set(
        title=f"(a) a burst on the way, $\\eta = {eta:g}$",
        xlabel="iteration",
        ylabel="loss $L = (f_1 + f_2)/2$",
        xlim=(0, max(1.05 * last, 20)),
        ylim=(SMALLEST, 1e3),
    )
    axes.legend(loc="upper right")


def exponents(axes: Axes, theory: Theory, growth: xr.Dataset) -> None:
    """Rates of growth against the step size, and their zeros."""
    step_sizes = np.linspace(0.28, 0.82, 300)
    derived = compile_function([theory.exponent, log(theory.second_moment) / 2], (STEP_SIZE,))(step_sizes)
    names = ("typical: $E\\,\\log|m|$", "root mean square: $\\frac{1}{2}\\log E\\,m^2$")
    for name, values, statistic, color in zip(
        names, derived, ("log_typical", "log_root_mean_square"), (TYPICAL, MEAN_SQUARE), strict=True
    ):
        axes.plot(step_sizes, values, color=color, label=name)
        axes.plot(growth.eta, rates(growth[statistic]), "o", color=color, markersize=3.5)
    axes.axhline(0, color=THEORY_COLOR, linewidth=0.8)
    for critical, color in ((theory.mean_square_critical, MEAN_SQUARE), (theory.almost_sure_critical, TYPICAL)):
        axes.vlines(float(critical), -0.3, 0.6, color=color, linestyle="--", linewidth=0.9)
    axes.set(title="(b) two thresholds", xlabel="step size $\\eta$", ylabel="rate of growth per step")
    zeros = [float(theory.mean_square_critical), float(theory.almost_sure_critical)]
    axes.annotate(
        f"{zeros[0]:.4f}, {zeros[1]:.4f}",
        (zeros[0], 0.5),
        xytext=(-6, 0),
        textcoords="offset points",
        horizontalalignment="right",
        fontsize="small",
    )
    axes.plot([], [], "o", color="#666666", markersize=3.5, label="measured")
    axes.legend(loc="lower right")
    axes.set_ylim(-1.1, 0.6)


def window(axes: Axes, theory: Theory, moments: xr.Dataset) -> None:
    """Distances from the minimum between the thresholds: some runs, the typical one, and the root mean square."""
    eta = float(moments.eta)
    axes.semilogy(moments.iteration, moments.shown.transpose("iteration", ...), color=PATHS, linewidth=0.5, alpha=0.7)
    rates_here = compile_function([theory.exponent, log(theory.second_moment) / 2], (STEP_SIZE,))(eta)
    measured = (moments.log_typical, moments.log_root_mean_square)
    names = ("typical", "root mean square")
    for name, values, rate, color in zip(names, measured, rates_here, (TYPICAL, MEAN_SQUARE), strict=True):
        axes.plot(moments.iteration, np.exp(values.values), color=color, linewidth=1.8, label=name)
        derived = np.exp(float(rate) * moments.iteration.values)
        axes.plot(moments.iteration, derived, color=THEORY_COLOR, linestyle="--", linewidth=0.9)
    axes.plot([], [], color=PATHS, linewidth=0.5, label="runs")
    axes.plot([], [], color=THEORY_COLOR, linestyle="--", linewidth=0.9, label="derived")
    axes.set(
        title=f"(c) between them, $\\eta = {eta:.4f}$",
        xlabel="iteration",
        ylabel="distance from the minimum / initial",
        ylim=(2e-4, 30),
    )
    axes.legend(loc="lower left", ncols=2)
