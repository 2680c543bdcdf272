"""The figure: bifurcation diagrams as densities of visits, with Lyapunov exponents beneath, and what is derived on top.

(a), (b) the attractors of z ↦ z(1 + K − Kz²) and their exponent, with the thresholds through both; (c), (d) gradient
descent on the minimalist example over the same axes, and the mean of log|F'| along it; (e), (f) about the onset of
chaos, at distances in powers of 1/δ, where each doubling looks like the one before; (g), (h) the window of period
three; (i) how the ratios of both cascades tend to Feigenbaum's.

A shade is the density of visits in its column, relative to the uniform density over all rows, to the power of GAMMA.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import NullLocator

from analysis.bifurcation.cascade import FEIGENBAUM, Cascade
from analysis.bifurcation.descent import START
from analysis.bifurcation.frozen import FARTHEST
from analysis.bifurcation.period_three import PeriodThree
from analysis.bifurcation.theory import Family, K
from analysis.study import COLORS, THEORY_COLOR, new_figure
from numeric import compile_function

GAMMA, BLACK = 0.5, 16.0  # the density that is black
LABELS = {
    "first_doubling": ("$1$", "center"),
    "second_doubling": ("$\\sqrt{5}-1$", "right"),
    "onset": ("$K_\\infty$", "left"),
    "period_three": ("3-cycle", "center"),
    "merging": ("$3\\sqrt{3}/2-1$", "left"),
    "escape": ("$2$", "center"),
}
ASIDE = {"right": 5, "left": -3, "center": 0}  # points by which a label on that side moves
EXPONENTS = (-2.4, 1.25)
THRESHOLD: Any = {"color": COLORS[1], "linewidth": 0.8}
ONSET: Any = {**THRESHOLD, "linestyle": (0, (1, 1.5))}
STABLE, UNSTABLE = 1.5, 0.8
DOUBLED: Any = {"color": COLORS[2], "marker": "^", "markersize": 4, "linestyle": "", "clip_on": False, "zorder": 3}


class Printed(AxesImage):
    """An image that vector files hold in its own resolution, and others smoothed to theirs."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw with the interpolation that suits the file."""
        self.set_interpolation("none" if renderer.option_scale_image() else "auto")
        super().draw(renderer)


def draw(
    family: Family,
    three: PeriodThree,
    cascade: Cascade,
    cascade_of_three: Cascade,
    diagram: xr.Dataset,
    passage: xr.Dataset,
    onset: xr.Dataset,
    window: xr.Dataset,
) -> Figure:
    """The whole figure."""
    birth = float(three.births[0])
    found = family.thresholds | {"onset": cascade.onset, "period_three": birth}
    places = {key: float(place) for key, place in found.items() if key in LABELS}
    figure = new_figure(7.0, 8.4)
    upper, lower = np.asarray(figure.subfigures(2, 1, height_ratios=[1.55, 1]))
    (whole, passing), (exponent, rate) = upper.subplots(2, 2, sharex=True, sharey="row", height_ratios=[2.1, 1])
    frozen(whole, family, diagram.counts)
    exponents(exponent, diagram.exponent)
    exponent.plot([2], [np.log(3)], "o", color=THEORY_COLOR, markersize=4, label="derived: $\\ln 3$ at $K = 2$")
    superstable(exponent, cascade, slice(1, 5))
    exponent.legend(loc="lower right")
    drifting(passing, rate, passage, diagram.exponent)
    for axes in (whole, exponent, passing, rate):
        mark(axes, places)
    for axes in (whole, passing):
        name(axes, places)
    whole.set(xlim=(0.85, 2.02), ylim=(-1.75, 1.5))
    exponent.set(xlabel="$K$, in the reduced map $8A$", ylim=EXPONENTS)

    panels = lower.subplot_mosaic("egi\nfhi", height_ratios=[2.1, 1], width_ratios=[1.35, 1, 0.8])
    about_onset(panels["e"], panels["f"], cascade.onset, onset)
    about_window(panels["g"], panels["h"], cascade_of_three, birth, window)
    cascade_ratios(panels["i"], cascade, cascade_of_three)
    return figure


