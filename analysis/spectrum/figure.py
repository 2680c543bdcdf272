"""The spectrum at the edge: its density with the outliers, the layers, and the kernel with what was measured of it."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.spectrum.point import CLASSES
from analysis.study import COLORS, THEORY_COLOR, new_figure

WORDS = {"mse": "squared error", "cross_entropy": "cross-entropy"}
BENEATH = ("layers", "kernel", "answer")


def draw(spectra: xr.Dataset, responses: xr.Dataset) -> Figure:
    """For each criterion the density, and beneath it the layers and what the kernel says."""
    figure = new_figure(6.8, 4.4 * len(spectra.criterion))
    rows: list[Any] = []
    for name in spectra.criterion.values:
        rows += [[f"{name} density"] * 3, [f"{name} {panel}" for panel in BENEATH]]
    panels = figure.subplot_mosaic(rows)
    for name in spectra.criterion.values:
        spectrum, response = spectra.sel(criterion=name), responses.sel(criterion=name)
        plot_density(panels[f"{name} density"], spectrum)
        panels[f"{name} density"].set_title(WORDS[str(name)])
        plot_layers(panels[f"{name} layers"], spectrum)
        plot_kernel(panels[f"{name} kernel"], response)
        plot_answer(panels[f"{name} answer"], response)
    return figure


def plot_density(axes: Axes, spectrum: Any) -> None:
    """The density with both errors, the outliers that are certified, all eigenvalues of the dense matrix, and 2/η."""
    known = spectrum.dropna("point")
    error = np.hypot(2 * known.probe_error, known.quadrature_error)
    axes.fill_between(known.grid, known.density - error, known.density + error, color=COLORS[0], alpha=0.3, linewidth=0)
    axes.plot(known.grid, known.density, color=COLORS[0], label="density, two standard errors")
    values = spectrum.eigenvalues.dropna("number").values
    floor = float(known.density.max()) * 1e-5
    axes.plot(values, np.full(len(values), floor * 1.6), "|", color="grey", markersize=4, label="all eigenvalues")
    axes.plot(
        values[:CLASSES], np.full(CLASSES, floor * 4), "v", color=COLORS[1], markersize=3.5, label="outliers, certified"
    )
    axes.axvline(float(spectrum.edge), color=THEORY_COLOR, linestyle="--", linewidth=0.8, label="$2/\\eta$")
    axes.set_yscale("log")
    axes.set_ylim(bottom=floor)
    axes.set_xlabel("eigenvalue")
    axes.set_ylabel("density")
    axes.legend(loc="upper center", ncols=2)


def plot_layers(axes: Axes, spectrum: Any) -> None:
    """The top eigenvalue and the trace of every layer's block over those of the whole."""
    places = np.arange(spectrum.sizes["layer"])
    trace = float(spectrum.trace)
    axes.bar(places - 0.2, spectrum.layer_top / spectrum.sharpness, 0.38, color=COLORS[0], label="top")
    axes.bar(places + 0.2, spectrum.layer_trace / trace, 0.38, color=COLORS[1], label="trace")
    axes.errorbar(
        places + 0.2,
        spectrum.layer_trace / trace,
        2 * spectrum.layer_trace_error / trace,
        color="black",
        linestyle="",
        capsize=2,
    )
    axes.set_xticks(places, [str(number + 1) for number in places])
    axes.set_xlabel("layer")
    axes.set_ylabel("of the whole's")
    axes.set_ylim(0, 1.35)
    axes.legend(loc="upper left", ncols=2, columnspacing=1)


def plot_kernel(axes: Axes, response: Any) -> None:
    """k(t) between its bounds, and as the displaced network shows it."""
    size = float(response.kernel[0])
    axes.fill_between(
        response.time, response.lower / size, response.upper / size, color=COLORS[0], alpha=0.3, linewidth=0
    )
    axes.plot(response.time, response.kernel / size, color=COLORS[0], label="$k(t)$")
    axes.plot(response.time, response.displaced / size, "o", color=COLORS[1], markersize=3, label="displaced")
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("$t$")
    axes.set_ylabel("$k(t)/k(0)$")
    axes.legend(loc="lower left")


def plot_answer(axes: Axes, response: Any) -> None:
    """What a kick does to the sharpness, and what the kernel says of it."""
    axes.plot(response.step, response.predicted, color=COLORS[0], label="by $k$")
    axes.plot(response.step, response.answer, "o", color=COLORS[1], markersize=3, label="kicked")
    axes.set_xlabel("step")
    axes.set_ylabel("change of the sharpness")
    axes.legend(loc="best")
