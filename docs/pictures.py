"""The pictures of the README, of results of three studies, drawn by the studies' own functions.

``make basins edge_of_stability forecast`` makes the results, in ``results/``, and ``python docs/pictures.py`` of them
docs/pictures/*; ``python docs/pictures.py results/verify`` takes those that ``make verify`` has made. Exit codes are
those of studies.
"""

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.colors import Normalize
from sympy import Rational

from analysis.basins import figure as basins_figure
from analysis.basins.ends import Losses
from analysis.basins.theory import Basins
from analysis.forecast import figure as forecast_figure
from analysis.study import colors, new_figure
from analysis.study.endings import plain_endings
from analysis.study.figure import STYLE
from analysis.training.panels import label_few_decades, plot_loss, plot_sharpness
from numeric.runs import load

HERE = Path(__file__).parent
ARCHITECTURE, CRITERION = "fully_connected", "cross_entropy"
SIZE = (3.4, 3.4)  # inches, of all three


def edge_of_stability(results):
    """Loss and sharpness of one network with several step sizes."""
    training = results["training"].dataset.sel(architecture=ARCHITECTURE, criterion=CRITERION)
    figure = new_figure(*SIZE)
    loss, sharpness = figure.subplots(2, 1, sharex=True)
    runs = training.number.values
    for number, color in zip(runs, colors(len(runs)), strict=True):
        run = training.sel(number=number)
        eta = float(run.eta)
        plot_loss(loss, run, color, label=f"$\\eta = {eta:.3g}$")
        plot_sharpness(sharpness, run, color, edge=2 / eta)
    sharpness.plot([], [], color="#666666", linestyle="--", linewidth=0.8, label="$2/\\eta$")
    label_few_decades(loss)
    loss.set_xlabel("")
    loss.legend(loc="upper right")
    sharpness.legend(loc="lower right")
    return figure


def basins(results):
    """The plane of starts of the minimalist example, with what is derived of it."""
    plane = results["plane"].dataset.sel(degree=4)
    losses = Losses(Basins(), Rational(json.loads(results.attrs["configuration"])["eta"]))
    figure = new_figure(*SIZE)
    axes = figure.subplots()
    basins_figure.image(axes, plane, Normalize(2 * float(losses.eta), 1))
    basins_figure.derived_of_plane(axes, losses, 4)
    return figure


def forecast(results):
    """The run in the middle with the squared error, beside its forecast."""
    training, forecasts, scores = (results[name].dataset for name in ("training", "forecasts", "scores"))
    name = forecast_figure.in_the_middle(scores, "mse")
    figure = new_figure(*SIZE)
    panels = figure.subplots(3, 1, sharex=True)
    foretold = forecasts.sel(trial=name, contestant=forecast_figure.BEST, factor=1.0)
    true = training.sel(trial=name, factor=1.0)
    forecast_figure.show_run(panels, scores.sel(trial=name, factor=1.0), true, foretold, forecast_figure.COLOR["mse"])
    for axes, quantity in zip(panels, ("oscillation", "$\\eta S/2$", "loss"), strict=True):
        axes.set_ylabel(quantity)
    return figure


def draw_all(folder):
    """All three, of the results in a folder."""
    pictures = HERE / "pictures"
    pictures.mkdir(exist_ok=True)
    for draw, kind in ((edge_of_stability, "svg"), (basins, "png"), (forecast, "svg")):
        results = load(folder / draw.__name__ / "data.nc")
        with mpl.rc_context(STYLE):
            place = pictures / f"{draw.__name__}.{kind}"
            metadata = {"Date": None} if kind == "svg" else None
            draw(results).savefig(place, dpi=180, metadata=metadata)
            print(f"written: {place}, {place.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    with plain_endings():
        draw_all(Path(sys.argv[1] if len(sys.argv) > 1 else "results"))
