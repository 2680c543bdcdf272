"""Until when a forecast may be trusted: the defect of its path, and what the path would be with it.

At points spread over the *predicted* path, θ* + U x + K z, the true gradient is taken. There and on the leading
directions E of what lies outside of U and K, the model is continued by what is known of it,

    V(x, z, w) = V(x, z) + w·Eᵀb(x) + z·KᵀHE w + ½ w·EᵀHE w,

b(x) the gradient across, to second order from differences as long as the oscillation. The defect, ∇L − ∇V in (x, z, w),
and L − V, are interpolated between the points by distance in (x, z), in which a path comes back where it has been, and
are added to the gradient of V at every step. The paths of these companions are what training might do as well: one with
the defect inside, one with what is outside, one with both. How far they go apart from the forecast is its band,

    band of q at step t = `TIMES` the largest |q' − q| of the companions, over all steps within `WINDOW` of t,

and the forecast's horizon the step before the band of the oscillation exceeds `LIMIT` of its largest size. A band is an
estimate, and no bound: what it covers was measured (docs/theory/reduced_order_model.md).

Shapes: points (n, k + m), directions E (p, r), defects (n, k + m + r), bands (n − 2,) at the steps 1 ….
Source: derived for this project, after a-posteriori error estimates by defect correction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from eos_sym.self_stabilization import ReducedOrderModel
from numeric.compile import Array
from numeric.networks.forecast.anchor import Anchor
from numeric.networks.forecast.path import Model, Path, descend, top_eigenvalue
from numeric.networks.forecast.polynomials import Monomials
from numeric.networks.forecast.rules import Rule

POINTS = 12
OUTSIDE = 4  # directions
NEGLIGIBLE = 1e-10  # of the gradients: what is left of them is rounding
TIMES, WINDOW = 2.0, 5
LIMIT = 0.4


class Expansion(Protocol):
    """What an expansion has that a forecast is made of."""

    @property
    def anchor(self) -> Anchor:
        """The point."""

    @property
    def directions(self) -> Tensor:
        """K, (p, m)."""

    @property
    def model(self) -> Model:
        """V."""

    @property
    def bound(self) -> float:
        """|x_a| beyond which nothing is said."""


@dataclass(frozen=True)
class Continued:
    """V on the directions outside too: the coordinates across are z and then w."""

    inner: Model
    linear: Monomials
    slopes: Array
    mixed: Array
    outer: Array

    def _split(self, z: Array) -> tuple[Array, Array]:
        within = len(self.mixed)
        return z[..., :within], z[..., within:]

    def potential(self, x: Array, z: Array) -> Array:
        """V, (…)."""
        z, w = self._split(z)
        pulled = self.linear.values(x) @ self.slopes + z @ self.mixed + w @ self.outer / 2
        return np.asarray(self.inner.potential(x, z) + (w * pulled).sum(-1))

    def gradient(self, x: Array, z: Array) -> tuple[Array, Array]:
        """∂V/∂x (…, k) and ∂V/∂(z, w) (…, m + r)."""
        z, w = self._split(z)
        slope, across = self.inner.gradient(x, z)
        slope = slope + np.einsum("...ae,...e->...a", self.linear.slopes(x), w @ self.slopes.T)
        outside = self.linear.values(x) @ self.slopes + z @ self.mixed + w @ self.outer
        return slope, np.concatenate([across + w @ self.mixed.T, outside], -1)

    def hessian(self, x: Array, z: Array) -> Array:
        """∇²V, (…, k + m + r, k + m + r), the edge coordinates first."""
        z, w = self._split(z)
        within = self.inner.hessian(x, z)
        edge, size = x.shape[-1], within.shape[-1]
        found = np.zeros((*within.shape[:-2], size + len(self.outer), size + len(self.outer)))
        found[..., :size, :size] = within
        found[..., :edge, :edge] += np.einsum("...abe,...e->...ab", self.linear.curvatures(x), w @ self.slopes.T)
        found[..., :edge, size:] = self.linear.slopes(x) @ self.slopes
        found[..., edge:size, size:] = self.mixed
        found[..., size:, :size] = found[..., :size, size:].swapaxes(-1, -2)
        found[..., size:, size:] = self.outer
        return found


@dataclass(frozen=True)
class Band:
    """How far the size of the oscillation, the sharpness and the loss may be off, each (n − 2,)."""

    oscillation: Array
    sharpness: Array
    loss: Array

    def horizon(self, size: Array) -> int:
        """The last step for which the band of an oscillation of this size, and all before it, are within the limit."""
        beyond = np.flatnonzero(self.oscillation > LIMIT * size.max(initial=0.0))
        return int(beyond[0]) if len(beyond) else len(size)


@dataclass(frozen=True)
class Defect:
    """∇L − ∇V and L − V at the steps of a path, (n, k + m + r) and (n,), of the continued model from its start."""

    model: Continued
    start: tuple[Array, Array, Array]
    slope: Array
    value: Array
    bound: float

    def band(self, path: Path, rule: Rule) -> Band:
        """How far the companions of the path go apart from it; without end where one leaves the bound."""
        edge, inside = path.x.shape[1], path.x.shape[1] + path.z.shape[1]
        x, z, momentum = self.start
        within = (x, z[: inside - edge], momentum[:inside])
        steps = len(path.x) - 2
        place = np.arange(self.slope.shape[1])
        inner = self.model.inner
        told = _readings(inner, path)
        found = np.zeros_like(told)
        for model, companion in (
            (inner, descend(inner, *within, rule, steps, self.bound, self.slope[:, :inside])),
            (self.model, descend(self.model, *self.start, rule, steps, self.bound, self.slope * (place >= inside))),
            (self.model, descend(self.model, *self.start, rule, steps, self.bound, self.slope)),
        ):
            apart = np.full_like(told, np.inf)
            if len(companion.x) > 2:
                reading = _readings(model, companion)
                length = reading.shape[1]
                reading[-1] += self.value[1 : length + 1]
                apart[:, :length] = np.abs(reading - told[:, :length])
            found = np.maximum(found, apart)
        around = np.pad(found, ((0, 0), (WINDOW, WINDOW)), mode="edge")
        return Band(*TIMES * np.lib.stride_tricks.sliding_window_view(around, 2 * WINDOW + 1, axis=1).max(-1))


def _readings(model: Model, path: Path) -> Array:
    """Size of the oscillation, sharpness and V at the steps 1 …, (3, n − 2)."""
    return np.stack([path.size, top_eigenvalue(model, path), model.potential(path.x[1:-1], path.z[1:-1])])


def measure_defect(expansion: Expansion, path: Path) -> Defect:
    """The defect of a path of the expansion's model; costs `POINTS` gradients and `OUTSIDE` products."""
    anchor, inside = expansion.anchor, torch.cat([expansion.anchor.edge, expansion.directions], 1)
    states = np.concatenate([path.x, path.z], 1)
    scaled = np.concatenate([path.x / _size(path.x), path.z / _size(path.z - path.z.mean(0))], 1)
    chosen = spread(scaled, POINTS)
    values, gradients = [], []
    for state in states[chosen]:
        value, gradient = anchor.value_and_gradient_at(anchor.weights + inside @ torch.from_numpy(state).to(inside))
        values.append(value - anchor.value)
        gradients.append(gradient)
    found = torch.stack(gradients, 1)
    left = found - inside @ (inside.T @ found)
    outside, sizes, _ = torch.linalg.svd(left, full_matrices=False)
    outside = outside[:, sizes > NEGLIGIBLE * found.norm()][:, :OUTSIDE]
    image = anchor.hessian_at(anchor.weights, outside)
    model = Continued(
        expansion.model,
        *_driven_outside(anchor, outside, float(path.size.max())),
        (expansion.directions.T @ image).numpy(),
        (outside.T @ image).numpy(),
    )
    x, z = path.x[chosen], np.concatenate([path.z[chosen], np.zeros((len(chosen), outside.shape[1]))], 1)
    true = (torch.cat([inside, outside], 1).T @ found).numpy().T
    slope = true - np.concatenate(model.gradient(x, z), 1)
    missed = np.array(values) - model.potential(x, z)
    along = interpolate(scaled[chosen], np.concatenate([slope, missed[:, None]], 1), scaled)
    start = anchor.start_on(expansion.directions, outside)
    return Defect(model, start, along[:, :-1], along[:, -1], expansion.bound)


