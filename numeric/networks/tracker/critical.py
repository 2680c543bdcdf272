"""The critical step of a reading: how far from θ_t along −∇L the loss does not rise, by forward passes.

    critical_step        η_c, which is between critical_lower and critical_upper, a twentieth apart
    critical_sharpness   2/η_c; on a quadratic Σ λᵢ (uᵢ·∇L)²/‖∇L‖², the mean of the eigenvalues weighted by the gradient
    critical_passes      the forward passes that found it, three or four from the last reading's
    critical_status      see `numeric.networks.curvature.critical_step`; not_finite where weights, loss or gradient are

It is another quantity than the sharpness λ₁: on a quadratic at most λ₁, and far below it as long as the gradient is not
along u₁. It is of the iterate θ_t, from which training takes its step, also where the sharpness is read at a midpoint,
as there the gradient has no part of the oscillation. The first search begins at Polyak's step |L|/‖∇L‖², every other
one at the critical step of the reading before.

Units: η_c in those of the step size of gradient descent, also where the optimizer is another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from numeric.networks.curvature.critical_step import ROUNDINGS, CriticalStep, critical_step
from numeric.networks.curvature.passes import GradientAt

NUMBERS = ("critical_step", "critical_lower", "critical_upper", "critical_sharpness", "critical_passes")
STATUSES = ("converged", "rounding", "unfinished", "unbounded", "ascending", "not_finite")
IN_WORDS = MappingProxyType(
    {
        "critical_step": "η_c, the largest step found along the negative gradient that does not raise the loss",
        "critical_sharpness": "2/η_c, another quantity than the sharpness λ₁: on a quadratic the mean of the"
        " eigenvalues weighted by the gradient, at most λ₁",
    }
)


def critical_row(at: GradientAt, known: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The critical step along the gradient at a point, after the readings that are known; nothing if not finite."""
    start, gradient = float(at.value), at.gradient
    slope = float(gradient.double() @ gradient.double())
    if not (math.isfinite(start) and math.isfinite(slope)):
        return {}
    found = critical_step(
        lambda eta: float(at.value_at(at.point - eta * gradient)),
        start=start,
        guess=_guess(known, start, slope),
        slope=slope,
        rounding=ROUNDINGS * torch.finfo(gradient.dtype).eps,
    )
    return _row(found)


def _row(found: CriticalStep) -> dict[str, Tensor]:
    numbers: tuple[Any, ...] = (found.step, found.lower, found.upper, found.sharpness, found.passes)
    row = {name: torch.tensor(float(one), dtype=torch.float64) for name, one in zip(NUMBERS, numbers, strict=True)}
    return row | {"critical_status": torch.tensor(STATUSES.index(found.status))}


def _guess(known: Sequence[dict[str, Tensor]], start: float, slope: float) -> float:
    """Where to look first."""
    last = float(known[-1]["critical_step"]) if known else math.nan
    polyak = abs(start) / slope if slope else math.nan
    return next((guess for guess in (last, polyak) if 0 < guess < math.inf), 1.0)
