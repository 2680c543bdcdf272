"""The figure of normalized GD and GD on √L: two-cycles of a quadratic, the walk along minima, and that of networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.normalized_gd.network_panels import RULES, draw_angles, draw_errors, draw_sharpness
from analysis.normalized_gd.runs import NOISE_STEP_SIZE
from analysis.normalized_gd.theory import RATIO, SHARE
from analysis.study import COLORS, THEORY_COLOR, colors, new_figure
from numeric import compile_function

SHOWN_STARTS = 6
SHOWN_STEPS = 40


def draw(
    derived: Mapping[str, Any],
    eigenvalues: Sequence[float],
    alignment: xr.Dataset,
    multipliers: xr.Dataset,
    noise: xr.Dataset,
    phases: xr.Dataset,
    drift: xr.Dataset,
    walk: xr.Dataset,
) -> Figure:
    """Nine panels."""
    figure = new_figure(7.0, 7.0)
    upper, lower, networks = figure.subplots(3, 3)
    draw_alignment(upper[0], alignment.length / eigenvalues[0])
    draw_multipliers(upper[1], multipliers, derived["two_step_multipliers"]["across"])
    draw_shares(
        upper[2], alignment.end_length.min("parity") / eigenvalues[0], np.array(eigenvalues[1:]) / eigenvalues[0]
    )
    draw_drift(lower[0], drift)
    draw_phases(lower[1], phases)
    draw_noise(lower[2], noise, drift)
    draw_angles(networks[0], walk)
    draw_sharpness(networks[1], walk)
    draw_errors(networks[2], walk)
    return figure


def draw_alignment(axes: Axes, lengths: xr.DataArray) -> None:
    """The scaled distance over λ₁ along a few runs: two values by turns, C and 1 − C."""
    for start, color in enumerate(colors(SHOWN_STARTS)):
        length = lengths.isel(start=start, iteration=slice(SHOWN_STEPS))
        axes.plot(length.iteration, length, ".-", color=color, linewidth=0.6, markersize=3)
    axes.set(title="(a) on a quadratic: two-cycles", xlabel="iteration $t$")
    axes.set(ylabel="$\\|H\\theta_t\\| / (\\eta\\lambda_1)$", yscale="log")


def draw_multipliers(axes: Axes, runs: xr.Dataset, across: Any) -> None:
    """Two-step multipliers across two-cycles, measured and derived, and the band in which they are stable."""
    share = np.linspace(0.05, 0.95, 200)
    formula = compile_function([across], (SHARE, RATIO))
    axes.axhspan(-1, 1, color="#eeeeee", zorder=0)
    for ratio, color in zip(runs.r.values, colors(runs.r.size), strict=True):
        axes.plot(share, formula(share, ratio)[0], color=color)
        axes.plot(runs["C"], runs.multiplier.sel(r=ratio), "o", color=color, markersize=3.5, label=f"$r = {ratio:g}$")
    axes.set(title="(b) stability across, $r = \\lambda_j/\\lambda_i$")
    axes.set(xlabel="$C$, share of the two-cycle on one side", ylabel="two-step multiplier", ylim=(-2.4, 2.4))
    axes.legend(loc="lower center", ncols=2)


def draw_shares(axes: Axes, shares: xr.DataArray, ratios: Any) -> None:
    """The lesser of C and 1 − C, one two-cycle, where the runs ended, and the derived bound of the stable ones."""
    edge = np.sqrt(1 / 4 - (ratios * (1 - ratios)).max() / 2)
    axes.hist(shares.values, bins=np.linspace(0, 0.5, 21).tolist(), color=COLORS[0], alpha=0.8)
    axes.axvline(0.5 - edge, color=THEORY_COLOR, linestyle="--", label="derived: stable above")
    axes.set(title="(c) where they end", xlabel="the lesser of $C$ and $1 - C$", ylabel="runs", xlim=(0, 0.5))
    axes.set_ylim(0, 1.25 * axes.get_ylim()[1])
    axes.legend(loc="upper left", frameon=True, framealpha=1, edgecolor="none")


def draw_drift(axes: Axes, runs: xr.Dataset) -> None:
    """The coordinate along the hyperbola of minima at the smallest step size, and the limit flow."""
    finest = runs.sel(valley="hyperbola").isel(eta=int(runs.eta.values.argmin()))
    for kind, (name, color) in RULES.items():
        axes.plot(finest.tau[::3], finest.x.sel(rule=kind)[::3], "o", color=color, markersize=3.5, label=name)
        axes.plot(finest.tau, finest.limit.sel(rule=kind), color=THEORY_COLOR, linewidth=1)
    axes.plot([], [], color=THEORY_COLOR, linewidth=1, label="limit flow")
    axes.set(title=f"(d) along the minima $xy = 1$, $\\eta = {float(finest.eta):g}$", xlabel="$\\tau = \\eta^2 t$")
    axes.set(ylabel="$x$")
    axes.legend()


def draw_phases(axes: Axes, runs: xr.Dataset) -> None:
    """The lengths of the two phases against the step size, with lines of the predicted slopes."""
    for kind, (name, color) in RULES.items():
        at = runs.sel(rule=kind)
        axes.loglog(at.eta, at["first"], "o", color=color, markersize=4)
        axes.loglog(at.eta, at["second"], "s", color=color, markersize=4, label=name)
        middle = at.isel(eta=at.eta.size // 2)
        axes.loglog(at.eta, middle["first"] * middle.eta / at.eta, ":", color=color, linewidth=1)
        axes.loglog(at.eta, at.expected / at.eta**2, color=color, linewidth=1)
    axes.plot([], [], ":o", color="#666666", markersize=4, linewidth=1, label="first phase, slope $-1$")
    axes.plot([], [], "-s", color="#666666", markersize=4, linewidth=1, label="second, limit flow")
    axes.set(title="(e) steps in the two phases", xlabel="step size $\\eta$", ylabel="steps")
    axes.set_ylim(top=60 * axes.get_ylim()[1])
    axes.xaxis.set_major_locator(FixedLocator(runs.eta.values))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(loc="upper right")


def draw_noise(axes: Axes, runs: xr.Dataset, drift: xr.Dataset) -> None:
    """x from exactly across the lesser eigenvector, with noise and without, and the limit flow."""
    x = runs.trajectory.sel(state="x")
    for kind, (name, color) in RULES.items():
        axes.plot(runs.tau, x.sel(rule=kind, noise="with"), color=color, label=f"{name}, with noise")
        axes.plot(drift.tau, drift.limit.sel(valley="straight", rule=kind), ":", color=THEORY_COLOR)
    still = x.sel(rule="normalized", noise="without")
    axes.plot(runs.tau, still, "--", color="#666666", label="both without noise")
    axes.plot([], [], ":", color=THEORY_COLOR, label="limit flow")
    axes.set(title=f"(f) from across $v_2$, $\\eta = {NOISE_STEP_SIZE:g}$", xlabel="$\\tau = \\eta^2 t$")
    axes.set(ylabel="$x$")
    axes.set_ylim(0.2, 1.02)
    axes.legend(loc="lower left")
