"""The Jury test: all roots of a polynomial lie inside the unit circle iff each of some margins is positive.

For p(z) = a₀zⁿ + … + aₙ, division-free and whatever the sign of a₀:

    p(1),   (−1)ⁿ p(−1),   and   a₀² − aₙ²   of p and of each of its reductions   a₀ p(z) − aₙ zⁿ p(1/z)

with the vanishing last coefficient of a reduction left away. The coefficients may be expressions, whose margins are
conditions, or balls, whose margins enclose them. p has to be normalized to a₀ > 0 for its first two margins.
Source: E. I. Jury, Theory and Application of the z-Transform Method, 1964.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def jury_margins(coefficients: Sequence[Any]) -> list[Any]:
    """The margins of a polynomial from its coefficients, the highest first."""
    coefficients = list(coefficients)
    degree = len(coefficients) - 1
    alternating = [(-1) ** (degree - index) * coefficient for index, coefficient in enumerate(coefficients)]
    margins = [sum(coefficients[1:], coefficients[0]), (-1) ** degree * sum(alternating[1:], alternating[0])]
    while len(coefficients) > 2:
        first, last = coefficients[0], coefficients[-1]
        margins.append(first**2 - last**2)
        pairs = zip(coefficients, reversed(coefficients), strict=True)
        coefficients = [first * a - last * b for a, b in pairs][:-1]
    return margins
