"""How much fourth derivative a hovering oscillation stands: the threshold of its stability, with one mode at the edge.

With the spectral measure of T⊥ under H⊥, weights t_j² at λ_j, the characteristic equation
s − qQ_e/3 + q Σ t_j²/(s + λ_j) = 0 has a root on |1 + ηs| = 1, Ω = |s|, where

    q Σ t_j²/(λ_j² + (1 − ηλ_j)Ω²) = 1,      Q_e = (3/q) [q Σ t_j²λ_j/(λ_j² + (1 − ηλ_j)Ω²) − ηΩ²].

The first equation has Q_e nowhere in it, so it gives Ω, and the second the Q_e up to which the oscillation is stable.
The summands are derived by `eos_sym.self_stabilization.threshold_terms`. Ω is at most 2/η, the diameter of that circle.
Without flat directions the first sum is bounded, and for small q there is no Ω: a root then passes through s = 0, at
Q_e = 3 Σ t_j²/λ_j, and Ω = 0.

Units: Ω is that of s, in time ηt. Errors: `BadInput` for measures that do not fit; `Undecided` where q is so large that
Ω is none on the circle. Source: derived for this project.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from eos_sym import STEP_SIZE, BadInput, Undecided
from eos_sym.self_stabilization.hovering_rates import EIGENVALUE, FREQUENCY, slope, threshold_terms
from numeric.compile import Array, CompiledFunction, compile_function

SLOWEST = 1e-9  # Ω over 2/η


class Threshold(NamedTuple):
    """Ω, and the Q_e below which the oscillation is stable."""

    frequency: float
    quartic: float


def hovering_threshold(eta: float, square: float, weights: Array, eigenvalues: Array) -> Threshold:
    """The threshold for an oscillation of this q = x², from the measure: t_j² at λ_j, both (m,)."""
    if weights.shape != eigenvalues.shape or not len(weights):
        raise BadInput(f"{len(weights)} weights and {len(eigenvalues)} eigenvalues: give as many of each, one or more")
    slopes = np.sqrt(weights)

    def sums(frequency: float) -> tuple[float, float]:
        share, held = _terms()(slopes, eigenvalues, eta, frequency)
        return square * float(share.sum()), square * float(held.sum())

    least, largest = SLOWEST * 2 / eta, 2 / eta
    if sums(least)[0] < 1:
        return Threshold(0.0, 3 * float((weights / eigenvalues).sum()))
    if sums(largest)[0] > 1:
        raise Undecided(f"q = {square:.3g}: beyond the range in which a root turns on |1 + ηs| = 1")
    frequency = np.exp(brentq(lambda log: sums(np.exp(log))[0] - 1, np.log(least), np.log(largest), xtol=1e-13))
    return Threshold(float(frequency), 3 / square * (sums(frequency)[1] - eta * frequency**2))


@cache
def _terms() -> CompiledFunction:
    return compile_function(list(threshold_terms()), (slope(1, 1), EIGENVALUE, STEP_SIZE, FREQUENCY))
