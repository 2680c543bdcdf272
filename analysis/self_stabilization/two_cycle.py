"""The two-cycle, undamped and damped: where it lies, and whether it attracts."""

import math

import numpy as np
import xarray as xr
from sympy import Integer, cancel, expand, sqrt

from analysis.self_stabilization.runs import ETA, NEAR_TWO_CYCLES, QUARTICS, RESTORING_RATE
from analysis.self_stabilization.theory import CAP, CAPPED, CYCLE, DAMPED, DEPTH, EXACT, s, u
from analysis.study import Pieces, about, agreement, identity, theorem
from eos_sym import STEP_SIZE, GradientDescent
from eos_sym.self_stabilization.cycle import ALPHA, BETA, QUARTIC, RESTORING, SQUARE
from eos_sym.self_stabilization.predicted_dynamics import EXCESS, UNSTABLE
from numeric.compile import Array

GROWTH_STEPS = 50  # over which the two-cycle is left
DELTA_SQUARED, EPSILON_SQUARED = 2 * ALPHA / BETA, STEP_SIZE**2 * ALPHA


def undamped(two_cycles: xr.Dataset) -> Pieces:
    """Where it lies, its stability, and the factor by which gradient descent on SLICE leaves it.

    In the norm √(2(X − 1)² + Y²), which one step of the linearized map multiplies by its multipliers' modulus.
    """
    place = [CYCLE.equilibrium[SQUARE], CYCLE.equilibrium[EXCESS]]
    x, still = sqrt(DELTA_SQUARED), {UNSTABLE: sqrt(DELTA_SQUARED), EXCESS: Integer(0)}
    moved = [step.subs(still) for step in CYCLE.map.step]
    yield from about(
        "is a two-cycle",
        identity("x² and y of the two-cycle", [DELTA_SQUARED, Integer(0)], place),
        identity("x⁺ and y⁺ from x = δ, y = 0", [-x, Integer(0)], moved),
    )
    yield from about(
        "unstable",
        identity("modulus of its multipliers a step", sqrt(1 + 2 * EPSILON_SQUARED), CYCLE.growth),
        theorem("stability of the two-cycle", "unstable", CYCLE.two_cycle.stability.verdict({})),
    )
    for run, (epsilon, ratio) in enumerate(NEAR_TWO_CYCLES):
        if ratio == 0:
            expected = float(CYCLE.growth.subs({STEP_SIZE: ETA, ALPHA: (epsilon / ETA) ** 2}))
            size = distance(two_cycles.isel(run=run, iteration=slice(GROWTH_STEPS + 1)))
            observed = float((size[-1] / size[0]) ** (1 / GROWTH_STEPS))
            quantity = f"growth a step of the distance from it, ε = {epsilon:g}"
            yield from about("unstable", agreement("simulation", quantity, expected, observed, relative=1e-6))


def damped(capped: xr.Dataset) -> Pieces:
    """Where it lies, and how far above the edge gradient descent on CAPPED ends."""
    place = [DAMPED.equilibrium[SQUARE], DAMPED.equilibrium[EXCESS]]
    expected = [DELTA_SQUARED, DEPTH * DELTA_SQUARED / 6]
    yield from about("constant α", identity("x² and y of the damped two-cycle", expected, place))
    height = RESTORING * DEPTH * (CAP - 2 / STEP_SIZE) / (3 + RESTORING * DEPTH)
    found = EXACT[CAPPED].equilibrium[EXCESS].subs(QUARTIC, -DEPTH)
    moved, top = GradientDescent().map(CAPPED).substitution, 2 / STEP_SIZE + height
    at = {s: top, QUARTIC: -DEPTH}
    steps = [expand((moved[u] + u) / u), expand(moved[s] - s)]
    miss = [cancel(step.subs(at).subs(u**2, 2 * RESTORING * (CAP - top))) for step in steps]
    yield from about(
        "falls with s",
        identity("y of the two-cycle of CAPPED", height, found),
        identity("(u⁺ + u)/u and s⁺ − s there, u² = 2b(25 − s)", [Integer(0)] * 2, miss),
    )
    for quartic in QUARTICS:
        at = {STEP_SIZE: ETA, RESTORING: RESTORING_RATE, DEPTH: -quartic}
        last = float(capped.trajectory.sel(kappa4=quartic, state="s").isel(iteration=-1)) - 2 / ETA
        quantity = f"s − 2/η at the end, κ₄ = {quartic:g}"
        end = agreement("simulation", quantity, float(height.subs(at)), last, relative=1e-10)
        yield from about("runs end there", end)


def stability(two_cycles: xr.Dataset) -> Pieces:
    """The three margins, factored, with their signs read off; and rates on SLICE on both sides of the lower bound.

    With ε² = η²α and the bound u = 3(2 + ε²)/(ηδ²) they are 2ε², a positive multiple of u − |κ₄|, and a positive
    multiple of (|κ₄| − 3ηβ)(w − |κ₄|) with w = u + 3ε²/(ηδ²) > u. So all are positive iff 3ηβ < |κ₄| < u.
    """
    upper = 3 * (2 + EPSILON_SQUARED) / (STEP_SIZE * DELTA_SQUARED)
    wider, lower = upper + 3 * EPSILON_SQUARED / (STEP_SIZE * DELTA_SQUARED), 3 * STEP_SIZE * BETA
    first, second = 4 * ALPHA * STEP_SIZE / (3 * BETA), 4 * EPSILON_SQUARED * ALPHA / (9 * BETA**2)
    expected = [2 * EPSILON_SQUARED, first * (upper - DEPTH), second * (DEPTH - lower) * (wider - DEPTH)]
    yield from about(
        "attracts iff",
        identity("margins of the damped two-cycle", expected, list(DAMPED.stability.margins)),
        identity(
            "u − 3ηβ, positive for ε² < 2", 3 * (2 - EPSILON_SQUARED) / (STEP_SIZE * DELTA_SQUARED), upper - lower
        ),
    )
    for run, (epsilon, ratio) in enumerate(NEAR_TWO_CYCLES):
        if ratio > 0:
            at = {STEP_SIZE: ETA, ALPHA: (epsilon / ETA) ** 2, BETA: 1, DEPTH: 3 * ETA * ratio}
            size = distance(two_cycles.isel(run=run))
            rate = float(np.polyfit(np.arange(len(size)), np.log(size), 1)[0])
            quantity = f"logarithmic growth a step of the distance from it, |κ₄| = {ratio:g}·3ηβ"
            expected_rate = math.log(float(DAMPED.growth.subs(at)))
            yield from about("runs near it", agreement("simulation", quantity, expected_rate, rate, relative=0.02))


def distance(run: xr.Dataset) -> Array:
    """√(2(X − 1)² + (Y − Y*)²) along a run of SLICE, Y* being the height of its two-cycle."""
    alpha, quartic = float(run.alpha), float(run.kappa4)
    x = np.abs(run.trajectory.sel(state="u").values) / np.sqrt(2 * alpha)
    y = (run.trajectory.sel(state="s").values - 2 / ETA + quartic * alpha / 3) / np.sqrt(alpha)
    return np.asarray(np.sqrt(2 * (x - 1) ** 2 + y**2))
