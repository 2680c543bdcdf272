"""The figure: of every network the loss against what was spent, and what reaching a loss costs each contestant.

Left: one start, the far loss dotted. Right: bars are means over the starts of the evaluations to the far loss, with
standard errors, on a logarithmic scale; diamonds those to the near one; pale bars reach the budget, where some start
does not reach the far loss, and say how many do.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.adaptive_step.races import CONTESTANTS
from analysis.adaptive_step.scores import Field
from analysis.study import COLORS, THEORY_COLOR, new_figure

GREY = "#888888"
KINDS: Mapping[str, str] = {
    "fixed": GREY,
    "tracked": COLORS[0],
    "forecast": COLORS[3],
    "forward": COLORS[2],
    "normalized": COLORS[4],
    "polyak": COLORS[1],
}
STYLES = {"tracked_0.95": "-", "tracked_1.2": "--", "forecast": "-.", "forward_0.5_1": "-", "polyak": "-"}
LEAST = 1e-6  # of the start's loss, what is shown
ROW, TITLES = 2.75, 0.35  # inches


def draw(fields: list[Field]) -> Figure:
    """A row for every network."""
    figure = new_figure(7.0, ROW * len(fields) + TITLES)
    panels = figure.subplots(len(fields), 2, squeeze=False, width_ratios=(1, 1.1))
    for (left, right), field in zip(panels, fields, strict=True):
        draw_losses(left, field)
        draw_costs(right, field)
    panels[-1, 0].set_xlabel("gradient evaluations, all costs counted")
    panels[-1, 1].set_xlabel("evaluations to reach the loss")
    return figure


def draw_losses(axes: Axes, field: Field) -> None:
    """Of the first start: the best fixed and normalized steps in hindsight, and the others of `STYLES`."""
    far, races = field.course.far, field.races.isel(seed=0)
    shown = {field.best("fixed", far): "-", field.best("normalized", far): "-"} | STYLES
    for name, style in shown.items():
        loss = races.loss.sel(contestant=name).dropna("evaluations")
        kind = CONTESTANTS[name].kind
        best = ", best" if kind in ("fixed", "normalized") else ""
        relative = np.clip(loss / loss[0], LEAST / 10, 30)
        width = 2.2 if kind == "fixed" else 1.0
        axes.semilogy(loss.evaluations, relative, style, color=KINDS[kind], linewidth=width, label=label(name) + best)
    axes.axhline(far, color=THEORY_COLOR, linestyle=":", linewidth=0.8)
    axes.set(ylim=(max(LEAST, far / 30), 3), xlim=(0, field.budget))
    axes.set_ylabel("loss over that of the start")
    axes.set_title(field.course.words)
    axes.legend(loc="upper right", ncols=2, columnspacing=1)


def draw_costs(axes: Axes, field: Field) -> None:
    """A bar for every contestant, the first one on top."""
    course, starts = field.course, len(field.races.seed)
    best = {field.best(kind, course.far) for kind in KINDS}
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
            axes.annotate(said, (1.2, place), va="center", fontsize=7)
        if np.isfinite(field.cost(one.name, course.near)).all():
            axes.plot(field.counted(one.name, course.near).mean(), place, "d", color=THEORY_COLOR, markersize=2.5)
    axes.set(xscale="log", xlim=(1, field.budget), ylim=(len(CONTESTANTS) - 0.4, -0.6))
    axes.set_yticks(range(len(CONTESTANTS)), [label(name) + " *" * (name in best) for name in CONTESTANTS])
    axes.grid(axis="y", visible=False)
    near, far = (f"1/{1 / share:.0f}" for share in (course.near, course.far))
    axes.set_title(f"bars: to {far} of the loss; diamonds: to {near}")


def label(name: str) -> str:
    """The words, in mathematics where they are."""
    return CONTESTANTS[name].words.replace("S₀", "$S_0$").replace("2/S", "$2/S$").replace("η_c", "$\\eta_c$")