def image(axes: Axes, counts: xr.DataArray, ends: tuple[float, float]) -> None:
    """The density of visits, each column by itself, between two ends of the horizontal axis."""
    row = str(counts.dims[1])
    visits = counts.values.astype(np.float32)
    visits *= counts.sizes[row] / np.maximum(visits.sum(axis=1, keepdims=True), 1)
    extent = (*ends, *ends_of(counts[row]))
    norm = PowerNorm(GAMMA, 0, BLACK, clip=True)
    picture = Printed(
        axes, cmap="gray_r", norm=norm, origin="lower", extent=extent, interpolation_stage="data", resample=True
    )
    picture.set_data(visits.T)
    picture.set_clip_path(axes.patch)
    axes.add_image(picture)
    axes.grid(False)
    axes.set(xlim=ends, ylim=extent[2:], ylabel=f"${row}$")


def ends_of(values: xr.DataArray) -> tuple[float, float]:
    """The outer ends of evenly spaced columns or rows."""
    half = float(values[1] - values[0]) / 2
    return float(values[0]) - half, float(values[-1]) + half


def frozen(axes: Axes, family: Family, counts: xr.DataArray) -> None:
    """The attractors about z = 1, beyond the merging about both signs, with the derived cycles."""
    low, high = ends_of(counts.K)
    image(axes, counts, (low, high))
    birth, doubling = (float(family.thresholds[name]) for name in ("first_doubling", "second_doubling"))
    axes.plot([low, birth], [1, 1], color=COLORS[0], linewidth=STABLE, label="minimum, derived")
    axes.plot([birth, high], [1, 1], color=COLORS[0], linewidth=UNSTABLE, linestyle="--")
    for start, end, style, width in ((birth, doubling, "-", STABLE), (doubling, high, "--", UNSTABLE)):
        across = np.linspace(start, end, 200)
        for square in compile_function(family.two_cycle_squares, (K,))(across):
            axes.plot(across, np.sqrt(square), color=COLORS[2], linewidth=width, linestyle=style)
    across = np.linspace(low, high, 200)
    edge = np.sqrt(compile_function([family.symmetric_square], (K,))(across)[0])
    for side in (edge, -edge):
        axes.plot(across, side, color=COLORS[3], linewidth=UNSTABLE, linestyle="--")
    axes.plot([], [], color=COLORS[2], linewidth=STABLE, label="two-cycle, derived")
    axes.plot([], [], color=COLORS[3], linewidth=UNSTABLE, linestyle="--", label="symmetric cycle, unstable")
    axes.legend(loc="center left", bbox_to_anchor=(0, 0.33), frameon=True, framealpha=1, edgecolor="none")
    axes.set_title("(a) attractors of $z \\mapsto z(1+K-Kz^2)$", pad=16)


def exponents(axes: Axes, values: xr.DataArray) -> None:
    """The Lyapunov exponent against K."""
    axes.axhline(0, color=THEORY_COLOR, linewidth=0.8)
    axes.plot(values.K, values, color=COLORS[0], linewidth=0.5)
    axes.grid(False)
    axes.set(title="(b) Lyapunov exponent", ylabel="exponent per step")


def superstable(axes: Axes, cascade: Cascade, some: slice) -> None:
    """Some of the parameters where the exponent is −∞, marked at the bottom."""
    places = list(map(float, cascade.superstable[some]))
    bottom = axes.get_xaxis_transform()
    axes.plot(places, np.zeros(len(places)), transform=bottom, label="superstable, proved", **DOUBLED)


def drifting(above: Axes, beneath: Axes, runs: xr.Dataset, frozen_exponent: xr.DataArray) -> None:
    """P against K = ηD along gradient descent on the minimalist example, and how fast neighbours part there."""
    image(above, runs.counts, ends_of(runs.K))
    above.annotate("", (1.1, -0.5), xytext=(1.5, -0.5), arrowprops={"arrowstyle": "->", "color": COLORS[0]})
    above.text(1.3, -0.72, "time", ha="center", color=COLORS[0])
    above.axvline(START, color=COLORS[0], linewidth=UNSTABLE)
    above.text(START + 0.015, -1.0, "start", rotation=90, va="center", color=COLORS[0])
    above.set_title(f"(c) GD on $\\frac{{1}}{{2}}(1-xyzw)^2$, $\\eta = {runs.attrs['eta']:.4g}$", pad=16)
    above.set_ylabel("$P = xy$, mirrored if it ends at $-1$")
    beneath.axhline(0, color=THEORY_COLOR, linewidth=0.8)
    beneath.plot(frozen_exponent.K, frozen_exponent, color="0.7", linewidth=0.5, label="frozen map, as in (b)")
    beneath.plot(runs.K, runs.exponent, color=COLORS[0], linewidth=0.7, label="gradient descent")
    beneath.grid(False)
    beneath.legend(loc="lower right")
    beneath.set(
        title="(d) mean of $\\ln|1+K-3KP^2|$",
        ylabel="mean per step",
        xlabel="$K = \\eta D$, sharpness of the minimum ahead / $(2/\\eta)$",
    )
    for axes in (above, beneath):
        axes.yaxis.set_tick_params(labelleft=True)


