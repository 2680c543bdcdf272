"""The figure: four turns of every network in three rows, and what is said of all runs in a fourth.

Columns are the networks, each with both criteria: the oscillation along u over the δ of the start, the sharpness at
midpoints and the loss, of gradient descent, of the paper's predicted dynamics, and of those with both terms along u;
shaded from where an assumption fails. Below: ε along the runs, the error of the first turn against ε, and how near to
their limit the assumptions come in four turns.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.self_stabilization_network.runs import CRITERIA, KINDS, NETWORKS
from analysis.self_stabilization_network.turns import Run, first_turns, long_runs
from analysis.study import COLORS, THEORY_COLOR, new_figure
from eos_sym import Undecided
from numeric.networks.edge.turns.assumptions import ASSUMPTIONS, LIMIT

MEASURED, SHADE = "#777777", "#eeeeee"
SHOWN: Mapping[str, tuple[str, str, Any]] = {
    "cubic": ("predicted dynamics", COLORS[1], ":"),
    "complete": ("with both terms along $u$", COLORS[0], "--"),
}
BEYOND = 1.8  # times what gradient descent spans: a prediction farther off is cut
DOTS = dict(zip(KINDS, (("o", True), ("o", False), ("^", True), ("^", False)), strict=True))
TURNS_SHOWN = 4.0
MARKS = 8  # along a line
FEWEST, MOST = 1e-3, 30.0  # of the quotients of the assumptions


def draw(runs: list[Run]) -> Figure:
    """Four columns of three panels, and three panels below."""
    figure = new_figure(7.0, 8.2)
    parts: Any = figure.subfigures(2, 1, height_ratios=(3, 1.25))
    above, below = parts
    panels = above.subplots(3, len(KINDS), sharex="col")
    for column, kind in zip(panels.T, KINDS, strict=True):
        run = shown(runs, kind)
        eta = f", $\\eta = {run.eta:g}$" if run else ""
        column[0].set_title(f"{NETWORKS[kind[0]]},\n{CRITERIA[kind[1]]}{eta}")
        column[-1].set_xlabel("steps from the edge on")
        if run and run.begun:
            draw_run(column, run)
        else:
            column[0].annotate("not at the edge", (0.5, 0.5), xycoords="axes fraction", ha="center")
    for axes, label in zip(panels[:, 0], ("oscillation over $\\delta$", "sharpness at midpoints", "loss"), strict=True):
        axes.set_ylabel(label)
    handles = [Line2D([], [], color=MEASURED, linewidth=2.2, alpha=0.6, label="gradient descent")]
    handles += [Line2D([], [], color=color, linestyle=style, label=label) for label, color, style in SHOWN.values()]
    handles.append(Line2D([], [], color=THEORY_COLOR, linewidth=0.8, label="$2/\\eta$; $L(\\theta^\\dagger)$"))
    above.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    path, errors, reach = below.subplots(1, 3, width_ratios=(1, 1, 1.15))
    draw_path(path, runs)
    draw_errors(errors, runs)
    draw_reach(reach, runs)
    return figure


def shown(runs: list[Run], kind: tuple[str, str]) -> Run | None:
    """The long run of a kind that is drawn: that of the first start."""
    return next((run for run in long_runs(runs) if (run.network, run.criterion) == kind), None)


def draw_run(column: Any, run: Run) -> None:
    """The three panels of a run."""
    told, delta = run.told, float(run.told.delta[0])
    oscillation, sharpness, loss = column
    shade(column, run)
    draw_series(oscillation, told, amplitude(told.x) / delta, amplitude(told.predicted_x) / delta)
    read = told.sharpness.dropna("step")
    draw_series(sharpness, told, read, told.predicted_sharpness)
    sharpness.axhline(2 / run.eta, color=THEORY_COLOR, linewidth=0.8)
    draw_series(loss, told, paired(told.loss), paired(told.predicted_loss))
    loss.plot(told.step, told.constrained_loss, color=THEORY_COLOR, linewidth=0.8)
    oscillation.set_ylim(bottom=0)


def draw_series(axes: Axes, told: xr.Dataset, measured: xr.DataArray, predicted: xr.DataArray) -> None:
    """Gradient descent, and the predictions as far as they are on the page."""
    axes.plot(measured.step, measured, color=MEASURED, linewidth=2.2, alpha=0.6)
    low, high = float(measured.min()), float(measured.max())
    middle, half = (low + high) / 2, BEYOND * (high - low) / 2
    for order, (_, color, style) in SHOWN.items():
        axes.plot(told.step, predicted.sel(order=order), color=color, linestyle=style, linewidth=1.2)
    axes.set_ylim(middle - half, middle + half)
    axes.margins(x=0)


def amplitude(x: xr.DataArray) -> xr.DataArray:
    """The size of the part of x that changes its sign in every step."""
    return abs(2 * x - x.shift(step=1) - x.shift(step=-1)) / 4


def paired(values: xr.DataArray) -> xr.DataArray:
    """The means over two steps."""
    return (values + values.shift(step=-1)) / 2


def shade(column: Any, run: Run) -> None:
    """Shade the steps from which on an assumption has failed, and name it."""
    since, last = run.failing_from("complete"), int(run.told.step[-1])
    if since > last:
        return
    for axes in column:
        axes.axvspan(since, last, color=SHADE, zorder=0)
    name = str(run.told.failing.sel(order="complete").values)
    side: Literal["left", "right"] = "left" if since < last / 2 else "right"  # where there is room for words
    column[1].annotate(f" {name} fails ", (since, 0.03), xycoords=("data", "axes fraction"), ha=side, va="bottom")


def draw_path(axes: Axes, runs: list[Run]) -> None:
    """ε along the runs that are shown, by turns."""
    for kind in KINDS:
        run = shown(runs, kind)
        if run and run.begun:
            label = f"{NETWORKS[kind[0]]}, {CRITERIA[kind[1]]}"
            every = max(1, len(run.turned) // MARKS)
            axes.plot(run.turned, run.told.epsilon, color=MEASURED, label=label, markevery=every, **dot(kind, MEASURED))
    axes.set(title="step of a turn", xlabel="turns", ylabel="$\\epsilon = \\eta\\sqrt{\\alpha}$")
    axes.set_ylim(0, 1.75 * axes.get_ylim()[1])
    if axes.lines:
        axes.legend(loc="upper left")


def dot(kind: tuple[str, str], color: str) -> dict[str, Any]:
    """The marker of a network with a criterion."""
    marker, filled = DOTS[kind]
    return {"marker": marker, "markerfacecolor": color if filled else "white", "markersize": 3.8}


def draw_errors(axes: Axes, runs: list[Run]) -> None:
    """The largest error in the first turn against ε, in two orders."""
    for kind in KINDS:
        for order, (_, color, _) in SHOWN.items():
            try:
                known = first_turns(runs, kind, order)
            except Undecided:
                continue
            places = [run.epsilon for run in known]
            values = [run.largest_error(order) for run in known]
            axes.loglog(places, values, color=color, linestyle="none", **dot(kind, color))
    low, high = axes.get_xlim()
    axes.plot([low, high], [low / 2, high / 2], color=THEORY_COLOR, linewidth=0.8)
    axes.annotate("$\\propto\\epsilon$", (high, high / 2), (0, -9), textcoords="offset points", ha="right", va="top")
    axes.set(title="coupling error, first turn", xlabel="$\\epsilon$ at the start")
    axes.set_ylabel("largest $\\|v - v^*\\|/\\delta$")
    for axis, ticks in ((axes.xaxis, (0.05, 0.1, 0.2, 0.4)), (axes.yaxis, (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2))):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def draw_reach(axes: Axes, runs: list[Run]) -> None:
    """The largest value of every assumption along the long runs, beside its limit."""
    for run in long_runs(runs):
        if not run.begun:
            continue
        within = run.told.reach.isel(step=run.turned <= TURNS_SHOWN)
        values = np.clip(within.max("step").values, FEWEST, MOST)
        rows = np.arange(len(ASSUMPTIONS))[::-1]
        kind = run.network, run.criterion
        axes.plot(values, rows, color=MEASURED, linestyle="none", **dot(kind, MEASURED))
    axes.axvline(LIMIT, color=COLORS[1], linewidth=0.9)
    axes.set_xscale("log")
    axes.set_yticks(np.arange(len(ASSUMPTIONS))[::-1], ASSUMPTIONS)
    axes.set(title="left out over kept", xlabel="largest in four turns; limit", xlim=(FEWEST / 2, 2 * MOST))
