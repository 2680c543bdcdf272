"""The three curvatures along the first start of every network."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.critical_step.along import BEGUN, NETWORKS
from analysis.study import COLORS, THEORY_COLOR, new_figure


def draw(runs: list[xr.Dataset]) -> Figure:
    """The three curvatures against the iteration, the first start of every network."""
    first = list({str(run.network.values): run for run in reversed(runs)}.values())[::-1]
    drawing = new_figure(7.0 if len(first) > 2 else 5.6, 2.9)
    for axes, run in zip(np.atleast_1d(drawing.subplots(1, len(first))), first, strict=True):
        shown = run.sel(step=slice(BEGUN, None))
        axes.axhline(2 / float(run.eta), color=THEORY_COLOR, linestyle="--", linewidth=0.9, label="$2/\\eta$")
        axes.semilogy(shown.step, shown.sharpness, color=COLORS[0], label="sharpness $\\lambda_1$")
        axes.semilogy(shown.step, shown.mean_of_spectrum, color=COLORS[1], label="$g\\cdot Hg/\\|g\\|^2$")
        falling = shown.critical_sharpness.where(shown.critical_sharpness > 0)
        axes.semilogy(shown.step, falling, ".", markersize=3, color=COLORS[2], label="$2/\\eta_c$, by forward passes")
        axes.set(title=NETWORKS[str(run.network.values)][0].replace(", ", "\n"), xlabel="iteration")
    drawing.axes[0].set_ylabel("curvature")
    handles, names = axes.get_legend_handles_labels()
    drawing.legend(handles, names, loc="outside lower center", ncols=4)
    return drawing