def _driven_outside(anchor: Anchor, outside: Tensor, length: float) -> tuple[Monomials, Array]:
    """Eᵀb(x) to second order, from gradients at this length on both sides along the edge and between."""
    form = ReducedOrderModel(anchor.modes, 0, (2, 2, 0))
    unit = np.eye(anchor.modes)
    rows = [outside.T @ anchor.gradient, *(anchor.image.T @ outside)]
    curved: dict[tuple[int, ...], Tensor] = {}
    for e in form.linear[1 + anchor.modes :]:
        direction = np.array(e) / np.linalg.norm(e)
        moved = length * (anchor.edge @ torch.from_numpy(direction).to(anchor.edge))
        sides = anchor.gradient_at(anchor.weights + moved) + anchor.gradient_at(anchor.weights - moved)
        curved[e] = outside.T @ (sides - 2 * anchor.gradient) / length**2  # ∇³L along the direction twice
    for e, value in curved.items():
        alone = [curved[tuple(2 * unit[a].astype(int))] for a in np.flatnonzero(e)]
        rows.append(value / 2 if 2 in e else value - (alone[0] + alone[1]) / 2)
    return Monomials(form.linear), torch.stack(rows).numpy()


def spread(points: Array, count: int) -> Array:
    """The places of so many points, or all of them, each the farthest from those before it."""
    chosen = [0]
    away = np.linalg.norm(points - points[0], axis=1)
    while len(chosen) < min(count, len(points)) and away.max() > 0:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen)


def interpolate(points: Array, values: Array, at: Array) -> Array:
    """Σ_j c_j ‖q − q_j‖ + c₀ through the values (n, v) at the points, Σ c_j = 0: smooth but at them, and bounded."""

    def rows(q: Array) -> Array:
        distances = np.linalg.norm(q[:, None] - points[None], axis=-1)
        return np.concatenate([distances, np.ones((len(q), 1))], 1)

    n = len(points)
    system = np.zeros((n + 1, n + 1))
    system[:n], system[n, :n] = rows(points), 1
    coefficients = np.linalg.solve(system, np.concatenate([values, np.zeros((1, values.shape[1]))]))
    return np.asarray(rows(at) @ coefficients)


def _size(part: Array) -> float:
    return float(np.linalg.norm(part, axis=1).max()) or 1.0
