"""The figure: the four stages in a network, the cycle in its plane, the whole training run, and the damped version.

(a), (b) oscillation and sharpness of gradient descent on TWO_EXAMPLES against the predicted dynamics; (c) level sets of
h, the scaled map that spirals outward and the network; (d), (e) sharpness and loss through training; (f) the damped
two-cycle above the edge.
"""

from itertools import pairwise

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from sympy import Expr

from analysis.self_stabilization.runs import ETA, RESTORING_RATE, SPIRAL_EPSILON
from analysis.self_stabilization.theory import CAPPED, EXACT, STAGES
from analysis.study import COLORS, SMALLEST_FONT, THEORY_COLOR, new_figure
from eos_sym import STEP_SIZE
from eos_sym.self_stabilization.cycle import QUARTIC, RESTORING, X, Y
from eos_sym.self_stabilization.predicted_dynamics import EXCESS
from numeric import compile_function

SIMULATED, PREDICTED = COLORS[0], COLORS[1]
SHADES = dict(zip(STAGES.values(), ("#dce9f5", "#fdebd5", "#f8d5cd", "#d8efe4"), strict=True))
LEVEL_SETS = (0.05, 0.25, 0.75, 1.5, 2.5)
WIDEST, HIGHEST = 4.8, 2.7
SHOWN_HOVERING = 3000


def draw(
    conserved: Expr, predicted: xr.Dataset, spiral: xr.Dataset, training: xr.Dataset, capped: xr.Dataset
) -> Figure:
    """Six panels."""
    figure = new_figure(7.0, 8.4)
    (oscillation, excess), (plane, sharpness), (losses, damped) = figure.subplots(3, 2)
    path = predicted.isel(run=0)
    draw_oscillation(oscillation, path)
    draw_excess(excess, path)
    draw_plane(plane, conserved, spiral, path)
    draw_sharpness(sharpness, training)
    draw_loss(losses, training, path)
    draw_damped(damped, capped)
    for axes in (oscillation, excess, sharpness, losses, damped):
        axes.margins(x=0)
    return figure


def scaled(path: xr.Dataset, name: str) -> tuple[xr.DataArray, xr.DataArray]:
    """X and Y of gradient descent (``simulated``) or of the predicted dynamics (``predicted``)."""
    alpha = path.alpha.where(path.alpha > 0)
    return abs(path[f"x_{name}"]) * np.sqrt(path.beta / (2 * alpha)), path[f"y_{name}"] / np.sqrt(alpha)


def draw_oscillation(axes: Axes, path: xr.Dataset) -> None:
    """X against the iteration."""
    shade(axes, path)
    axes.plot(path.iteration, scaled(path, "simulated")[0], color=SIMULATED, label="gradient descent")
    axes.plot(path.iteration, scaled(path, "predicted")[0], "--", color=PREDICTED, label="predicted dynamics")
    axes.set(title="(a) oscillation along $u$", xlabel="iteration", ylabel="$|x|/\\delta$")
    axes.set_ylim(0, 1.4 * axes.get_ylim()[1])
    axes.legend(loc="upper right", frameon=True, framealpha=1.0)


def draw_excess(axes: Axes, path: xr.Dataset) -> None:
    """The sharpness across u against the iteration."""
    shade(axes, path)
    edge = axes.axhline(2 / ETA, color=THEORY_COLOR, linestyle=":", linewidth=1.0, label="edge $2/\\eta$")
    axes.plot(path.iteration, 2 / ETA + path.y_simulated, color=SIMULATED)
    axes.plot(path.iteration, 2 / ETA + path.y_predicted, "--", color=PREDICTED)
    axes.set(title="(b) sharpness", xlabel="iteration", ylabel="$2/\\eta + y$")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.6 * (high - low))
    shades = [Patch(facecolor=color, edgecolor="#999999", linewidth=0.5, label=name) for name, color in SHADES.items()]
    axes.legend(handles=[*shades, edge], loc="upper center", ncols=2, columnspacing=0.8, frameon=True, framealpha=1.0)


