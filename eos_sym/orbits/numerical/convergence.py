"""Zeros of an orbit's equations by Newton's method, judged by its steps and not by residuals.

On the flat tail of a loss the residual is as small as one likes, and there is no zero: Newton's steps stay of one
length, as 1/10 for exp(10x), or grow. Near a zero they contract: quadratically where it is regular, by a constant
factor where it is degenerate. Steps are compared with each other and with the size of the coordinates, so that the
judgement does not change when the loss is multiplied or the weights are measured in other units. A zero passes three
judgements:

    in floating point    the steps become short
    to 30 digits         they contract until none of 30 digits changes, or, where it is degenerate, by a factor below
                         9/10 until rounding stops them
    once more            with twice the digits the step from there is as short, and the equations change beside it as
                         their slopes say: what was found is no rounding error

Two-cycles are kept from falling back to the fixed points by deflation (:cite:t:`farrell2015deflation`): the equations
are divided by |θ − φ|, which multiplies δ by 1/(1 − ∇log|θ − φ|·δ).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mpmath import mp

from eos_sym.orbits.numerical.closing import FAILURES, Closing, Vector, is_singular, largest

STEPS, REFINEMENTS = 40, 150
CLOSE, APPROACHED = 1e-8, 1e-4  # a step that ends the rough search, and one that is handed on when the steps run out
FARTHEST = 10.0  # of a step
APART = 1e-7  # the points of a two-cycle, relative to their size
SMALLEST = 1e-6  # of the unit of a coordinate, relative to the largest value that it had
DIGITS, WORKING_DIGITS = 30, 60
SLOWEST, CONTRACTED, DEGENERATE = 0.9, 1e-3, 1e-9  # of steps to a degenerate zero: each, all together, the last
GENEROUS = 1e6  # times the errors
ROUNDED = 1e-20  # a miss that is none
NEARBY, LINEAR = 1e-12, 1e-2  # a move, and the part of the change it makes that slopes may not explain


@dataclass(frozen=True)
class Zero:
    """An orbit as a row of numbers, an estimate of the error of each, and whether its equations are degenerate."""

    orbit: Vector
    errors: Vector
    singular: bool


def rough_zero(closing: Closing, start: Vector) -> tuple[Vector, Vector] | None:
    """Where the deflated steps lead in floating point, and how far the coordinates reached on the way; or None."""
    orbit, reached, length = start, [abs(value) for value in start], math.inf
    for _ in range(STEPS):
        units = _units(orbit, reached)
        try:
            change, _ = closing.step(orbit, units, 1e-13)
        except FAILURES:
            return None
        length = largest(change)
        moved = [unit * value for unit, value in zip(units, change, strict=True)]
        if length <= CLOSE:
            break
        factor = min(1.0, FARTHEST / length)
        if closing.period == 2:
            factor = factor / _deflation(closing, orbit, moved)
        orbit = [value + factor * part for value, part in zip(orbit, moved, strict=True)]
        reached = [max(far, abs(value)) for far, value in zip(reached, orbit, strict=True)]
    if not length <= APPROACHED or (closing.period == 2 and not closing.apart(orbit) > APART * largest(orbit)):
        return None
    return [value + part for value, part in zip(orbit, moved, strict=True)], reached


def refined_zero(closing: Closing, rough: Vector, reached: Vector) -> Zero | None:
    """The zero near a rough one to 30 digits, or as many as a degenerate one has; None if there is none."""
    exact = 10.0 ** (-DIGITS - 2)
    lengths: Vector = []
    with mp.workdps(WORKING_DIGITS):
        orbit = [mp.mpf(value) for value in rough]
        for _ in range(REFINEMENTS):
            units = _units(orbit, reached)
            try:
                change, table = closing.step(orbit, units, 1e-45)
            except FAILURES:
                return None
            if len(lengths) > 2 and not largest(change) <= SLOWEST * lengths[-1]:
                break
            lengths.append(largest(change))
            orbit = [value + unit * part for value, unit, part in zip(orbit, units, change, strict=True)]
            if lengths[-1] <= exact:
                break
        last = lengths[-1]
        if last > exact and not last <= min(DEGENERATE, CONTRACTED * lengths[0]):
            return None
        error = max(100 * last, exact)
    with mp.workdps(2 * WORKING_DIGITS):
        try:
            again, _ = closing.step(orbit, units, 1e-90)
            credible = last > exact or _responds(closing, orbit, units)
            errors = [error * unit for unit in units]
            credible = credible and _explained(*closing(orbit), errors)
        except FAILURES:
            return None
    distinct = closing.period == 1 or closing.apart(orbit) > max(APART**2 * largest(orbit), GENEROUS * largest(errors))
    singular = last > exact or is_singular(table)
    return Zero(orbit, errors, singular) if largest(again) <= error and credible and distinct else None


def _explained(misses: Vector, slopes: list[Vector], errors: Vector) -> bool:
    """Whether the errors make up what is missed; where the slopes are singular, no change of the orbit may do so."""
    allowed = (GENEROUS * sum(abs(slope) * error for slope, error in zip(row, errors, strict=True)) for row in slopes)
    return all(abs(miss) <= most + ROUNDED for miss, most in zip(misses, allowed, strict=True))


def _responds(closing: Closing, orbit: Vector, units: Vector) -> bool:
    """Whether the equations change near an orbit as their slopes say; log(1 + eᵘ), rounded to 0, does not."""
    moved = [NEARBY * (1 + mp.mpf(place) / 7) * unit for place, unit in enumerate(units)]
    jacobian = closing(orbit)[1]
    values = closing([value + change for value, change in zip(orbit, moved, strict=True)])[0]
    for value, slopes in zip(values, jacobian, strict=True):
        terms = [slope * change for slope, change in zip(slopes, moved, strict=True)]
        if not abs(value - sum(terms)) <= LINEAR * largest(terms):
            return False
    return True


def _units(orbit: Vector, reached: Vector) -> Vector:
    """What the changes of the coordinates are compared with."""
    least = largest(reached) * SMALLEST**4 or 1.0
    return [max(abs(value), SMALLEST * far, least) for value, far in zip(orbit, reached, strict=True)]


def _deflation(closing: Closing, orbit: Vector, change: Vector) -> Any:
    """1 − ∇log|θ − φ|·δ, kept from 0."""
    n = closing.count
    apart = [a - b for a, b in zip(orbit[:n], orbit[n:], strict=True)]
    turned = [a - b for a, b in zip(change[:n], change[n:], strict=True)]
    slope = sum(a * b for a, b in zip(apart, turned, strict=True)) / (sum(a * a for a in apart) or 1.0)
    return 1 - slope if abs(1 - slope) > 0.1 else math.copysign(0.1, 1 - slope)
