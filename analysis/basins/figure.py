"""The figure: where starts end, for both losses, on ever smaller windows; and escape times, uncertainty, ends.

(a), (b) the (x, y) plane; (c), (d) the (a, b) plane about the edge point; (e) to (h) the boundary, enlarged twice;
(i) escape times; (j) uncertainty; (k) how the ends of starts above the edge are distributed.
"""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from analysis.basins import theory
from analysis.basins.ends import CODES, MAGNIFICATION, MARGIN, Losses, above_the_edge
from analysis.basins.proofs import Proofs
from analysis.basins.uncertainty import derived_branch_exponent
from analysis.minimalist.theory import P
from analysis.study import COLORS, THEORY_COLOR, new_figure
from eos_sym import STEP_SIZE
from numeric import compile_function

LOSSES = {2: "$\\frac{1}{2}(1-xy)^2$", 4: "$\\frac{1}{2}(1-xyzw)^2$"}
DEGREE_COLORS = {2: COLORS[3], 4: COLORS[5]}
END_COLORS, ESCAPE_COLORS = "viridis", "Greys_r"
ESCAPE_TIMES = LogNorm(2, 50)
TICKS = [2, 5, 10, 20, 50]
UNDECIDED_COLOR = (0.84, 0.37, 0.0, 1.0)
OUTLINE = "#ff9e80"
DOT: Any = {"marker": "o", "linestyle": "none", "color": "white", "markeredgecolor": THEORY_COLOR, "markersize": 4}
CURVE_POINTS = 300
MOST_DOTS = 20


def draw(
    losses: Losses,
    plane: xr.Dataset,
    edge: xr.Dataset,
    boundary: xr.Dataset,
    enlarged: xr.Dataset,
    diagonal: xr.Dataset,
    ring: xr.Dataset,
    pairs: xr.Dataset,
    branches: xr.Dataset,
) -> Figure:
    """The whole figure."""
    figure = new_figure(7.0, 11.2)
    planes, edges, windows, numbers = np.asarray(figure.subfigures(4, 1, height_ratios=[4.3, 3.2, 2.2, 3.0]))
    shades = Normalize(2 * float(losses.eta), 1)
    for axes, degree, letter in zip(planes.subplots(1, 2), (4, 2), "ab", strict=True):
        image(axes, plane.sel(degree=degree), shades)
        derived_of_plane(axes, losses, degree)
        axes.set_title(f"({letter}) {LOSSES[degree]}, $h = {losses.step_size(degree):.4g}$")
    for axes, degree, letter in zip(edges.subplots(1, 2), (4, 2), "cd", strict=True):
        image(axes, edge.sel(degree=degree), shades)
        about_the_edge(axes, boundary.sel(degree=degree))
        axes.set_title(f"({letter}) the edge point, {LOSSES[degree]}")
    panels = windows.subplots(1, 4)
    for outer, inner, degree, letters in zip(panels[::2], panels[1::2], (4, 2), ("ef", "gh"), strict=True):
        image(outer, boundary.sel(degree=degree), shades)
        image(inner, enlarged.sel(degree=degree), shades)
        frame(outer, enlarged.sel(degree=degree))
        outer.set_title(f"({letters[0]}) the boundary")
        inner.set_title(f"({letters[1]}) {MAGNIFICATION} times")
        for axes in (outer, inner):
            axes.set(xlabel="$a$", ylabel="$b$")
            axes.locator_params(nbins=3)
    bars(planes, shades)
    key(planes)
    times, uncertainty, ends = numbers.subplots(1, 3)
    escape_times(times, losses, ring, diagonal)
    uncertain(uncertainty, losses, pairs, branches)
    distribution(ends, losses, edge)
    return figure


def image(axes: Axes, runs: xr.Dataset, shades: Normalize) -> None:
    """One pixel for every start: the sharpness at its end, its escape time, or that it did not end at a minimum."""
    across, up = ("x0", "y0") if "x0" in runs.coords else ("a0", "b0")
    columns, rows = runs[across].values, runs[up].values
    ends = ScalarMappable(shades, END_COLORS).to_rgba(runs.relative_sharpness.values)
    times = ScalarMappable(ESCAPE_TIMES, ESCAPE_COLORS).to_rgba(runs.step.values.astype(float))
    lost = (runs.outcome == CODES["diverged"]).values
    pixels = np.where(lost[:, :, None], times, ends)
    pixels[~lost & np.isnan(runs.relative_sharpness.values)] = UNDECIDED_COLOR
    half = (columns[1] - columns[0]) / 2, (rows[1] - rows[0]) / 2
    extent = (columns[0] - half[0], columns[-1] + half[0], rows[0] - half[1], rows[-1] + half[1])
    axes.imshow(pixels, origin="lower", extent=extent, aspect="auto", interpolation_stage="rgba", rasterized=True)
    axes.set(xlim=extent[:2], ylim=extent[2:])
    axes.grid(visible=False)


