"""The table, with slopes, the picture, and what follows for a cluster.

The slope between a size and the one before it is d log(seconds) / d log(size): 0 where a fixed cost is all there is, 1
where every run and every weight costs the same.

*A cluster.* Handing a run over and taking its history costs the scheduler, of which there is one, at most what a run
that does nothing takes on a local cluster, s seconds, which is the workers' part too. So it keeps W workers busy if
runs take W s and more; below that the time of n runs is n s, however many workers there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from rich.table import Table

from analysis.study.figure import THEORY_COLOR, colors, new_figure
from benchmarks.growth.sweeps import EMPTY_RUNS

WORKERS = 100
TITLES = {
    "runs": "runs of 512 steps, in memory",
    "chunks": "the same, in chunks on disk",
    "formula": "a product's weights: first step",
    "gradient": "a network's weights: gradient step",
    "reading": "a network's weights: reading",
    "processes": "16 trainings, processes",
    "cluster": "16 trainings, cluster here",
    "empty_runs": f"{EMPTY_RUNS} empty runs, processes",
    "empty_cluster": f"{EMPTY_RUNS} empty runs, cluster here",
}
PANELS = {
    "runs": {"runs": "in memory", "chunks": "in chunks on disk"},
    "weights of a formula": {"formula": "first step"},
    "weights of a network": {"gradient": "gradient", "reading": "sharpness"},
}
ROOM = 30  # for the legend, above the largest time
BESIDE = {"step": "a step of a run", "first": "the first reading"}


@dataclass(frozen=True)
class Point:
    """A piece of work, its size, and what its process said of it."""

    name: str
    size: int
    said: dict[str, float | None]

    @property
    def seconds(self) -> float:
        """How long it took."""
        return float(self.said["seconds"] or 0.0)

    @property
    def megabytes(self) -> float | None:
        """By how much the peak of memory grew."""
        found = self.said["bytes"]
        return None if found is None else found / 1e6


def of(points: Sequence[Point], name: str) -> list[Point]:
    """The points of one piece of work, from the smallest on."""
    return sorted((point for point in points if point.name == name), key=lambda point: point.size)


def slopes(points: Sequence[Point]) -> list[float | None]:
    """Between each and the one before it; none for the first."""
    return [None, *(math.log(b.seconds / a.seconds) / math.log(b.size / a.size) for a, b in pairwise(points))][
        : len(points)
    ]


def table(points: Sequence[Point]) -> Table:
    """Everything measured."""
    made = Table(title="growth", title_justify="left")
    for heading in ("", "size", "seconds", "slope", "MB", "also"):
        made.add_column(heading, justify="left" if heading in ("", "also") else "right")
    for name, title in TITLES.items():
        series = of(points, name)
        for point, slope in zip(series, slopes(series), strict=True):
            memory = "" if point.megabytes is None else f"{point.megabytes:.3g}"
            also = ", ".join(f"{text} {point.said[key]:.3g} s" for key, text in BESIDE.items() if key in point.said)
            cells = (f"{point.size:,}", f"{point.seconds:.3g}", "" if slope is None else f"{slope:.2f}", memory, also)
            made.add_row(title if point is series[0] else "", *cells)
    return made


def on_many_workers(points: Sequence[Point]) -> Iterator[str]:
    """What the measured costs of handing over a run make of a large cluster, as a calculation."""
    for point in of(points, "empty_cluster")[-1:]:
        handed = point.seconds / EMPTY_RUNS
        yield (
            f"handing over a run costs {1e3 * handed:.3g} ms at most, the start of the processes included; by"
            f" calculation, not by measurement, runs of {WORKERS * handed:.3g} s and more keep {WORKERS} workers busy"
        )


def panels_of(points: Sequence[Point]) -> dict[str, dict[str, str]]:
    """What there is to draw, by its sizes: of processes nothing."""
    return {label: names for label, names in PANELS.items() if any(of(points, name) for name in names)}


def draw(points: Sequence[Point]) -> Figure:
    """Time above, memory below, one column for each kind of size."""
    panels = panels_of(points)
    figure = new_figure(7.0, 4.4)
    axes = figure.subplots(2, len(panels), sharex="col", squeeze=False)
    for (above, below), (label, names) in zip(axes.T, panels.items(), strict=True):
        for (name, title), color in zip(names.items(), colors(len(names)), strict=True):
            series = of(points, name)
            sizes = [point.size for point in series]
            above.plot(sizes, [point.seconds for point in series], "o-", markersize=4, color=color, label=title)
            grown = [(point.size, point.megabytes) for point in series if point.megabytes]
            if grown:
                below.plot(*zip(*grown, strict=True), "o-", markersize=4, color=color)
        _line_of_slope_one(above, of(points, next(iter(names))))
        below.set_xlabel(label)
        for one in (above, below):
            one.set_xscale("log")
            one.set_yscale("log")
            one.xaxis.set_minor_formatter(NullFormatter())
            one.yaxis.set_minor_formatter(NullFormatter())
        above.set_ylim(top=ROOM * max(point.seconds for name in names for point in of(points, name)))
        above.legend(fontsize=7, loc="upper left")
        if sizes[-1] < 10**3:  # more than two decades have labels of their own
            below.set_xticks(sizes, [str(size) for size in sizes])
    axes[0, 0].set_ylabel("seconds")
    axes[1, 0].set_ylabel("growth of peak memory, MB")
    return figure


def _line_of_slope_one(axes: Axes, series: Sequence[Point]) -> None:
    """Every one costs the same, from the largest size down."""
    if len(series) > 1:
        last = series[-1]
        ends = [series[0].size, last.size]
        seconds = [last.seconds * end / last.size for end in ends]
        axes.plot(ends, seconds, ":", color=THEORY_COLOR, label="slope 1")
