"""The figure: SAM beside GD, where both end, normalized SAM hovering, and its two-cycles on quadratics."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sympy import Expr

from analysis.sam.runs import RATIOS, edge_at
from analysis.study import COLORS, THEORY_COLOR, new_figure

GD, SAM, NORMALIZED, EDGE = COLORS[0], COLORS[1], COLORS[2], COLORS[4]
GREY = "#666666"


def draw(
    paths: xr.Dataset,
    ends: xr.Dataset,
    hovering: xr.Dataset,
    predicted: xr.DataArray,
    two_cycles: xr.Dataset,
    edge: Expr,
    eta: float,
    rho: float,
) -> Figure:
    """The whole figure."""
    figure = new_figure(7.0, 4.8)
    upper, lower = figure.subplots(2, 2)
    draw_paths(upper[0], paths, edge, eta, rho)
    draw_ends(upper[1], ends, edge, eta)
    draw_hovering(lower[0], hovering, predicted, rho)
    draw_two_cycles(lower[1], two_cycles)
    return figure


def draw_paths(axes: Axes, paths: xr.Dataset, edge: Expr, eta: float, rho: float) -> None:
    """The sharpness along GD and SAM from one start."""
    (edge_of_sam,) = edge_at(edge, eta, [rho])
    for run, label, color, level in (
        (paths.gradient_descent, "GD", GD, 2 / eta),
        (paths.sam_unnormalized, f"SAM, $\\rho = {rho:g}$", SAM, edge_of_sam),
    ):
        means = run.rolling(iteration=2).mean()
        axes.plot(run.iteration, run, color=color, linewidth=0.3, alpha=0.3)
        axes.plot(run.iteration, means, color=color, label=f"{label}, mean of two steps")
        axes.axhline(level, color=color, linestyle="--", linewidth=0.9)
    axes.plot([], [], color=GREY, linestyle="--", linewidth=0.9, label="edges")
    moving = np.abs(np.diff(paths.sam_unnormalized.values)) > 1e-3 * edge_of_sam
    last = max(int(np.flatnonzero(moving).max(initial=20)), 20)
    axes.set(title=f"(a) from the same start, $\\eta = {eta:g}$", xlabel="iteration", xlim=(0, 2 * last))
    axes.set_ylabel("sharpness $\\lambda_1(\\nabla^2 L)$")
    axes.legend(loc="upper right")


def draw_ends(axes: Axes, ends: xr.Dataset, edge: Expr, eta: float) -> None:
    """The final sharpness against the radius, and the edges."""
    fine = np.geomspace(RATIOS[0] / 1.3, RATIOS[-1] * 1.3, 200)
    axes.axhline(2 / eta, color=GD, linestyle="--", linewidth=0.9, label="$2/\\eta$")
    axes.semilogx(fine, edge_at(edge, eta, (fine * eta).tolist()), "--", color=SAM, label="SAM's edge")
    axes.plot(ends.ratio, np.full(ends.sizes["ratio"], float(ends.gd)), "s", color=GD, markersize=4, label="GD ends")
    axes.plot(ends.ratio, ends.sam.where(ends.sam_outcome == "converged"), "o", color=SAM, label="SAM ends")
    axes.set(title="(b) where they end", xlabel="radius / step size, $\\rho/\\eta$", ylabel="final sharpness")
    axes.set_ylim(0.4 * 2 / eta, 1.08 * 2 / eta)
    axes.legend(loc="lower left")


def draw_hovering(axes: Axes, hovering: xr.Dataset, predicted: xr.DataArray, rho: float) -> None:
    """Normalized SAM: sharpness and edge over pairs of steps, and the derived flattening."""
    shown = hovering.isel(iteration=slice(None, None, max(hovering.sizes["iteration"] // 500, 1)))
    axes.plot(shown.iteration, shown.sharpness, color=NORMALIZED, linewidth=2.4, label="sharpness")
    axes.plot(shown.iteration, shown.edge, color=EDGE, linewidth=1.0, label="edge for the gradient's norm")
    axes.plot(predicted.iteration, predicted, "--", color=THEORY_COLOR, label="derived")
    axes.axhline(4, color=GREY, linestyle=":", linewidth=0.9, label="flattest minimum")
    axes.set(title=f"(c) normalized SAM, $\\rho = {rho:g}$: hovers and flattens", xlabel="iteration")
    axes.set(ylabel="sharpness, mean of two steps", ylim=(3, 1.15 * float(shown.sharpness.max())))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.legend(loc="upper right")


def draw_two_cycles(axes: Axes, two_cycles: xr.Dataset) -> None:
    """The amplitude on quadratics."""
    fine = np.linspace(0.05, 1.93, 300)
    derived = "derived: $\\eta\\lambda/(2-\\eta\\lambda)$"
    axes.semilogy(fine, fine / (2 - fine), color=THEORY_COLOR, linewidth=0.9, label=derived)
    amplitudes = two_cycles["size"].sel(state="theta1")
    axes.plot(two_cycles["product"], amplitudes, "o", color=NORMALIZED, markersize=3.5)
    axes.plot([], [], "o", color=NORMALIZED, markersize=3.5, label="runs from random starts")
    axes.axvline(2, color=GD, linestyle="--", linewidth=0.9, label="$\\lambda = 2/\\eta$")
    axes.set(title="(d) its two-cycles on quadratics", xlabel="$\\eta\\lambda_1$", ylabel="amplitude $c/\\rho$")
    axes.legend(loc="upper left")
