"""The figure: the paper's panels redrawn from our own runs, and the law for the terminal gap.

(a) loss, (b) sharpness and (c) trajectory for several step sizes from one start; (d) where starts in the (a, b) plane
end at one step size; (e) the terminal gap (2/η − S∞)/η against η.
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.minimalist.theory import KAPPA, Theory, b
from analysis.study import COLORS, SMALLEST_FONT, THEORY_COLOR, colors, new_figure
from eos_sym import STEP_SIZE
from numeric import compile_function

THEOREM_BOUND = 20 / 3
RANGE = 0.2  # of η, up to which the next order, about −19 η⁴, is less than a tenth of the gap
LOST_COLOR = "#d9d9d9"
MOST_LINEAR_RATIO = 4  # step sizes farther apart than this have their edges drawn on a logarithmic axis


def draw(theory: Theory, trajectories: xr.Dataset, initializations: xr.Dataset, terminal_gap: xr.Dataset) -> Figure:
    """The whole figure."""
    figure = new_figure(7.0, 6.4)
    upper, lower = np.asarray(figure.subfigures(2, 1, height_ratios=[1, 1.1]))
    panels = upper.subplots(1, 3)
    for panel, axes in zip((loss, sharpness, path), panels, strict=True):
        panel(axes, trajectories)
    upper.legend(handles=panels[0].lines, loc="outside upper center", ncols=6)
    left, right = lower.subplots(1, 2, width_ratios=[1.7, 1])
    plane(left, initializations, theory)
    gap(right, terminal_gap, theory)
    return figure


def loss(axes: Axes, runs: xr.Dataset) -> None:
    """The loss along the runs, on a logarithmic axis down to rounding."""
    for color, eta in zip(colors(runs.eta.size), runs.eta.values, strict=True):
        axes.semilogy(
            runs.iteration, runs.loss.sel(eta=eta).clip(1e-30), color=color, linewidth=0.7, label=f"$\\eta = {eta:.4g}$"
        )
    axes.set(title="(a) loss", xlabel="iteration", ylabel="loss $L$")


def sharpness(axes: Axes, runs: xr.Dataset) -> None:
    """The sharpness along the runs, and at the minimum that gradient flow would reach from there, against 2/η."""
    for color, eta in zip(colors(runs.eta.size), runs.eta.values, strict=True):
        axes.plot(runs.iteration, runs.sharpness.sel(eta=eta), color=color, linewidth=0.3, alpha=0.6)
        axes.plot(runs.iteration, runs.sharpness_ahead.sel(eta=eta), color=color, linewidth=1.6)
        axes.axhline(2 / eta, color=color, linestyle="--", linewidth=0.9)
        axes.annotate(
            f"$2/\\eta = {2 / eta:.4g}$",
            (1.0, 2 / eta),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 2),
            textcoords="offset points",
            horizontalalignment="right",
            fontsize=SMALLEST_FONT,
        )
    ahead = runs.sharpness_ahead.where(runs.outcome != "diverged").fillna(0)
    highest = max(2.2 / runs.eta.values.min(), 1.1 * float(ahead.max()))
    axes.set(title="(b) sharpness", xlabel="iteration", ylabel="sharpness $\\lambda_1(\\nabla^2 L)$")
    axes.set_ylim(0, 1.3 * highest)
    if runs.eta.max() > MOST_LINEAR_RATIO * runs.eta.min():
        axes.set(yscale="log", ylim=(0.5 / float(runs.eta.max()), 4 * highest))
    axes.plot([], [], color="black", linewidth=0.4, label="at the iterate")
    axes.plot([], [], color="black", linewidth=1.6, label="at the minimum ahead")
    axes.legend(loc="upper right")


def path(axes: Axes, runs: xr.Dataset) -> None:
    """The trajectories in the (x, y) plane, those that diverge by name only, and the minima xy = ±1 they go to."""
    staying = runs.outcome != "diverged"
    points = runs.trajectory.where(staying)
    x, y = points.sel(state="x"), points.sel(state="y")
    for color, eta in zip(colors(runs.eta.size), runs.eta.values, strict=True):
        label = None if staying.sel(eta=eta) else f"$\\eta = {eta:.4g}$ diverges"
        axes.plot(x.sel(eta=eta), y.sel(eta=eta), ".-", color=color, linewidth=0.25, markersize=2, label=label)
    for sign in (1, -1):
        if (x * y * sign > 0.5).any():
            across = np.linspace(0.99 * float(abs(x).min()), 1.01 * float(abs(x).max()), 200)
            across *= np.sign(float(x.isel(iteration=0).max()))
            across = across[np.abs(across) > 1 / (1.5 * float(abs(y).max()))]
            axes.plot(across, sign / across, color=THEORY_COLOR, linewidth=0.8, label=f"$xy = {sign}$: minima")
    axes.set(title="(c) trajectory", xlabel="$x = z$", ylabel="$y = w$")
    axes.legend(loc="best")


def plane(axes: Axes, runs: xr.Dataset, theory: Theory) -> None:
    """The terminal gap over the plane of starts, with the derived parabola."""
    eta = float(runs.eta)
    gaps = ((2 / eta - runs.final_sharpness) / eta).transpose("b0", "a0")
    image = axes.pcolormesh(runs.a0, runs.b0, gaps, norm=LogNorm(0.1, 30), cmap="viridis", rasterized=True)
    bar = axes.figure.colorbar(image, ax=axes, label="terminal gap $(2/\\eta - S_\\infty)/\\eta$")
    bar.ax.axhline(THEOREM_BOUND, color="white")
    axes.contour(runs.a0, runs.b0, gaps, levels=[THEOREM_BOUND], colors="white", linewidths=1.2)
    heights = runs.b0.values
    parabola = compile_function([theory.parabola], (b, KAPPA))(heights, np.sqrt(eta))[0]
    axes.plot(parabola, heights, color=COLORS[4], label="derived: $a = 2b^2/\\kappa - \\kappa^3/8$")
    axes.set(title=f"(d) where starts at $(a, b)$ end, $\\eta = {eta:g}$")
    axes.set(xlabel="$a = \\sqrt{x^2 - y^2} - (\\eta^{-2} - 4)^{1/4}$", ylabel="$b = xy - 1$")
    axes.set(xlim=(runs.a0[0], runs.a0[-1]), ylim=(runs.b0[0], runs.b0[-1]))
    axes.grid(visible=False)
    axes.set_facecolor(LOST_COLOR)
    axes.plot([], [], color="white", label="theorem: gap $= 20/3$")
    axes.plot([], [], "s", color=LOST_COLOR, label="does not converge")
    axes.legend(loc="center right", labelcolor="white", frameon=True, facecolor="#333344", framealpha=0.9)


def gap(axes: Axes, runs: xr.Dataset, theory: Theory) -> None:
    """The measured terminal gap against the step size, with the theorem's bound and the derived law."""
    law = compile_function([(2 / STEP_SIZE - theory.terminal_sharpness) / STEP_SIZE], (STEP_SIZE,))
    step_sizes, beyond = np.geomspace(0.8 * float(runs.eta.min()), RANGE), np.geomspace(RANGE, 0.34)
    near, far = law(step_sizes)[0], law(beyond)[0]
    axes.axhline(THEOREM_BOUND, color="#666666", linestyle=":", label="theorem: below $20/3$")
    axes.axhline(0.5, color=THEORY_COLOR, linestyle="--", linewidth=0.9, label="limit $1/2$")
    axes.plot(step_sizes, near, color=COLORS[1], label="derived: $1/2 - 129\\eta^2/32$")
    axes.plot(beyond, far, ":", color=COLORS[1], label="beyond its range")
    axes.plot(
        runs.eta, (2 / runs.eta - runs.final_sharpness) / runs.eta, "o", color=COLORS[0], markersize=4, label="measured"
    )
    axes.set(title="(e) how far below the edge", xscale="log", yscale="log", xlabel="step size $\\eta$")
    axes.set(ylabel="$(2/\\eta - S_\\infty)/\\eta$", ylim=(0.05, 12))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="center left", bbox_to_anchor=(0, 0.66))
