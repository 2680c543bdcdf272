"""Minimax polynomials by Remez' exchange, in many digits: where the coefficients of this folder come from.

    p of degree n with the least  ε = max |w(x) (p(x) − f(x))|  over an interval

is the one whose weighted error reaches ±ε in n + 2 points in turns. The exchange takes n + 2 points, solves
w(xᵢ)(p(xᵢ) − f(xᵢ)) = (−1)ⁱ ε for p and ε, and goes on with the points where the error between two of its zeros is
largest, until none exceeds |ε|. Here the points are taken from a fixed set, Chebyshev's nodes, which moves ε by a
thousandth of itself at most. The weight makes it the error of the whole function, relative to its value.

`POLYNOMIALS` says which they are, `coefficients` computes them. Nothing here is imported when functions are compiled:
they have the numbers written out, and a test holds these against what is computed here.
Source: :cite:t:`muller2016elementary`, §3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mpmath import mp

DIGITS = 60
NODES = 400
ROUNDS = 30
LEVEL = 1 + mp.mpf("1e-9")  # the largest error relative to ε at which the exchange ends

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Wanted:
    """A function, its weight, the interval and the degree."""

    function: Function
    weight: Function
    start: float
    end: float
    degree: int


def coefficients(wanted: Wanted) -> tuple[list[float], float]:
    """The coefficients of the polynomial, from the constant on, rounded to floats; and the error ε before that."""
    with mp.workdps(DIGITS):
        middle, half = (mp.mpf(wanted.end) + wanted.start) / 2, (mp.mpf(wanted.end) - wanted.start) / 2
        points = [middle - half * mp.cospi(mp.mpf(2 * index + 1) / (2 * NODES)) for index in range(NODES)]
        values, weights = [wanted.function(point) for point in points], [wanted.weight(point) for point in points]
        size = wanted.degree + 2
        chosen = [round((NODES - 1) * (1 - mp.cospi(mp.mpf(index) / (size - 1))) / 2) for index in range(size)]
        for _ in range(ROUNDS):
            rows = [[*(points[i] ** k for k in range(size - 1)), (-1) ** n / weights[i]] for n, i in enumerate(chosen)]
            *solution, level = mp.lu_solve(mp.matrix(rows), mp.matrix([values[i] for i in chosen]))
            errors = [
                weight * (mp.polyval(solution[::-1], point) - value)
                for point, value, weight in zip(points, values, weights, strict=True)
            ]
            chosen = _extrema(errors)
            if len(chosen) != size:
                raise ArithmeticError(f"the error has {len(chosen)} extrema where {size} are needed")
            if max(map(abs, errors)) <= LEVEL * abs(level):
                return [float(coefficient) for coefficient in solution], float(abs(level))
    raise ArithmeticError(f"no minimax polynomial after {ROUNDS} exchanges")


def _extrema(errors: list[Any]) -> list[int]:
    """The place of the largest error in every stretch without a change of sign."""
    places = [0]
    for place in range(1, len(errors)):
        if (errors[place] > 0) != (errors[place - 1] > 0):
            places.append(place)
        elif abs(errors[place]) > abs(errors[places[-1]]):
            places[-1] = place
    return places


def _even(function: Function) -> Function:
    """The function of z = r² for one of r."""
    return lambda z: function(mp.sqrt(z))


HALF_LN2, QUARTER_PI = 0.34658, 0.78540  # rounded up
POLYNOMIALS: Mapping[str, Wanted] = {
    "exponential.EXPONENTIAL": Wanted(
        lambda r: (mp.expm1(r) - r) / r**2, lambda r: r**2 / mp.exp(r), -HALF_LN2, HALF_LN2, 10
    ),
    "hyperbolic.SINE": Wanted(
        _even(lambda r: (mp.sinh(r) - r) / r**3), _even(lambda r: r**3 / mp.sinh(r)), 0, HALF_LN2**2, 4
    ),
    "hyperbolic.COSINE": Wanted(
        _even(lambda r: (mp.cosh(r) - 1 - r**2 / 2) / r**4), _even(lambda r: r**4 / mp.cosh(r)), 0, HALF_LN2**2, 4
    ),
    "logarithm.LOGARITHM": Wanted(
        _even(lambda s: 2 * (mp.atanh(s) - s) / s**3), _even(lambda s: s**3 / mp.atanh(s)), 0, 0.04, 7
    ),
    "trigonometric.SINE": Wanted(
        _even(lambda r: (mp.sin(r) - r) / r**3), _even(lambda r: r**3 / mp.sin(r)), 0, QUARTER_PI**2, 6
    ),
    "trigonometric.COSINE": Wanted(
        _even(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4), _even(lambda r: r**4 / mp.cos(r)), 0, QUARTER_PI**2, 5
    ),
}
