"""The figure: every critical sharpness in units of 2/η, derived (lines) and measured by bisection (points).

(a) against the momentum coefficient; (b) SGD against the batch size; (c) SAM against ρ/η.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from sympy import Expr

from analysis.momentum.runs import FAMILY_CURVATURES, FAMILY_STEP_SIZE, edge, parameters
from analysis.study import COLORS, new_figure

WITH_MOMENTUM = {
    "preconditioned_momentum": "averaged gradient (Adam), of $P^{-1}H$",
    "heavy_ball": "heavy ball",
    "nesterov": "Nesterov",
}


def draw(critical: Mapping[str, Expr], boundaries: xr.Dataset, sgd: xr.Dataset) -> Figure:
    """The whole figure."""
    figure = new_figure(7.0, 2.5)
    left, middle, right = figure.subplots(1, 3, width_ratios=[1.3, 1, 1])

    for color, (rule, label) in zip(COLORS[1:], WITH_MOMENTUM.items(), strict=False):
        line = in_units(critical[rule], momentum=np.linspace(0.001, 0.96, 200))
        points = in_units(critical[rule], momentum=boundaries.momentum) * boundaries[rule].isel(eta=0, drop=True)
        left.semilogy(line.momentum, line, color=color, label=label)
        mark(left, points.momentum, points, color)
    left.axhline(1, color=COLORS[0], label="gradient descent")
    mark(left, 0, float(boundaries.gradient_descent.isel(eta=0)), COLORS[0], clip_on=False)
    mark(left, [], [], "#666666", label="measured")
    left.set(title="(a) momentum", xlabel="momentum coefficient $\\beta$", xlim=(0, 1), ylim=(0.5, 150))
    left.set_ylabel("critical sharpness / $(2/\\eta)$")
    left.legend(loc="upper left")

    unit = 2 / FAMILY_STEP_SIZE
    look: Any = {"marker": "_", "markersize": 11, "markeredgewidth": 1.2, "linestyle": ""}  # there is none in between
    middle.plot(sgd.batch_size, sgd.derived / unit, color=COLORS[1], label="SGD, mean square", **look)
    mark(middle, sgd.batch_size, sgd.measured / unit, COLORS[1], label="measured")
    middle.axhline(1, color=COLORS[0], label="gradient descent")
    count = len(FAMILY_CURVATURES)
    middle.set(
        title=f"(b) batches of $n = {count}$ examples",
        xlabel="batch size $B$",
        ylim=(0.6, 1.1),
        xlim=(0.5, sgd.batch_size.max() + 0.5),
    )
    middle.set_ylabel("critical mean sharpness / $(2/\\eta)$")
    middle.set_xticks(sgd.batch_size.values)
    middle.legend(loc="lower right")

    sam, measured = critical["sam_unnormalized"], boundaries.sam_unnormalized.isel(eta=0, drop=True)
    line, points = in_units(sam, ratio=np.geomspace(0.008, 12, 200)), in_units(sam, ratio=measured.ratio) * measured
    right.semilogx(line.ratio, line, color=COLORS[1], label="SAM, unnormalized")
    mark(right, points.ratio, points, COLORS[1], label="measured")
    right.axhline(1, color=COLORS[0], label="gradient descent")
    right.set(title="(c) a step uphill", xlabel="radius / step size, $\\rho/\\eta$", ylim=(0, 1.1))
    right.set_ylabel("critical sharpness / $(2/\\eta)$")
    right.legend(loc="lower left")
    return figure


def in_units(critical: Expr, momentum: ArrayLike = (), ratio: ArrayLike = ()) -> xr.DataArray:
    """The derived critical sharpness over 2/η, which depends on the momentum or on ρ/η alone."""
    return edge(critical, parameters([1.0], momentum, ratio)).isel(eta=0, drop=True) / 2


def mark(axes: Axes, places: ArrayLike, values: ArrayLike, color: str, **style: Any) -> None:
    """Points for what was measured."""
    axes.plot(places, values, "o", color=color, markersize=3.5, **style)
