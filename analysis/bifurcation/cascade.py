"""Cascades of doublings: superstable parameters K₀ < K₁ < …, found by Newton's method and proved by intervals.

At Kₙ the critical point z_c returns to itself after p 2ⁿ steps: hₙ(K) = F^(p 2ⁿ)(z_c(K); K) − z_c(K) = 0, with p = 1
for the cascade of the minimum and p = 3 for that of the three-cycle. The derivative of hₙ is carried along the orbit,
z' ← F_z z' + F_K. With m the midpoint of a box, the interval Newton step

    N = m − hₙ(m)/hₙ'(box)

inside the box proves that hₙ has exactly one zero there. The ratios (Kₙ − Kₙ₋₁)/(Kₙ₊₁ − Kₙ) tend to Feigenbaum's
δ = 4.6692016…, and the onset of chaos is where the geometric series from the last two ends.

Errors: `Undecided` where Newton's method or the interval proof fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mpmath import iv, mp, mpf, workdps
from sympy import diff, sqrt

from analysis.bifurcation.theory import Family, K, z
from eos_sym import Undecided
from eos_sym.algebra import evaluator

NEWTON_STEPS = 14
FIRST_RATIO = 4.5  # of the distances, for the first guess of the next superstable parameter
LOST_PER_STEP = 0.6  # digits by which one step of F widens an interval: |F| in intervals has a slope of at most 4
SPARE_DIGITS = 30
FEIGENBAUM = 4.669201609


@dataclass(frozen=True)
class Cascade:
    """Superstable parameters of periods p, 2p, 4p, …, p·2**(levels − 1), from guesses of the first two."""

    family: Family
    levels: int
    period: int = 1
    guesses: tuple[float, float] = (0.5, 1.1)

    @property
    def periods(self) -> list[int]:
        """The periods p 2ⁿ."""
        return [self.period * 2**level for level in range(self.levels)]

    @property
    def lost(self) -> int:
        """The digits that intervals lose on the longest orbit."""
        return int(LOST_PER_STEP * self.periods[-1])

    @property
    def digits(self) -> int:
        """The digits to compute with: rounding, widened, must still be much smaller than the boxes."""
        return 2 * self.lost + 2 * SPARE_DIGITS

    def defect(self, level: int, value: Any, context: Any) -> tuple[Any, Any]:
        """hₙ(K) and hₙ'(K) in floating point (mp) or intervals (iv)."""
        move = self._steps[context is iv]
        point, slope = self._starts[context is iv]((value,))
        start, start_slope = point, slope
        for _ in range(self.periods[level]):
            point, across, along = move((point, value))
            slope = across * slope + along
        return point - start, slope - start_slope

    @cached_property
    def _steps(self) -> tuple[Any, Any]:
        step = self.family.map.step[0]
        expressions = [step, diff(step, z), diff(step, K)]
        return evaluator(expressions, (z, K), mp), evaluator(expressions, (z, K), iv)

    @cached_property
    def _starts(self) -> tuple[Any, Any]:
        critical = sqrt(self.family.critical_square)
        expressions = [critical, diff(critical, K)]
        return evaluator(expressions, (K,), mp), evaluator(expressions, (K,), iv)

    @cached_property
    def superstable(self) -> list[Any]:
        """K₀, K₁, … to so many digits."""
        with workdps(self.digits):
            found: list[Any] = []
            for level, period in enumerate(self.periods):
                if level < len(self.guesses):
                    guess = mpf(self.guesses[level])
                else:
                    guess = found[-1] + (found[-1] - found[-2]) / FIRST_RATIO
                for _ in range(NEWTON_STEPS):
                    value, slope = self.defect(level, guess, mp)
                    guess -= value / slope
                if abs(value) > mpf(10) ** (SPARE_DIGITS - self.digits) or (found and guess <= found[-1]):
                    raise Undecided(f"the superstable parameter of period {period}: Newton's method failed")
                found.append(guess)
            return found

    @cached_property
    def proofs(self) -> list[bool]:
        """Whether a small box about each Kₙ is proved to hold exactly one zero of hₙ."""
        digits, iv.dps = iv.dps, self.digits
        try:
            return [self._proved(level, value) for level, value in enumerate(self.superstable)]
        finally:
            iv.dps = digits

    def _proved(self, level: int, value: Any) -> bool:
        middle, radius = iv.mpf(value), iv.mpf(10) ** -(self.lost + SPARE_DIGITS)
        box = middle + iv.mpf([-1, 1]) * radius
        slope = self.defect(level, box, iv)[1]
        if 0 in slope:
            return False
        newton = middle - self.defect(level, middle, iv)[0] / slope
        return bool(newton.a > box.a and newton.b < box.b)

    @cached_property
    def ratios(self) -> list[float]:
        """(Kₙ − Kₙ₋₁)/(Kₙ₊₁ − Kₙ)."""
        values: Sequence[Any] = self.superstable
        triples = zip(values, values[1:], values[2:], strict=False)
        return [float((second - first) / (third - second)) for first, second, third in triples]

    @cached_property
    def onset(self) -> float:
        """K∞, from the last two parameters and their ratio continued for ever."""
        *_, previous, last = self.superstable
        return float(last + (last - previous) / (self.ratios[-1] - 1))
