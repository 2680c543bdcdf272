"""The constrained trajectory and the predicted dynamics, in floating point, for several runs at once.

    θ†⁺ = proj_M(θ† − η∇L),   M = {S ≤ 2/η, u·∇L = 0},
    v⁺ = v − η[∇²L v + ½(x² − δ²)∇S⊥ + x y u],   x = u·v, y = ∇S⊥·v, with δ = 0 where the constraint does not bind.

The projection is found by Newton's method on the linearized constraints, each iterate the nearest point to the one
projected. The normals are ∇S = ∇³L(u, u, ·) and, because the top eigenvector turns,

    ∇(u·∇L) = S u + ∇³L(u, r, ·),   r = Σ_{j ≠ 1} uⱼ (uⱼ·∇L)/(S − λⱼ).

Points and directions are arrays of shape (runs, weights). Errors: `Undecided` if Newton's method does not settle.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sympy import Matrix, Symbol, diff

from eos_sym import Objective, Undecided
from numeric import compile_function
from numeric.compile import Array, CompiledFunction
from numeric.progress import listener

SETTLED = 1e-9  # the relative length of a Newton step too short to be taken
NEWTON_STEPS = 20


@dataclass(frozen=True)
class Frame:
    """What the predicted dynamics need to know of a point: eigenvector, gradient, Hessian, ∇S⊥, and S."""

    gradient: Array
    hessian: Array
    values: Array
    vectors: Array
    top: Array
    sharpness_gradient: Array

    @property
    def sharpness(self) -> Array:
        """S, (runs,)."""
        return self.values[:, -1]

    @cached_property
    def transverse(self) -> Array:
        """∇S⊥, (runs, weights)."""
        return self.sharpness_gradient - _dot(self.top, self.sharpness_gradient)[:, None] * self.top

    @cached_property
    def alpha(self) -> Array:
        """α = −∇L·∇S⊥."""
        return -_dot(self.gradient, self.transverse)

    @cached_property
    def beta(self) -> Array:
        """β = ‖∇S⊥‖²."""
        return _dot(self.transverse, self.transverse)


@dataclass(frozen=True)
class Geometry:
    """A loss with numbers for its parameters, one set a run, and the step size."""

    objective: Objective
    parameters: Mapping[str, Array]
    step_size: float

    @cached_property
    def _derivatives(self) -> CompiledFunction:
        return compile_function([*self.objective.gradient, *self.objective.hessian], self._arguments)

    @cached_property
    def _third(self) -> CompiledFunction:
        weights = self.objective.weights
        first, second = ([Symbol(f"{weight.name}_{name}") for weight in weights] for name in ("first", "second"))
        curvature = self.objective.directional_derivative(Matrix(first), Matrix(second))
        return compile_function([diff(curvature, weight) for weight in weights], (*self._arguments, *first, *second))

    @property
    def _arguments(self) -> tuple[Symbol, ...]:
        return (*self.objective.weights, *self.objective.parameters)

    def _at(self, points: Array) -> list[Array]:
        return [*points.T, *(self.parameters[symbol.name] for symbol in self.objective.parameters)]

    def third(self, points: Array, first: Array, second: Array) -> Array:
        """∇³L(first, second, ·), (runs, weights)."""
        return _columns(self._third, [*self._at(points), *first.T, *second.T])

    def frame(self, points: Array, like: Array) -> Frame:
        """Derivatives and eigenvectors at the points; the sign of u is the one on the side of `like`."""
        count = points.shape[1]
        entries = _columns(self._derivatives, self._at(points))
        hessian = entries[:, count:].reshape(-1, count, count)
        values, vectors = np.linalg.eigh(hessian)
        top = vectors[:, :, -1] * np.where(_dot(vectors[:, :, -1], like) < 0, -1.0, 1.0)[:, None]
        return Frame(entries[:, :count], hessian, values, vectors, top, self.third(points, top, top))

    def project(self, points: Array, like: Array, guess: Array) -> tuple[Array, Frame, NDArray[np.bool_]]:
        """The nearest points of M, sought from a guess, the frames there, and whether S ≤ 2/η binds."""
        nearest = guess
        for _ in range(NEWTON_STEPS):
            frame = self.frame(nearest, like)
            back = points - nearest
            over = frame.sharpness - 2 / self.step_size
            binds = over + _dot(frame.sharpness_gradient, back) > 0
            slopes = np.einsum("rij,ri->rj", frame.vectors, frame.gradient)
            turning = slopes[:, :-1] / (frame.values[:, -1:] - frame.values[:, :-1])
            turning = np.einsum("rij,rj->ri", frame.vectors[:, :, :-1], turning)
            along = frame.sharpness[:, None] * frame.top + self.third(nearest, frame.top, turning)
            normals = np.stack([np.where(binds[:, None], frame.sharpness_gradient, 0.0), along], axis=1)
            defects = np.stack([np.where(binds, over, 0.0), _dot(frame.top, frame.gradient)], axis=1)
            moved = defects + np.einsum("rci,ri->rc", normals, back)
            gram = np.einsum("rci,rdi->rcd", normals, normals)
            gram[:, 0, 0] += ~binds  # a constraint that does not bind has no normal, and its multiplier is 0
            multipliers = np.linalg.solve(gram, moved[:, :, None])[:, :, 0]
            following = points - np.einsum("rci,rc->ri", normals, multipliers)
            if np.abs(following - nearest).max() < SETTLED * np.abs(points).max():
                return nearest, frame, binds
            nearest = following
        raise Undecided(f"the projection onto M: Newton's method did not settle in {NEWTON_STEPS} steps")


def follow(geometry: Geometry, points: Array, displacement: Array, steps: int) -> xr.Dataset:
    """The constrained trajectory from the points, projected, and the predicted dynamics along it.

    `displacement` is v at the start. The dataset holds, over run, iteration and state: `constrained` θ†, `predicted` v,
    `top` u, `transverse` ∇S⊥; and over run and iteration: `sharpness` S(θ†), `alpha`, `beta` and `binds`.
    Who is listening is told of every iteration.
    """
    report = listener()
    eta = geometry.step_size
    names = [weight.name for weight in geometry.objective.weights]
    like = np.ones_like(points)
    point, frame, binds = geometry.project(points, like, points)
    shift = np.zeros_like(points)  # of the projection before: the next one is nearly the same
    v = displacement
    records: list[tuple[NDArray[Any], ...]] = []
    for _ in range(steps + 1):
        records.append((point, v, frame.top, frame.transverse, frame.sharpness, frame.alpha, frame.beta, binds))
        moved = point - eta * frame.gradient
        point, following, binds = geometry.project(moved, frame.top, moved + shift)
        shift = point - moved
        x, y = _dot(frame.top, v), _dot(frame.transverse, v)
        pull = np.where(binds, 2 * frame.alpha / frame.beta, 0.0)
        bent = 0.5 * (x**2 - pull)[:, None] * frame.transverse + (x * y)[:, None] * frame.top
        v = v - eta * (np.einsum("rij,rj->ri", frame.hessian, v) + bent)
        frame = following
        report(1)
    found = ("constrained", "predicted", "top", "transverse", "sharpness", "alpha", "beta", "binds")
    columns = [np.stack(column, axis=1) for column in zip(*records, strict=True)]
    dims = ("run", "iteration", "state")
    series = {name: (dims[: column.ndim], column) for name, column in zip(found, columns, strict=True)}
    return xr.Dataset(series, coords={"iteration": np.arange(steps + 1), "state": names})


def _columns(function: CompiledFunction, arguments: list[Array]) -> Array:
    """The values of a compiled function side by side, (runs, expressions); the bare function, for speed."""
    columns = np.empty((len(arguments[0]), len(function.expressions)))
    for index, values in enumerate(function.evaluate(*arguments)):
        columns[:, index] = values
    return columns


def _dot(first: Array, second: Array) -> Array:
    return np.asarray(np.einsum("ri,ri->r", first, second))
