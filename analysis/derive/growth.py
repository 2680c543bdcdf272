"""A run beside a fixed point or cycle that shows whether it is stable, as long as its multiplier says it has to be.

Let J be the Jacobian of one passage along the orbit, and wᵀJ = μwᵀ for its multiplier μ of largest modulus. A deviation
d from the orbit comes back with w·d' = μ w·d + O(d²), whatever its other components do, momentum among them: |w·d| is
10 times as large, or as small, after n = ln 10/|ln |μ|| passages. The deviation starts along w, so small that
d → 2d doubles the answer of one passage to a tenth of |ln |μ||, and so large that rounding does not matter.

A run that would take too many passages, or for which rounding leaves no deviation, decides nothing: `Undecided`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, inf, log, sqrt
from typing import Any

import numpy as np
from mpmath import mp
from sympy import Symbol

from analysis.study import Evidence, same
from eos_sym import BadInput, Map, Undecided
from eos_sym.algebra import evaluator
from eos_sym.losses import real_number
from eos_sym.orbits.orbit import jacobian_entries
from numeric import CompilationError, compile_function
from numeric.compile import Array
from numeric.maps import NumpyEngine

FACTOR = 10.0  # by which a deviation is to grow or shrink
SIZES = 10.0 ** -np.arange(2.0, 13.0)  # of the deviation, relative to the orbit's largest coordinate, or to 1
NONLINEAR = 0.1  # of a deviation's answer, relative to |ln |μ||
ROUNDING = 2.0**-52
DIGITS = 50  # with which Jacobians are evaluated
MOST_STEPS = 200_000


def shows_stability(
    verdict: str, where: str, dynamics: Map, points: Sequence[Mapping[Symbol, Any]], values: Mapping[Symbol, Any]
) -> Evidence:
    """The verdict against a run from beside the orbit with these points."""
    settings = np.array([float(values[symbol]) for symbol in dynamics.parameters])[:, None]
    orbit = np.array([[float(point[symbol]) for symbol in dynamics.state] for point in points])
    try:
        engine = NumpyEngine(compile_function(dynamics.step, (*dynamics.state, *dynamics.parameters)))
        multiplier, covector = leading(dynamics, points, values)
    except (CompilationError, BadInput) as error:
        raise Undecided(f"a run beside the orbit cannot be made: {error}") from error
    rate = abs(log(multiplier)) if multiplier else inf
    passages = max(1, ceil(log(FACTOR) / rate)) if rate > 0 else inf
    if passages * len(orbit) > MOST_STEPS:
        raise Undecided(
            f"a run beside the orbit would show it after {passages:.3g} passages, the largest multiplier having the "
            f"modulus {multiplier:.12g}; at most {MOST_STEPS} steps are made: choose a step size farther from the edge"
        )

    def away(start: Array, passages: int) -> Array:
        """What the deviation has become after so many passages."""
        return np.asarray(engine.advance((orbit[0] + start)[:, None], settings, passages * len(orbit))[:, 0] - orbit[0])

    start = _linear(lambda start: away(start, 1), covector, rate, float(np.abs(orbit).max()), multiplier > 1)
    growth = abs(covector @ away(start, int(passages))) / abs(covector @ start)
    shown = "undecided" if 1 / sqrt(FACTOR) < growth < sqrt(FACTOR) else "stable" if growth < 1 else "unstable"
    unit = f"{'passage' if len(orbit) > 1 else 'step'}{'s' * (passages > 1)}"
    quantity = f"stability {where}, by what becomes of a small deviation in {passages} {unit}"
    return same("simulation", quantity, verdict, shown)


def leading(dynamics: Map, points: Sequence[Mapping[Symbol, Any]], values: Mapping[Symbol, Any]) -> tuple[float, Array]:
    """|μ| of the largest multiplier, and its left eigenvector w, turned so that its real part is the longest."""
    size = len(dynamics.state)
    entries = evaluator(jacobian_entries(dynamics), (*dynamics.state, *dynamics.parameters), mp)
    with mp.workdps(DIGITS):
        product = mp.eye(size)
        for point in points:
            at = {**values, **point}
            numbers = [real_number(name.name, at[name]) for name in (*dynamics.state, *dynamics.parameters)]
            found = entries(numbers)
            product = mp.matrix([found[row * size : (row + 1) * size] for row in range(size)]) * product
        transposed = np.array(product.T.tolist(), dtype=float)
    multipliers, vectors = np.linalg.eig(transposed)
    index = int(np.argmax(np.abs(multipliers)))
    covector = vectors[:, index] / np.exp(0.5j * np.angle(vectors[:, index] @ vectors[:, index]))
    return float(abs(multipliers[index])), covector


def _linear(passage: Any, covector: Array, rate: float, size: float, grows: bool) -> Array:
    """The largest deviation along w that is small enough."""
    direction = covector.real / np.linalg.norm(covector.real)
    allowed = NONLINEAR * min(rate, 1.0)
    for relative in SIZES:
        start = relative * (size or 1.0) * direction
        largest = start * (FACTOR if grows else 1.0)
        whole, half = passage(largest), passage(largest / 2)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is not linear
            bent = np.linalg.norm(whole - 2 * half) / np.linalg.norm(largest)
        if ROUNDING * size / np.linalg.norm(start) > allowed / FACTOR:
            break
        if bent <= allowed:
            return np.asarray(start)
    raise Undecided("no deviation from the orbit is small enough for its multipliers and large enough for rounding")
