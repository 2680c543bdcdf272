"""The figure, a run a row: loss, sharpness beside 2/η, and the relative differences of both from those recorded."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from analysis.recorded_runs.pairs import Pair
from analysis.study import COLORS, THEORY_COLOR, new_figure
from analysis.training.panels import label_few_decades

RECORDED, HERE, SHADOWS = COLORS[1], COLORS[0], COLORS[5]
LEAST = 1e-16
DECADE, FEW = 10.0, 100.0  # the loss at its largest over its smallest
HEADROOM = 1.5  # of the sharpness, over the largest of 2/η and what is read here; what is recorded above is at the top


def draw(pairs: list[Pair]) -> Figure:
    """The whole figure."""
    figure = new_figure(7.0, 0.5 + 1.15 * len(pairs))
    axes = figure.subplots(len(pairs), 3, squeeze=False, sharex="row")
    for row, pair in zip(axes, pairs, strict=True):
        loss(row[0], pair)
        sharpness(row[1], pair)
        differences(row[2], pair)
    for axis, title in zip(axes[0], ("loss", "sharpness", "relative differences"), strict=True):
        axis.set_title(title)
    for axis in axes[-1]:
        axis.set_xlabel("iteration")
    named = {line.get_label(): line for axis in axes.flat for line in axis.lines if line.get_label()[0] != "_"}
    figure.legend(handles=[*named.values()], loc="outside lower center", ncols=4)
    return figure


def loss(axes: Axes, pair: Pair) -> None:
    """Recorded below, here above, where they are one."""
    told = pair.told
    axes.semilogy(told.step, told.recorded_loss, color=RECORDED, linewidth=1.6, label="recorded")
    axes.semilogy(told.step, told.loss, color=HERE, linewidth=0.6, label="here")
    axes.set_ylabel(
        pair.record.name.replace(" at ", "\nat ").replace(" below ", "\nbelow ").replace(" size ", " size\n")
    )
    axes.yaxis.set_minor_formatter(NullFormatter())
    spanned = float(told.loss.max() / told.loss.min())
    if spanned < DECADE:
        axes.set_yscale("linear")  # the labels of a part of a decade would be one over the other
        axes.locator_params(axis="y", nbins=4)
    elif spanned < FEW:
        label_few_decades(axes)


def sharpness(axes: Axes, pair: Pair) -> None:
    """At the readings; recorded values above the top are marked there."""
    told = pair.told
    top = HEADROOM * max(float(told.sharpness.max()), pair.edge)
    recorded = told.recorded_sharpness.values
    axes.plot(told.reading, np.where(recorded > top, np.nan, recorded), color=RECORDED, linewidth=1.6)
    axes.plot(told.reading, told.sharpness, color=HERE, linewidth=0.6)
    above = recorded > top
    axes.plot(told.reading[above], np.full(above.sum(), 0.97 * top), "^", color=RECORDED, markersize=3)
    axes.axhline(pair.edge, color=THEORY_COLOR, linestyle="--", linewidth=0.8, label=r"$2/\eta$")
    axes.set_ylim(0, top)


def differences(axes: Axes, pair: Pair) -> None:
    """Of loss and sharpness, and the shadows' largest so far; dotted the step at which the recorded run has parted."""
    told = pair.told
    for one in pair.each_moved:
        axes.semilogy(told.step, np.maximum(one, LEAST), color=SHADOWS, linewidth=0.4, label="shadows, loss")
    axes.semilogy(told.step, np.maximum(pair.difference, LEAST), color=RECORDED, linewidth=0.6, label="recorded, loss")
    apart = np.maximum(np.abs(pair.sharpness_difference), LEAST)
    axes.semilogy(told.reading, apart, ".", color=COLORS[2], markersize=1.5, label="recorded, sharpness")
    if pair.parted is not None:
        axes.axvline(pair.parted, color=THEORY_COLOR, linestyle=":", linewidth=0.8, label="parted")
    axes.yaxis.set_major_locator(LogLocator(numticks=5))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(LEAST / 3, 1e3)
