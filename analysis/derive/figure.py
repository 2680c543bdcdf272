"""The figure of a typed problem: where it goes, how sharp it is there, and what was predicted.

With a simulation: the trajectory with the orbits found, the sharpness against the critical one and the end that the
edge law predicts, and the loss. Without one: the orbits, and the critical sharpness against the step size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from sympy import Expr, Piecewise

from analysis.derive.budget import Budget, within
from analysis.derive.problem import Problem
from analysis.derive.theory import Theory
from analysis.study.figure import COLORS, THEORY_COLOR, colors, legend_above, new_figure, typeset
from eos_sym import STEP_SIZE, Undecided
from eos_sym.rules import RULES, Preconditioned
from numeric import compile_function

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST_PLOTTED = 60  # characters of a loss in a title
CONTOURS = 12
WINDOW = 0.75  # the least half width of the plane of orbits, relative to the size of their coordinates, or to 1
WIDER, MOST_WIDENINGS = 0.2, 12  # by what part the plane is widened on each side to show a curve, and how often
MUCH = 10.0  # times: a loss that changes by less has no power of ten to be read on a logarithmic axis
FAR = 20.0  # times the size of its start: how far a run that diverges is shown
MEMBERS = range(-2, 3)  # the integers for which a family of orbits of one or two is drawn
OF_A_PANEL = 0.25  # seconds, however late it is
VERDICT_MARKERS = {"stable": "o", "unstable": "X", "marginal": "D", "undecided": "s"}
ORBITS = {"fixed_points": "fixed points", "two_cycles": "two-cycles"}
NO_VALUES = "needs values of the parameters"
START: Any = {"marker": "o", "markersize": 5, "markerfacecolor": "white", "linestyle": ""}
END: Any = {"marker": "*", "markersize": 8, "markeredgecolor": "white", "markeredgewidth": 0.5, "linestyle": ""}
NAMES = {
    "nesterov": "Nesterov",
    "normalized_gd": "normalized GD",
    "root_loss_gd": "root-loss GD",
    "sam": "SAM",
    "sam_unnormalized": "unnormalized SAM",
}


def draw(budget: Budget, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> Figure:
    """The whole figure; a panel for which there is no time says so."""
    panels: list[Any] = [paths, orbits, sharpness, loss] if runs else [orbits, critical_curve]
    figure = new_figure(7.0, 6.2 if runs else 3.3)
    text = str(problem.objective.loss)
    plain = len(text) > LONGEST_PLOTTED or problem.objective.loss.has(Piecewise)  # matplotlib has no cases
    figure.suptitle(f"$L$ = {f'{text[:LONGEST_PLOTTED]} …' if plain else typeset(problem.objective.loss)}")
    for panel, axes in zip(panels, figure.subplots(len(panels) // 2, 2).flat, strict=True):
        try:
            with within(max(budget.left, OF_A_PANEL), "this panel"):
                panel(axes, problem, theory, runs)
        except Undecided as reason:
            axes.clear()
            axes.text(0.5, 0.5, str(reason).replace("; ", "\n"), transform=axes.transAxes, ha="center")
            axes.set(xticks=[], yticks=[])
    return figure


def paths(axes: Axes, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> None:
    """The runs in the plane of the first two weights, or a single weight against the iteration."""
    weights = problem.objective.weights[:2]
    for color, (rule, run) in zip(colors(len(runs)), runs.items(), strict=True):
        states, label = _shown(run, [weight.name for weight in weights]), _name(rule)
        if str(run.outcome.values) == "diverged":
            label += f", diverges: its first {states.sizes['iteration'] - 1} steps"
        coordinates = [states.sel(state=weight.name) for weight in weights]
        across, up = coordinates if len(weights) > 1 else (states.iteration, *coordinates)
        axes.plot(across, up, ".-", color=color, linewidth=0.3, markersize=2.5, label=label)
        axes.plot(across[0], up[0], color=color, **START)
    axes.plot([], [], color="#555555", label="start", **START)
    if len(weights) > 1:
        axes.margins(0.1)
        _contours(axes, problem)
        axes.set(xlabel=typeset(weights[0]), ylabel=typeset(weights[1]))
    else:
        axes.set(xlabel="iteration", ylabel=typeset(weights[0]))
    legend_above(axes, "trajectory")


def _name(rule: str) -> str:
    return NAMES.get(rule, rule.replace("_", " "))


def _shown(run: xr.Dataset, names: Sequence[str]) -> xr.DataArray:
    """The states of a run; of one that diverges, the start and the states until it is far from there."""
    states: xr.DataArray = run.trajectory.sel(state=list(names))
    if str(run.outcome.values) != "diverged":
        return states
    sizes = abs(states).max("state").values
    first = sizes[:2][np.isfinite(sizes[:2])].max() or 1.0
    far = np.flatnonzero(~(sizes[2:] <= FAR * first))
    return states.isel(iteration=slice(0, 2 + int(far[0]) if far.size else None)).dropna("iteration")


def orbits(axes: Axes, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> None:
    """The isolated orbits of the first rule, over level sets of the loss, with where its run starts and ends."""
    weights = problem.objective.weights
    title = f"fixed points and two-cycles of {_name(next(iter(theory.of_rules)))}"
    if len(weights) == 1 and any(symbol not in problem.at for symbol in problem.objective.parameters):
        axes.text(0.5, 0.5, NO_VALUES, transform=axes.transAxes, ha="center")
        axes.set(xticks=[], yticks=[])
        legend_above(axes, title)
        return
    curves, drawn = _curves(problem, theory), []
    for kind, color in zip(ORBITS, (THEORY_COLOR, COLORS[3]), strict=True):
        drawn += _orbits(axes, kind, color, problem, theory)
    if not (curves or drawn):
        axes.text(0.5, 0.5, _none_drawn(theory), transform=axes.transAxes, ha="center")
        axes.set(xticks=[], yticks=[])
        legend_above(axes, title)
        return
    for run in list(runs.values())[:1]:
        ends = _shown(run, [weight.name for weight in weights[:2]]).values[[0, -1]]
        shown = ends[:1] if str(run.outcome.values) == "diverged" else ends
        for point, look, label in zip(shown, (START, END), ("start of its run", "its end"), strict=False):
            across, up = point if len(weights) > 1 else (point[0], _losses(problem, point[0]))
            axes.plot(across, up, color=COLORS[0], label=label, zorder=5, **look)
        drawn += list(shown)
    _set_window(axes, np.array(drawn), both=len(weights) > 1)
    if len(weights) > 1:
        _widen(axes, problem, curves)
        _contours(axes, problem)
        axes.set(xlabel=typeset(weights[0]), ylabel=typeset(weights[1]))
        _draw_curves(axes, problem, curves)
    else:
        _graph(axes, problem)
    legend_above(axes, title)


def _none_drawn(theory: Theory) -> str:
    """Why the plane is empty: what is not known does not look like what is not there."""
    found = next(iter(theory.of_rules.values()))
    open_ = [words for kind, words in ORBITS.items() if not isinstance(found[kind], list)]
    return f"{' and '.join(open_)}: undecided" if open_ else "none to be drawn"


def _set_window(axes: Axes, points: Any, both: bool) -> None:
    """Axes around the points, no narrower than the size of the coordinates."""
    for column, setting in enumerate((axes.set_xlim, axes.set_ylim)[: 1 + both]):
        values = points[:, column] if points.size else np.zeros(1)
        middle = (values.max() + values.min()) / 2
        half = max(0.6 * np.ptp(values), WINDOW * (np.abs(values).max() or 1))
        setting(middle - half, middle + half)


def _widen(axes: Axes, problem: Problem, curves: Sequence[Expr]) -> None:
    """Wider axes, until every curve comes into the ellipse within them; as they were if one does not."""
    before = axes.get_xlim(), axes.get_ylim()
    radius, angle = np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 2 * np.pi, 120))
    for equation in curves:
        height = compile_function([equation], problem.objective.weights)
        for _ in range(MOST_WIDENINGS):
            (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
            across = (left + right + (right - left) * radius * np.cos(angle)) / 2
            up = (low + high + (high - low) * radius * np.sin(angle)) / 2
            signs = np.sign(height(across, up)[0])
            if (signs > 0).any() and (signs < 0).any():
                break
            axes.set(
                xlim=(left - WIDER * (right - left), right + WIDER * (right - left)),
                ylim=(low - WIDER * (high - low), high + WIDER * (high - low)),
            )
        else:
            axes.set(xlim=before[0], ylim=before[1])


def _curves(problem: Problem, theory: Theory) -> list[Expr]:
    """The equations of curves of fixed points in the plane of two weights, with the values given."""
    found = next(iter(theory.of_rules.values()))["fixed_points"]
    manifolds = [entry for entry in found if "equations" in entry] if isinstance(found, list) else []
    equations = [entry["equations"][0].subs(problem.at) for entry in manifolds if len(entry["equations"]) == 1]
    weights = problem.objective.weights
    return [equation for equation in equations if len(weights) == 2 and equation.free_symbols <= {*weights}]


def _draw_curves(axes: Axes, problem: Problem, curves: Sequence[Expr]) -> None:
    """The zeros of the equations within the axes."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    grid = np.meshgrid(np.linspace(left, right, 240), np.linspace(low, high, 240))
    for equation in curves:
        (heights,) = np.broadcast_arrays(*compile_function([equation], problem.objective.weights)(*grid), grid[0])[:1]
        axes.contour(*grid, heights, levels=[0], colors=THEORY_COLOR, linewidths=1.2, zorder=1)
    if curves:
        axes.plot([], [], color=THEORY_COLOR, linewidth=1.2, label="curve of fixed points")


