"""The figure of normalized GD and GD on √L: two-cycles of a quadratic above, the walk along the minima below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.study.figure import COLORS, THEORY_COLOR, colors, new_figure
from analysis.normalized_gd.experiments import NOISE_STEP_SIZE
from analysis.normalized_gd.theory import RATIO, SHARE, Theory
from numeric import compile_function

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RULE_NAMES = {"normalized": "normalized GD", "root_loss": "GD on $\\sqrt{L}$"}
SHOWN_STARTS = 6
SHOWN_STEPS = 40


def draw(theory: Theory, data: Mapping[str, xr.Dataset]) -> Figure:
    """The whole figure."""
    figure = new_figure(10.0, 6.2)
    panels = figure.subplots(2, 3)
    alignment(panels[0, 0], data["alignment"])
    multipliers(panels[0, 1], data["multipliers"], theory)
    shares(panels[0, 2], data["alignment"])
    drift(panels[1, 0], data["drift"])
    phases(panels[1, 1], data["phases"])
    noise(panels[1, 2], data["noise"], data["drift"])
    return figure


def alignment(axes: Axes, runs: xr.Dataset) -> None:
    """The scaled distance along a few runs: two values by turns, C λ₁ and (1 − C) λ₁."""
    top = float(runs["lambda1"])
    for start, color in enumerate(colors(SHOWN_STARTS)):
        length = runs.length.isel(start=start, iteration=slice(SHOWN_STEPS)) / top
        axes.plot(length.iteration, length, ".-", color=color, linewidth=0.6, markersize=3)
    axes.set(
        title="(a) on a quadratic: two-cycles",
        xlabel="iteration $t$",
        ylabel="$\\|H\\theta_t\\| / (\\eta\\lambda_1)$",
        yscale="log",
    )


def multipliers(axes: Axes, runs: xr.Dataset, theory: Theory) -> None:
    """Two-step multipliers across two-cycles, measured and derived, and the band in which they are stable."""
    share = np.linspace(0.05, 0.95, 200)
    formula = compile_function([theory.multipliers[1]], (SHARE, RATIO))
    axes.axhspan(-1, 1, color="#eeeeee", zorder=0)
    for ratio, color in zip(runs.r.values, colors(runs.r.size), strict=True):
        axes.plot(share, formula(share, ratio)[0], color=color)
        axes.plot(runs["C"], runs.multiplier.sel(r=ratio), "o", color=color, markersize=3.5, label=f"$r = {ratio:g}$")
    axes.set(
        title="(b) stability across, $r = \\lambda_j/\\lambda_i$",
        xlabel="$C$, share of the two-cycle on one side",
        ylabel="two-step multiplier",
        ylim=(-2.4, 2.4),
    )
    axes.legend(loc="lower center", ncols=2)


def shares(axes: Axes, runs: xr.Dataset) -> None:
    """The C of the two-cycles in which the runs ended, and the derived interval of stable ones."""
    eigenvalues = np.array([float(runs[name]) for name in runs if str(name).startswith("lambda")])
    ratios = eigenvalues[1:] / eigenvalues[0]
    share = (runs.end_length / eigenvalues[0]).values.reshape(-1)
    edge = np.sqrt(1 / 4 - (ratios * (1 - ratios)).max() / 2)
    axes.hist(share, bins=np.linspace(0, 1, 41).tolist(), color=COLORS[0], alpha=0.8)
    for side in (0.5 - edge, 0.5 + edge):
        axes.axvline(side, color=THEORY_COLOR, linestyle="--", label="derived: stable between" if side < 0.5 else None)
    axes.set(title="(c) where they end: not at $C = 1/2$", xlabel="$C$ and $1 - C$", ylabel="count", xlim=(0, 1))
    axes.set_ylim(0, 1.25 * axes.get_ylim()[1])
    axes.legend(loc="upper center")


def drift(axes: Axes, runs: xr.Dataset) -> None:
    """The coordinate along the hyperbola of minima at the smallest step size, and the limit flow."""
    for kind, color in zip(RULE_NAMES, COLORS, strict=False):
        at = runs.sel(valley="hyperbola", rule=kind)
        finest = at.x.isel(eta=int(at.eta.values.argmin()))
        axes.plot(at.tau[::3], finest[::3], "o", color=color, markersize=3.5, label=RULE_NAMES[kind])
        axes.plot(at.tau, at.limit, color=THEORY_COLOR, linewidth=1)
    axes.plot([], [], color=THEORY_COLOR, linewidth=1, label="limit flow")
    axes.set(
        title=f"(d) along the minima $xy = 1$, $\\eta = {float(runs.eta.min()):g}$",
        xlabel="$\\tau = \\eta^2 t$",
        ylabel="$x$",
    )
    axes.legend()


def phases(axes: Axes, runs: xr.Dataset) -> None:
    """The lengths of the two phases against the step size, with lines of the predicted slopes."""
    for kind, color in zip(RULE_NAMES, COLORS, strict=False):
        at = runs.sel(rule=kind)
        axes.loglog(at.eta, at["first"], "o", color=color, markersize=4)
        axes.loglog(at.eta, at["second"], "s", color=color, markersize=4, label=RULE_NAMES[kind])
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


def noise(axes: Axes, runs: xr.Dataset, drifts: xr.Dataset) -> None:
    """x from exactly across the lesser eigenvector, with noise and without, and the limit flow."""
    for kind, color in zip(RULE_NAMES, COLORS, strict=False):
        x = runs.trajectory.sel(rule=kind, state="x")
        axes.plot(runs.tau, x.sel(noise="with"), color=color, label=f"{RULE_NAMES[kind]}, with noise")
        axes.plot(drifts.tau, drifts.limit.sel(valley="straight", rule=kind), ":", color=THEORY_COLOR)
    still = runs.trajectory.sel(rule="normalized", state="x", noise="without")
    axes.plot(runs.tau, still, "--", color="#666666", label="both without noise")
    axes.plot([], [], ":", color=THEORY_COLOR, label="limit flow")
    axes.set(
        title=f"(f) across a lesser eigenvector, $\\eta = {NOISE_STEP_SIZE:g}$",
        xlabel="$\\tau = \\eta^2 t$",
        ylabel="$x$",
    )
    axes.legend(loc="lower left")
