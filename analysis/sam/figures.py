"""The figure: SAM beside GD, where both end, normalized SAM hovering, and its two-cycles on quadratics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.ticker import MaxNLocator

from analysis.study.figure import COLORS, THEORY_COLOR, new_figure
from analysis.sam.claims import Context
from analysis.sam.experiments import RATIOS, edges, predicted_flattening

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GD, SAM, NORMALIZED = COLORS[0], COLORS[1], COLORS[2]


def draw(context: Context) -> Figure:
    """The whole figure."""
    figure = new_figure(9.0, 6.0)
    upper, lower = figure.subplots(2, 2)
    paths(upper[0], context)
    ends(upper[1], context)
    hovering(lower[0], context)
    two_cycles(lower[1], context.data["two_cycles"])
    return figure


def paths(axes: Axes, context: Context) -> None:
    """The sharpness along GD and SAM from one start."""
    runs, eta = context.data["paths"], context.step_size
    (edge,) = edges(context.theory.edge, eta, [context.radius])
    for name, label, color, level in (
        ("gradient_descent", "GD", GD, 2 / eta),
        ("sam_unnormalized", f"SAM, $\\rho = {context.radius:g}$", SAM, edge),
    ):
        axes.plot(runs.iteration, runs[name], color=color, linewidth=0.3, alpha=0.3)
        axes.plot(
            runs.iteration, runs[name].rolling(iteration=2).mean(), color=color, label=f"{label}, mean of two steps"
        )
        axes.axhline(level, color=color, linestyle="--", linewidth=0.9)
    axes.plot([], [], color="#666666", linestyle="--", linewidth=0.9, label="edges")
    last = np.abs(np.diff(runs["sam_unnormalized"].values)) > 1e-3 * edge
    axes.set(
        title=f"(a) from the same start, $\\eta = {eta:g}$",
        xlabel="iteration",
        ylabel="sharpness $\\lambda_1(\\nabla^2 L)$",
        xlim=(0, 2 * max(int(np.flatnonzero(last).max(initial=20)), 20)),
    )
    axes.legend(loc="upper right")


def ends(axes: Axes, context: Context) -> None:
    """The final sharpness against the radius, and the edges."""
    runs, eta = context.data["ends"], context.step_size
    fine = np.geomspace(RATIOS[0] / 1.3, RATIOS[-1] * 1.3, 200)
    axes.axhline(2 / eta, color=GD, linestyle="--", linewidth=0.9, label="$2/\\eta$")
    axes.semilogx(fine, edges(context.theory.edge, eta, (fine * eta).tolist()), "--", color=SAM, label="SAM's edge")
    axes.plot(runs.ratio, np.full(runs.sizes["ratio"], float(runs.gd)), "s", color=GD, markersize=4, label="GD ends")
    axes.plot(runs.ratio, runs.sam.where(runs.sam_outcome == "converged"), "o", color=SAM, label="SAM ends")
    axes.set(
        title="(b) where they end",
        xlabel="radius / step size, $\\rho/\\eta$",
        ylabel="final sharpness",
        ylim=(0.4 * 2 / eta, 1.08 * 2 / eta),
    )
    axes.legend(loc="lower left")


def hovering(axes: Axes, context: Context) -> None:
    """Normalized SAM: sharpness and edge over pairs of steps, and the derived flattening."""
    run, eta = context.data["hovering"], context.step_size
    shown = run.isel(iteration=slice(None, None, max(run.sizes["iteration"] // 500, 1)))
    axes.plot(shown.iteration, shown.sharpness, color=NORMALIZED, linewidth=2.4, label="sharpness")
    axes.plot(shown.iteration, shown.edge, color=COLORS[4], linewidth=1.0, label="edge for the gradient's norm")
    predicted = predicted_flattening(context.theory.flattening, eta, context.radius, run, context.since)
    axes.plot(
        run.iteration.sel(iteration=slice(context.since, None)), predicted, "--", color=THEORY_COLOR, label="derived"
    )
    axes.axhline(4, color="#666666", linestyle=":", linewidth=0.9, label="flattest minimum")
    axes.set(
        title=f"(c) normalized SAM, $\\rho = {context.radius:g}$: hovers and flattens",
        xlabel="iteration",
        ylabel="sharpness, mean of two steps",
        ylim=(3, 1.15 * float(shown.sharpness.max())),
    )
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.legend(loc="upper right")


def two_cycles(axes: Axes, runs: xr.Dataset) -> None:
    """The amplitude on quadratics."""
    fine = np.linspace(0.05, 1.93, 300)
    axes.semilogy(
        fine, fine / (2 - fine), color=THEORY_COLOR, linewidth=0.9, label="derived: $\\eta\\lambda/(2-\\eta\\lambda)$"
    )
    for index, state in enumerate(("theta1",)):
        sizes = runs["size"].sel(state=state)
        axes.plot(runs["product"], sizes, "o", color=COLORS[index + 2], markersize=3.5)
    axes.plot([], [], "o", color=NORMALIZED, markersize=3.5, label="runs from random starts")
    axes.axvline(2, color=GD, linestyle="--", linewidth=0.9, label="$\\lambda = 2/\\eta$")
    axes.set(
        title="(d) its two-cycles on quadratics",
        xlabel="$\\eta\\lambda_1$",
        ylabel="amplitude $c/\\rho$",
    )
    axes.legend(loc="upper left")