def _graph(axes: Axes, problem: Problem) -> None:
    """The loss of a single weight, beneath its orbits."""
    across = np.linspace(*axes.get_xlim(), 300)
    axes.plot(across, _losses(problem, across), color="#999999", zorder=0)
    axes.set(xlabel=typeset(problem.objective.weights[0]), ylabel="loss $L$")


def _losses(problem: Problem, points: Any) -> Any:
    """The loss of a single weight at the points."""
    return compile_function([problem.objective.loss.subs(problem.at)], problem.objective.weights)(points)[0]


def _orbits(axes: Axes, kind: str, color: str, problem: Problem, theory: Theory) -> list[Any]:
    """The isolated orbits with numerical coordinates, those of a two-cycle joined by a line; all their points."""
    weights = problem.objective.weights
    found = next(iter(theory.of_rules.values()))[kind]
    drawn: dict[bytes, Any] = {}  # with more than two weights, several look alike
    shown: set[str] = set()
    for orbit in found if isinstance(found, list) else []:
        for points in _members(orbit, [weight.name for weight in weights[:2]]):
            if points.tobytes() in drawn:
                continue
            drawn[points.tobytes()] = points
            label = f"{orbit['verdict']} {kind.replace('_', ' ').removesuffix('s').replace('two ', 'two-')}"
            style: dict[str, Any] = {"color": color, "linewidth": 0.8, "linestyle": "--" if len(points) > 1 else ""}
            style["label"] = None if label in shown else label
            shown.add(label)
            across, up = points.T if len(weights) > 1 else (points[:, 0], _losses(problem, points[:, 0]))
            axes.plot(across, up, marker=VERDICT_MARKERS[orbit["verdict"]], markersize=5, zorder=3, **style)
    return [point for points in drawn.values() for point in points]


