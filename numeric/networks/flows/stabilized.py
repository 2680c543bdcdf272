"""Explicit steps of a stiff flow ẏ = f(y): the Runge–Kutta–Chebyshev method of second order.

With s evaluations of f a step h is stable for real eigenvalues −λ of f's derivative, as far as hλ ≤ (1 + w₀)/w₁ ∝ s²,
where other explicit methods gain in proportion to s. Along an eigenvector a step multiplies by

    a + b T_s(w₀ − w₁hλ),   b = T_s''(w₀)/T_s'(w₀)²,  a = 1 − b T_s(w₀),  w₀ = 1 + ε/s²,  w₁ = T_s'(w₀)/T_s''(w₀),

which is e^{−hλ} to second order, with T_s Chebyshev's polynomial. The damping ε = 10 is much stronger than the usual
2/13, with which stiff components die out by a twentieth a step: here it is by two thirds, and what oscillates about the
edge has to be where the average holds it. The limits are then hλ ≤ 3.1, 5.6, 8.8, 12.6 for s = 3, 4, 5, 6.

The error of a step is estimated from the rates at both ends,

    e = ⅘ (y₀ − y₁) + ⅖ h (f₀ + f₁),

the third-order term of a smooth solution. Shapes: y of any shape, f's the same.
Source: :cite:t:`sommeijer1998rkc`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import count

from torch import Tensor

DAMPING = 10.0
LEAST = 3  # evaluations


@dataclass(frozen=True)
class _Method:
    """Up to which hλ, the share of f₀ in the first stage, and of each later one (μ, ν, the shares of f and of f₀)."""

    limit: float
    first: float
    later: tuple[tuple[float, float, float, float], ...]


def stages_for(stiffness: float) -> int:
    """s for a step with this hλ."""
    return next(s for s in count(LEAST) if _method(s).limit >= stiffness)


def stabilized_step(rate: Callable[[Tensor], Tensor], start: Tensor, first: Tensor, h: float, stages: int) -> Tensor:
    """The point a step h after one with the rate f₀; it evaluates f `stages` − 1 times."""
    method = _method(stages)
    earlier, point = start, start + method.first * h * first
    for mu, nu, of_rate, of_first in method.later:
        after = (1 - mu - nu) * start + mu * point + nu * earlier + h * (of_rate * rate(point) + of_first * first)
        earlier, point = point, after
    return point


def error_of_step(start: Tensor, first: Tensor, end: Tensor, last: Tensor, h: float) -> Tensor:
    """e of a step h from the rates at both ends."""
    return 0.8 * (start - end) + 0.4 * h * (first + last)


@cache
def _method(s: int) -> _Method:
    w0 = 1 + DAMPING / s**2
    value, slope, bend = [1.0, w0], [0.0, 1.0], [0.0, 0.0]  # T_j, T_j', T_j'' at w₀
    for _ in range(2, s + 1):
        bend.append(4 * slope[-1] + 2 * w0 * bend[-1] - bend[-2])
        slope.append(2 * value[-1] + 2 * w0 * slope[-1] - slope[-2])
        value.append(2 * w0 * value[-1] - value[-2])
    w1 = slope[s] / bend[s]
    b = [bend[max(j, 2)] / slope[max(j, 2)] ** 2 for j in range(s + 1)]
    later = []
    for j in range(2, s + 1):
        of_rate = 2 * b[j] * w1 / b[j - 1]
        later.append((2 * b[j] * w0 / b[j - 1], -b[j] / b[j - 2], of_rate, -(1 - b[j - 1] * value[j - 1]) * of_rate))
    return _Method((1 + w0) / w1, b[1] * w1, tuple(later))
