"""Floating point beside the theory: zeros of a map by Newton's method from many starts, and minima by descent.

A zero counts as found if the last Newton step was short relative to the point, which is independent of the scale of the
map, and if the derivative is well conditioned there: then a zero is near, and it is isolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sympy import Expr, Matrix, Symbol

from numeric import compile_function
from numeric.compile import Array

STARTS, STEPS = 60, 60
SHORT, CONDITION, SAME = 1e-9, 1e-6, 1e-6
FARTHEST = 1e6


def starts(dimension: int, seed: int = 0) -> Array:
    """Points of every order of magnitude between 1/20 and 20, a column each."""
    draw = np.random.default_rng(seed)
    directions = draw.standard_normal((dimension, STARTS))
    sizes = np.exp(draw.uniform(np.log(0.05), np.log(20), STARTS))
    return np.array(directions / np.linalg.norm(directions, axis=0) * sizes)


def regular_zeros(equations: Sequence[Expr], unknowns: Sequence[Symbol]) -> list[Array]:
    """The zeros that Newton's method finds, each once."""
    size = len(unknowns)
    functions = compile_function([*equations, *Matrix(list(equations)).jacobian(list(unknowns))], unknowns)
    points = starts(size)
    found: list[Array] = []
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            values = np.array(functions(*points))
            slopes = np.moveaxis(values[size:].reshape(size, size, -1), 2, 0)
            steps = np.array([_solved(slope, value) for slope, value in zip(slopes, values[:size].T, strict=True)]).T
            lengths = np.abs(steps).max(axis=0) / (1 + np.abs(points).max(axis=0))
            points = points - steps / np.maximum(1, lengths)
        for point, length, slope in zip(points.T, lengths, slopes, strict=True):
            close = length < SHORT and np.abs(point).max() < FARTHEST
            if close and 1 / np.linalg.cond(slope) > CONDITION and not any(same(point, other) for other in found):
                found.append(point)
    return found


def _solved(slope: Array, value: Array) -> Array:
    """The Newton step, nan where there is none."""
    if not (np.isfinite(slope).all() and np.isfinite(value).all()):
        return np.full_like(value, np.nan)
    try:
        return np.array(np.linalg.solve(slope, value))
    except np.linalg.LinAlgError:
        return np.full_like(value, np.nan)


def same(point: Array, other: Array) -> bool:
    """Whether two points agree, relative to their size."""
    return bool(np.abs(point - other).max() < SAME * (1 + np.abs(other).max()))


def descents(loss: Expr, gradient: Sequence[Expr], weights: Sequence[Symbol]) -> list[tuple[Array, float]]:
    """Where quasi-Newton descent from the starts ends, and the loss there, as far as it ends."""
    function = compile_function([loss, *gradient], weights)

    def value_and_slope(point: Array) -> tuple[float, Any]:
        values = [float(part) for part in function(*point)]
        return values[0], np.array(values[1:])

    ends = []
    with np.errstate(all="ignore"):
        for start in starts(len(weights), seed=1).T[: STARTS // 2]:
            end = minimize(value_and_slope, start, jac=True, method="BFGS", options={"gtol": 1e-9})
            if np.isfinite(end.fun) and np.abs(end.x).max() < FARTHEST:
                ends.append((end.x, float(end.fun)))
    return ends
