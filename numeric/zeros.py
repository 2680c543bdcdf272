"""Whether a vector field has a zero near a point, or is merely small there, as it is on a plateau.

To first order, θ + δ is a zero of G: ℝⁿ → ℝⁿ if G(θ) + M δ = 0. With the reach ρ and the scales sᵢ = 1 + |θᵢ|,

    Mᵢⱼ = (Gᵢ(θ + ρ sⱼ eⱼ) − Gᵢ(θ − ρ sⱼ eⱼ)) / (2 ρ sⱼ),
    Nᵢ  = 64 ε Σⱼ max± |Gᵢ(θ ± ρ sⱼ eⱼ)| (1 + |θⱼ| / (ρ sⱼ)),

secants over the box |δⱼ| ≤ ρ sⱼ in question, and what rounding by ε = 2⁻⁵², of θⱼ and of terms, leaves unknown of Gᵢ:
a velocity on a plateau, 10⁻¹⁷, is known to ε times itself. There is a zero near if G(θ) is explained by a displacement
in the box and by rounding, G(θ) = −M δ + ν, together no longer than the box:

    min over δ of  Σᵢ (νᵢ / Nᵢ)² + Σⱼ (δⱼ / ρ sⱼ)²   =   Gᵀ (N² + ρ² M S² Mᵀ)⁻¹ G   ≤   n.

With n = 1 this says that Newton's step G/G′ is within the box. It does not change when G is multiplied by a constant,
however small, nor with the units of one of its components; and where zeros form a manifold, so that M is singular, it
asks nothing along it. Near a degenerate zero, G = xᵏ, Newton's step x/k has the order of the distance, as it should.

Where a component is 0 all over the stencil although its formula is not, floats do not tell a zero from what has
underflowed, e⁻⁸⁰⁰ in a sigmoid. Then the formula decides, at the rational numbers that the floats are: the gradient of
max(x, 0)² is 0 at −1. Where it is not seen to be 0, and where G is not finite, no zero is said to be near.

Shapes: points (coordinates, runs), parameter values (parameters, runs), the answer (runs,).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sympy import Integer, Rational

from numeric.compile import Array, CompiledFunction

EPSILON = np.finfo(float).eps
ROUNDED = 64.0  # times ε, relative to the largest term: what is allowed for the rounding of a component
SLAB = 2**14  # points at a time


def has_zero_near(field: CompiledFunction, points: Array, values: Array, reach: float) -> NDArray[np.bool_]:
    """Whether a zero of the field of n coordinates is within reach, relative to 1 + |θᵢ|, by the criterion above."""
    near = np.zeros(points.shape[1], dtype=bool)
    with np.errstate(all="ignore"):
        for start in range(0, len(near), SLAB):
            runs = slice(start, start + SLAB)
            near[runs] = _has_zero_near(field, points[:, runs], values[:, runs], max(reach, EPSILON**0.5))
    return near


def _has_zero_near(field: CompiledFunction, points: Array, values: Array, reach: float) -> NDArray[np.bool_]:
    order, runs = points.shape
    here = np.array(field(*points, *values))
    changes, noise = np.empty((order, order, runs)), np.zeros((order, runs))  # ρ M S and N
    for column in range(order):
        shift = np.zeros_like(points)
        shift[column] = reach * (1 + np.abs(points[column]))
        ahead, behind = (np.array(field(*(points + sign * shift), *values)) for sign in (1, -1))
        ahead = np.where(np.isfinite(ahead), ahead, 2 * here - behind)  # beyond the end of the domain
        behind = np.where(np.isfinite(behind), behind, 2 * here - ahead)
        changes[:, column] = (ahead - behind) / 2
        share = 1 + np.abs(points[column]) / shift[column]
        noise += ROUNDED * EPSILON * share * np.maximum(np.abs(ahead), np.abs(behind))

    near: NDArray[np.bool_] = np.asarray((np.abs(here) <= noise).all(axis=0))
    candidates = np.flatnonzero(~near & np.isfinite(changes).all(axis=(0, 1)) & ((noise > 0) | (here == 0)).all(axis=0))
    unit = np.where(noise[:, candidates] > 0, noise[:, candidates], 1)
    vectors, lengths, _ = np.linalg.svd(np.moveaxis(changes[:, :, candidates] / unit[:, None], -1, 0))
    along = np.einsum("rij,ir->rj", vectors, here[:, candidates] / unit)
    near[candidates] = (along**2 / (1 + lengths**2)).sum(axis=1) <= order

    formula = np.array([expression != 0 for expression in field.expressions])
    silent = (here == 0) & (noise == 0) & formula[:, None]
    for run in np.flatnonzero(near & silent.any(axis=0)):
        exact = [Rational(float(number)) for number in (*points[:, run], *values[:, run])]
        at = dict(zip(field.arguments, exact, strict=True))
        near[run] = all(field.expressions[row].subs(at) == Integer(0) for row in np.flatnonzero(silent[:, run]))
    return near