def derived_of_plane(axes: Axes, losses: Losses, degree: int) -> None:
    """The minima, the edge, and what is derived: the ellipse, the kept boxes, and where nothing returns from."""
    half, h, basins = MARGIN * losses.reach, losses.step_size(degree), losses.basins
    x, y = np.meshgrid(*[np.linspace(-half, half, CURVE_POINTS)] * 2)
    product, imbalance, square = x * y, x**2 - y**2, x**2 + y**2
    minima = abs(product) if degree == 4 else product
    axes.contour(x, y, minima, levels=[1], colors="white", linewidths=0.9)
    at_edge = losses.edge_root**2
    axes.contour(x, y, abs(imbalance), levels=[at_edge], colors="white", linestyles="--", linewidths=0.6)
    at_x = np.sqrt((1 / float(losses.eta) + at_edge) / 2)
    points = np.array([(at_x, 1 / at_x), (1 / at_x, at_x), (-at_x, -1 / at_x), (-1 / at_x, -at_x)])
    if degree == 4:
        points = np.concatenate([points, points * [1, -1]])
    axes.plot(*points.T, **DOT)
    (pull,) = compile_function([basins.pulls[degree]], (P, STEP_SIZE))(product, h)
    lost = pull * product - float(theory.NO_RETURN) * square
    axes.contour(x, y, lost, levels=[0], colors=COLORS[1], linestyles=":", linewidths=0.9)
    if degree == 4:
        boxes = Proofs(4, h).boxes
        kept, level = np.min([np.maximum(abs(product) / p, abs(imbalance) / d) for p, d in boxes], axis=0), 1
    else:
        kept, level = compile_function([basins.ellipse], (theory.x, theory.y, STEP_SIZE))(x, y, h)[0], 0
    axes.contour(x, y, kept, levels=[level], colors=OUTLINE, linewidths=0.9)
    axes.set(xlabel="$x$", ylabel="$y$", aspect="equal")
    axes.yaxis.set_label_coords(-0.085, 0.5)  # beside the 0; the layout leaves no room for it farther out


def about_the_edge(axes: Axes, window: xr.Dataset) -> None:
    """The edge, the minima, and the window that is enlarged."""
    axes.axvline(0, color="white", linestyle="--", linewidth=0.6)
    axes.axhline(0, color="white", linewidth=0.9)
    axes.plot(0, 0, **DOT)
    frame(axes, window)
    axes.set(xlabel="$a = \\sqrt{x^2-y^2} - (\\eta^{-2}-4)^{1/4}$", ylabel="$b = xy - 1$")


def frame(axes: Axes, window: xr.Dataset) -> None:
    """The outline of the window of another panel."""
    corner = float(window.a0.min()), float(window.b0.min())
    size = float(window.a0.max()) - corner[0], float(window.b0.max()) - corner[1]
    axes.add_patch(Rectangle(corner, *size, fill=False, color=COLORS[1], linewidth=1.0))


def bars(figure: Figure, shades: Normalize) -> None:
    """The two colour scales, which are the same in all panels."""
    look: Any = {"ax": figure.axes, "pad": 0.01, "aspect": 30}
    figure.colorbar(ScalarMappable(shades, END_COLORS), label="sharpness at the end / $(2/h)$", **look)
    times = ScalarMappable(ESCAPE_TIMES, ESCAPE_COLORS)
    bar = figure.colorbar(times, label="escape time", extend="both", ticks=TICKS, format="%g", **look)
    bar.minorticks_off()


def key(figure: Figure) -> None:
    """What the lines and the remaining colour mean, below the panels."""
    looks: list[tuple[str, dict[str, Any]]] = [
        ("minima", {"color": "white"}),
        ("$S = 2/h$ at the minimum ahead", {"color": "white", "linestyle": "--", "linewidth": 0.8}),
        ("edge points", DOT),
        ("stays: (a) proved boxes, (b) invariant ellipse", {"color": OUTLINE}),
        ("no return beyond", {"color": COLORS[1], "linestyle": ":"}),
        ("saddle or undecided", {"color": UNDECIDED_COLOR, "marker": "s", "linestyle": "none"}),
    ]
    lines = [Line2D([], [], **{"markersize": 4, "label": label, **look}) for label, look in looks]
    figure.legend(
        handles=lines,
        loc="outside lower center",
        ncols=2,
        labelcolor="white",
        frameon=True,
        facecolor="#44445a",
        edgecolor="none",
        framealpha=1,
    )


