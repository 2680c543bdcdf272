"""Turns: of the scaled map, of its continuous limit, and of gradient descent on TWO_EXAMPLES.

A turn begins where Y rises through 0 with X < 1. What depends on ε is measured at several ε, and its
limit extrapolated to ε = 0 by a parabola.
Errors: `Undecided` where a run is too short or too wild to show what is to be measured.
"""

from itertools import pairwise

import numpy as np
import xarray as xr
from scipy.integrate import solve_ivp
from sympy import Expr, Rational

from analysis.self_stabilization.runs import ACCURACY_TIME, EPSILONS, LEVELS
from analysis.self_stabilization.theory import CYCLE, STAGES
from analysis.study import exponent
from eos_sym import Undecided
from eos_sym.self_stabilization.cycle import EPSILON, X, Y
from numeric import CompiledFunction, compile_function
from numeric.compile import Array

LIMIT_TIME = 2.0  # ε times the iterations after which the map is compared with its continuous limit


def in_the_limit(values: xr.DataArray) -> float:
    """What was measured at several ε, extrapolated to ε = 0."""
    return float(np.polyfit(values.epsilon.values, values.values, 2)[-1])


def first_turns(cycles: xr.Dataset, conserved: Expr) -> xr.Dataset:
    """The first turn of the scaled map from every level with every ε.

    Its `period` in εt, `greatest_x` and `greatest_y`, and the `rise` of h from its start to its end.
    """
    level = compile_function([conserved], (X, Y))
    found = [[_first_turn(cycles.trajectory.sel(h=h, epsilon=e), h, e, level) for e in EPSILONS] for h in LEVELS]
    names = ("period", "greatest_x", "greatest_y", "rise")
    columns = {
        name: (("h", "epsilon"), column)
        for name, column in zip(names, np.moveaxis(np.array(found), -1, 0), strict=True)
    }
    return xr.Dataset(columns, {"h": LEVELS, "epsilon": EPSILONS})


def _first_turn(run: xr.DataArray, h: float, epsilon: float, level: CompiledFunction) -> tuple[float, ...]:
    x, y = run.sel(state="X").values, run.sel(state="Y").values
    last = next(filter(None, beginnings(x, y)), None)  # it begins at 0 itself
    if last is None:
        raise Undecided(f"the turn from h = {h} at ε = {epsilon} is not complete")
    part = -y[last] / (y[last + 1] - y[last])  # of the step that completes the turn
    levels = level(x, y)[0]
    rise = levels[last] + part * (levels[last + 1] - levels[last]) - levels[0]
    return (last + part) * epsilon, _peak(x[:last]), _peak(y[:last]), rise


def _peak(values: Array) -> float:
    """The greatest value of a sampled function, by the parabola through the greatest sample and its neighbours."""
    index = int(values.argmax())
    before, top, after = values[index - 1 : index + 2]
    return float(top + (after - before) ** 2 / (8 * (2 * top - before - after)))


def beginnings(x: Array, y: Array) -> list[int]:
    """The iterations at which a turn begins."""
    return [int(start) for start in np.nonzero((y[:-1] <= 0) & (y[1:] > 0) & (x[:-1] < 1))[0]]


def flow(start: Array, time: float, points: int) -> Array:
    """The continuous limit from a start, at so many equally spaced times, (2, points)."""
    rates = compile_function(list(CYCLE.limit.values()), (X, Y))
    times = np.linspace(0, time, points)
    solution = solve_ivp(
        lambda _, state: np.array(rates(*state)), (0, time), start, "DOP853", times, rtol=1e-11, atol=1e-12
    )
    return np.asarray(solution.y)


def orbit(cycles: xr.Dataset, level: float, points: int) -> Array:
    """The continuous limit once around a level, (2, points)."""
    run = cycles.sel(h=level)
    return flow(run.initial.isel(epsilon=0).values, float(run.period), points)


def change_along_flow(cycles: xr.Dataset, conserved: Expr) -> float:
    """The largest change of h along the integrated continuous limit, through one turn of each level."""
    level = compile_function([conserved], (X, Y))
    return max(float(np.abs(level(*orbit(cycles, h, 200))[0] - h).max()) for h in LEVELS)


