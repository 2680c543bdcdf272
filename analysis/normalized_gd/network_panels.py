"""The panels of the networks: alignment, the sharpness beside the limit flow, and how errors go with the step size."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.normalized_gd.on_networks import errors
from analysis.study import COLORS, THEORY_COLOR

RULES = {"normalized": ("normalized GD", COLORS[0]), "root_loss": ("GD on $\\sqrt{L}$", COLORS[1])}
MARKERS = {"normalized": "o", "root_loss": "s"}


def draw_angles(axes: Axes, walk: xr.Dataset) -> None:
    """The angle of a step to the top eigenvector after the loss has risen, on every network at the least η."""
    eta = float(walk.eta.min())
    steps = np.maximum(np.round(walk.tau.values / eta**2), 1)
    for rule, (name, color) in RULES.items():
        runs = walk.sel(rule=rule, eta=eta)
        angles = np.degrees(np.arccos(np.minimum(runs.cosine, 1))).where(np.isfinite(runs.predicted))
        for number, network in enumerate(walk.network.values):
            style = {"color": color, "marker": MARKERS[rule], "markersize": 2.5, "linewidth": 0.7}
            axes.loglog(steps, angles.sel(network=network), label="" if number else name, **style)
    axes.set(title=f"(g) networks: alignment, $\\eta = {eta:g}$", xlabel="steps after the loss rises first")
    axes.set_ylabel("angle of a step to $u$ (degrees)")
    axes.legend()


def draw_sharpness(axes: Axes, walk: xr.Dataset) -> None:
    """Of the first network at the greatest and the least η, and the limit flow from the same start."""
    first = walk.isel(network=0)
    for rule, (name, color) in RULES.items():
        runs = first.sel(rule=rule)
        axes.plot(runs.tau, runs.predicted, color=THEORY_COLOR, linewidth=1, zorder=1)
        for eta, filled in ((float(walk.eta.max()), False), (float(walk.eta.min()), True)):
            axes.plot(
                runs.tau,
                runs.sharpness.sel(eta=eta),
                MARKERS[rule],
                color=color,
                markerfacecolor=color if filled else "white",
                markersize=2.5 if filled else 5,
                label=f"{name}, $\\eta = {eta:g}$",
                zorder=2 + filled,
            )
    axes.plot([], [], color=THEORY_COLOR, linewidth=1, label="limit flow")
    least, most = axes.get_ylim()
    axes.set_ylim(least - 0.75 * (most - least), most)  # the legend is below the runs
    axes.set(
        title="(h) a network: sharpness",
        xlabel="$\\tau = \\eta^2 t$",
        ylabel="$\\lambda_1$ at the minimum beside the run",
    )
    axes.legend(loc="lower left")


def draw_errors(axes: Axes, walk: xr.Dataset) -> None:
    """Medians over the networks against η, and slope 1."""
    eta = walk.eta.values
    for rule, (_, color) in RULES.items():
        runs = walk.sel(rule=rule)
        shown = {"-": runs["shift"].max("tau"), "--": errors(runs), ":": runs.distance}
        for line, sizes in shown.items():
            axes.loglog(eta, sizes.median("network"), line + MARKERS[rule], color=color, markersize=4, linewidth=1)
    for line, what in {
        ":": "$\\theta$, gradient flow",
        "-": "$\\theta$, limit flow",
        "--": "$\\lambda_1$, over its fall",
    }.items():
        axes.plot([], [], line, color="#666666", linewidth=1, label=what)
    least, most = axes.get_ylim()
    axes.plot(eta, most * eta / eta.max(), color=THEORY_COLOR, linewidth=0.7, label="slope 1")
    axes.set_ylim(least, most * (most / least) ** 0.7)
    axes.set(title="(i) largest errors, median", xlabel="step size $\\eta$", ylabel="error")
    axes.xaxis.set_major_locator(FixedLocator(eta))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(loc="upper left")
