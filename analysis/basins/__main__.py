"""``python -m analysis.basins``: the options of the pictures, and the study put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import xarray as xr
from sympy import Rational

from analysis.basins.claims import Context, claims_about_escape, claims_about_symmetry, claims_about_the_ellipse
from analysis.basins.claims_about_ends import claims_about_ends, claims_about_mixing
from analysis.basins.experiments import OUTCOMES, Progress, Simulations
from analysis.basins.figures import draw
from analysis.basins.measurements import Measured
from analysis.basins.theory import Basins
from analysis.study.claim import Claim
from analysis.cli import CommonOptions, Number, Study, check_step_sizes, main
from eos_sym import BadInput

RESOLUTION = {"quick": 400, "full": 2000}
LINE_STARTS = 400
RANDOM_STARTS = {"quick": 40_000, "full": 1_000_000}
SMALLEST = Fraction(1, 20)


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Where each initialization of ½(1 − xyzw)² and of ½(1 − xy)² ends."""

    eta: Number = Fraction(1, 5)
    """step size of ½(1 − xyzw)², from 1/20 to below 1/2; ½(1 − xy)² has twice that"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    check_step_sizes([options.eta])
    if options.eta >= Fraction(1, 2):
        raise BadInput(f"--eta {options.eta}: no minimum has the sharpness 2/η; give a step size below 1/2")
    if options.eta < SMALLEST:
        raise BadInput(
            f"--eta {options.eta}: runs take 1/η² iterations and more; give a step size of {SMALLEST} or more"
        )
    basins = Basins()
    simulations = Simulations(basins, Rational(options.eta.numerator, options.eta.denominator), options.seed)
    resolution, count = RESOLUTION[options.preset], RANDOM_STARTS[options.preset]

    grids = (simulations.plane, simulations.edge, simulations.boundary, simulations.enlarged)
    experiments: dict[str, Callable[[Progress], xr.Dataset]] = {
        grid.__name__: partial(simulations.both, partial(grid, resolution)) for grid in grids
    }
    experiments |= {
        "line": partial(simulations.both, partial(simulations.line, LINE_STARTS)),
        "diagonal": partial(simulations.both, simulations.diagonal),
        "ring": partial(simulations.ring, count // 10),
        "pairs": partial(simulations.both, partial(simulations.pairs, count)),
        "branches": partial(simulations.branches, count),
    }
    measured = Measured(simulations)

    def claims(data: Mapping[str, xr.Dataset]) -> list[Claim]:
        context = Context(measured, data)
        return [
            *claims_about_symmetry(context),
            *claims_about_the_ellipse(context),
            *claims_about_escape(context),
            *claims_about_ends(context),
            *claims_about_mixing(context),
        ]

    return Study(
        theory=basins.as_report(),
        experiments=experiments,
        claims=claims,
        figure=lambda data: draw(measured, data),
        simulation=outcomes,
    )


def outcomes(data: Mapping[str, xr.Dataset]) -> Mapping[str, dict[str, int]]:
    """How many starts of every picture had which outcome."""
    return {
        f"{name}, degree {degree}": {
            outcome: int((data[name].outcome.sel(degree=degree) == code).sum()) for code, outcome in enumerate(OUTCOMES)
        }
        for name in ("plane", "edge", "boundary", "enlarged")
        for degree in data[name].degree.values
    }


if __name__ == "__main__":
    main("basins", Options, analyse)
