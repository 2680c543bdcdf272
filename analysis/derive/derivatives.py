"""The check that gradient and Hessian are the derivatives of the loss, at random points, on the scale of each number.

Automatic differentiation (`analysis.derive.jets`) is done in double and in extended precision; what the two differ by
is the rounding error that the loss brings with it, and no more is asked than it allows.

Central differences D(h) of the compiled loss and gradient are taken with h falling by factors of √10. The error of
D(h) is estimated by its distance from its neighbours, and by rounding, the distance of f from its value in many digits
over h; the h with the least estimate is used (:cite:t:`ridders1982accurate`), so that neither the length on which the
loss varies nor its size is presumed. If no h leaves three digits, they decide nothing there.

The points are drawn about the first of the centres, and at the largest distance, where everything is finite and no
tail is so flat that rounding hides the slope. Errors: `Undecided` where there are no such points, and for a function
that the jets do not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from mpmath import mp

from analysis.derive.jets import Array, Jet, jet
from analysis.study import Pieces, bounded
from eos_sym import BadInput, Objective, Undecided
from eos_sym.losses import Derivatives
from numeric import compile_function
from numeric.compile import CompiledFunction

POINTS = 5
RADII = (0.5, 5e-2, 5e-3, 5e-4, 5e-5)  # distances of the points from their centre, relative to 1 + |θ|
AGREEMENT, DIFFERENCE_AGREEMENT = 1e-9, 1e-5  # relative, beyond the errors that are estimated
SPARE, ROUNDING_SPARE = 10, 1000  # factors by which the estimates of the errors may be too small
DISTANCES = 10.0 ** -np.arange(1.0, 8.5, 0.5)  # h, relative to 1 + |θ|
DIGITS = 50
LEAST_DIGITS = 1e-3  # of an uncertainty, relative to the largest entry of the gradient, or Hessian
ROUNDING = 2.0**-52


@dataclass(frozen=True)
class Compiled:
    """A loss of n weights, its gradient and its Hessian as one compiled function, of points (points, n)."""

    function: CompiledFunction
    dimension: int

    def __call__(self, points: Array) -> Array:
        """(1 + n + n², points)."""
        return np.array(np.broadcast_arrays(*self.function(*points.T)), dtype=float)

    def gradient(self, values: Array) -> Array:
        """(n, points)."""
        return values[1 : self.dimension + 1]

    def hessian(self, values: Array) -> Array:
        """(n, n, points)."""
        return values[self.dimension + 1 :].reshape(self.dimension, self.dimension, -1)


@dataclass(frozen=True)
class Compared:
    """Gradient and Hessian at some points, and what the channels say of them and of their own uncertainty."""

    compiled: Compiled
    values: Array
    jets: Jet
    precise: Jet
    slopes: Array
    """(1 + n, n, points): the differences of loss and gradient, of n directions"""
    uncertainty: Array

    @property
    def exact(self) -> tuple[Array, Array]:
        """Gradient and Hessian as they were derived."""
        return self.compiled.gradient(self.values), self.compiled.hessian(self.values)

    @property
    def tells(self) -> bool:
        """Whether the differences have the digits to decide; what is 0 is compared with what it derives from."""
        scale, told = np.abs(self.values[0]), True
        for exact, error in zip(self.exact, (self.uncertainty[0], self.uncertainty[1:]), strict=True):
            scale = np.where(_largest(exact) > 0, _largest(exact), scale)
            told = told and bool((error <= LEAST_DIGITS * scale).all())
        return told

    def error_of_jets(self) -> float:
        """Beyond rounding, relative."""
        low, high = ((found.gradient, found.hessian) for found in (self.jets, self.precise))
        return max(
            _relative(ours - best, ours, ROUNDING_SPARE * np.abs(rough - best))
            for ours, rough, best in zip(self.exact, low, high, strict=True)
        )

    def error_of_differences(self) -> float:
        """Beyond their uncertainty, relative."""
        parts = ((self.slopes[0], self.uncertainty[0]), (self.slopes[1:], self.uncertainty[1:]))
        return max(
            _relative(ours - found, ours, SPARE * error) for ours, (found, error) in zip(self.exact, parts, strict=True)
        )


def compare_derivatives(objective: Objective, centres: Sequence[Sequence[float]], seed: int) -> Pieces:
    """Gradient and Hessian of a loss without parameters against automatic differentiation and differences."""
    found = _compared(objective, centres, np.random.default_rng(seed))
    quantity = f"largest relative error of gradient and Hessian at {POINTS} random points, beyond rounding, by"
    yield bounded("autograd", f"{quantity} automatic differentiation", found.error_of_jets(), below=AGREEMENT)
    error = found.error_of_differences()
    yield bounded("simulation", f"{quantity} central differences", error, below=DIFFERENCE_AGREEMENT)


def _compared(objective: Objective, centres: Sequence[Sequence[float]], random: np.random.Generator) -> Compared:
    """The comparison at the first points that can tell."""
    exact = (objective.loss, *objective.gradient, *objective.hessian)
    compiled = Compiled(compile_function(exact, objective.weights), len(objective.weights))
    for centre, radius in product(centres, RADII):
        spread = random.uniform(-radius, radius, (POINTS, compiled.dimension))
        points: Array = np.array(centre) + (1 + np.abs(centre)) * spread
        values = compiled(points)
        if not np.isfinite(values).all():
            continue
        try:
            rough, precise = (
                jet(objective.loss, objective.weights, at) for at in (points, points.astype(np.longdouble))
            )
        except BadInput as error:  # a function that they do not know
            raise Undecided(str(error)) from error
        differentiated = values[: compiled.dimension + 1]
        floor = np.maximum(np.abs(differentiated - _in_many_digits(objective, points)), ROUNDING * abs(differentiated))
        columns = [_differences(compiled, points, direction, floor) for direction in range(compiled.dimension)]
        slopes, uncertainty = (np.stack(parts, axis=1) for parts in zip(*columns, strict=True))
        found = Compared(compiled, values, rough, precise, slopes, uncertainty)
        if found.tells:
            return found
    raise Undecided(
        "the loss overflows, or rounding hides its slopes, wherever it was tried; give another point --near"
    )


def _in_many_digits(objective: Objective, points: Array) -> Array:
    """Loss and gradient without rounding, (1 + n, points)."""
    exact = Derivatives(objective, {})
    with mp.workdps(DIGITS):
        rows = [[mp.mpf(float(value)) for value in point] for point in points]
        return np.array([[exact.loss(row), *exact.gradient(row)] for row in rows], dtype=float).T


def _largest(values: Array) -> Array:
    """The largest modulus of an entry of the gradient, or Hessian, at every point."""
    return np.asarray(np.abs(values).max(axis=tuple(range(values.ndim - 1))))


def _relative(differences: Array, values: Array, allowed: Array) -> float:
    """The largest difference beyond what is allowed, relative to its value; rounding is that of the largest entry."""
    beyond = np.maximum(np.abs(differences) - allowed - SPARE * ROUNDING * _largest(values), 0)
    with np.errstate(all="ignore"):
        return float(np.max(np.where(beyond == 0, 0, beyond / np.abs(values))))


def _differences(compiled: Compiled, points: Array, direction: int, floor: Array) -> tuple[Array, Array]:
    """The derivatives of loss and gradient in one direction, and their uncertainties, (1 + n, points) each."""
    estimates, rounding = [], []
    for distance in DISTANCES:
        half = np.zeros_like(points)
        half[:, direction] = distance * (1 + np.abs(points[:, direction]))
        ahead, behind = points + half, points - half
        width = (ahead - behind)[:, direction]
        with np.errstate(all="ignore"):
            estimates.append((compiled(ahead) - compiled(behind))[: compiled.dimension + 1] / width)
        rounding.append(SPARE * floor / width)
    with np.errstate(all="ignore"):
        steps = np.abs(np.diff(estimates, axis=0))
        uncertainty = np.maximum(steps[:-1], steps[1:]) + rounding[1:-1]
    uncertainty = np.where(np.isfinite(uncertainty), uncertainty, np.inf)
    best = np.argmin(uncertainty, axis=0)[None]
    chosen = (np.take_along_axis(each, best, axis=0)[0] for each in (np.array(estimates[1:-1]), uncertainty))
    slopes, error = chosen
    return slopes, error