def error_of_means(cycles: xr.Dataset) -> float:
    """The largest distance of the mean of X² from 1 and of that of Y from 0 over turns of the integrated limit."""
    errors = []
    for level in LEVELS:
        x, y = orbit(cycles, level, 4001)[:, :-1]  # the trapezoidal rule
        errors += [abs((x**2).mean() - 1), abs(y.mean())]
    return float(max(errors))


def rise_exponent(conserved: Expr, rise: Expr) -> float:
    """The exponent in ε of the rise of h in one step less its term in ε², at X = 1.3, Y = 0.4 in many digits."""
    at, moved = {X: Rational(13, 10), Y: Rational(2, 5)}, CYCLE.scaled.substitution
    rest = conserved.subs(moved, simultaneous=True) - conserved - EPSILON**2 * rise
    sizes = [Rational(1, 10**power) for power in (3, 4)]
    return exponent(
        [float(size) for size in sizes], [float(rest.subs({**at, EPSILON: size}).evalf(40)) for size in sizes]
    )


def drift_by_quadrature(cycles: xr.Dataset, rise: Expr, level: float) -> float:
    """The derived rise of h in a step, integrated over the orbit of the flow."""
    along = compile_function([rise], (X, Y))(*orbit(cycles, level, 4001))[0]
    return float(along[:-1].mean() * float(cycles.period.sel(h=level)))  # the trapezoidal rule, exact if periodic


def limit_exponent(cycles: xr.Dataset) -> float:
    """The exponent in ε with which the scaled map approaches its continuous limit."""
    run = cycles.sel(h=LEVELS[-1])
    end = flow(run.initial.isel(epsilon=0).values, LIMIT_TIME, 2)[:, -1]
    steps = np.rint(LIMIT_TIME / EPSILONS).astype(int)
    reached = [run.trajectory.isel(epsilon=index, iteration=step).values for index, step in enumerate(steps)]
    return exponent(EPSILONS, [np.linalg.norm(state - end) for state in reached])


def scaled_run(predicted: xr.Dataset) -> tuple[Array, Array]:
    """X, averaged over two steps, and Y of gradient descent on TWO_EXAMPLES, from when the constraint binds."""
    path = predicted.isel(run=0)
    if not np.isfinite(path.x_simulated).all() or not path.binds.values.any() or (path.alpha <= 0).any():
        raise Undecided("gradient descent on two_examples is not at the edge within these steps; give more")
    delta = np.sqrt(2 * path.alpha / path.beta).values
    size = np.abs(path.x_simulated.values) / delta
    return (size[:-1] + size[1:]) / 2, (path.y_simulated / np.sqrt(path.alpha)).values[:-1]


def turn_starts(predicted: xr.Dataset) -> list[int]:
    """The iterations at which gradient descent on TWO_EXAMPLES begins a turn."""
    return beginnings(*scaled_run(predicted))


def whole_turns(predicted: xr.Dataset) -> slice:
    """The iterations of gradient descent on TWO_EXAMPLES that make up whole turns."""
    starts = turn_starts(predicted)
    if len(starts) < 2:
        raise Undecided("gradient descent on two_examples completes no turn; give more steps")
    return slice(starts[0], starts[-1])


def stages(predicted: xr.Dataset) -> list[str]:
    """The stages that gradient descent on TWO_EXAMPLES passes through in whole turns, in order."""
    turns = whole_turns(predicted)
    x, y = (values[turns] for values in scaled_run(predicted))
    signs = list(zip(np.where(x < 1, -1, 1), np.where(y < 0, -1, 1), strict=True))
    passed = [signs[0], *(after for before, after in pairwise(signs) if after != before)]
    return [STAGES[int(first), int(second)] for first, second in passed]


def relative_defects(accuracy: xr.Dataset) -> tuple[Array, Array]:
    """ε, and the largest distance of gradient descent from the predicted dynamics in units of δ, run by run."""
    within = accuracy.iteration * accuracy.epsilon <= ACCURACY_TIME
    defects = (accuracy.defect / accuracy.delta).where(within).max("iteration")
    return accuracy.epsilon.values, defects.values
