"""Runs of the frozen map z ↦ z(1 + K − Kz²): attractors as densities, ends on both sides of a threshold, cycles.

The critical orbit is attracted by every attractor about z = 1; after a transient it visits nothing else, and the mean
of log|F'| along it is the attractor's Lyapunov exponent.

thresholds, reduced_thresholds    runs a relative distance NEAR below and above every threshold, to their ends
escape                            the exponent at K = 2
diagram                           the attractors over a grid of K: how often the orbit visits every row of z
onset                             the same at distances from the onset of chaos that are even in the logarithm
window                            the same about the window of period three
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from sympy import Expr

from analysis.bifurcation.cascade import FEIGENBAUM, Cascade
from analysis.bifurcation.densities import Bins, Density, blocks
from analysis.bifurcation.period_three import PeriodThree
from analysis.bifurcation.theory import Family, K
from analysis.study import Evidence, axis, both_sides, expect, same
from numeric import compile_function, compile_map
from numeric.compile import Array

GRID = (0.85, 2.0)  # of K; the escape at K = 2 is left out
STATES = (-1.5, 1.5)  # all that attractors visit, |z| < √2, and some space
FARTHEST = 0.3  # distance from the onset of chaos: from the first doubling to the merging of the two sides
NEAR = 2e-3
LONG_ENOUGH, CROSSING = 20_000, 5000  # steps to the end of a run, and past zero
DISTANCE = 1e-7  # from a cycle, of two starts whose distance after a round tells the multiplier


@dataclass(frozen=True, kw_only=True)
class Size:
    """The resolution of the pictures, and the iterations for them."""

    columns: int
    rows: int
    steps: int  # of the transient and the exponent
    kept: int  # states of every column that are counted after those
    passing: int  # states of all runs of gradient descent together
    doublings: int  # that the picture about the onset shows


def critical(family: Family, values: xr.DataArray) -> xr.DataArray:
    """The critical point z_c > 0 at these values of K."""
    return values.copy(data=compile_function([family.critical_square], (K,))(values)[0]) ** 0.5


def thresholds(family: Family, three: PeriodThree) -> xr.Dataset:
    """From near the critical point; `lowest` z is negative where orbits cross from z = 1 to z = −1."""
    values = _both_sides(family.thresholds | {"period_three": three.births[0]})
    expect(values.size * (LONG_ENOUGH + CROSSING))
    start = {"z": 0.9 * critical(family, values)}
    run = family.simulator.run(start, {"K": values}, steps=LONG_ENOUGH)
    crossing = family.simulator.run(start, {"K": values}, steps=CROSSING, record_every=1).trajectory
    return run.assign(lowest=crossing.min("iteration").sel(state="z", drop=True))


def reduced_thresholds(family: Family) -> xr.Dataset:
    """Of the reduced map, in A = K/8."""
    heights = _both_sides({name: value / 8 for name, value in family.thresholds.items()})
    start = 0.9 * critical(family, 8 * heights) * (heights / 2) ** 0.5
    return compile_map(family.reduced_map).run({"b": start}, {"A": heights}, steps=LONG_ENOUGH)


def _both_sides(exact: Mapping[str, Expr]) -> xr.DataArray:
    return xr.DataArray(list(map(float, exact.values())), {"threshold": list(exact)}, "threshold") * both_sides(NEAR)


def ends_about(threshold: str, expected: str, **groups: xr.Dataset) -> Iterator[Evidence]:
    """How the runs just below and just above a threshold end, with their periods, by the name of the parameter."""
    for parameter, runs in groups.items():
        ends = runs.sel(threshold=threshold)
        pairs = zip(ends.outcome.values, ends.period.values, strict=True)
        found = [f"periodic {period}" if outcome == "periodic" else str(outcome) for outcome, period in pairs]
        quantity = f"ends of runs {NEAR:.1%} below and above the threshold in {parameter}"
        yield same("simulation", quantity, expected, ", ".join(found))


def escape(family: Family, size: Size) -> xr.Dataset:
    """One run of many steps."""
    at = {"K": float(family.thresholds["escape"])}
    run = family.simulator.run({"z": 0.5}, at, steps=size.steps, lyapunov=True, outcomes=False)
    return run[["lyapunov_exponent"]].rename(lyapunov_exponent="exponent")


def diagram(family: Family, size: Size) -> xr.Dataset:
    """The whole range of K."""
    return attractors(family, Bins(GRID, size.columns).centres, STATES, size)


def onset(family: Family, cascade: Cascade, size: Size) -> xr.Dataset:
    """The distances FARTHEST δ^(−u) below and above, 0 < u < `doublings`."""
    distances = FARTHEST * FEIGENBAUM ** -Bins((0, size.doublings), size.columns // 2).centres
    columns = np.concatenate([cascade.onset - distances, cascade.onset + distances[::-1]])
    return attractors(family, columns, STATES, size)


def window(family: Family, three: PeriodThree, size: Size) -> xr.Dataset:
    """From somewhat below the birth to somewhat beyond the end."""
    birth = float(three.births[0])
    between = (birth - three.unit / 4, birth + 5 * three.unit / 2)
    return attractors(family, Bins(between, size.columns).centres, (0.0, STATES[1]), size)


def attractors(family: Family, parameters: Array, between: tuple[float, float], size: Size) -> xr.Dataset:
    """Where the critical orbit goes, between two values of z, after a transient, and its exponent."""
    expect(parameters.size * (2 * size.steps + size.kept))  # the exponent takes all steps once more
    values = axis("K", parameters)
    settled = family.simulator.run(
        {"z": critical(family, values)},
        {"K": values},
        steps=size.steps,
        discard=size.steps // 4,  # with them the start, where log|F'| is infinite
        lyapunov=True,
        outcomes=False,
    )
    point = settled.final.sel(state="z", drop=True)
    density, columns = Density(values.size, Bins(between, size.rows)), np.arange(values.size)[:, None]
    for block in blocks(size.kept, values.size):
        run = family.simulator.run(
            {"z": point}, {"K": values}, steps=block, record_every=1, outcomes=False, engine=settled.engine
        )
        point = run.final.sel(state="z", drop=True)
        visited = run.trajectory.sel(state="z").transpose("K", "iteration").values[:, 1:]
        density.add(np.broadcast_to(columns, visited.shape), visited)
    return xr.Dataset({"counts": density.labelled("K", parameters, "z"), "exponent": settled.lyapunov_exponent})


def superstable_periods(cascade: Cascade, levels: int) -> str:
    """The periods of runs from near the critical point at the first superstable parameters of a cascade."""
    values = xr.DataArray([float(value) for value in cascade.superstable[:levels]], dims="level")
    start = 0.999 * critical(cascade.family, values)
    run = cascade.family.simulator.run({"z": start}, {"K": values}, steps=CROSSING)
    return ", ".join(map(str, run.period.values))


def orbit(family: Family, start: float | xr.DataArray, value: Expr, steps: int) -> Array:
    """The states of runs at K = value, the last axis along them."""
    run = family.simulator.run({"z": start}, {"K": float(value)}, steps=steps, record_every=1)
    states: Array = run.trajectory.isel(state=0).transpose(..., "iteration").values
    return states


def symmetric_miss(family: Family, value: Expr) -> float:
    """How far one step takes the point of the symmetric cycle at K from its negative."""
    first, second = orbit(family, float(family.symmetric_square.subs(K, value)) ** 0.5, value, 1)
    return float(abs(second + first))


def superstable_miss(family: Family) -> float:
    """How far the critical point is from itself after two steps at the superstable parameter."""
    value = family.thresholds["superstable"]
    ((start, _, end),) = orbit(family, critical(family, xr.DataArray([float(value)], dims="parameter")), value, 2)
    return float(abs(end - start))


def two_step_growth(family: Family, value: Expr, point: float) -> float:
    """How much two steps change a small distance from a point of the two-cycle at K."""
    start = xr.DataArray([point + DISTANCE, point - DISTANCE], dims="side")
    above, below = orbit(family, start, value, 2)[:, -1]
    return float((above - below) / (2 * DISTANCE))


def product_of_slopes(value: Expr, points: Sequence[float]) -> float:
    """The multiplier of a cycle of GD on ¼(x² − 1)² at η = K, from second derivatives at its points."""
    multiplier = 1.0
    for point in points:
        here = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad((here**2 - 1) ** 2 / 4, here, create_graph=True)
        (curvature,) = torch.autograd.grad(slope, here)
        multiplier *= 1 - float(value) * float(curvature)
    return multiplier
