"""The figure: every critical sharpness in units of 2/η, derived (lines) and measured by bisection (points).

(a) against the momentum coefficient; (b) SGD against the batch size; (c) SAM against ρ/η.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from sympy import Expr

from analysis.study.figure import COLORS, new_figure
from analysis.momentum.experiments import FAMILY_CURVATURES, FAMILY_STEP_SIZE, edge, parameters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WITH_MOMENTUM = {
    "preconditioned_momentum": "averaged gradient (Adam), of $P^{-1}H$",
    "heavy_ball": "heavy ball",
    "nesterov": "Nesterov",
}


def draw(critical: Mapping[str, Expr], data: Mapping[str, xr.Dataset]) -> Figure:
    """The whole figure."""
    figure = new_figure(10.0, 3.2)
    left, middle, right = figure.subplots(1, 3, width_ratios=[1.3, 1, 1])
    momentum(left, critical, data["boundaries"])
    batches(middle, data["sgd"])
    radius(right, critical["sam_unnormalized"], data["boundaries"]["sam_unnormalized"])
    return figure


def in_units(critical: Expr, momentum: ArrayLike = (), ratio: ArrayLike = ()) -> xr.DataArray:
    """The derived critical sharpness over 2/η, which depends on the momentum or on ρ/η alone."""
    return edge(critical, parameters([1.0], momentum, ratio)).isel(eta=0, drop=True) / 2


def momentum(axes: Axes, critical: Mapping[str, Expr], measured: xr.Dataset) -> None:
    """The rules with momentum, and gradient descent at 1."""
    fine = np.linspace(0.001, 0.96, 200)
    for color, (name, label) in zip(COLORS[1:], WITH_MOMENTUM.items(), strict=False):
        line = in_units(critical[name], momentum=fine)
        axes.semilogy(line.momentum, line, color=color, label=label)
        points = in_units(critical[name], momentum=measured.momentum) * measured[name].isel(eta=0, drop=True)
        axes.plot(points.momentum, points, "o", color=color, markersize=3.5)
    axes.axhline(1, color=COLORS[0], label="gradient descent")
    axes.plot(0, float(measured["gradient_descent"].isel(eta=0)), "o", color=COLORS[0], markersize=3.5, clip_on=False)
    axes.plot([], [], "o", color="#666666", markersize=3.5, label="measured")
    axes.set(
        title="(a) momentum",
        xlabel="momentum coefficient $\\beta$",
        ylabel="critical sharpness / $(2/\\eta)$",
        xlim=(0, 1),
        ylim=(0.5, 150),
    )
    axes.legend(loc="upper left")


def batches(axes: Axes, runs: xr.Dataset) -> None:
    """SGD in mean square, and its limit of full batches."""
    unit = 2 / FAMILY_STEP_SIZE
    axes.plot(runs.batch_size, runs.derived / unit, color=COLORS[1], label="SGD, mean square")
    axes.plot(runs.batch_size, runs.measured / unit, "o", color=COLORS[1], markersize=3.5, label="measured")
    axes.axhline(1, color=COLORS[0], label="gradient descent")
    count = len(FAMILY_CURVATURES)
    axes.set(title=f"(b) batches of $n = {count}$ examples", xlabel="batch size $B$", ylim=(0.6, 1.1))
    axes.set_xticks(runs.batch_size.values)
    axes.legend(loc="lower right")


def radius(axes: Axes, critical: Expr, measured: xr.DataArray) -> None:
    """SAM against the radius."""
    line = in_units(critical, ratio=np.geomspace(0.008, 12, 200))
    axes.semilogx(line.ratio, line, color=COLORS[1], label="SAM, unnormalized")
    points = in_units(critical, ratio=measured.ratio) * measured.isel(eta=0, drop=True)
    axes.plot(points.ratio, points, "o", color=COLORS[1], markersize=3.5, label="measured")
    axes.axhline(1, color=COLORS[0], label="gradient descent")
    axes.set(title="(c) a step uphill", xlabel="radius / step size, $\\rho/\\eta$", ylim=(0, 1.1))
    axes.legend(loc="lower left")
