"""The simulations of the edge law: each gives one group of data.nc.

ends         every loss from excesses y₀ that span the decades, as far as ηy₀ ≤ 1/10 allows, each run to its end
table        the tabulated starts, to their ends
orbits       three starts of the loss with a fast direction, every second iteration recorded
escape       the subcritical loss on both sides of |e| y₀ = 1
hovering     two-cycles under progressive sharpening, to their ends
threshold    starts a little off the cycle on both sides of its threshold
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
import xarray as xr
from sympy import Rational

from analysis.edge_law.cases import Array, Case, product_case, quartic_case
from eos_sym import GradientDescent, Objective
from numeric import compile_map, compile_sharpness

Progress = Callable[[int], object]

DECADES = (3e-3, 1e1)  # of e y₀
LARGEST_RATE = 0.1  # of ηy₀
SMALLEST_AMPLITUDE = 1e-7  # q₀ over 2y₀²/β, which q reaches later; y₀ is displaced by half of this, relatively
LONG_ENOUGH = 20_000_000  # iterations; every run ends by itself long before
TABLE = {  # loss, step size, y₀: y∞ as predicted and as simulated
    ("depth 4", "1/5", 0.05): ("-0.03441", "-0.03448"),
    ("depth 4", "1/5", 0.1): ("-0.05176", "-0.05187"),
    ("depth 4", "1/5", 0.2): ("-0.06691", "-0.06659"),
    ("depth 4", "1/5", 0.5): ("-0.07431", "-0.07257"),
    ("depth 4", "1/20", 2.0): ("-0.02457", "-0.02450"),
    ("depth 2", "1/5", 0.05): ("-0.04997", "-0.05027"),
    ("depth 2", "1/5", 0.1): ("-0.09989", "-0.10116"),
    ("quartic 15", "1/10", 0.05): ("-0.0756", "-0.0762"),
    ("quartic 3/2", "1/10", 0.2): ("-0.231", "-0.236"),
}
ORBITS = (0.5, 2.0, 8.0)  # e y₀
ESCAPE_SIDES = (0.9, 1.1)  # |e| y₀
HOVERING_STEP_SIZE, HOVERING_EDGE = 0.1, 20.0
HOVERING = {"c": (-10.0, -30.0, -10.0, 0.0, 5.0), "t": (0.0, 0.0, 4.0, 4.0, 4.0)}
HOVERING_PULL = {"b": 0.002, "m": 25.0}
THRESHOLD = {"c": (-0.15, -0.4), "t": (0.0, 0.0)}  # the cycle is stable beyond c = −3(ηβ − b/δ²) = −0.26
THRESHOLD_PULL = {"b": 0.0005, "m": 60.0}
THRESHOLD_STEPS = 40_000
OFF_CYCLE = 1.1


@cache
def table_case(name: str, step_size: str) -> Case:
    """The case of a row of the table."""
    kind, _, parameter = name.partition(" ")
    if kind == "depth":
        return product_case(int(parameter), Rational(step_size))
    return quartic_case(Rational(parameter), Rational(step_size))


def excesses(case: Case, points: int, slowest: float) -> Array:
    """y₀ over the decades, as far as `slowest` ≤ ηy₀ ≤ LARGEST_RATE allows."""
    e, eta = float(case.form.e), float(case.step_size)
    return np.geomspace(max(DECADES[0] / e, slowest / eta), min(DECADES[1] / e, LARGEST_RATE / eta), points)


def start(case: Case, excess: float) -> Array:
    """All weights at the minimum of excess y₀, displaced a little along the top eigenvector."""
    weights, _, vectors = case.at(case.coordinate(excess))
    amplitude = float(np.sqrt(2 * SMALLEST_AMPLITUDE / float(case.form.beta))) * excess
    displaced: Array = weights + amplitude * vectors[:, -1]
    return displaced


def initial(case: Case, y0: Sequence[float] | Array) -> dict[str, xr.DataArray]:
    """The starts of several excesses."""
    columns = np.array([start(case, excess) for excess in y0]).T
    pairs = zip(case.objective.weights, columns, strict=True)
    return {weight.name: xr.DataArray(column, dims="start") for weight, column in pairs}


def run_to_the_end(case: Case, y0: Sequence[float] | Array, progress: Progress) -> xr.Dataset:
    """Runs from excesses y₀ to their ends: y∞ as simulated and as predicted, and the size σ of what is neglected."""
    run = case.simulator.run(initial(case, y0), {"eta": float(case.step_size)}, steps=LONG_ENOUGH, progress=progress)
    first = run.final.sel(state=case.objective.weights[0].name)
    columns = {
        "excess": list(y0),
        "end": [case.excess_at(float(x)) for x in first],
        "predicted": [case.predicted(excess) for excess in y0],
        "neglected": [excess * case.neglected_rate for excess in y0],
        "scaled_excess": [excess * float(case.form.e) for excess in y0],
    }
    values = xr.Dataset({name: ("start", column, {"units": "1"}) for name, column in columns.items()})
    values["end"] = values.end.where(run.outcome == "converged")
    return values.merge(run[["outcome", "step"]])


def ends(losses: Sequence[Case], points: int, slowest: float, progress: Progress) -> xr.Dataset:
    """Every loss from its excesses."""
    runs = [run_to_the_end(case, excesses(case, points, slowest), progress) for case in losses]
    return xr.concat(runs, dim="loss").assign_coords(loss=[case.name for case in losses])


def table(progress: Progress) -> xr.Dataset:
    """The rows of the table."""
    rows = [run_to_the_end(table_case(name, step_size), [y0], progress) for name, step_size, y0 in TABLE]
    labels = [f"{name}, η = {step_size}, y₀ = {y0:g}" for name, step_size, y0 in TABLE]
    return xr.concat(rows, dim="start").assign_coords(start=labels)


def orbits(case: Case, progress: Progress) -> xr.Dataset:
    """Every second state of runs from e y₀ = ORBITS, with y and q in the units of the law: e y and (βe²/4) q."""
    e, beta, eta = float(case.form.e), float(case.form.beta), float(case.step_size)
    y0 = np.array(ORBITS) / e
    steps = round(20 / (eta * y0.min()))
    run = case.simulator.run(initial(case, y0), {"eta": eta}, steps=steps, record_every=2, progress=progress)
    run["scaled_y"] = (e * (run.trajectory.sel(state="s", drop=True) - case.edge)).assign_attrs(units="1")
    run["scaled_q"] = (beta * e**2 / 4 * run.trajectory.sel(state="u", drop=True) ** 2).assign_attrs(units="1")
    run["neglected"] = ("start", y0 * case.neglected_rate, {"units": "1"})
    return run


def escape(progress: Progress) -> xr.Dataset:
    """Starts on both sides of |e| y₀ = 1 where κ₄ > 0."""
    case = table_case("quartic 15", "1/10")
    y0 = np.array(ESCAPE_SIDES) / abs(float(case.form.e))
    return case.simulator.run(initial(case, y0), {"eta": float(case.step_size)}, steps=LONG_ENOUGH, progress=progress)


def hovering_loss() -> Objective:
    """½ s u² + ½ b(s − m)² + ½ t w u² + (5/2) w² + c u⁴/24: sharpness s, drawn to m > 2/η; a fast direction w."""
    text = "s*u**2/2 + b*(s - m)**2/2 + t*w*u**2/2 + 5*w**2/2 + c*u**4/24"
    return Objective.from_text(text, "s u w", "b m c t", name="hovering")


def hovering(progress: Progress) -> xr.Dataset:
    """Two-cycles: the sharpness at the iterate, at the midpoint, and on the floor w = u = 0 below it."""
    dynamics = GradientDescent().map(hovering_loss())
    run = _hover(HOVERING, HOVERING_PULL, {"s": HOVERING_EDGE, "u": 0.1}, LONG_ENOUGH, progress)
    parameters = {name: run[name] for name in ("b", "m", "c", "t")}
    step, path = compile_map(dynamics).step, [run.final]
    for _ in range(2):
        moved = step(*(path[-1].sel(state=v.name) for v in dynamics.state), *(run[p.name] for p in dynamics.parameters))
        path.append(path[-1].copy(data=np.stack(moved, axis=-1)))
    midpoint = (path[0] + 2 * path[1] + path[2]) / 4
    sharpness = compile_sharpness(hovering_loss())
    floor = midpoint.where(midpoint.state == "s", 0)
    for name, points in {"floor": floor, "midpoint": midpoint, "iterate": path[0]}.items():
        run[f"excess_at_{name}"] = sharpness(points, parameters) - 2 / HOVERING_STEP_SIZE
    return run


def threshold(cycles: Mapping[str, Array], progress: Progress) -> xr.Dataset:
    """How far runs that start OFF_CYCLE times too wide are from the cycles in the end, relative to the start."""
    off = {"s": _lanes(cycles["s"]), "u": _lanes(OFF_CYCLE * cycles["u"])}
    run = _hover(THRESHOLD, THRESHOLD_PULL, off, THRESHOLD_STEPS, progress)

    def distance(states: xr.DataArray) -> xr.DataArray:  # β = 1, so that y and x turn about each other in circles
        off = (states.sel(state="s") - cycles["s"], abs(states.sel(state="u")) - cycles["u"])
        return xr.DataArray(np.hypot(*off))

    run["growth"] = (distance(run.final) / distance(run.initial)).assign_attrs(units="1")
    return run


def _hover(
    lanes: Mapping[str, Sequence[float]],
    pull: Mapping[str, float],
    states: Mapping[str, float | xr.DataArray],
    steps: int,
    progress: Progress,
) -> xr.Dataset:
    varied = {name: _lanes(np.array(values)) for name, values in lanes.items()}
    simulator = compile_map(GradientDescent().map(hovering_loss()))
    parameters: dict[str, float | xr.DataArray] = {**pull, **varied, "eta": HOVERING_STEP_SIZE}
    return simulator.run({**states, "w": 0.0}, parameters, steps=steps, progress=progress)


def _lanes(values: Array) -> xr.DataArray:
    return xr.DataArray(np.asarray(values, dtype=float), dims="loss")
