"""Enclosures of the multipliers of an orbit, the eigenvalues of a matrix known up to intervals.

Discs around approximate eigenvalues come from python-flint, with proved radii. Where eigenvalues coincide these may be
wide; then all of them lie in the disc |λ − c| ≤ ‖(A − c)ᵏ‖^(1/k), c their mean tr A/n, k a power of 2, which is narrow
if A − c is nearly nilpotent. An eigenvalue is real if the mirror image of its disc meets no other disc.
Source: :cite:t:`rump2010verification`, §13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import acb, acb_mat, arb, arb_mat
from sympy import Integer, Rational

from numeric.proofs.krawczyk import Interval

NEAR_DEGENERATE = Rational(1, 10**10)
POWERS = 6  # k = 2⁶ at most


@dataclass(frozen=True)
class Enclosure:
    """A rectangle of the complex plane with one eigenvalue in it; a real interval where the eigenvalue is real."""

    real: Interval
    imaginary: Interval

    @property
    def is_real(self) -> bool:
        """Whether the eigenvalue is known to be real."""
        return bool(self.imaginary.lower == self.imaginary.upper == 0)

    @property
    def squared_modulus(self) -> Interval:
        """The interval of |λ|²."""
        farthest = [max(abs(part.lower), abs(part.upper)) for part in (self.real, self.imaginary)]
        nearest = [max(part.lower, -part.upper, Integer(0)) for part in (self.real, self.imaginary)]
        return Interval(*(first**2 + second**2 for first, second in (nearest, farthest)))

    def __str__(self) -> str:
        return str(self.real) if self.is_real else f"{self.real} + {self.imaginary} i"


def enclose_eigenvalues(matrix: arb_mat, *, symmetric: bool) -> tuple[Enclosure, ...]:
    """One enclosure for each eigenvalue, with multiplicity; `symmetric` if the matrix is similar to a symmetric one."""
    discs = _discs(matrix)
    enclosures = []
    for index, disc in enumerate(discs):
        others = discs[:index] + discs[index + 1 :]
        mirror = acb(disc.real, -disc.imag)
        real = symmetric or not any(mirror.overlaps(other) for other in others)
        enclosures.append(Enclosure(Interval.around(disc.real), Interval.around(arb(0) if real else disc.imag)))
    return tuple(sorted(enclosures, key=lambda one: (one.real.lower, one.imaginary.lower)))


def verdict(multipliers: Sequence[Enclosure]) -> str:
    """``stable`` or ``unstable``; ``undecided`` if that hangs on one within `NEAR_DEGENERATE` of the unit circle."""
    moduli = [multiplier.squared_modulus for multiplier in multipliers]
    if any(modulus.lower > (1 + NEAR_DEGENERATE) ** 2 for modulus in moduli):
        return "unstable"
    if all(modulus.upper < (1 - NEAR_DEGENERATE) ** 2 for modulus in moduli):
        return "stable"
    return "undecided"


def _discs(matrix: arb_mat) -> list[acb]:
    size = matrix.nrows()
    mean = matrix.trace() / size
    deviation = matrix - arb_mat(size, size, [mean * (row == column) for row in range(size) for column in range(size)])
    radius, power = _norm(deviation), 1
    for _ in range(POWERS):
        deviation, power = deviation * deviation, 2 * power
        radius = min(radius, _norm(deviation).root(power).upper())
    common = acb(mean + arb(0, 1) * radius, arb(0, 1) * radius)
    try:
        discs = acb_mat(matrix).eig(multiple=True)
    except ValueError:  # not isolated
        return [common] * size
    return discs if max(disc.rad() for disc in discs) < common.rad() else [common] * size


def _norm(matrix: arb_mat) -> arb:
    """An upper bound of the largest row sum of absolute values."""
    rows = matrix.tolist()
    return max(sum((abs(entry) for entry in row), arb(0)).upper() for row in rows)