def escape_times(axes: Axes, losses: Losses, ring: xr.Dataset, diagonal: xr.Dataset) -> None:
    """Escape times against the distance from the boundary, with the derived slopes through the last point."""
    curves = [(ring.step.mean("angle"), losses.ellipse_rate, COLORS[0], "degree 2, ellipse")]
    for degree, color in DEGREE_COLORS.items():
        step = diagonal.step.sel(degree=degree)
        curves.append((step, losses.diagonal_rate(degree), color, f"degree {degree}, $y = x$"))
    for step, slope, color, label in curves:
        last = step.isel(distance=-1)
        line = float(last) + np.log(float(last.distance) / step.distance) / slope
        shown = slice(None, None, -(-step.distance.size // MOST_DOTS))
        axes.plot(step.distance[shown], step[shown], "o", color=color, markersize=3, label=label)
        axes.plot(step.distance, line, color=color, linewidth=0.9)
    axes.plot([], [], color=THEORY_COLOR, linewidth=0.9, label="derived slope")
    axes.set(title="(i) escape times", xscale="log", xlabel="distance from the boundary", ylabel="iterations")
    axes.invert_xaxis()
    axes.set_ylim(top=1.6 * axes.get_ylim()[1])  # room for the legend
    axes.legend(loc="upper left")


def uncertain(axes: Axes, losses: Losses, pairs: xr.Dataset, branches: xr.Dataset) -> None:
    """The fraction of starts that end otherwise than a neighbour, against the distance."""
    stay = {degree: pairs.uncertain.sel(degree=degree) for degree in (4, 2)}
    curves = [
        (stay[4], DEGREE_COLORS[4], "degree 4: escape", None),
        (branches.uncertain, COLORS[0], "degree 2: branch", derived_branch_exponent(losses)),
        (stay[2], DEGREE_COLORS[2], "degree 2: escape", 1.0),
    ]
    for measured_fraction, color, label, predicted in curves:
        fraction = measured_fraction.where(measured_fraction > 0)
        axes.plot(fraction.distance, fraction, "o", color=color, markersize=3.5, label=label)
        if predicted is not None:
            line = fraction[0] * (fraction.distance / fraction.distance[0]) ** predicted
            axes.plot(fraction.distance, line, color=color, linewidth=0.9)
    axes.plot([], [], color=THEORY_COLOR, linewidth=0.9, label="derived exponent")
    axes.set(title="(j) uncertainty", xscale="log", yscale="log")
    axes.set(xlabel="distance $\\varepsilon$ of the neighbour", ylabel="fraction that ends otherwise")
    axes.set_ylim(top=100)
    axes.set_yticks([1e-4, 1e-3, 1e-2, 1e-1, 1])
    axes.legend(loc="upper left")


def distribution(axes: Axes, losses: Losses, edge: xr.Dataset) -> None:
    """How many of the converged starts above the edge end at most so far below it.

    With 1 − ηS∞/2 at degree 4 by the series of the end, η²/4 − 129η⁴/64, and by its first term alone; and how far
    either is off the median of these ends.
    """
    eta, terminal = float(losses.eta), losses.basins.theories[4].terminal_sharpness
    law = float((1 - STEP_SIZE * terminal / 2).subs(STEP_SIZE, losses.eta))
    for degree in (4, 2):
        gaps = np.sort(1 - above_the_edge(edge.sel(degree=degree)).values)
        shown = slice(None, None, max(1, len(gaps) // CURVE_POINTS))
        share = np.arange(1, len(gaps) + 1) / max(len(gaps), 1)
        axes.plot(gaps[shown], share[shown], color=DEGREE_COLORS[degree], label=f"degree {degree}")
    median = float(np.median(1 - above_the_edge(edge.sel(degree=4)).values))
    for place, formula, style in ((law, "$\\eta^2/4-129\\eta^4/64$", "--"), (eta**2 / 4, "$\\eta^2/4$", ":")):
        label = f"{formula}, {abs(place / median - 1):.0%} {'high' if place > median else 'low'}"
        axes.axvline(place, ymax=0.58, color=THEORY_COLOR, linestyle=style, linewidth=0.9, label=label)
    bound, label = 10 * eta**2 / 3, "at most $10\\eta^2/3$, theorem"
    axes.axvline(bound, ymax=0.58, color="#999999", linestyle="-.", linewidth=0.9, label=label)
    axes.set(title="(k) ends of starts above", xscale="log", xlim=(eta**2 / 40, 1))
    axes.set(xlabel="distance below / $(2/h)$", ylabel="fraction that ends so near", ylim=(-0.05, 1.75))
    axes.set_yticks([0, 0.5, 1])
    axes.legend(loc="upper left")