def mark(axes: Axes, places: Mapping[str, float]) -> None:
    """The thresholds as vertical lines, the onset of chaos dotted."""
    for key, place in places.items():
        axes.axvline(place, **(ONSET if key == "onset" else THRESHOLD))


def name(axes: Axes, places: Mapping[str, float]) -> None:
    """The names of the thresholds, above the axes."""
    above: Any = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "color": COLORS[1]}
    for key, place in places.items():
        text, side = LABELS[key]
        axes.annotate(text, (place, 1), xytext=(ASIDE[side], 2), ha=side, **above)


def about_onset(above: Axes, beneath: Axes, center: float, data: xr.Dataset) -> None:
    """The attractors at logarithmic distances from the onset, and their exponents, scaled to be periodic."""
    columns = data.K.size // 2
    distance = np.abs(data.K.values - center)
    doublings = round(float(np.log(distance.max() / distance.min()) / np.log(FEIGENBAUM)))
    image(above, data.counts, (-doublings, doublings))
    place = np.sign(data.K.values - center) * (np.log(distance / FARTHEST) / np.log(FEIGENBAUM) + doublings)
    scaled = data.exponent.values * (distance / FARTHEST) ** (-np.log(2) / np.log(FEIGENBAUM))
    for side in (slice(None, columns), slice(columns, None)):
        beneath.plot(place[side], scaled[side], color=COLORS[0], linewidth=0.5)
    beneath.axhline(0, color=THEORY_COLOR, linewidth=0.8)
    beneath.grid(False)
    for axes in (above, beneath):
        axes.axvline(0, **ONSET)
    ticks = np.arange(-doublings, doublings + 1)
    powers = ["$K_\\infty$" if tick == 0 else f"${doublings - abs(tick)}$" for tick in ticks]
    above.set(title="(e) the onset of chaos, each doubling like the last", ylim=(0, 1.5), xticks=ticks, xticklabels=[])
    beneath.set(title="(f) exponent $\\cdot\\,|\\,(K-K_\\infty)/0.3\\,|^{-\\ln 2/\\ln\\delta}$")
    beneath.set(xlabel="$n$, at the distance $0.3\\,\\delta^{-n}$ below and above", xlim=(-doublings, doublings))
    beneath.set(ylim=EXPONENTS, xticks=ticks, xticklabels=powers, ylabel="scaled")


def about_window(above: Axes, beneath: Axes, cascade: Cascade, birth: float, data: xr.Dataset) -> None:
    """The window of period three, and its exponents."""
    ends = ends_of(data.K)
    image(above, data.counts, ends)
    exponents(beneath, data.exponent)
    superstable(beneath, cascade, slice(3))
    for axes in (above, beneath):
        axes.axvline(birth, **THRESHOLD)
        axes.axvline(cascade.onset, **ONSET)
    above.set(title="(g) the window of period three", xticklabels=[])
    beneath.set(title="(h) its exponent", xlabel="$K$", xlim=ends, ylim=(-0.8, 0.6), ylabel="per step")


def cascade_ratios(axes: Axes, cascade: Cascade, cascade_of_three: Cascade) -> None:
    """The distance of the ratios from Feigenbaum's constant against the doublings."""
    for one, look, color, label in (
        (cascade, "o-", COLORS[0], "periods $2^n$"),
        (cascade_of_three, "s-", COLORS[2], "periods $3\\cdot 2^n$"),
    ):
        distances = np.abs(np.array(one.ratios) - FEIGENBAUM)
        axes.semilogy(np.arange(1, len(distances) + 1), distances, look, color=color, label=label)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.legend(loc="upper right")
    axes.set(title="(i) $(K_n-K_{n-1})/(K_{n+1}-K_n)$", xlabel="$n$", ylabel="distance from $\\delta = 4.6692016$")
