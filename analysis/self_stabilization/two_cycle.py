"""The two-cycle, undamped and damped: where it lies, and whether it attracts."""

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr
from sympy import Expr, Integer, Rational, Symbol, solve, sqrt

from analysis.self_stabilization.runs import ETA, NEAR_TWO_CYCLES, QUARTICS, RESTORING_RATE
from analysis.self_stabilization.theory import CAPPED, CYCLE, DAMPED, DEPTH, EXACT
from analysis.study import Pieces, agreement, identity, theorem
from eos_sym import STEP_SIZE
from eos_sym.self_stabilization.cycle import ALPHA, BETA, QUARTIC, RESTORING, SQUARE
from eos_sym.self_stabilization.predicted_dynamics import EXCESS
from numeric.compile import Array

GROWTH_STEPS = 50  # over which the two-cycle is left
UNITS: Mapping[Symbol, Expr] = {ALPHA: Integer(1), BETA: Integer(1), STEP_SIZE: Rational(1, 10)}
DELTA_SQUARED, EPSILON_SQUARED = 2 * ALPHA / BETA, STEP_SIZE**2 * ALPHA


def undamped(two_cycles: xr.Dataset) -> Pieces:
    """Where it lies, its stability, and the factor by which gradient descent on SLICE leaves it.

    In the norm √(2(X − 1)² + Y²), which one step of the linearized map multiplies by its multipliers' modulus.
    """
    place = [CYCLE.equilibrium[SQUARE], CYCLE.equilibrium[EXCESS]]
    yield identity("x² and y of the two-cycle", [DELTA_SQUARED, Integer(0)], place)
    yield identity("modulus of its multipliers a step", sqrt(1 + 2 * EPSILON_SQUARED), CYCLE.growth)
    yield theorem("stability of the two-cycle", "unstable", CYCLE.two_cycle.stability.verdict({}))
    for run, (epsilon, ratio) in enumerate(NEAR_TWO_CYCLES):
        if ratio == 0:
            expected = float(CYCLE.growth.subs({STEP_SIZE: ETA, ALPHA: (epsilon / ETA) ** 2}))
            size = distance(two_cycles.isel(run=run, iteration=slice(GROWTH_STEPS + 1)))
            observed = float((size[-1] / size[0]) ** (1 / GROWTH_STEPS))
            quantity = f"growth a step of the distance from it, ε = {epsilon:g}"
            yield agreement("simulation", quantity, expected, observed, relative=1e-6)


def damped(capped: xr.Dataset) -> Pieces:
    """Where it lies, and how far above the edge gradient descent on CAPPED ends."""
    place = [DAMPED.equilibrium[SQUARE], DAMPED.equilibrium[EXCESS]]
    yield identity("x² and y of the damped two-cycle", [DELTA_SQUARED, DEPTH * DELTA_SQUARED / 6], place)
    for quartic in QUARTICS:
        at = {STEP_SIZE: ETA, RESTORING: RESTORING_RATE, QUARTIC: quartic}
        expected = float(EXACT[CAPPED].equilibrium[EXCESS].subs(at))
        last = float(capped.trajectory.sel(kappa4=quartic, state="s").isel(iteration=-1)) - 2 / ETA
        yield agreement("simulation", f"s − 2/η at the end, κ₄ = {quartic:g}", expected, last, relative=1e-10)


def stability(two_cycles: xr.Dataset) -> Pieces:
    """The margin that decides, the bounds on |κ₄|, the verdicts about them, and rates on SLICE on both sides of one."""
    papers = 2 * ALPHA * STEP_SIZE * (DEPTH - 3 * BETA * STEP_SIZE) / (3 * BETA)
    yield identity("1 − det of the damped two-cycle", papers, DAMPED.damping)
    doubling = 3 * (2 + EPSILON_SQUARED) / (STEP_SIZE * DELTA_SQUARED)
    found, expected = bounds_on_the_depth(), [3 * STEP_SIZE * BETA, doubling]
    yield identity("bounds on |κ₄|", sorted(expected, key=str), sorted(found, key=str))
    lower, upper = sorted(bound.subs(UNITS) for bound in found)
    depths = (lower * Rational(9, 10), lower * Rational(11, 10), upper * Rational(11, 10))
    verdicts = [DAMPED.stability.verdict({**UNITS, DEPTH: depth}) for depth in depths]
    yield theorem("stability below, between and beyond them", "unstable, stable, unstable", ", ".join(verdicts))
    for run, (epsilon, ratio) in enumerate(NEAR_TWO_CYCLES):
        if ratio > 0:
            at = {STEP_SIZE: ETA, ALPHA: (epsilon / ETA) ** 2, BETA: 1, DEPTH: 3 * ETA * ratio}
            size = distance(two_cycles.isel(run=run))
            rate = float(np.polyfit(np.arange(len(size)), np.log(size), 1)[0])
            quantity = f"logarithmic growth a step of the distance from it, |κ₄| = {ratio:g}·3ηβ"
            yield agreement("simulation", quantity, math.log(float(DAMPED.growth.subs(at))), rate, relative=0.02)


def bounds_on_the_depth() -> list[Expr]:
    """The depths |κ₄| at which a margin of the damped two-cycle vanishes while the others are positive."""
    margins = DAMPED.stability.margins
    zeros = {zero for margin in margins for zero in solve(margin, DEPTH)}
    return [zero for zero in zeros if all(m.subs(DEPTH, zero).subs(UNITS).is_nonnegative for m in margins)]


def distance(run: xr.Dataset) -> Array:
    """√(2(X − 1)² + (Y − Y*)²) along a run of SLICE, Y* being the height of its two-cycle."""
    alpha, quartic = float(run.alpha), float(run.kappa4)
    x = np.abs(run.trajectory.sel(state="u").values) / np.sqrt(2 * alpha)
    y = (run.trajectory.sel(state="s").values - 2 / ETA + quartic * alpha / 3) / np.sqrt(alpha)
    return np.asarray(np.sqrt(2 * (x - 1) ** 2 + y**2))
