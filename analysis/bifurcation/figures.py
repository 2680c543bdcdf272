"""The figure: the bifurcation diagram of the cubic map with the derived thresholds, gradient descent on it, and chaos.

(a) attractors of z ↦ z(1 + K − Kz²) with the minimum and the two-cycle as derived; (b) gradient descent on the
minimalist example as it runs through the diagram; (c) the reduced map of two steps in its own coordinates; (d) the
Lyapunov exponent; (e) how the ratios of the cascade tend to Feigenbaum's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from analysis.bifurcation.cascade import FEIGENBAUM, Cascade
from analysis.bifurcation.theory import Family, K
from analysis.figure import COLORS, THEORY_COLOR, new_figure
from numeric import compile_function

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = {
    "first_doubling": ("$1$", "$\\frac{1}{8}$"),
    "second_doubling": ("$\\sqrt{5}-1$", "$\\frac{\\sqrt{5}-1}{8}$"),
    "merging": ("$\\frac{3\\sqrt{3}}{2}-1$", None),
    "escape": ("$2$", "$\\frac{1}{4}$"),
}
SHOWN_DRIFT = 24_000  # points of the run of gradient descent
DOTS: Any = {"color": "#444444", "markersize": 0.5, "alpha": 0.35, "rasterized": True}


def draw(family: Family, cascade: Cascade, data: Mapping[str, xr.Dataset]) -> Figure:
    """The whole figure."""
    figure = new_figure(10.0, 7.0)
    upper, lower = np.asarray(figure.subfigures(2, 1, height_ratios=[1.35, 1]))
    left, right = upper.subplots(1, 2, sharey=True)
    diagram(left, family, data["diagram"])
    drift(right, data["drift"])
    for axes in (left, right):
        mark(axes, family, cascade, 0)
        axes.set(xlim=(0.85, 2.03), ylim=(-1.8, 1.6))
    reduced, exponents, ratios = lower.subplots(1, 3)
    reduced_diagram(reduced, data["diagram"])
    mark(reduced, family, cascade, 1)
    lyapunov(exponents, cascade, data["lyapunov"].exponent)
    cascade_ratios(ratios, cascade)
    return figure


def mark(axes: Axes, family: Family, cascade: Cascade, column: int) -> None:
    """The derived thresholds as vertical lines, named at the bottom; in K (column 0) or in A = K/8 (column 1)."""
    scale = (1, 8)[column]
    for name, labels in LABELS.items():
        if labels[column]:
            place = float(family.thresholds[name]) / scale
            axes.axvline(place, color=COLORS[1], linewidth=0.9)
            _name(axes, place, labels[column])
    axes.axvline(cascade.onset / scale, color=COLORS[1], linewidth=0.9, linestyle=":")


def _name(axes: Axes, place: float, text: str | None) -> None:
    axes.annotate(
        text or "",
        (place, 0),
        xycoords=("data", "axes fraction"),
        xytext=(-2, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=COLORS[1],
    )


def diagram(axes: Axes, family: Family, data: xr.Dataset) -> None:
    """The attractors about z = 1, and as their mirror images those about z = −1, with the derived cycles."""
    states = data.trajectory.sel(state="z").where(data.settled_outcome != "diverged")
    values = np.broadcast_to(data.K.values[:, None], states.shape)
    axes.plot(values.ravel(), states.values.ravel(), ",", **DOTS)
    low, birth, high = data.K.values.min(), 1.0, float(family.thresholds["second_doubling"])
    axes.plot([low, birth], [1, 1], color=COLORS[0], linewidth=1.6, label="minimum, derived")
    axes.plot([birth, 2], [1, 1], color=COLORS[0], linewidth=0.8, linestyle="--")
    for start, end, style, width in ((birth, high, "-", 1.6), (high, 2.0, "--", 0.8)):
        across = np.linspace(start, end, 200)
        for square in compile_function(family.two_cycle_squares, (K,))(across):
            axes.plot(across, np.sqrt(square), color=COLORS[2], linewidth=width, linestyle=style)
    across = np.linspace(low, 2, 200)
    for sign in (1, -1):
        edge = sign * np.sqrt(compile_function([family.symmetric_square], (K,))(across)[0])
        axes.plot(across, edge, color=COLORS[3], linewidth=0.8, linestyle="--")
    axes.plot([], [], color=COLORS[2], linewidth=1.6, label="two-cycle, derived")
    axes.plot([], [], color=COLORS[3], linewidth=0.8, linestyle="--", label="symmetric cycle, unstable")
    axes.set(title="(a) attractors of $z \\mapsto z(1+K-Kz^2)$", xlabel="$K$", ylabel="$z$")
    axes.legend(loc="center left", bbox_to_anchor=(0, 0.33), frameon=True, framealpha=1, edgecolor="none")


def drift(axes: Axes, data: xr.Dataset) -> None:
    """P against K = ηD along gradient descent on the minimalist example; an odd stride shows every phase of a cycle."""
    stride = max(1, data.sizes["iteration"] // SHOWN_DRIFT) | 1
    side = np.sign(float(data.P[-1]))
    axes.plot(data.K[::stride], side * data.P[::stride], ",", **DOTS)
    axes.annotate("", (1.12, -0.5), xytext=(1.5, -0.5), arrowprops={"arrowstyle": "->", "color": COLORS[0]})
    axes.text(1.31, -0.72, "time", ha="center", color=COLORS[0])
    axes.set(
        title=f"(b) GD on $\\frac{{1}}{{2}}(1-xyzw)^2$, $\\eta = {float(data.eta):.4g}$",
        xlabel="$K = \\eta D$, sharpness of the minimum ahead / $(2/\\eta)$",
        ylabel="$P = xy$, mirrored if it ends at $-1$",
    )
    axes.yaxis.set_tick_params(labelleft=True)


def reduced_diagram(axes: Axes, data: xr.Dataset) -> None:
    """The same attractors in the coordinates of the reduced map."""
    heights = data.K / 8
    states = data.trajectory.sel(state="z") * (heights / 2) ** 0.5
    values = np.broadcast_to(heights.values[:, None], states.shape)
    axes.plot(values.ravel(), states.values.ravel(), ",", **DOTS)
    axes.set(
        title="(c) $b'' = b(1+8A-16b^2)$", xlabel="$A = a\\kappa$", ylabel="$b$", xlim=(0.1, 0.255), ylim=(-0.75, 0.6)
    )


def lyapunov(axes: Axes, cascade: Cascade, exponents: xr.DataArray) -> None:
    """The Lyapunov exponent against K."""
    axes.plot(exponents.K, exponents, color=COLORS[0], linewidth=0.5)
    axes.plot([2], [np.log(3)], "o", color=THEORY_COLOR, markersize=4, label="derived: $\\ln 3$ at $K = 2$")
    axes.axhline(0, color=THEORY_COLOR, linewidth=0.8)
    axes.axvline(cascade.onset, color=COLORS[1], linewidth=0.9, linestyle=":", label=f"onset, ${cascade.onset:.4f}$")
    axes.set(
        title="(d) Lyapunov exponent", xlabel="$K$", ylabel="exponent per step", xlim=(0.95, 2.03), ylim=(-2.4, 1.5)
    )
    axes.legend(loc="lower right")


def cascade_ratios(axes: Axes, cascade: Cascade) -> None:
    """The distance of the ratios from Feigenbaum's constant against the period."""
    periods = 2 ** np.arange(1, len(cascade.ratios) + 1)
    axes.loglog(periods, np.abs(np.array(cascade.ratios) - FEIGENBAUM), "o-", color=COLORS[0], base=2)
    axes.set_yscale("log", base=10)
    axes.set(
        title="(e) $(K_n-K_{n-1})/(K_{n+1}-K_n)$",
        xlabel="period $2^n$",
        ylabel="distance from $\\delta = 4.6692016$",
    )
