"""When a forecast may be trusted: what is measured of the model before anything has happened, and its limits.

    left_out      ηλ/2      of the first direction that is not in the edge, or, where what enters the head is exact, not
                            among the directions: above 1 it diverges

and what the expansion has measured of itself, `loss_expansion` or `cut_expansion`.

A forecast is trusted if all of them are within their limits, and otherwise the reason names those that are not. The
limits are first ones, from a handful of runs; against others those of the expansion of the loss were too strict, and
let one through for which `leaves` was added there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LIMITS: Mapping[str, float] = {
    "kinks": 0.05,
    "sixth_order": 0.05,
    "left_out": 1.0,
    "base": 0.25,
    "at_the_peak": 0.05,
    "leaves": 1.3,
}


@dataclass(frozen=True)
class Trust:
    """What was measured, by the names of the limits."""

    measured: Mapping[str, float]

    @property
    def failing(self) -> list[str]:
        """The gates whose value is beyond their limit, or is no number."""
        return [name for name, value in self.measured.items() if not value <= LIMITS[name]]

    @property
    def trusted(self) -> bool:
        """Whether every gate lets the forecast through."""
        return not self.failing

    def __str__(self) -> str:
        if self.trusted:
            return "to be trusted: " + ", ".join(f"{name} {value:.2g}" for name, value in self.measured.items())
        reasons = (f"{name} is {self.measured[name]:.2g}, above {LIMITS[name]:g}" for name in self.failing)
        return "not to be trusted: " + "; ".join(reasons)
