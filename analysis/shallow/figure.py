"""The figure: trajectories of both losses from the same starts, the sharpness along them, and where they end.

(a), (b) the (a, b) plane, the first iterations as dots, and how far the curves of leading order miss the next; (c) the
sharpness of the minimum ahead; (d) the end against the excess at the start, with the edge law; (e) the end against the
step size.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from scipy.interpolate import RegularGridInterpolator

from analysis.minimalist.theory import KAPPA, Theory
from analysis.minimalist.theory import a as coordinate_a
from analysis.minimalist.theory import b as coordinate_b
from analysis.shallow.ends import GAP_EXCESS, TABLE_STEP_SIZE, Forms, Runs, predicted_ends
from analysis.shallow.theory import EXCESS, SCALED_OFFSET, STEP_SIZE_RATIO, DegreeTwo, edge_law, parabola
from analysis.study import COLORS, THEORY_COLOR, colors, new_figure
from eos_sym import STEP_SIZE
from numeric import compile_function
from numeric.compile import Array

LOSSES = {2: "$\\frac{1}{2}(1-xy)^2$", 4: "$\\frac{1}{2}(1-x^2y^2)^2$"}
MARKERS = {2: "s", 4: "o"}
STYLES = {2: "--", 4: "-"}
DEGREE_COLORS = {2: COLORS[3], 4: COLORS[5]}


def draw(two: DegreeTwo, four: Theory, forms: Forms, found: Runs, dots: int) -> Figure:
    """The whole figure; `dots` is how many iterations are shown as such."""
    runs = {degree: found[f"trajectories_of_degree_{degree}"] for degree in STEP_SIZE_RATIO}
    figure = new_figure(7.0, 6.4)
    upper, lower = np.asarray(figure.subfigures(2, 1, height_ratios=[1.15, 1]))
    left, right = upper.subplots(1, 2)
    for axes, degree, letter in ((left, 4, "a"), (right, 2, "b")):
        plane(axes, runs[degree], degree, dots)
        limits(axes, runs, degree)
        axes.set_title(f"({letter}) {LOSSES[degree]}, $\\eta = {float(runs[degree].eta) * 2 / degree:.4g}$")
    follow_parabola(left, four, runs[4])
    ellipses(right, two, runs[2])
    left.legend(loc="upper left")
    right.legend(loc="upper right")
    along, ends, gaps = lower.subplots(1, 3)
    sharpness(along, runs)
    entries(ends, forms, found)
    step_sizes(gaps, two, forms, found)
    return figure


def plane(axes: Axes, runs: xr.Dataset, degree: int, dots: int) -> None:
    """The trajectories in the (a, b) plane: the first iterations as dots, the rest faintly."""
    for index, color in enumerate(colors(runs.sizes["start"])):
        run = runs.isel(start=index)
        axes.plot(run.a, run.b, ".", color=color, markersize=1.5, alpha=0.35, rasterized=True)
        first = run.isel(iteration=slice(0, dots + 1))
        x, y = (float(run.initial.sel(state=name)) for name in "xy")
        label = f"from $({x:.4g}, {y:.4g})$" if degree == 4 else None
        axes.plot(first.a, first.b, ".", color=color, markersize=3.5, label=label)
        axes.plot(first.a[:1], first.b[:1], "o", color=color, markersize=6, fillstyle="none")
    axes.axvline(0, ymax=0.68, color=THEORY_COLOR, linewidth=0.8)
    axes.set(xlabel="$a$: above the edge where $a > 0$", ylabel="$b = xy - 1$")


def limits(axes: Axes, runs: Mapping[int, xr.Dataset], degree: int) -> None:
    """The same range of a for both losses, and of b what this one needs, without orbits that diverged."""
    shown = {key: run.where(run.outcome != "diverged") for key, run in runs.items()}
    ends = [float(end) for run in shown.values() for end in (run.a.min(), run.a.max()) if np.isfinite(end)] or [-1, 1]
    margin = 0.06 * (max(ends) - min(ends))
    height = float(abs(shown[degree].b).max())
    axes.set_xlim(min(ends) - margin, max(ends) + margin)
    if np.isfinite(height):
        axes.set_ylim(-1.15 * height, (2.2 if degree == 4 else 1.8) * height)  # room for the legend


def follow_parabola(axes: Axes, four: Theory, runs: xr.Dataset) -> None:
    """The derived curve that the orbits of degree 4 come to follow; and, farther up, the two-cycle at frozen D.

    Of z ↦ z(1 + K − Kz²), the limit for η → 0 at K = ηD, the two-cycle has z₁z₂ = 1/K, z₁² + z₂² = 1 + 1/K. It is
    drawn with K = η√(D² + 4), which is 1 at the edge, and up to K = √5 − 1, where it gives way to a four-cycle.
    """
    kappa = float(runs.eta) ** 0.5
    heights = np.linspace(-1, 1, 400) * np.sqrt(kappa * max(float(runs.a.max()), kappa**3))
    curve = compile_function([parabola(four)], (coordinate_b, KAPPA))
    K = np.linspace(1, np.sqrt(5) - 1, 200)
    sums, differences = np.sqrt(1 + 3 / K), np.sqrt(1 - 1 / K)
    above = np.sqrt(np.sqrt((K / kappa**2) ** 2 - 4)) - (kappa**-4 - 4) ** 0.25
    places = above[-1] / 4, above[-1]
    upper = np.interp(places, curve(heights[200:], kappa)[0], heights[200:])
    high = upper / np.interp(places, above, (sums + differences) / 2 - 1) - 1
    misses = ", ".join(f"{share:.0%} at $a = {place:.2g}$" for share, place in zip(high, places, strict=True))
    label = f"leading order, $a = 2b^2/\\kappa - \\kappa^3/8$,\nits $b > 0$ high by {misses}"
    axes.plot(curve(heights, kappa)[0], heights, "--", color=THEORY_COLOR, linewidth=0.9, label=label)
    for sign in (1, -1):
        axes.plot(above, (sums + sign * differences) / 2 - 1, color=THEORY_COLOR, linewidth=0.9)
    axes.plot([], [], color=THEORY_COLOR, linewidth=0.9, label="two-cycle at frozen $D$ for $\\eta\\to 0$")


def ellipses(axes: Axes, two: DegreeTwo, runs: xr.Dataset) -> None:
    """Curves through the starts of degree 2: the ellipses, and what is conserved in the limit η → 0 to the next order.

    The latter with K = η√(D² + 4), which is 2 at the edge.
    """
    kappa = float(runs.eta) ** 0.5
    across, up = np.meshgrid(np.linspace(*axes.get_xlim(), 400), np.linspace(*axes.get_ylim(), 400))
    imbalance = (across + (4 / kappa**4 - 4) ** 0.25) ** 2
    level = compile_function([two.ellipse], (coordinate_a, coordinate_b, KAPPA))
    integral = compile_function([two.first_integral], (EXCESS, SCALED_OFFSET))
    surfaces = {
        "--": level(across, up, kappa)[0],
        "-": integral(kappa**2 * np.hypot(imbalance, 2) - 2, kappa**2 * up)[0],
    }
    heights = {style: heights_at_the_edge(surface, across, up, runs) for style, surface in surfaces.items()}
    pairs = zip(heights["--"], heights["-"], strict=True)
    low = ", ".join(f"{100 * (1 - lower / upper):.2g}" for lower, upper in pairs if lower > 0 and upper > 0)
    leading = "leading order, $b^2 = 4(C - a^2)/\\kappa^2$" + (f",\nlow by {low} % at $a = 0$" if low else "")
    for style, label in (("--", leading), ("-", "next order for $\\eta\\to 0$")):
        axes.plot([], [], style, color=THEORY_COLOR, linewidth=0.9, label=label)
        interpolated = RegularGridInterpolator((up[:, 0], across[0]), surfaces[style], bounds_error=False)
        starts = np.stack([runs.b.isel(iteration=0), runs.a.isel(iteration=0)], axis=-1)
        levels = np.unique(interpolated(starts)[np.isfinite(interpolated(starts))])
        axes.contour(across, up, surfaces[style], levels, colors=THEORY_COLOR, linestyles=style, linewidths=0.9)


def heights_at_the_edge(surface: Array, across: Array, up: Array, runs: xr.Dataset) -> Array:
    """B > 0 at a = 0 on the level curve of the surface through every start; not a number beyond the panel."""
    value = RegularGridInterpolator((up[:, 0], across[0]), surface, bounds_error=False)
    levels = value(np.stack([runs.b.isel(iteration=0), runs.a.isel(iteration=0)], axis=-1))
    places = np.linspace(0, up.max(), 2000)
    along = value(np.stack([places, np.zeros_like(places)], axis=-1))
    crossed = (along - levels[:, None]) * (along[0] - levels)[:, None] <= 0
    return np.where(crossed.any(axis=1), places[crossed.argmax(axis=1)], np.nan)


def sharpness(axes: Axes, runs: Mapping[int, xr.Dataset]) -> None:
    """The sharpness of the minimum ahead, in units of the edge, along the runs of both losses."""
    for degree, run in runs.items():
        for index, color in enumerate(colors(run.sizes["start"])):
            one = run.isel(start=index)
            axes.plot(one.iteration + 1, one.sharpness_ahead * one.eta / 2, STYLES[degree], color=color)
        axes.plot([], [], STYLES[degree], color=THEORY_COLOR, label=LOSSES[degree])
    axes.axhline(1, color=THEORY_COLOR, linewidth=0.8)
    axes.set(title="(c) sharpness ahead", xscale="log", xlabel="iteration + 1")
    axes.set(ylabel="sharpness / $(2/\\eta)$")
    axes.legend(loc="upper right")


def entries(axes: Axes, forms: Forms, found: Runs) -> None:
    """How far below the edge both end, against how far above it they started, with the edge law."""
    for degree, color in DEGREE_COLORS.items():
        run = found[f"ends_of_degree_{degree}"]
        edge = 2 / (STEP_SIZE_RATIO[degree] * TABLE_STEP_SIZE)
        excesses = np.geomspace(run.excess.min(), run.excess.max(), 60)
        law = predicted_ends(forms, degree, excesses * edge)
        axes.plot(
            run.excess, -run.final_excess / edge, MARKERS[degree], color=color, markersize=3.5, label=LOSSES[degree]
        )
        axes.plot(excesses, -np.array(law) / edge, color=color)
    axes.plot([], [], color=THEORY_COLOR, label="edge law")
    axes.set(title=f"(d) ends at $\\eta = {TABLE_STEP_SIZE:g}$", xscale="log", yscale="log")
    axes.set(xlabel="start above the edge / $(2/\\eta)$", ylabel="end below the edge / $(2/\\eta)$")
    axes.legend(loc="upper left")


def step_sizes(axes: Axes, two: DegreeTwo, forms: Forms, found: Runs) -> None:
    """The relative depth of the end against the step size, from the same relative excess."""
    for degree, color in DEGREE_COLORS.items():
        run = found[f"gaps_of_degree_{degree}"]
        axes.plot(
            run.eta_of_degree_2,
            -run.final_excess * run.eta / 2,
            MARKERS[degree],
            color=color,
            markersize=3.5,
            label=LOSSES[degree],
        )
    overshoot = compile_function([-two.overshoot / 2], (EXCESS,))(2 * GAP_EXCESS)[0]
    depth = compile_function([edge_law(forms[4])["depth"] * STEP_SIZE / 2], (STEP_SIZE,))
    eta = np.geomspace(run.eta_of_degree_2.min(), run.eta_of_degree_2.max(), 60)
    axes.plot(eta, np.broadcast_to(overshoot, eta.shape), color=DEGREE_COLORS[2])
    axes.plot(eta, depth(STEP_SIZE_RATIO[4] * eta)[0], color=DEGREE_COLORS[4])
    axes.plot([], [], color=THEORY_COLOR, label="derived")
    axes.set(title=f"(e) ends from {GAP_EXCESS:.0%} above", xscale="log", yscale="log")
    axes.set(xlabel="step size $\\eta$ of degree 2", ylabel="end below the edge / $(2/\\eta)$")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="center left", bbox_to_anchor=(0, 0.6))
