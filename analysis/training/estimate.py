"""What several independent runs say of a number: an estimate with its error, and whether it lies between bounds.

    mean     of the values of n runs, with the error s/√n and n − 1 degrees of freedom
    power    a of y ~ x^a by least squares on logarithms, with the error of a slope and n − 2 degrees of freedom

The estimate ± its error times Student's quantile is an interval that holds the truth in 95 of 100 cases, if the runs
scatter normally. The number is between two bounds if all of the interval is, and is not if none of it is; an interval
that contains a bound decides nothing, and neither do fewer runs than tell how far they scatter: so a verdict does not
turn with the last bits of a machine's arithmetic.

Errors: `Undecided` for too few runs, and for values that are not finite, or for a power not positive.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from analysis.study import Evidence, Status
from eos_sym import Undecided

FEWEST_RUNS = 5
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number, its standard error, and the degrees of freedom that this was estimated with."""

    value: float
    error: float
    freedom: int

    @property
    def interval(self) -> tuple[float, float]:
        """What holds the truth with the confidence."""
        half = float(stdtrit(self.freedom, (1 + CONFIDENCE) / 2)) * self.error
        return self.value - half, self.value + half

    def __str__(self) -> str:
        return f"{self.value:.3f}, standard error {self.error:.2g}"


def mean(values: Sequence[float]) -> Estimate:
    """The mean of as many runs."""
    known = _enough(values)
    return Estimate(float(known.mean()), float(known.std(ddof=1)) / len(known) ** 0.5, len(known) - 1)


def power(places: Sequence[float], values: Sequence[float]) -> Estimate:
    """The exponent with which the values of as many runs go with their places."""
    known = np.log(_enough(values, above=0.0))
    offsets = np.log(np.asarray(places, dtype=float))
    offsets = offsets - offsets.mean()
    spread = float(offsets @ offsets)
    if spread == 0:
        raise Undecided("all runs are at the same place: a power takes several")
    slope = float(offsets @ known) / spread
    left = known - known.mean() - slope * offsets
    freedom = len(known) - 2
    return Estimate(slope, float(left @ left / freedom / spread) ** 0.5, freedom)


def within(quantity: str, found: Estimate, least: float, largest: float) -> Evidence:
    """Evidence of trained networks that the number is between the bounds."""
    low, high = found.interval
    status: Status = "undecided"
    if least <= low and high <= largest:
        status = "supported"
    elif high < least or low > largest:
        status = "refuted"
    return Evidence("network", quantity, status, f"{least:g} to {largest:g}", str(found))


def _enough(values: Sequence[float], above: float = -np.inf) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    known = np.asarray(values, dtype=float)
    if len(known) < FEWEST_RUNS:
        raise Undecided(f"{len(known)} run{'s' * (len(known) != 1)}; {FEWEST_RUNS} tell how far they scatter")
    if not (np.isfinite(known) & (known > above)).all():
        raise Undecided("some run has no value of its own")
    return known
