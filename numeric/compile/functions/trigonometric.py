"""Sine, cosine and tangent of numbers up to 2³⁰.

    |x| = n π/2 + r,  |r| ≤ π/4
    sin r = r + r³ P(r²),  P of degree 6;      cos r = 1 − r²/2 + r⁴ Q(r²),  Q of degree 5

n π/2 is subtracted with π/2 in three floats, the first time without any rounding; r is a sum of two floats, exact to
2⁻¹³⁰, while no float is nearer to a multiple of π/2 than 2⁻⁶². P and Q are minimax polynomials with errors of
2 · 10⁻²¹ and 5.6 · 10⁻²⁰ of the values, which are sums of two floats; the products r² and r³ have their rounding errors
with them. n mod 4 says which of the two is taken, and with which sign; the tangent is their quotient.
"""

from __future__ import annotations

from math import fabs

from numeric.compile.functions.bits import ROUNDING, SIGN, bits_of, fused, of_bits, polynomial, quotient

LARGEST = 2.0**30
PER_HALF_PI = 0.6366197723675814
HALF_PI, HALF_PI_REST, HALF_PI_LAST = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33
SINE = (
    -0.16666666666666666,
    0.008333333333333323,
    -0.000198412698412548,
    2.755731921406537e-06,
    -2.5052104881975814e-08,
    1.605836317944214e-10,
    -7.57854095680585e-13,
)
COSINE = (
    0.041666666666666595,
    -0.0013888888888873056,
    2.4801587288851897e-05,
    -2.755731417934177e-07,
    2.0875700846934844e-09,
    -1.135853672814533e-11,
)
SIXTH = SINE[0]
_sine, _cosine = polynomial(SINE[1:]), polynomial(COSINE)


def _turned(number: float) -> tuple[int, float, float, float, float]:
    """The bits that end with n, and sin r and cos r as sums of two floats."""
    size = fabs(number)
    rounded = fused(size, PER_HALF_PI, ROUNDING)
    whole = rounded - ROUNDING
    exact = fused(-whole, HALF_PI, size)
    product = whole * HALF_PI_REST
    high = exact - product
    other = exact - high
    low = (exact - (high + other)) + (other - product)
    low = low - fused(whole, HALF_PI_LAST, fused(whole, HALF_PI_REST, -product))
    square = high * high
    square_rest = fused(high, high, -square)
    cube = square * high
    cube_rest = fused(square_rest, high, fused(square, high, -cube))
    half = 0.5 * square
    cosine = 1.0 - half
    sine_rest = fused(cube, SIXTH, fused(cube, square * _sine(square), fused(cube_rest, SIXTH, low * cosine)))
    rest = ((1.0 - cosine) - half) - fused(high, low, 0.5 * square_rest)
    return bits_of(rounded), high, sine_rest, cosine, fused(square * square, _cosine(square), rest)


def sin(number: float) -> float:
    """The sine of a number up to 2³⁰, within 0.65 ulp; ±0 at ±0, nan of ±∞ and nan."""
    turns, sine, sine_rest, cosine, cosine_rest = _turned(number)
    value = sine + sine_rest if turns & 1 == 0 else cosine + cosine_rest
    return of_bits(bits_of(value) ^ (((turns << 62) ^ bits_of(number)) & SIGN))


def cos(number: float) -> float:
    """The cosine of a number up to 2³⁰, within 0.65 ulp; 1 at 0, nan of ±∞ and nan."""
    turns, sine, sine_rest, cosine, cosine_rest = _turned(number)
    value = cosine + cosine_rest if turns & 1 == 0 else sine + sine_rest
    return of_bits(bits_of(value) ^ (((turns + 1) << 62) & SIGN))


def tan(number: float) -> float:
    """The tangent of a number up to 2³⁰, within 0.75 ulp; ±0 at ±0, nan of ±∞ and nan."""
    turns, sine, sine_rest, cosine, cosine_rest = _turned(number)
    even = turns & 1 == 0
    value = quotient(
        sine if even else cosine,
        sine_rest if even else cosine_rest,
        cosine if even else sine,
        cosine_rest if even else sine_rest,
    )
    return of_bits(bits_of(value) ^ (((turns << 63) ^ bits_of(number)) & SIGN))
