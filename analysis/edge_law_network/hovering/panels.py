"""The panels of hovering: answers to kicks and their rates, what hovers or bursts, two modes in turns, the end."""

from textwrap import wrap

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from analysis.edge_law_network.hovering.bursts import SECOND, criteria
from analysis.edge_law_network.hovering.kicks import kicks, pure
from analysis.edge_law_network.hovering.windows import SPAN
from analysis.study import COLORS, THEORY_COLOR
from analysis.study.figure import legend_above
from eos_sym import Undecided
from numeric.networks.forecast.path import BURSTING, STEADY

SHOWN = (0.25, 0.5, 0.75)  # answers, in the order of their distance from the theory
LINE = 30  # characters of a reason
LARGEST, FASTEST = 1e3, 0.06  # what is beyond is drawn there


def plot_answers(axes: Axes, title: str, hovering: xr.Dataset) -> None:
    """Kicked copies over free ones, and the theory: nearer to it than three quarters, half and a quarter of all."""
    axes.set(xlabel="steps after the kick", ylabel="ln of kicked over free")
    try:
        windows = pure(kicks(hovering)).sortby("distance")
    except Undecided as reason:
        say(axes, title, str(reason))
        return
    places = [round(share * (windows.sizes["window"] - 1)) for share in SHOWN]
    for color, place in zip(COLORS, places, strict=False):
        one = windows.isel(window=place)
        label = f"{one.activation.item()} {one.eta.item():g}, seed {one.seed.item()}, step {one.step.item()}"
        axes.plot(one.step_in_window, one.answer, color=color, label=label)
        axes.plot(one.step_in_window, one.response, "--", color=THEORY_COLOR, linewidth=0.9)
    axes.plot([], [], "--", color=THEORY_COLOR, label="theory")
    axes.set_xlim(0, SPAN)
    legend_above(axes, title, columns=1)


def plot_rates(axes: Axes, title: str, hovering: xr.Dataset) -> None:
    """Damping and turning a step, measured against predicted, in the range of the predicted ones."""
    axes.set(xlabel="predicted, a step", ylabel="measured")
    try:
        windows = pure(kicks(hovering))
    except Undecided as reason:
        say(axes, title, str(reason))
        return
    pairs = {
        "damping": (-windows.damping, -windows.measured_damping),
        "$2\\pi/$period": (2 * np.pi / windows.period, 2 * np.pi / windows.measured_period),
    }
    for (label, (predicted, measured)), marker in zip(pairs.items(), "o^", strict=True):
        axes.plot(predicted, measured, marker, markersize=3, markeredgewidth=0, alpha=0.7, label=label)
    axes.set(xscale="log", yscale="log")
    axes.set_ylim(axes.get_xlim())
    axes.axline((1e-2, 1e-2), (2e-2, 2e-2), color=THEORY_COLOR, linewidth=0.8)
    legend_above(axes, title)


def plot_manners(axes: Axes, title: str, hovering: xr.Dataset) -> None:
    """What becomes of windows, over the growth that the determinant predicts."""
    axes.set(xlabel="predicted $\\ln|\\mu|$ a step", ylabel="largest over least $|x|$")
    try:
        windows = criteria(hovering)
    except Undecided as reason:
        say(axes, title, str(reason))
        return
    below = (windows.second < SECOND).values
    swing = np.minimum(windows.swing.values, LARGEST)
    for label, chosen in {f"$\\eta\\lambda_2/2<{SECOND:g}$": below, f"$\\geq{SECOND:g}$": ~below}.items():
        growth = windows.growth.values[chosen].clip(-FASTEST, FASTEST)
        axes.plot(growth, swing[chosen], "o", markersize=3, markeredgewidth=0, alpha=0.7, label=label)
    for level in (STEADY, BURSTING):
        axes.axhline(level, color="0.5", linewidth=0.6, linestyle=":")
    axes.axvline(0, color=THEORY_COLOR, linewidth=0.8)
    axes.set(yscale="log", ylim=(0.9, 1.3 * LARGEST))
    legend_above(axes, title)


def plot_two_modes(axes: Axes, title: str, two_modes: xr.Dataset, steps: int = 1500) -> None:
    """Two modes that are driven both: |x₁| and |x₂| on the loss that needs a rank of two."""
    last = abs(two_modes.x.sel(drive="rank two").isel(step=slice(-steps, None)))
    for mode, label in enumerate(("$|x_1|$", "$|x_2|$")):
        axes.plot(np.arange(steps), last.isel(mode=mode), label=label)
    axes.axhline(float(abs(two_modes.x.sel(drive="rank one").isel(mode=0)).mean()), color=THEORY_COLOR, linewidth=0.9)
    axes.plot([], [], color=THEORY_COLOR, linewidth=0.9, label="$|x_1|$, rank one")
    axes.set(xlabel="steps", ylabel="oscillation", xlim=(0, steps))
    legend_above(axes, title)


def plot_decay(axes: Axes, title: str, decay: xr.Dataset) -> None:
    """The gap at the end against half the smallest root, and against the limit formula."""
    axes.set(xlabel="predicted gap $\\cdot\\,\\eta/2$", ylabel="gap $\\cdot\\,\\eta/2$ at the end")
    if not (decay.gap > 0).any():
        say(axes, title, "no run crosses and converges")
        return
    for name, label, marker in (
        ("smallest", "$\\nu/2$, or $\\times$ if less", "o"),
        ("limit", "$3\\beta/(2|\\kappa_4|)$", "x"),
    ):
        axes.plot(decay[name], decay.gap, marker, markersize=3, label=label)
    axes.axline((1e-3, 1e-3), (1e-2, 1e-2), color=THEORY_COLOR, linewidth=0.8)
    axes.set(xscale="log", yscale="log")
    legend_above(axes, title)


def say(axes: Axes, title: str, reason: str) -> None:
    """Why there is nothing in a panel."""
    axes.set(title=title, xticks=[], yticks=[])
    text = "\n".join(wrap(reason, LINE))
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center")
