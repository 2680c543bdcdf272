"""The figure: of every network the loss against what was spent, and what reaching a loss costs each contestant.

Left: of the first start the least loss so far, which is what the costs are read from; the far loss dotted. Right: means
over the starts of the evaluations to the far loss, with standard errors, on a logarithmic scale; diamonds to the near
one. Where some start does not reach the far loss the bar is pale, since those count as the budget, and says how many
do. A star marks the best of its kind in hindsight.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.adaptive_step.races import CONTESTANTS
from analysis.adaptive_step.scores import Field, of_kind
from analysis.study import COLORS, THEORY_COLOR, new_figure

GREY = "#777777"
KINDS: Mapping[str, str] = {
    "fixed": GREY,
    "tracked": COLORS[0],
    "forecast": COLORS[3],
    "forward": COLORS[2],
    "normalized": COLORS[4],
    "polyak": COLORS[1],
}
STYLES = {"tracked_0.95": "-", "tracked_1.2": "--", "forecast": "-.", "forward_0.5_1": (0, (1, 1)), "polyak": "-"}
BESTS = {"fixed": "-", "normalized": (0, (4, 1, 1, 1))}
WIDTHS = {"fixed": 2.4, "polyak": 1.8}
LEAST = 1e-6  # of the start's loss, what is shown
ROW, LEGEND = 3.0, 0.45  # inches


def draw(fields: list[Field]) -> Figure:
    """A row for every network."""
    figure = new_figure(7.0, ROW * len(fields) + LEGEND)
    panels = figure.subplots(len(fields), 2, squeeze=False, width_ratios=(1.15, 1))
    for (left, right), field in zip(panels, fields, strict=True):
        draw_losses(left, field)
        draw_costs(right, field)
    panels[-1, 0].set_xlabel("gradient evaluations, all costs counted")
    panels[-1, 1].set_xlabel("gradient evaluations to the loss")
    handles = [line(kind, style, f"{kind}, best in hindsight") for kind, style in BESTS.items()]
    handles += [line(CONTESTANTS[name].kind, style, label(name)) for name, style in STYLES.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, columnspacing=1.5, handlelength=2.5)
    return figure


def line(kind: str, style: object, said: str) -> Line2D:
    """How a contestant of a kind is drawn."""
    return Line2D([], [], color=KINDS[kind], linestyle=style, linewidth=WIDTHS.get(kind, 1.1), label=said)  # type: ignore[arg-type]  # matplotlib's own stubs know no dashes


def draw_losses(axes: Axes, field: Field) -> None:
    """Of the first start: the best fixed and normalized steps, and the others of `STYLES`."""
    far, races = field.course.far, field.races.isel(seed=0)
    for name, style in ({field.best(kind, far): style for kind, style in BESTS.items()} | STYLES).items():
        loss = races.loss.sel(contestant=name).dropna("evaluations")
        least = np.maximum(np.minimum.accumulate(loss.values) / loss.values[0], LEAST)
        drawn = line(CONTESTANTS[name].kind, style, label(name))
        drawn.set_data(loss.evaluations.values, least)
        axes.add_line(drawn)
    axes.axhline(far, color=THEORY_COLOR, linestyle=":", linewidth=0.8)
    axes.set(yscale="log", ylim=(max(LEAST, far / 20), 1.2), xlim=(0, field.budget))
    axes.set_ylabel("least loss so far, over the start's")
    axes.set_title(field.course.words)


def draw_costs(axes: Axes, field: Field) -> None:
    """A bar for every contestant, the first one on top."""
    course, starts = field.course, len(field.races.seed)
    best = {field.best(kind, course.far) for kind in KINDS if len(of_kind(kind)) > 1}
    for place, one in enumerate(CONTESTANTS.values()):
        costs, reached = field.counted(one.name, course.far), np.isfinite(field.cost(one.name, course.far))
        error = costs.std(ddof=1) / starts**0.5 if starts > 1 else 0.0
        whole = bool(reached.all())
        axes.barh(place, costs.mean(), color=KINDS[one.kind], alpha=0.85 if whole else 0.25, height=0.75)
        if whole:
            axes.errorbar(costs.mean(), place, xerr=error, color=THEORY_COLOR, linewidth=0.9, capsize=1.5)
        else:
            diverged = int(field.races.diverged.sel(contestant=one.name).sum())
            said = f"{int(reached.sum())} of {starts}" + f", {diverged} diverge" * (diverged > 0)
            axes.annotate(said, (0.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=7)
        if np.isfinite(field.cost(one.name, course.near)).all():
            axes.plot(field.counted(one.name, course.near).mean(), place, "d", color=THEORY_COLOR, markersize=2.5)
    axes.set(xscale="log", xlim=(1, field.budget), ylim=(len(CONTESTANTS) - 0.4, -0.6))
    axes.set_yticks(range(len(CONTESTANTS)), ["* " * (name in best) + label(name) for name in CONTESTANTS])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    near, far = (f"1/{1 / share:.0f}" for share in (course.near, course.far))
    axes.set_title(f"bars: to {far}; diamonds: to {near}")


def label(name: str) -> str:
    """The words, with mathematics where they are formulas."""
    formulas = {"· 2/S₀": "$\\cdot\\,2/S_0$", "· 2/S": "$\\cdot\\,2/S$", "η_c": "$\\eta_c$"}
    words = CONTESTANTS[name].words
    for formula, shown in formulas.items():
        if words.endswith(formula) or f"{formula}," in words:
            words = words.replace(formula, shown)
    return words
