"""The figure: two runs with everyone beside the average of training, and what accuracy costs.

Columns are the first run, and the first of another kind of which the central flow lets several directions oscillate;
rows the loss, the sharpness over 2/η and the distance from training. On the right errors against the gradients of an
iteration: a small mark a run, a large one the median.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from analysis.central_flow.contest import WORDS
from analysis.central_flow.scores import QUANTITIES, Met
from analysis.study import COLORS, THEORY_COLOR, new_figure

TRAINING = "#888888"
STYLES: Mapping[str, tuple[str, Any, str]] = {
    "gradient_flow": (THEORY_COLOR, ":", "s"),
    "central": (COLORS[2], "-", "D"),
    "rod": (COLORS[0], "-", "o"),
    "edge": (COLORS[1], "--", "^"),
    "fine_rod": (COLORS[5], "-.", "v"),
    "predicted": (COLORS[4], "--", "P"),
    "forecast": (COLORS[3], "-.", "X"),
}
DRAWN = ("gradient_flow", "central", "edge", "rod", "predicted", "forecast")  # as lines
ROWS = ("loss", "sharpness over $2/\\eta$", "$\\|w - \\bar\\theta\\|$ over distance moved")
COSTS = (("sharpness", "onset"), ("distance", "after"), ("loss", "after"))
WHEN = {"onset": "during the onset", "after": "after the onset"}
BEFORE = 0.6  # of the steps to the onset, which are not drawn
COST_TICKS = (2, 5, 10)
SHOWN = (1e-4, 3.0)  # of the errors


def draw(contests: list[Met], scores: xr.Dataset) -> Figure:
    """Two runs, and all of them."""
    figure, runs = new_figure(7.0, 6.0), chosen(contests)
    axes: Any = figure.subplots(3, len(runs) + 1, squeeze=False)
    for column, one in zip(axes.T, runs, strict=False):
        draw_run(column, one)
    for panel, label in zip(axes[:, 0], ROWS, strict=True) if runs else ():
        panel.set_ylabel(label)
    for panel in axes[-1, :-1]:
        panel.set_xlabel("step of training")
    for panel, (quantity, phase) in zip(axes[:, -1], COSTS, strict=True):
        draw_costs(panel, scores, quantity, phase)
    axes[-1, -1].set_xlabel("gradients an iteration")
    handles = [Line2D([], [], color=TRAINING, linewidth=2.4, alpha=0.6, label="training, averaged over two steps")]
    asked = scores.error.notnull().any(("run", "quantity", "phase"))
    for name, (color, style, marker) in STYLES.items():
        if not asked.sel(contestant=name):
            continue
        line: Any = style if name in DRAWN else "none"
        mark = marker if name != "predicted" else ""  # whose cost is not counted
        handles.append(Line2D([], [], color=color, linestyle=line, marker=mark, markersize=4, label=WORDS[name]))
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    return figure


def chosen(contests: list[Met]) -> list[Met]:
    """The first run, and the first of another kind with a covariance of rank two or more, if there are such."""
    plain = [one for one in contests if not np.isnan(one.score("rod", "loss", "after"))]
    several = [one for one in plain if one.most_at_the_edge > 1 and one.kind != plain[0].kind]
    return [*plain[:1], *several[:1]]


def draw_run(panels: Any, one: Met) -> None:
    """Loss, sharpness and distance, from some way before the onset on."""
    told, edge = one.told, float(one.told.edge)
    begin = int(BEFORE * one.onset)
    loss, sharpness, distance = panels
    late = told.sel(step=slice(begin, one.length), reading=slice(begin, one.length))
    loss.plot(late.step, late.loss, color=TRAINING, linewidth=2.4, alpha=0.6)
    sharpness.plot(late.reading, late.sharpness / edge, color=TRAINING, linewidth=2.4, alpha=0.6)
    for name in DRAWN:
        mine, (color, style, _) = late.sel(contestant=name), STYLES[name]
        options: Any = {"color": color, "linestyle": style, "linewidth": 1.1}
        loss.plot(mine.step, mine.told_loss, **options)
        sharpness.plot(mine.reading, mine.told_sharpness / edge, **options)
        distance.plot(mine.reading, mine.distance / mine.moved, **options)
    sharpness.axhline(1, color=THEORY_COLOR, linewidth=0.6)
    seen = late.loss.values[np.isfinite(late.loss.values) & (late.loss.values > 0)]
    loss.set(yscale="log", ylim=(seen.min() / 2, seen.max() * 2))
    low, high = float(late.sharpness.min()) / edge, float(late.sharpness.max()) / edge
    sharpness.set_ylim(low - 0.1, max(1.2, high + 0.15))
    distance.set(yscale="log", ylim=(SHOWN[0], 1.0))
    loss.set_title(f"{one.kind},\n$\\eta = {float(told.eta):g}$")
    loss.yaxis.set_minor_formatter(NullFormatter())
    for panel in panels:
        panel.set_xlim(begin, one.length)
        panel.axvline(one.onset, color=THEORY_COLOR, linewidth=0.6, linestyle=":")


def draw_costs(axes: Axes, scores: xr.Dataset, quantity: str, phase: str) -> None:
    """Everyone's error against the cost: every run, and the median."""
    for name, (color, _, marker) in STYLES.items():
        one = scores.sel(contestant=name)
        errors = one.error.sel(quantity=quantity, phase=phase).values
        costs = one.gradients_an_iteration.values
        known = np.isfinite(costs) & ~np.isnan(errors)
        if not known.any():
            continue
        limited = np.clip(errors[known], *SHOWN)
        axes.loglog(costs[known], limited, marker, color=color, markersize=2.5, alpha=0.4, markeredgewidth=0)
        middle = np.clip(np.median(errors[known]), *SHOWN)
        axes.loglog(np.median(costs[known]), middle, marker, color=color, markersize=6, markeredgecolor="white")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator(COST_TICKS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set(xlim=(1.5, 20), ylim=(SHOWN[0] / 1.5, SHOWN[1] * 1.5))
    axes.set_title(f"{QUANTITIES[quantity]},\n{WHEN[phase]}")
    axes.set_ylabel("median relative error")
