"""The exponential function.

    x = n ln 2 + r,  |r| ≤ ½ ln 2;      eˣ = 2ⁿ (1 + r + r² P(r)),  P of degree 10

n ln 2 is subtracted with ln 2 in two floats, the first time without any rounding; what the second time rounds away is
carried along. P is the minimax polynomial of (eʳ − 1 − r)/r², with an error of 5.4 · 10⁻²⁰ of eʳ. 1 + r is a sum of
two floats, of which the second is added with r² P, whose first term r²/2 is rounded once. 2ⁿ is two factors, so that no
result overflows too early and denormal ones are rounded as they should be.
"""

from __future__ import annotations

from numeric.compile.functions.bits import ROUNDING, fused, polynomial, power_of_two

PER_LN2 = 1.4426950408889634
LN2, LN2_REST = 0.6931471805599453, 2.3190468138462996e-17
LEAST, MOST = -746.0, 710.0  # where the exponential is 0, and infinite
SMALL, LOWERED = -700.0, 2.0**-64  # where it is not yet denormal, and the factor below that
EXPONENTIAL = (
    0.5,
    0.16666666666666682,
    0.041666666666666095,
    0.008333333333317044,
    0.0013888888889115564,
    0.0001984126989635843,
    2.4801586926674934e-05,
    2.7557234888488378e-06,
    2.7557581869406987e-07,
    2.511202723116137e-08,
    2.0826605341814534e-09,
)
HALF = EXPONENTIAL[0]
_exponential = polynomial(EXPONENTIAL[1:])


def reduced(number: float) -> tuple[float, float, float]:
    """N, and r as a sum of two floats, for a number that is no larger than 2³⁰."""
    whole = fused(number, PER_LN2, ROUNDING) - ROUNDING
    exact = fused(-whole, LN2, number)
    high = fused(-whole, LN2_REST, exact)
    return whole, high, fused(-whole, LN2_REST, exact - high)


def exp(number: float) -> float:
    """eˣ, within 0.6 ulp, and 0.75 where it is denormal; e⁰ = 1, 0 below −745.14, ∞ from 709.79 on, nan of nan."""
    bounded = LEAST if number < LEAST else number
    whole, high, low = reduced(MOST if bounded > MOST else bounded)
    sum_ = 1.0 + high
    rest = (1.0 - sum_) + high
    cubic = fused(high * high * high, _exponential(high), fused(low, high, low))
    value = sum_ + (rest + fused(HALF * high, high, cubic))
    small = bounded < SMALL
    return value * power_of_two(whole + (64.0 if small else -1.0)) * (LOWERED if small else 2.0)
