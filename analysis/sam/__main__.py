"""``python -m analysis.sam``: the options, and the study put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import xarray as xr

from analysis.cli import CommonOptions, Number, Study, check_step_sizes, main
from analysis.sam.claims import Context, claims
from analysis.sam.experiments import ends, hovering, paths, sides, two_cycles
from analysis.sam.figures import draw
from analysis.sam.theory import derive
from eos_sym import BadInput

HOVERING_STEPS = {"quick": 20_000, "full": 200_000}
PATH_STEPS = 4000
RANGES = {"eta": (Fraction(1, 20), Fraction(1, 5)), "rho": (Fraction(1, 10_000), Fraction(1, 50))}


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """SAM beside gradient descent on ½(1 − xyzw)², and normalized SAM."""

    eta: Number = Fraction(1, 10)
    """step size, between 0.05 and 0.2"""
    rho: Number = Fraction(1, 100)
    """radius of the step uphill, between 0.0001 and 0.02"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    check_step_sizes([options.eta])
    for name, value in (("eta", options.eta), ("rho", options.rho)):
        least, largest = RANGES[name]
        if not least <= value <= largest:
            limits = f"{float(least)} and {float(largest)}"
            raise BadInput(
                f"--{name} {value}: give a number between {limits}; runs below take too long, above they escape"
            )
    theory = derive()
    eta, rho = float(options.eta), float(options.rho)

    def context(data: Mapping[str, xr.Dataset]) -> Context:
        return Context(theory, eta, rho, data)

    return Study(
        theory=theory.as_report(),
        experiments={
            "paths": lambda progress: paths(eta, rho, PATH_STEPS, progress),
            "ends": lambda progress: ends(eta, progress),
            "sides": lambda progress: sides(theory.edge, eta, progress),
            "hovering": lambda progress: hovering(
                theory.normalized_edge, eta, rho, HOVERING_STEPS[options.preset], progress
            ),
            "two_cycles": lambda progress: two_cycles(options.seed, progress),
        },
        claims=lambda data: claims(context(data)),
        figure=lambda data: draw(context(data)),
    )


if __name__ == "__main__":
    main("sam", Options, analyse)