def _members(orbit: Mapping[str, Any], names: Sequence[str]) -> Iterator[Any]:
    """The points of an orbit as numbers (points, coordinates); of a family of them, one for each of a few integers."""
    integers = orbit.get("for_every_integer", [])
    for numbers in product(MEMBERS if len(integers) < 3 else [0], repeat=len(integers)):
        at = dict(zip(integers, numbers, strict=True))
        rows = [[_float(_at_integers(point[name], at)) for name in names] for point in orbit.get("points", [])]
        points = np.array(rows, dtype=float)
        if points.size and np.isfinite(points).all():
            yield points


def _at_integers(value: Any, at: Mapping[str, int]) -> Any:
    if not isinstance(value, Expr):
        return value
    return value.subs({symbol: at[symbol.name] for symbol in value.free_symbols if symbol.name in at})


def _contours(axes: Axes, problem: Problem) -> None:
    """Level sets of the loss of two weights behind what is drawn, evenly spaced in its logarithm above the least."""
    objective = problem.objective
    if len(objective.weights) != 2 or not all(symbol in problem.at for symbol in objective.parameters):
        return
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    grid = np.meshgrid(np.linspace(left, right, 160), np.linspace(low, high, 160))
    (heights,) = compile_function([objective.loss.subs(problem.at)], objective.weights)(*grid)
    finite = heights[np.isfinite(heights)]
    if finite.size and finite.max() > finite.min():
        above = np.log10(np.where(np.isfinite(heights), heights - finite.min(), np.nan) + 1e-3 * np.ptp(finite))
        axes.contour(*grid, above, levels=CONTOURS, colors="#999999", linewidths=0.4, linestyles="solid", zorder=0)
    axes.set(xlim=(left, right), ylim=(low, high))


