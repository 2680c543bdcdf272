"""The figure: steps needed, and how far the sharpness went, against the step size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.study.figure import COLORS, THEORY_COLOR, new_figure
from analysis.reasonable_steps.experiments import CRITERIA, GOAL
from analysis.reasonable_steps.ranges import Range, range_of
from eos_sym import Undecided
from numeric.compile import Array


def draw(training: xr.Dataset) -> Figure:
    """Steps needed against the step size, above how far the sharpness went; a column for each criterion."""
    figure = new_figure(7.2, 4.8)
    axes = figure.subplots(2, len(CRITERIA), sharex="col", sharey="row", squeeze=False)
    for column, (criterion, title) in enumerate(CRITERIA.items()):
        steps, ratio = axes[:, column]
        found = range_of(training, criterion)
        largest = training.sel(criterion=criterion).largest.values[: len(found.etas)]
        _shade((steps, ratio), found)
        _points(steps, found, np.where(found.diverged, found.steps.max(), found.steps))
        _points(ratio, found, np.where(found.diverged, np.nan, largest))
        ratio.axhline(1, color=THEORY_COLOR, linestyle="--", linewidth=0.9)
        steps.set(title=title, yscale="log")
        ratio.set(xscale="log", yscale="log", xlabel="step size $\\eta$")
    axes[0, 0].set_ylabel(f"steps to {GOAL:.0%} accuracy")
    axes[1, 0].set_ylabel("largest sharpness / $(2/\\eta)$")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), handletextpad=0.2)
    return figure


def _shade(axes: Sequence[Axes], found: Range) -> None:
    """Grey where the network trains, orange where it reaches the edge before it is done."""
    try:
        _ = found.share
    except Undecided:
        return
    for axis in axes:
        axis.axvspan(found.first, found.last, color="#888888", alpha=0.12, linewidth=0)
        if found.edge.any():
            axis.axvspan(found.edge_begins, found.last, color=COLORS[1], alpha=0.12, linewidth=0)


def _points(axes: Axes, found: Range, values: Array) -> None:
    kinds = {
        "trains below the edge": (found.trains & ~found.edge, "o", COLORS[0]),
        "trains at the edge": (found.edge, "o", COLORS[1]),
        "not done within the budget": (~found.trains & ~found.diverged, "v", "#888888"),
        "diverges": (found.diverged, "x", THEORY_COLOR),
    }
    for label, (chosen, marker, color) in kinds.items():
        axes.plot(found.etas[chosen], values[chosen], marker, color=color, label=label, markersize=5)
