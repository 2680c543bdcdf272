"""Hyperbolic functions.

    |x| = n ln 2 + r,  |r| ≤ ½ ln 2,      A, B = ½ (2ⁿ ± 2⁻ⁿ),      C = cosh r,  S = sinh r
    cosh x = A C + B S,    sinh |x| = B C + A S,    tanh |x| = sinh |x| / cosh x

C = 1 + r²/2 + r⁴ P(r²) and S = r + r³ Q(r²), P and Q of degree 4, are minimax polynomials with errors of 8 · 10⁻²² and
2.6 · 10⁻¹⁹ of their values. A + B r and B + A r are sums of two floats, of which the second is added with the rest,
and their quotient is corrected by its residual. All is done with a quarter of A and B, so that nothing overflows too
early; of numbers so small that they could be denormal then, sinh and tanh are these numbers.

The three functions begin with the same operations, which LLVM does once for those of the same number.
"""

from __future__ import annotations

from math import fabs

from numeric.compile.functions.bits import fused, polynomial, power_of_two, quotient, with_sign
from numeric.compile.functions.exponential import reduced

MOST = 710.6  # where sinh and cosh are infinite
SMALL = 2.0**-28  # where sinh x and tanh x are x
NEGLIGIBLE = 128.0  # n for which 2⁻ⁿ is nothing beside 2ⁿ
SINE = (
    0.16666666666666677,
    0.008333333333321678,
    0.00019841269886000933,
    2.7557244340877798e-06,
    2.510898964381905e-08,
)
COSINE = (
    0.041666666666666685,
    0.001388888888887363,
    2.4801587348443355e-05,
    2.755725250969553e-07,
    2.0921546717444846e-09,
)
_sine, _cosine = polynomial(SINE), polynomial(COSINE)


def _parts(number: float) -> tuple[float, float, float, float, float, float, float]:
    """A/4 and B/4 as sums of two floats, r, C − 1, and S − r."""
    size = fabs(number)
    whole, high, low = reduced(MOST if size > MOST else size)
    growing = power_of_two(whole - 3.0)
    decaying = power_of_two(-3.0 - (NEGLIGIBLE if whole > NEGLIGIBLE else whole))
    above, below = growing + decaying, growing - decaying
    above_rest, below_rest = (growing - above) + decaying, (growing - below) - decaying
    square = high * high
    cosine = fused(square * square, _cosine(square), fused(high, low, 0.5 * square))
    sine = fused(square * high, _sine(square), low)
    return above, above_rest, below, below_rest, high, cosine, sine


def _combined(
    first: float, first_rest: float, second: float, second_rest: float, high: float, cosine: float, sine: float
) -> tuple[float, float]:
    """First · C + second · S, as a sum of two floats of which the second is small."""
    product = second * high
    sum_ = first + product
    rest = ((first - sum_) + product) + (fused(second_rest, high, first_rest) + fused(second, high, -product))
    return sum_, fused(first, cosine, fused(second, sine, rest))


def cosh(number: float) -> float:
    """The hyperbolic cosine, within 0.65 ulp; 1 at 0, ∞ beyond ±710.47, nan of nan."""
    above, above_rest, below, below_rest, high, cosine, sine = _parts(number)
    sum_, rest = _combined(above, above_rest, below, below_rest, high, cosine, sine)
    return 4.0 * (sum_ + rest)


def sinh(number: float) -> float:
    """The hyperbolic sine, within 0.7 ulp; ±0 at ±0, ±∞ beyond ±710.47, nan of nan."""
    above, above_rest, below, below_rest, high, cosine, sine = _parts(number)
    sum_, rest = _combined(below, below_rest, above, above_rest, high, cosine, sine)
    return number if fabs(number) < SMALL else with_sign(4.0 * (sum_ + rest), number)


def tanh(number: float) -> float:
    """The hyperbolic tangent, within 0.7 ulp; ±0 at ±0, ±1 beyond ±19.06, nan of nan."""
    above, above_rest, below, below_rest, high, cosine, sine = _parts(number)
    sinh_, sinh_rest = _combined(below, below_rest, above, above_rest, high, cosine, sine)
    cosh_, cosh_rest = _combined(above, above_rest, below, below_rest, high, cosine, sine)
    value = quotient(sinh_, sinh_rest, cosh_, cosh_rest)
    return number if fabs(number) < SMALL else with_sign(value, number)
