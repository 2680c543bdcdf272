"""Orbits of the edge law to the next order: whether they still end, and where.

A step of gradient descent is, averaged over its alternation, x⁺ = x(1 + ηr), y⁺ = y − ηf, with r = y + g; growth g and
drift f are those of `eos_sym.edge.normal_forms.next_order`. This is Euler's method of step η for the flow ẋ = xr, ẏ =
−f, and so follows, to the next order in η, that flow less ½η times its derivative along itself. In it, with q ∂g/∂q ≈ g
and q ∂f/∂q ≈ f, q = x²,

    dq/dy = −(2q/f) [r(1 + ½ηr − ηg) + ½ηf],

which is −4y/β + e q to leading order. A small correction of g may turn an end into an escape, which no comparison of
terms at one amplitude shows; so the equation is integrated, by the fourth-order Runge–Kutta method, in floats. Growth
and drift are interpolated at Chebyshev's nodes up to twice the amplitude of the law's own orbit; an orbit beyond is
given up, and so is one that would end at a negative sharpness.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sympy import Float

from eos_sym.edge.normal_forms.next_order import NextOrder

NODES = 8
STEPS = 30  # in the time in which the law's solution changes by a factor e
MOST_STEPS = 100_000  # an orbit that ends at all takes some thousands
FORGOTTEN = 50.0  # e y₀ beyond which the start of an orbit does not matter
NEARLY_ZERO = 1e-4  # |e y₀| below which z − log(1 + z) is taken from its series
DIGITS = 30  # of the amplitudes at which the next order is asked for


@dataclass(frozen=True)
class NextOrbits:
    """The orbits for β, κ₄ and η in numbers."""

    beta: float
    quartic: float
    step_size: float
    order: NextOrder

    @property
    def e(self) -> float:
        """−2κ₄/(3β)."""
        return -2 * self.quartic / (3 * self.beta)

    def end_from(self, excess: float) -> float | None:
        """y∞ of an orbit that begins at the excess y₀ with q = 0; None if it grows too large."""
        if self.e * excess <= FORGOTTEN:
            return self._end(excess, 0.0, 2 * self.largest_square(excess))
        square = Float(2 * self.largest_square(excess), DIGITS)
        slope = float(self.order.quartic_slope) * excess
        growth = (self.quartic + slope) * float(square) / 6 + float(self.order.growth(square))
        return self.end_from(FORGOTTEN / self.e) if growth < -excess else None  # it does get onto the parabola

    def end_of_parabola(self) -> float | None:
        """y∞ from the point of the parabola that is as far above the edge as the law's end is below."""
        square = 8 / (self.beta * self.e**2)
        return self._end(1 / self.e, square, 2 * square)

    def largest_square(self, excess: float) -> float:
        """The largest q on the law's own orbit, 4(z − log(1 + z))/(βe²), z = e y₀."""
        z = self.e * excess
        return 2 * excess**2 / self.beta * (1 if abs(z) < NEARLY_ZERO else 2 * (z - math.log1p(z)) / z**2)

    def _end(self, excess: float, square: float, largest: float) -> float | None:
        """y∞ from this excess and q; None if it grows too large, for floating point too."""
        try:
            return self._integrated(excess, square, largest)
        except (OverflowError, ZeroDivisionError):
            return None

    def _integrated(self, excess: float, square: float, largest: float) -> float | None:
        slope, y, q = self._equation(largest), excess, square
        step = -1 / (STEPS * (abs(self.e) + 1 / excess))
        for _ in range(MOST_STEPS):
            ahead = _runge_kutta(slope, y, q, step)
            if not ahead < largest:
                return None
            if ahead <= 0:
                return _runge_kutta(lambda q, y: 1 / slope(y, q), q, y, -q)
            y, q = y + step, ahead
            if y < -2 / self.step_size:
                break
        return None

    def _equation(self, largest: float) -> Callable[[float, float], float]:
        """dq/dy as a function of y and q."""
        angles = [(2 * k + 1) * math.pi / (2 * NODES) for k in range(NODES)]
        nodes = [largest * (1 - math.cos(angle)) / 2 for angle in angles]
        weights = [(-1) ** k * math.sin(angle) for k, angle in enumerate(angles)]
        at_nodes = [(q, Float(q, DIGITS)) for q in nodes]
        growth = _through(nodes, weights, [float(self.order.growth(exact)) / q**2 for q, exact in at_nodes])
        drift = _through(nodes, weights, [float(self.order.drift(exact)) / q for q, exact in at_nodes])
        beta_slope, quartic_slope, lag = map(float, (self.order.beta_slope, self.order.quartic_slope, self.order.lag))

        def slope(y: float, q: float) -> float:
            g = (self.quartic + y * quartic_slope) * q / 6 + growth(q) * q**2
            f = (self.beta * (1 + drift(q) * q) + y * beta_slope) / 2  # over q
            r = (y + g) * (1 + lag * q)
            return -2 * r * (1 + self.step_size * (r / 2 - g)) / f - self.step_size * q if f > 0 else -math.inf

        return slope


def _runge_kutta(slope: Callable[[float, float], float], time: float, value: float, step: float) -> float:
    """The value a step later."""
    first = slope(time, value)
    second = slope(time + step / 2, value + step / 2 * first)
    third = slope(time + step / 2, value + step / 2 * second)
    return value + step * (first + 2 * second + 2 * third + slope(time + step, value + step * third)) / 6


def _through(nodes: Sequence[float], weights: Sequence[float], values: Sequence[float]) -> Callable[[float], float]:
    """The polynomial through the values, by the barycentric formula."""

    def polynomial(q: float) -> float:
        if q in nodes:
            return values[nodes.index(q)]
        shares = [weight / (q - node) for weight, node in zip(weights, nodes, strict=True)]
        return sum(share * value for share, value in zip(shares, values, strict=True)) / sum(shares)

    return polynomial
