"""The tables on the terminal, and the picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator
from rich.console import Console
from rich.table import Table

from analysis.study.figure import THEORY_COLOR, colors, new_figure
from benchmarks.ensemble.contenders import CONTENDERS
from benchmarks.ensemble.problems import ACTIVATIONS, MAPS
from benchmarks.ensemble.results import ESCAPE, TITLES, Results, baseline, ratio
from benchmarks.ensemble.timing import Comparison


def print_tables(console: Console, results: Results) -> None:
    """Ratios with nanoseconds for every contender and workload, who is absent and why, and the goals."""
    comparisons = results.comparisons
    title = f"time relative to {_compared_with(comparisons)} (nanoseconds per map-step), medians"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in comparisons:
        table.add_column(TITLES[name], justify="right")
    for contender in _contenders(comparisons):
        cells = []
        for comparison in comparisons.values():
            if contender in comparison.timings:
                median, nanoseconds = _ratio(comparison, contender)[0], comparison.timings[contender].nanoseconds[0]
                cells.append(f"{median:.3g} ({nanoseconds:.3g})")
            else:
                cells.append("–" if contender in comparison.absent else "")
        table.add_row(contender, *cells)
    console.print(table)
    for line in absences(comparisons):
        console.print(line, soft_wrap=True)
    ended = [f"{TITLES[name]} {100 * share:.0f} %" for name, share in results.ended.items() if share]
    console.print(f"runs that end before the last step: {', '.join(ended) or 'none'}", soft_wrap=True)
    seconds = ", ".join(f"{name} {value:.2f} s" for name, value in results.first_call.items())
    console.print(f"first call in a fresh process: {seconds}", soft_wrap=True)
    if results.memory is None:
        console.print("peak memory: not measured, this system does not tell", soft_wrap=True)
    table = Table(title="goals", title_justify="left")
    for heading in ("", "measured", "goal", ""):
        table.add_column(heading, justify="right" if heading in ("measured", "goal") else "left")
    for goal in results.goals:
        bound = f"≤ {goal.most:g}" if goal.most is not None else f"≥ {goal.least:g}"
        table.add_row(goal.statement, f"{goal.measured:.3g}", bound, "met" if goal.met else "missed")
    console.print(table)


def absences(comparisons: Mapping[str, Comparison]) -> list[str]:
    """Who is not there and why, once for all the workloads where the reason is the same."""
    places: dict[str, list[str]] = {}
    for name, comparison in comparisons.items():
        for contender, reason in comparison.absent.items():
            places.setdefault(f"{contender}: {reason}", []).append(TITLES[name])
    maps = sum(name in (*MAPS, "typed_loss") for name in comparisons)  # the others have fewer contenders
    return [line if len(names) >= maps else f"{line} ({', '.join(names)})" for line, names in places.items()]


def _contenders(comparisons: Mapping[str, Comparison]) -> list[str]:
    """All who were to take part, in their order."""
    named = {name for comparison in comparisons.values() for name in (*comparison.timings, *comparison.absent)}
    return [contender.name for contender in CONTENDERS if contender.name in named]


def _ratio(comparison: Comparison, contender: str) -> tuple[float, float, float]:
    return ratio(comparison, contender, baseline(comparison))


def _compared_with(comparisons: Mapping[str, Comparison]) -> str:
    return " or ".join(dict.fromkeys(baseline(comparison) for comparison in comparisons.values()))


def _marker(workload: str) -> str:
    """By what becomes of the runs: that they converge or escape, or neither, with activations or without."""
    if workload == ESCAPE:
        return "s"
    return "^" if workload.endswith("converging") else "D" if workload in ACTIVATIONS else "o"


def draw(comparisons: Mapping[str, Comparison]) -> Figure:
    """Every contender's time relative to C, with bars from the fastest round to the slowest.

    Every workload has a colour, every kind of workload a marker.
    """
    timed = {name for comparison in comparisons.values() for name in comparison.timings}
    contenders = [name for name in _contenders(comparisons) if name in timed]
    figure = new_figure(6.4, 0.9 + 0.36 * len(contenders))
    axes = figure.add_subplot()
    axes.axvline(1, color=THEORY_COLOR, linewidth=0.8)
    for index, (name, comparison) in enumerate(comparisons.items()):
        offset = 0.6 * ((index + 0.5) / len(comparisons) - 0.5)
        rows = [row for row, contender in enumerate(contenders) if contender in comparison.timings]
        median, least, most = np.array([_ratio(comparison, contenders[row]) for row in rows]).T
        axes.errorbar(
            median,
            [row + offset for row in rows],
            xerr=[median - least, most - median],
            fmt=_marker(name),
            markersize=3.5,
            elinewidth=1,
            color=colors(len(comparisons))[index],
            label=TITLES[name],
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks(range(len(contenders)), contenders)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    for row in range(1, len(contenders), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="0.96", zorder=0)
    axes.set_ylim(len(contenders) - 0.5, -0.5)
    axes.set_xlabel(f"time per map-step relative to {_compared_with(comparisons)}")
    figure.legend(loc="outside upper right", ncols=3)
    return figure
