"""The figure: loss, local smoothness and quadratic models, for the catalogue's loss above and for the network below.

(a), (d) the loss; (b), (e) ℓ and S̄ in units of 2/η; (c), (f) GD on quadratic models beside GD on the loss.
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.study import COLORS, THEORY_COLOR, new_figure

START_COLORS = {"below": COLORS[2], "above": COLORS[4], "sharpening": COLORS[0]}
START_LABELS = {"below": "to a flat minimum", "above": "from above the edge", "sharpening": "sharpening first"}
RISING = COLORS[1]
SHOWN = 100  # iterations of the catalogue's loss
LEAST_SHOWN, LARGEST_SHOWN = 1e-12, 1e12


def draw(
    catalogue: xr.Dataset, catalogue_models: xr.Dataset, network: xr.Dataset, network_models: xr.Dataset
) -> Figure:
    """The whole figure."""
    figure = new_figure(7.0, 4.6)
    upper, lower = figure.subplots(2, 3)
    first = catalogue.isel(iteration=slice(0, SHOWN))
    catalogue_loss(upper[0], first)
    catalogue_smoothness(upper[1], first)
    one_model(upper[2], catalogue_models)
    network_loss(lower[0], network)
    network_smoothness(lower[1], network)
    two_models(lower[2], network_models)
    return figure


def catalogue_loss(axes: Axes, runs: xr.Dataset) -> None:
    """The loss from every start; steps in which it rises are marked."""
    for start, color in START_COLORS.items():
        run = runs.sel(start=start)
        axes.semilogy(run.iteration, shown(run.loss), color=color, linewidth=0.8, label=START_LABELS[start])
    mark_rises(axes, runs.sel(start="sharpening"))
    axes.set(title="(a) $\\frac{1}{2}(1-xyzw)^2$: loss", xlabel="iteration", ylabel="loss $L$", ylim=(1e-10, 2))
    axes.legend(loc="lower right")


def mark_rises(axes: Axes, run: xr.Dataset) -> None:
    """A dot at the end of every step in which the loss rises."""
    rising = (run.change > 0) & (run.loss > LEAST_SHOWN)
    axes.plot(
        run.iteration + 1,
        shown(run.loss + run.change).where(rising),
        ".",
        color=RISING,
        markersize=2,
        label="steps that rise",
    )


def catalogue_smoothness(axes: Axes, runs: xr.Dataset) -> None:
    """ℓ and S̄ where the lemma holds throughout, and where it does not."""
    for start in ("below", "sharpening"):
        run = runs.sel(start=start)
        run = run.where(run.loss > LEAST_SHOWN)
        axes.plot(run.iteration, run.largest * run.eta / 2, color=START_COLORS[start], linewidth=0.6, linestyle=":")
        axes.plot(run.iteration, run.smoothness * run.eta / 2, color=START_COLORS[start], linewidth=0.9)
    edge(axes)
    axes.plot([], [], color=THEORY_COLOR, linewidth=0.9, label="local smoothness $\\ell$")
    axes.plot([], [], ":", color=THEORY_COLOR, linewidth=0.6, label="largest curvature $\\bar S$")
    axes.set(title="(b) along every step", xlabel="iteration", ylabel="curvature / $(2/\\eta)$", ylim=(-0.1, 3.2))
    axes.legend(loc="upper right")


def shown(loss: xr.DataArray) -> xr.DataArray:
    """The loss where a logarithmic axis can hold it: the model's may be negative, and what diverges overflows."""
    return loss.where((loss > LEAST_SHOWN) & (loss < LARGEST_SHOWN))


def edge(axes: Axes) -> None:
    """The line 2/η: the loss rises in the steps whose ℓ is above it."""
    axes.axhline(1, color=THEORY_COLOR, linestyle="--", linewidth=0.9)


def one_model(axes: Axes, run: xr.Dataset) -> None:
    """The loss along GD on the quadratic model and along GD on the loss, from the same iterate."""
    steps = np.arange(run.sizes["step"])
    factor = float(run.sharpness * run.eta / 2)
    axes.semilogy(steps, abs(run.model_loss), color=RISING, label=f"model, $\\lambda_1 = {factor:.2f}\\cdot 2/\\eta$")
    axes.semilogy(steps, run.real_loss, color=COLORS[0], label="loss")
    axes.set(title="(c) quadratic model", xlabel="iterations from there", ylabel="loss", ylim=(1e-4, 1e8))
    axes.legend(loc="upper right")


def network_loss(axes: Axes, run: xr.Dataset) -> None:
    """The training loss of the network, with the steps in which it rises."""
    axes.semilogy(run.iteration, shown(run.loss), color=COLORS[0], linewidth=0.6)
    mark_rises(axes, run)
    axes.set(title=f"(d) tanh network, $\\eta = {float(run.eta):.4g}$: loss", xlabel="iteration", ylabel="loss $L$")
    axes.legend(loc="upper right")


def network_smoothness(axes: Axes, run: xr.Dataset) -> None:
    """ℓ along every step, and the sharpness at sampled iterates."""
    axes.plot(
        run.iteration, run.smoothness * run.eta / 2, color=COLORS[0], linewidth=0.7, label="local smoothness $\\ell$"
    )
    axes.plot(
        run.sampled_iteration,
        run.sharpness * run.eta / 2,
        color=COLORS[4],
        linewidth=0.9,
        label="sharpness $\\lambda_1$",
    )
    edge(axes)
    axes.set(title="(e) along every step", xlabel="iteration", ylabel="curvature / $(2/\\eta)$", ylim=(-0.2, 2.0))
    axes.legend(loc="upper right")


def two_models(axes: Axes, models: xr.Dataset) -> None:
    """Quadratic models taken before and beyond the edge, each with the loss from the same iterate."""
    steps = np.arange(models.sizes["step"])
    for index, color in enumerate((COLORS[2], RISING)):
        run = models.isel(reached=index)
        if np.isfinite(run.first):
            factor = float(run.sharpness * run.eta / 2)
            name = f"$\\lambda_1 = {factor:.2f}\\cdot 2/\\eta$"
            axes.semilogy(steps, shown(run.model_loss), color=color, label=f"model, {name}")
            axes.semilogy(steps, shown(run.real_loss), "--", color=color, linewidth=0.8, label="loss")
    axes.set(title="(f) quadratic models", xlabel="iterations from there", ylabel="loss", ylim=(1e-3, 1e10))
    if axes.lines:
        axes.legend(loc="upper left")
    else:
        axes.text(0.5, 0.5, "the edge was not reached", transform=axes.transAxes, ha="center")
