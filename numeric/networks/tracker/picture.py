"""A picture of a tracker's history: the loss, the sharpness beside its edge, the gradient along the eigenvectors.

    figure = tracker.plot()          a matplotlib figure
    tracker.plot(figure)             the same figure drawn anew, in a notebook's cell or a window that stays open

Steps are on the horizontal axis of all panels. The edge is drawn as it was at every reading, where it is known; of one
that comes down to what is read, as a step size is warmed up, what is above `ABOVE` times that is left out. The critical
sharpness, which is another quantity, has crosses and a panel of its own. A panel of positive numbers that span more
than `WIDE` is logarithmic, the loss always.

Errors: `BadInput` where there is no reading yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from eos_sym import BadInput

WIDE = 30.0
ABOVE = 2.0
COLORS = ("tab:blue", "tab:orange", "tab:green", "tab:purple", "tab:brown", "tab:pink")


def draw(history: xr.Dataset, figure: Any = None) -> Any:
    """The history on a figure of its own, or on the one that is given."""
    if not history.sizes["reading"]:
        raise BadInput("there is no reading to draw: call the tracker's step in the training loop, or measure")
    if figure is None:
        (line,) = history.full_loss.plot(figsize=(7.0, 7.0))  # by way of xarray, which loads matplotlib
        figure = line.figure
    figure.clear()
    of = {"sharpness": _sharpness, "effective_sharpness": _effective, "critical_sharpness": _critical}
    panels = [_loss, *(panel for name, panel in of.items() if name in history)]
    panels += [_projections] * ("sharpness" in history)
    rows = figure.subplots(len(panels), 1, sharex=True)
    for axes, panel in zip(rows, panels, strict=True):
        panel(axes, history)
        axes.grid(alpha=0.3)
    rows[-1].set_xlabel("step")
    figure.align_ylabels()
    figure.tight_layout()
    return figure


def _loss(axes: Any, history: xr.Dataset) -> None:
    axes.plot(history.reading, history.full_loss, color="black", marker=".")
    if (history.full_loss > 0).any():
        axes.set_yscale("log")
    axes.set_ylabel("loss")


def _sharpness(axes: Any, history: xr.Dataset) -> None:
    for index in history.index.values[::-1]:
        name = "sharpness" if index == 1 else f"eigenvalue {index}"
        axes.plot(history.reading, history.eigenvalue.sel(index=index), color=_color(index), marker=".", label=name)
    _beside_edge(axes, history, "edge", history.eigenvalue.values)
    kinds = np.unique(history.point.values[1:]) if history.sizes["reading"] > 1 else history.point.values
    axes.set_ylabel("sharpness\n" + ", ".join(f"at {kind}s" for kind in kinds))


def _effective(axes: Any, history: xr.Dataset) -> None:
    read = history.effective_sharpness
    axes.plot(history.reading, read, color=COLORS[0], marker=".", label="effective sharpness")
    _beside_edge(axes, history, "effective_edge", read.values)
    axes.set_ylabel("effective sharpness")


def _critical(axes: Any, history: xr.Dataset) -> None:
    told = history.critical_sharpness.where((history.critical_step > 0) & np.isfinite(history.critical_step))
    axes.plot(history.reading, told, color="tab:red", marker="x", linestyle="", label="critical sharpness")
    _beside_edge(axes, history, "edge", told.values)
    axes.set_ylabel("critical sharpness\nat iterates")


def _beside_edge(axes: Any, history: xr.Dataset, name: str, values: Any) -> None:
    shown = values[np.isfinite(values)]
    if name in history and history[name].notnull().any():
        edge = history[name]
        label = f"edge, {edge.attrs['formula']}" if "formula" in edge.attrs else "edge"
        axes.plot(history.reading, edge, color="black", linestyle="--", label=label)
        top = ABOVE * shown.max(initial=0.0)
        if edge.min() <= top < edge.max():
            axes.set_ylim(top=top)
        else:
            shown = np.concatenate([shown, edge.dropna("reading").values])
    if len(shown) and shown.min() > 0 and shown.max() > WIDE * shown.min():
        axes.set_yscale("log")
    axes.legend(fontsize="small")


def _projections(axes: Any, history: xr.Dataset) -> None:
    for index in history.index.values:
        along = history.gradient_projection.sel(index=index)
        axes.plot(history.reading, along, color=_color(index), marker=".", label=f"along eigenvector {index}")
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set_ylabel("gradient")
    axes.legend(fontsize="small")


def _color(index: int) -> str:
    return COLORS[(int(index) - 1) % len(COLORS)]
