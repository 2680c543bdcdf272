"""Gradient flow of a network: θ̇ = −∇L(θ), by the classical Runge–Kutta method with the step tied to the sharpness.

    g₁ = ∇L(θ),  g₂ = ∇L(θ − ½h g₁),  g₃ = ∇L(θ − ½h g₂),  g₄ = ∇L(θ − h g₃),  θ' = θ − h/6 (g₁ + 2g₂ + 2g₃ + g₄)
    h = min(c/S, h_max),   c ≤ 2.785

Along an eigenvector of eigenvalue λ a step multiplies by R(−hλ), R(z) = 1 + z + z²/2 + z³/6 + z⁴/24, and |R(−hλ)| ≤ 1
for 0 ≤ hλ ≤ 2.785. With the gradient g₁' at the end of a step, ‖g₄ − g₁'‖ is z³(2 + z)/24 ‖g₁‖ for a quadratic with
hS = z: what a step may have is measured by that, see `flow_training`.

Shapes: θ (p,). Units: the time has those of θ²/L, as 1/S. Errors: `BadInput` for a c beyond the limit, for numbers that
are not positive, and for times that are not in order. Source: :cite:t:`cohen2021edge`, with c = 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from eos_sym import BadInput
from numeric.values import positive_number, real_number, whole_number

REAL_LIMIT = 2.785293563405282  # where R(−z) = 1


@dataclass(frozen=True)
class GradientFlow:
    """The flow, with h = min(step_times_sharpness/S, longest_step) and S read at least every so many steps."""

    step_times_sharpness: float = 1.0
    longest_step: float = 10.0
    every: int = 10
    until: float | None = None
    weights_at: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        c, end, times = self.step_times_sharpness, self.until, self.weights_at
        if not 0 < real_number("step_times_sharpness", c) <= REAL_LIMIT:
            raise BadInput(f"step_times_sharpness = {c}: must be positive and at most 2.785, the method's limit")
        positive_number("longest_step", self.longest_step)
        whole_number("every", self.every, least=1)
        if end is not None:
            positive_number("until", end)
        last = math.inf if end is None else end
        finite = all(0 <= real_number("weights_at", time) < math.inf for time in times)
        if not finite or any(a >= b for a, b in pairwise(times)):
            raise BadInput("weights_at: must be increasing times, finite and not negative")
        if times and times[-1] > last:
            raise BadInput(f"weights_at: {times[-1]} is after the end of the flow, until = {end}")

    @property
    def times(self) -> tuple[float, ...]:
        """The times that a step has to end at."""
        return self.weights_at if self.until is None else (*self.weights_at, self.until)


def runge_kutta_step(
    gradient: Callable[[Tensor], Tensor], point: Tensor, first: Tensor, h: float
) -> tuple[Tensor, Tensor]:
    """The point after a step of length h from one with the gradient g₁, and g₄."""
    second = gradient(point - 0.5 * h * first)
    third = gradient(point - 0.5 * h * second)
    fourth = gradient(point - h * third)
    return point - h / 6 * (first + 2 * (second + third) + fourth), fourth


def error_of_quadratic(z: float) -> float:
    """‖g₄ − g₁'‖/‖g₁‖ of a step with hλ = z along an eigenvector."""
    return z**3 * (2 + z) / 24
