"""Cascades of doublings: superstable parameters K₀ < K₁ < …, found by Newton's method and proved by intervals.

At Kₙ the critical point z_c returns to itself after p 2ⁿ steps: hₙ(K) = F^(p 2ⁿ)(z_c(K); K) − z_c(K) = 0, with p = 1
for the cascade of the minimum and p = 3 for that of the three-cycle. The derivative of hₙ is carried along the orbit,
z' ← F_z z' + F_K. With m the midpoint of a box, the interval Newton step

    N = m − hₙ(m)/hₙ'(box)

inside the box proves that hₙ has exactly one zero there. That the critical point does not return earlier, so that the
period is p 2ⁿ and no divisor of it, is proved if F^(p 2ⁿ/q)(z_c) − z_c is not 0 in the box for any prime factor q.
The ratios (Kₙ − Kₙ₋₁)/(Kₙ₊₁ − Kₙ) tend to Feigenbaum's δ = 4.6692016…, and the onset of chaos is where the geometric
series from the last two ends.

Errors: `Undecided` where Newton's method fails.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

from mpmath import iv, mp, mpf, workdps
from sympy import primefactors, sqrt

from analysis.bifurcation.theory import Family, K, z
from eos_sym import Undecided
from eos_sym.algebra import Evaluator, evaluator

NEWTON_STEPS = 14
FIRST_RATIO = 4.5  # of the distances, for the first guess of the next superstable parameter
LOST_PER_STEP = 0.6  # digits by which one step of F widens an interval: |F| in intervals has a slope of at most 4
SPARE_DIGITS = 30
FEIGENBAUM = 4.669201609


@cache
def evaluators(family: Family, context: Any) -> tuple[Evaluator, Evaluator]:
    """The critical point with its slope in K; one step with its slopes in z and K; in floating point or intervals."""
    critical, step = sqrt(family.critical_square), family.map.step[0]
    start = evaluator([critical, critical.diff(K)], (K,), context)
    return start, evaluator([step, step.diff(z), step.diff(K)], (z, K), context)


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
    def longest(self) -> int:
        """The longest of the periods."""
        return self.periods[-1]

    @property
    def lost(self) -> int:
        """The digits that intervals lose on the longest orbit."""
        return int(LOST_PER_STEP * self.longest)

    @property
    def digits(self) -> int:
        """The digits to compute with: rounding, widened, must still be much smaller than the boxes."""
        return 2 * self.lost + 2 * SPARE_DIGITS

    def misses(self, level: int, value: Any, context: Any) -> list[tuple[Any, Any]]:
        """F^k(z_c) − z_c and its slope in K for k = 1 … p 2ⁿ, in floating point (mp) or intervals (iv)."""
        start, step = evaluators(self.family, context)
        critical, critical_slope = point, slope = start((value,))
        found = []
        for _ in range(self.periods[level]):
            point, across, along = step((point, value))
            slope = across * slope + along
            found.append((point - critical, slope - critical_slope))
        return found

    def defect(self, level: int, value: Any, context: Any) -> tuple[Any, Any]:
        """hₙ(K) and hₙ'(K)."""
        return self.misses(level, value, context)[-1]

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
        """Whether a small box about each Kₙ is proved to hold exactly one zero of hₙ, of the period p 2ⁿ itself."""
        digits, iv.dps = iv.dps, self.digits
        try:
            return [self._proved(level, value) for level, value in enumerate(self.superstable)]
        finally:
            iv.dps = digits

    def _proved(self, level: int, value: Any) -> bool:
        middle, radius = iv.mpf(value), iv.mpf(10) ** -(self.lost + SPARE_DIGITS)
        box = middle + iv.mpf([-1, 1]) * radius
        misses, period = self.misses(level, box, iv), self.periods[level]
        slope = misses[-1][1]
        if 0 in slope or any(0 in misses[period // prime - 1][0] for prime in primefactors(period)):
            return False
        newton = middle - self.defect(level, middle, iv)[0] / slope
        return bool(newton.a > box.a and newton.b < box.b)

    @cached_property
    def ratios(self) -> list[float]:
        """(Kₙ − Kₙ₋₁)/(Kₙ₊₁ − Kₙ)."""
        distances = [later - earlier for earlier, later in pairwise(self.superstable)]
        return [float(first / second) for first, second in pairwise(distances)]

    @cached_property
    def onset(self) -> float:
        """K∞, from the last two parameters and their ratio continued for ever."""
        *_, previous, last = self.superstable
        return float(last + (last - previous) / (self.ratios[-1] - 1))

    def as_report(self) -> dict[str, list[float]]:
        """What is printed and written of its parameters."""
        return {"superstable_parameters": [float(value) for value in self.superstable], "ratios": self.ratios}
