"""The study of some factors, put together: their runs, claims and figure, and the medians in a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import xarray as xr

from analysis.claim import Claim
from analysis.cli import Study
from analysis.training.sharpening.factor import Factor, Runs, SharpeningOptions
from analysis.training.sharpening.figure import draw
from analysis.training.sharpening.measures import summary
from eos_sym.rules import GradientDescent
from eos_sym.stability import critical_sharpness


def study(
    analysis: str,
    options: SharpeningOptions,
    factors: Sequence[Factor],
    claims: Callable[[Mapping[str, xr.Dataset]], Sequence[Claim]],
) -> Study:
    """The study of these factors for the analysis of this name."""
    runs = Runs(analysis, options, factors)
    flows = {factor.name: partial(runs.flows, factor) for factor in factors}
    repeated = {factor.repeated: partial(runs.descent, factor) for factor in factors}
    return Study(
        theory={"critical_sharpness": critical_sharpness(GradientDescent())},
        experiments=flows | repeated,
        claims=claims,
        figure=lambda data: draw(data, factors),
        simulation=lambda data: {factor.name: summary(data[factor.name], factor) for factor in factors},
    )
