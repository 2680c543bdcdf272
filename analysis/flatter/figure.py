"""Flatness and test accuracy at the ends: how each way to train changes the one, and what the other makes of it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.flatter.relations import Ends
from analysis.flatter.settings import WAYS, Way
from analysis.study import COLORS, THEORY_COLOR, new_figure
from eos_sym import Undecided

MARKERS = ("o", "s", "^")
LABELS = {"sharpness": "sharpness at the end", "trace": "trace at the end", "test_accuracy": "test accuracy"}


def draw(ended: Ends) -> Figure:
    """Above, what was measured by setting; below, test accuracy against flatness: bars are standard errors."""
    drawing = new_figure(7.0, 4.8)
    panels = drawing.subplots(2, 3)
    for axes, name in zip(panels[0], LABELS, strict=True):
        by_setting(axes, ended, name)
    for axes, name in zip(panels[1], ("sharpness", "trace"), strict=False):
        against(axes, ended, name)
    within_settings(panels[1, 2], ended)
    handles = [
        panels[0, 0].plot([], [], marker, color=color, markersize=4, label=way.words)[0]
        for way, color, marker in ways()
    ]
    handles += panels[0, 0].plot(
        [], [], "D", color=THEORY_COLOR, markersize=3.5, label="gradient descent, first $\\eta$"
    )
    handles += panels[0, 0].plot([], [], "_", color=THEORY_COLOR, markersize=10, label="$2/\\eta$")
    drawing.legend(handles=handles, loc="outside lower center", ncols=5)
    return drawing


def ways() -> Iterator[tuple[Way, str, str]]:
    """Each way with its colour and marker."""
    yield from zip(WAYS, COLORS, MARKERS, strict=False)


def places(ended: Ends, way: Way) -> list[int]:
    """The places of the settings on a way, the beginning of all among them."""
    return [number for number, one in enumerate(ended.compared) if way in one.ways]


def mean_and_error(values: xr.DataArray) -> tuple[Any, Any]:
    """Mean over the starts and its standard error."""
    return values.mean("start"), values.std("start", ddof=1) / values.sizes["start"] ** 0.5


def by_setting(axes: Axes, ended: Ends, name: str) -> None:
    """One measure by setting, with the edge of each if it is the sharpness."""
    mean, error = mean_and_error(ended.measured[name])
    for way, color, marker in ways():
        chosen = places(ended, way)
        axes.plot(chosen, mean[chosen], ":", color=color, linewidth=0.8)
        own = chosen[1:]
        axes.errorbar(own, mean[own], error[own], color=color, marker=marker, markersize=4, linestyle="", capsize=2)
    axes.errorbar([0], mean[:1], error[:1], color=THEORY_COLOR, marker="D", markersize=3.5, linestyle="", capsize=2)
    if name == "sharpness":
        edges = [2 / one.rule.eta for one in ended.compared]
        axes.plot(range(len(edges)), edges, "_", color=THEORY_COLOR, markersize=10)
    if name != "test_accuracy":
        axes.set_ylim(bottom=0)
    axes.set_xticks(range(len(ended.compared)), [one.name for one in ended.compared], rotation=60)
    axes.set_ylabel(LABELS[name])


def against(axes: Axes, ended: Ends, name: str) -> None:
    """The test accuracy against a measure: large the means of settings, small their runs."""
    measured = ended.measured
    first = measured.isel(setting=[0])
    groups = [(measured.isel(setting=places(ended, way)[1:]), color, marker) for way, color, marker in ways()]
    for chosen, color, marker in [*groups, (first, THEORY_COLOR, "D")]:
        axes.plot(
            chosen[name].values.ravel(),
            chosen.test_accuracy.values.ravel(),
            marker,
            color=color,
            markersize=2,
            alpha=0.4,
        )
        (x, dx), (y, dy) = mean_and_error(chosen[name]), mean_and_error(chosen.test_accuracy)
        axes.errorbar(x, y, dy, dx, color=color, marker=marker, markersize=4, linestyle="", capsize=2)
    axes.set_xlabel(LABELS[name])
    axes.set_ylabel("test accuracy")
    try:
        found = ended.across(name)
    except Undecided:
        return
    axes.set_title(f"rank correlation {found.value:.2f} ± {found.error:.2f}")


def within_settings(axes: Axes, ended: Ends) -> None:
    """The starts of every setting beside the mean of its starts."""
    sharpness, accuracy = np.log(ended.measured.sharpness), ended.measured.test_accuracy
    x, y = (values - values.mean("start") for values in (sharpness, accuracy))
    for way, color, marker in ways():
        own = places(ended, way)[1:]
        axes.plot(np.exp(x[own].values.ravel()), y[own].values.ravel(), marker, color=color, markersize=3, alpha=0.7)
    axes.plot(np.exp(x[0].values), y[0].values, "D", color=THEORY_COLOR, markersize=3, alpha=0.7)
    axes.set_xlabel("sharpness over its mean")
    axes.set_ylabel("test accuracy less its mean")
    try:
        found = ended.within("sharpness")
    except Undecided:
        return
    axes.set_title(f"rank correlation {found.value:.2f} ± {found.error:.2f}")
