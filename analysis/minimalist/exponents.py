"""Exponents, with which the orders of series are tested: the slopes of lines through (log η, log error)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from mpmath import mp
from numpy.typing import ArrayLike
from sympy import Expr, Symbol

from analysis.minimalist.dynamics import Dynamics
from analysis.minimalist.theory import KAPPA, B, Theory, a, b
from eos_sym import STEP_SIZE
from eos_sym.algebra import evaluator
from numeric import compile_function

APPROACH_STEP_SIZES = (0.01, 0.02, 0.04)
DIGITS = 80  # in which high powers of small numbers are told apart


def exponent(step_sizes: ArrayLike, errors: ArrayLike) -> float:
    """p in error ≈ constant · ηᵖ."""
    return float(np.polyfit(np.log(np.asarray(step_sizes)), np.log(np.abs(np.asarray(errors))), 1)[0])


def remainder_exponent(exact: Expr, truncated: Expr) -> float:
    """How fast the error of a truncated series in a, b and κ falls with κ, at a = κ³ and b = κ²."""
    return order_in_kappa(exact - truncated, {a: KAPPA**3, b: KAPPA**2})


def parabola_defect_exponent(theory: Theory) -> float:
    """How fast the distance from the parabola after two steps from it falls with κ, at b = κ²."""
    moved = theory.moved[2]
    defect = moved[a] - theory.parabola.subs(b, moved[b])
    return order_in_kappa(defect, {a: theory.parabola.subs(b, KAPPA**2), b: KAPPA**2})


def order_in_kappa(expression: Expr, at: Mapping[Symbol, Expr]) -> float:
    """p in expression ≈ constant · κᵖ at small κ, from its values at 1/100 and 1/1000 in many digits."""
    value = evaluator([expression.subs(at, simultaneous=True)], [KAPPA])
    with mp.workdps(DIGITS):
        kappas = [mp.mpf(10) ** -power for power in (2, 3)]
        values = [float(value([kappa])[0]) for kappa in kappas]
    return exponent([float(kappa) for kappa in kappas], values)


def approach_exponent(dynamics: Dynamics) -> float:
    """The exponent in η of how far runs that started off the invariant curve still are from it further down."""
    return exponent(APPROACH_STEP_SIZES, [distance_from_curve(dynamics, eta) for eta in APPROACH_STEP_SIZES])


def distance_from_curve(dynamics: Dynamics, step_size: float) -> float:
    """The largest |A − φ(B)| over the part 0.3 < |B| < 0.6 of a run that started off the curve φ."""
    eta = xr.DataArray(step_size)
    start = dynamics.start_at(3 * eta**1.5, 0.1 * eta, eta)
    run = dynamics.simulator.run(start, {"eta": eta}, steps=int(4 / step_size**2), record_every=1)
    scaled_a, scaled_b = (
        dynamics.observables[name].along(run) / step_size**power for name, power in (("a", 1.5), ("b", 1))
    )
    curve = compile_function([dynamics.theory.curve], (B, STEP_SIZE))(scaled_b, step_size)[0]
    settled = (abs(scaled_b) > 0.3) & (abs(scaled_b) < 0.6) & (scaled_a < 0.6)
    return float(abs(scaled_a - curve).where(settled).max())
