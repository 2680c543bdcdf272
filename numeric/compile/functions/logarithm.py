"""The natural logarithm.

    x = 2ᵏ (1 + f),  √½ ≤ 1 + f < √2;      log(1 + f) = 2 artanh s,  s = f/(2 + f)
    2 artanh s = 2 s + s³ Q(s²) = f − (f²/2 − s (f²/2 + s² Q(s²))),  Q of degree 7

Q is the minimax polynomial of 2 (artanh s − s)/s³ for |s| ≤ 1/5, that is −⅓ ≤ f ≤ ½, with an error of 2.7 · 10⁻¹⁹ of
the logarithm. f is exact, f²/2 and k ln 2 + f − f²/2 are sums of two floats, of which the second is added with the
rest. k is 0 around 1, so that the logarithm has all its digits there.
"""

from __future__ import annotations

from math import inf, nan

from numeric.compile.functions.bits import bits_of, first_bits, fused, of_bits, polynomial
from numeric.compile.functions.exponential import LN2, LN2_REST, exp

ROOT_HALF = 0x3FE6A09E << 32  # the bits of √½, but for the last
ONE = 0x3FF << 52  # of 1
LARGE, BIASED = 0x433 << 52, 2.0**52 + 1023.0  # of 2⁵²
FRACTION = 2**52 - 1  # the bits that are no sign and no exponent
SMALLEST_NORMAL = 2.0**-1022
LOGARITHM = (
    0.666666666666666,
    0.400000000000557,
    0.2857142855605913,
    0.22222224270892657,
    0.18181667378903138,
    0.15391063697306367,
    0.13174397926923007,
    0.13837707817348965,
)
_logarithm = polynomial(LOGARITHM)


def _composed(exponent: float, fraction: float) -> float:
    """K ln 2 + log(1 + f)."""
    half = 0.5 * fraction
    half_square = half * fraction
    quotient = fraction / (2.0 + fraction)
    square = quotient * quotient
    rest = fused(quotient, fused(square, _logarithm(square), half_square), -fused(half, fraction, -half_square))
    multiple = exponent * LN2
    sum_ = multiple + fraction
    rest = fused(exponent, LN2_REST, rest + ((multiple - sum_) + fraction))
    value = sum_ - half_square
    return value + (((sum_ - value) - half_square) + (rest + fused(exponent, LN2, -multiple)))


def log(number: float) -> float:
    """The logarithm, within 0.7 ulp, of denormal numbers too; log 1 = 0, −∞ of ±0, ∞ of ∞, nan below 0 and of nan."""
    denormal = number < SMALLEST_NORMAL
    bits = bits_of(number * 2.0**54 if denormal else number) + (ONE - ROOT_HALF)
    exponent = of_bits(first_bits(bits) | LARGE) - BIASED
    fraction = of_bits((bits & FRACTION) + ROOT_HALF) - 1.0
    value = _composed(exponent - 54.0 if denormal else exponent, fraction)
    value = value if number < inf else number
    value = value if number > 0.0 else nan
    return -inf if number == 0.0 else value


def logaddexp(first: float, second: float) -> float:
    """Log(eˣ + eʸ) = max + log(1 + t), t = e^(−|x − y|), within 1.4 ulp of the larger of |max| and log(1 + t).

    (To this comes what rounding x − y does, as in NumPy.) The larger number where the smaller is −∞, ∞ if one is ∞, nan
    if one is nan. 1 + t is 1 + f below 3/2, and 2 (1 + f) from there on, both without rounding.
    """
    distance = 0.0 if first == second else first - second
    term = exp(-distance if distance > 0.0 else distance)
    large = term >= 0.5
    value = _composed(1.0 if large else 0.0, 0.5 * (term - 1.0) if large else term)
    larger = first if first > second or first != first else second
    return larger + value