def shade(axes: Axes, path: xr.Dataset) -> None:
    """The four stages of gradient descent as background colours."""
    x, y = (values.values for values in scaled(path, "simulated"))
    size = np.convolve(x, [0.5, 0.5], "same")  # x² is a little different at even and at odd steps
    stage = np.where(y < 0, np.where(size < 1, 1, 4), np.where(size < 1, 2, 3))
    stage = np.where(np.isfinite(x), stage, 0)
    ends = [0, *(np.nonzero(np.diff(stage))[0] + 1), len(stage) - 1]
    for start, end in pairwise(ends):
        if stage[start]:
            axes.axvspan(start, end, color=list(SHADES.values())[stage[start] - 1], linewidth=0, zorder=0)


def draw_plane(axes: Axes, conserved: Expr, spiral: xr.Dataset, path: xr.Dataset) -> None:
    """Level sets of h, an orbit of the scaled map, and the network, in the plane of X and Y."""
    x, y = np.meshgrid(np.linspace(1e-3, WIDEST, 400), np.linspace(-HIGHEST, HIGHEST, 400))
    levels = compile_function([conserved], (X, Y))(x, y)[0]
    axes.contour(x, y, levels, levels=LEVEL_SETS, colors="#999999", linewidths=0.7)
    axes.plot([], [], color="#999999", linewidth=0.7, label="$h$ constant")
    orbit = spiral.trajectory
    label = f"map, $\\epsilon = {SPIRAL_EPSILON:g}$"
    axes.plot(orbit.sel(state="X"), orbit.sel(state="Y"), ".", color=COLORS[2], markersize=2, label=label)
    axes.plot(*scaled(path, "simulated"), color=SIMULATED, linewidth=0.9, label="network")
    places = ((0.01, 0.02), (0.01, 0.94), (0.6, 0.94), (0.6, 0.02))
    for name, place in zip(STAGES.values(), places, strict=True):
        axes.annotate(name, place, xycoords="axes fraction", fontsize=SMALLEST_FONT, color="#555555")
    axes.set(title="(c) the cycle", xlabel="$X = |x|/\\delta$", ylabel="$Y = y/\\sqrt{\\alpha}$")
    axes.set(xlim=(0, WIDEST), ylim=(-HIGHEST, HIGHEST))
    axes.legend(loc="center right")


def draw_sharpness(axes: Axes, run: xr.Dataset) -> None:
    """The sharpness at every iterate of the training run."""
    axes.plot(run.iteration, run.sharpness, color=SIMULATED, linewidth=0.4)
    axes.axhline(2 / ETA, color=THEORY_COLOR, linestyle=":", linewidth=1.0)
    axes.set(title="(d) sharpness through training", xlabel="iteration", ylabel="sharpness $\\lambda_1(\\nabla^2 L)$")


def draw_loss(axes: Axes, run: xr.Dataset, path: xr.Dataset) -> None:
    """The loss at every iterate, and on the constrained trajectory as far as that was followed."""
    axes.semilogy(run.iteration, run.loss, color=SIMULATED, linewidth=0.7, label="gradient descent")
    axes.semilogy(path.iteration, path.loss, color=PREDICTED, linewidth=2.0, label="constrained trajectory")
    axes.set(title="(e) loss through training", xlabel="iteration", ylabel="loss $L$")
    axes.legend(loc="upper right")


def draw_damped(axes: Axes, runs: xr.Dataset) -> None:
    """The excess along the damped runs, and the derived equilibrium."""
    for color, quartic in zip(COLORS, runs.kappa4.values, strict=False):
        at = {STEP_SIZE: ETA, RESTORING: RESTORING_RATE, QUARTIC: quartic}
        equilibrium = float(EXACT[CAPPED].equilibrium[EXCESS].subs(at))
        values = runs.trajectory.sel(kappa4=quartic, state="s").isel(iteration=slice(SHOWN_HOVERING)) - 2 / ETA
        axes.plot(values.iteration, values, color=color, label=f"$\\kappa_4 = {quartic:g}$")
        axes.axhline(equilibrium, color=color, linestyle="--", linewidth=0.9)
    axes.plot([], [], "--", color="#555555", linewidth=0.9, label="derived $y^*$")
    axes.axhline(0, color=THEORY_COLOR, linestyle=":", linewidth=1.0)
    axes.set(title="(f) damped: above the edge", xlabel="iteration", ylabel="excess sharpness $y$")
    axes.legend(loc="upper right")