def sharpness(axes: Axes, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> None:
    """The sharpness along the runs, the critical one of each rule, and the predicted end."""
    levels: list[float] = []
    for color, (rule, run) in zip(colors(len(runs)), runs.items(), strict=True):
        axes.plot(run.iteration, run.sharpness, color=color, linewidth=0.7, label=_name(rule))
        seen = run.sharpness.values if str(run.outcome.values) != "diverged" else run.sharpness.values[:1]
        finite = seen[np.isfinite(seen)]
        levels += list(np.quantile(finite, [0.0, 0.98])) if finite.size else []
        threshold = _float(_with_values(theory.of_rules[rule]["critical_sharpness"], problem))
        edge = theory.of_rules[rule]["edge"]
        end = _float(edge.get("predicted_end"))
        if isinstance(RULES[rule], Preconditioned):
            threshold = None  # it bounds λ₁(P⁻¹H), which is not drawn
        critical = f"critical for {_name(rule)}" if len(runs) > 1 else "critical sharpness"
        lines = ((critical, threshold, color, "--"), ("predicted end", end, THEORY_COLOR, ":"))
        for label, level, line_color, style in lines:
            if level is not None:
                axes.axhline(level, color=line_color, linestyle=style, linewidth=1.0, label=label)
                levels.append(level)
    axes.set(xlabel="iteration", ylabel="sharpness $\\lambda_1(\\nabla^2 L)$")
    if levels:
        margin = 0.15 * (max(levels) - min(levels) or abs(max(levels)) or 1.0)
        axes.set_ylim(min(levels) - margin, max(levels) + margin)
    legend_above(axes, "sharpness")


def loss(axes: Axes, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> None:
    """The loss along the runs, or if it is negative above its least; on a logarithmic axis where it changes much."""
    least = min(float(run.loss.min()) for run in runs.values())
    offset = min(least, 0.0)
    for color, (rule, run) in zip(colors(len(runs)), runs.items(), strict=True):
        above = run.loss - offset
        axes.plot(run.iteration, above.where(above > 0), color=color, linewidth=0.7, label=_name(rule))
    low, high = axes.dataLim.intervaly
    if high > MUCH * low:
        axes.set_yscale("log")
    axes.set(xlabel="iteration", ylabel="loss $L$" if offset == 0 else "loss above the least, $L - L_{min}$")
    legend_above(axes, "loss")


def critical_curve(axes: Axes, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> None:
    """The critical sharpness of each rule against the step size."""
    given = float(problem.at[STEP_SIZE]) if STEP_SIZE in problem.at else None
    step_sizes = np.geomspace(0.01, 1, 200) * (10 * given if given else 1)
    for rule, results in theory.of_rules.items():
        formula = _with_values(results["critical_sharpness"], problem, but=STEP_SIZE)
        if isinstance(formula, Expr) and formula.free_symbols <= {STEP_SIZE}:
            (curve,) = compile_function([formula], (STEP_SIZE,))(step_sizes)
            axes.loglog(step_sizes, curve, label=_name(rule))
    if given:
        axes.axvline(given, color=THEORY_COLOR, linestyle=":", linewidth=0.9, label=f"$\\eta = {given:g}$")
    axes.set(xlabel="step size $\\eta$", ylabel="sharpness")
    legend_above(axes, "critical sharpness")
    if not axes.get_legend_handles_labels()[0]:
        axes.text(0.5, 0.5, NO_VALUES, transform=axes.transAxes, ha="center")


def _with_values(value: Any, problem: Problem, but: Any = None) -> Any:
    return value.subs({k: v for k, v in problem.at.items() if k != but}) if isinstance(value, Expr) else value


def _float(value: Any) -> float | None:
    """The value as a float, None if it is none, still has symbols in it, or was not derived."""
    if isinstance(value, Expr):
        return float(value) if value.is_number and value.is_real is not False else None
    return float(value) if isinstance(value, int | float) else None
