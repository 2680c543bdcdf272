"""The figure: (a) the midpoint identity on all runs."""

import xarray as xr
from matplotlib.figure import Figure

from analysis.edge_law_network.midpoints import of_one_mode
from analysis.study import THEORY_COLOR, new_figure


def draw(midpoints: xr.Dataset) -> Figure:
    """The whole figure."""
    figure = new_figure(3.5, 3.2)
    axes = figure.subplots()
    one = of_one_mode(midpoints)
    measured, predicted = (one[name] / one.edge - 1 for name in ("sharpness", "predicted"))
    axes.plot(predicted, measured, ".", markersize=3)
    axes.axline((0, 0), slope=1, color=THEORY_COLOR, linewidth=0.8)
    axes.set(title="(a) midpoint identity", xlabel="$(1 + e^\\rho)/2 - \\eta Qq/12 - 1$", ylabel="$\\eta S/2 - 1$")
    return figure
