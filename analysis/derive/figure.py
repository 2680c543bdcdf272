"""The figure of a typed problem: where it goes, how sharp it is there, and what was predicted.

With a simulation: the trajectory with the orbits found, the sharpness against the critical one and the end that the
edge law predicts, and the loss. Without one: the orbits, and the critical sharpness against the step size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from sympy import Expr, Piecewise, latex

from analysis.derive.orbits import representative
from analysis.derive.problem import Problem
from analysis.derive.theory import Theory
from analysis.study.figure import COLORS, THEORY_COLOR, colors, new_figure
from eos_sym import STEP_SIZE
from eos_sym.rules import RULES, Preconditioned
from numeric import compile_function

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST_PLOTTED = 60  # characters of a loss in a title
CONTOURS = 12
WINDOW = 3.0  # half the width of the plane that is shown where no point says what to show
VERDICT_MARKERS = {"stable": "o", "unstable": "X", "marginal": "D", "undecided": "s"}


def draw(problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> Figure:
    """The whole figure."""
    panels: list[Any] = [paths, orbits, sharpness, loss] if runs else [orbits, critical_curve]
    figure = new_figure(7.0, 6.0 if runs else 3.2)
    text = str(problem.objective.loss)
    typeset = len(text) <= LONGEST_PLOTTED and not problem.objective.loss.has(Piecewise)  # matplotlib has no cases
    formula = f"${latex(problem.objective.loss)}$" if typeset else f"{text[:LONGEST_PLOTTED]} …"
    figure.suptitle(f"$L$ = {formula}", fontsize="medium")
    for panel, axes in zip(panels, figure.subplots(len(panels) // 2, 2).flat, strict=True):
        panel(axes, problem, theory, runs)
    return figure


def paths(axes: Axes, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> None:
    """The runs in the plane of the first two weights, or a single weight against the iteration."""
    names = [weight.name for weight in problem.objective.weights]
    for color, (rule, run) in zip(colors(len(runs)), runs.items(), strict=True):
        if str(run.outcome.values) == "diverged":
            axes.plot([], [], color=color, label=f"{rule.replace('_', ' ')}, diverges")
            continue
        first = run.trajectory.sel(state=names[0])
        steps = (first, run.trajectory.sel(state=names[1])) if len(names) > 1 else (run.iteration, first)
        axes.plot(*steps, ".-", color=color, linewidth=0.3, markersize=2.5, label=rule.replace("_", " "))
        axes.plot(*(values[0] for values in steps), "o", color=color, markersize=5, markerfacecolor="white")
    axes.plot([], [], "o", color="#555555", markersize=5, markerfacecolor="white", label="start")
    if len(names) > 1:
        axes.margins(0.1)
        _contours(axes, problem)
        axes.set(xlabel=f"${latex(problem.objective.weights[0])}$", ylabel=f"${latex(problem.objective.weights[1])}$")
    else:
        axes.set(xlabel="iteration", ylabel=f"${latex(problem.objective.weights[0])}$")
    axes.set(title="trajectory")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2, handletextpad=0.2)


def orbits(axes: Axes, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> None:
    """The isolated orbits of the first rule, over level sets of the loss."""
    weights = problem.objective.weights
    names = [weight.name for weight in weights]
    for kind, color in (("fixed_points", THEORY_COLOR), ("two_cycles", COLORS[3])):
        _orbits(axes, kind, color, problem, theory)
    axes.set(title="fixed points and two-cycles")
    curves = _curves(problem, theory)
    if curves and not axes.has_data():
        axes.set(xlim=(-WINDOW, WINDOW), ylim=(-WINDOW, WINDOW))
    if not (curves or axes.get_legend_handles_labels()[0]):
        axes.text(0.5, 0.5, "none to be drawn", transform=axes.transAxes, ha="center")
        axes.set(xticks=[], yticks=[])
        return
    if len(names) > 1:
        axes.margins(0.15)
        _contours(axes, problem)
        axes.set(xlabel=f"${latex(weights[0])}$", ylabel=f"${latex(weights[1])}$")
        _draw_curves(axes, problem, curves)
    else:
        _graph(axes, problem)
    axes.legend(loc="best", frameon=True, framealpha=0.8)


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
        axes.plot([], [], color=THEORY_COLOR, linewidth=1.2, label="fixed points along a curve")


def _graph(axes: Axes, problem: Problem) -> None:
    """The loss of a single weight, beneath its orbits."""
    axes.margins(0.15)
    across = np.linspace(*axes.get_xlim(), 300)
    axes.plot(across, _losses(problem, across), color="#999999", zorder=0)
    axes.set(xlabel=f"${latex(problem.objective.weights[0])}$", ylabel="loss $L$")


def _losses(problem: Problem, points: Any) -> Any:
    """The loss of a single weight at the points, not a number without values for all parameters."""
    if any(symbol not in problem.at for symbol in problem.objective.parameters):
        return np.full_like(points, np.nan)
    return compile_function([problem.objective.loss.subs(problem.at)], problem.objective.weights)(points)[0]


def _orbits(axes: Axes, kind: str, color: str, problem: Problem, theory: Theory) -> None:
    """The isolated orbits with numerical coordinates, those of a two-cycle joined by a line."""
    names = [weight.name for weight in problem.objective.weights]
    found = next(iter(theory.of_rules.values()))[kind]
    shown: set[str] = set()
    for orbit in found if isinstance(found, list) else []:
        points = np.array([[_float(point[name]) for name in names[:2]] for point in representative(orbit)], dtype=float)
        if not np.isfinite(points).all() or not points.size:
            continue
        label = f"{orbit['verdict']} {kind.replace('_', ' ').removesuffix('s').replace('two ', 'two-')}"
        style: dict[str, Any] = {"color": color, "linewidth": 0.8, "linestyle": "--"}
        style["label"] = None if label in shown else label
        shown.add(label)
        across, up = points.T if len(names) > 1 else (points[:, 0], _losses(problem, points[:, 0]))
        axes.plot(across, up, marker=VERDICT_MARKERS[orbit["verdict"]], markersize=5, zorder=3, **style)


def _contours(axes: Axes, problem: Problem) -> None:
    """Level sets of the loss of two weights behind what is drawn, evenly spaced in its logarithm above the least."""
    objective = problem.objective
    if len(objective.weights) != 2 or not all(symbol in problem.at for symbol in objective.parameters):
        return
    axes.margins(0.15)
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
        axes.plot(run.iteration, run.sharpness, color=color, linewidth=0.7)
        seen = run.sharpness.values if str(run.outcome.values) != "diverged" else run.sharpness.values[:1]
        finite = seen[np.isfinite(seen)]
        levels += list(np.quantile(finite, [0.0, 0.98])) if finite.size else []
        threshold = _float(_with_values(theory.of_rules[rule]["critical_sharpness"], problem))
        edge = theory.of_rules[rule]["edge"]
        end = _float(edge.get("predicted_end"))
        if isinstance(RULES[rule], Preconditioned):
            threshold = None  # it bounds λ₁(P⁻¹H), which is not drawn
        lines = (("critical sharpness", threshold, color, "--"), ("predicted end", end, THEORY_COLOR, ":"))
        for label, level, line_color, style in lines:
            if level is not None:
                axes.axhline(level, color=line_color, linestyle=style, linewidth=1.0, label=label)
                levels.append(level)
    axes.set(title="sharpness", xlabel="iteration", ylabel="sharpness $\\lambda_1(\\nabla^2 L)$")
    if levels:
        margin = 0.15 * (max(levels) - min(levels) or abs(max(levels)) or 1.0)
        axes.set_ylim(min(levels) - margin, max(levels) + 2 * margin)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best")


def loss(axes: Axes, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> None:
    """The loss along the runs, above its least value there, on a logarithmic axis."""
    least = min(float(run.loss.min()) for run in runs.values())
    offset = min(least, 0.0)
    for color, (rule, run) in zip(colors(len(runs)), runs.items(), strict=True):
        axes.semilogy(run.iteration, (run.loss - offset).clip(1e-30), color=color, linewidth=0.7, label=rule)
    axes.set(
        title="loss", xlabel="iteration", ylabel="loss $L$" if offset == 0 else "loss above the least, $L - L_{min}$"
    )


def critical_curve(axes: Axes, problem: Problem, theory: Theory, runs: Mapping[str, xr.Dataset]) -> None:
    """The critical sharpness of each rule against the step size."""
    given = float(problem.at[STEP_SIZE]) if STEP_SIZE in problem.at else None
    step_sizes = np.geomspace(0.01, 1, 200) * (10 * given if given else 1)
    for rule, results in theory.of_rules.items():
        formula = _with_values(results["critical_sharpness"], problem, but=STEP_SIZE)
        if isinstance(formula, Expr) and formula.free_symbols <= {STEP_SIZE}:
            (curve,) = compile_function([formula], (STEP_SIZE,))(step_sizes)
            axes.loglog(step_sizes, curve, label=rule.replace("_", " "))
    if given:
        axes.axvline(given, color=THEORY_COLOR, linestyle=":", linewidth=0.9, label=f"$\\eta = {given:g}$")
    axes.set(title="critical sharpness", xlabel="step size $\\eta$", ylabel="sharpness")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best")
    else:
        axes.text(0.5, 0.5, "needs values of the parameters", transform=axes.transAxes, ha="center")


def _with_values(value: Any, problem: Problem, but: Any = None) -> Any:
    return value.subs({k: v for k, v in problem.at.items() if k != but}) if isinstance(value, Expr) else value


def _float(value: Any) -> float | None:
    """The value as a float, None if it is none, still has symbols in it, or was not derived."""
    if isinstance(value, Expr):
        return float(value) if value.is_number and value.is_real is not False else None
    return float(value) if isinstance(value, int | float) else None
