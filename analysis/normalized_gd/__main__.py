"""``python -m analysis.normalized_gd``: the options of normalized GD and GD on √L, and their study put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import xarray as xr

from analysis.study.claim import Claim
from analysis.cli import CommonOptions, Number, Study, main
from analysis.normalized_gd.claims import Context, claims_about_quadratics
from analysis.normalized_gd.claims_about_minima import (
    claims_about_limit_flows,
    claims_about_networks,
    claims_about_phases,
    claims_about_the_edge,
)
from analysis.normalized_gd.experiments import Experiments
from analysis.normalized_gd.figures import draw
from analysis.normalized_gd.theory import Theory
from eos_sym import BadInput

STARTS = {"quick": 60, "full": 1000}
# At η = 0.04 the error of GD on √L at the hyperbola still has the other sign: no power of η is to be fitted there.
STEP_SIZES = {"quick": (0.02, 1 / 70, 0.01), "full": (0.02, 0.01, 0.005, 0.0025, 0.00125)}
PHASE_STEP_SIZES = {"quick": (0.04, 0.02, 0.01), "full": (0.04, 0.02, 0.01, 0.005, 0.0025)}


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Normalized GD and GD on √L: two-cycles on a quadratic, and two phases near a manifold of minima."""

    eigenvalues: tuple[Number, ...] = (Fraction(1), Fraction(3, 5), Fraction(3, 10))
    """λ₁ > λ₂ > … > 0 of the quadratic, at least two"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    eigenvalues = tuple(float(value) for value in options.eigenvalues)
    if len(eigenvalues) < 2 or sorted(set(eigenvalues), reverse=True) != list(eigenvalues) or eigenvalues[-1] <= 0:
        raise BadInput(f"--eigenvalues {' '.join(map(str, options.eigenvalues))}: give at least two, positive, falling")
    theory = Theory()
    experiments = Experiments(theory, eigenvalues, options.seed)

    def claims(data: Mapping[str, xr.Dataset]) -> list[Claim]:
        context = Context(experiments, data)
        groups = (
            claims_about_quadratics,
            claims_about_limit_flows,
            claims_about_phases,
            claims_about_the_edge,
            claims_about_networks,
        )
        return [claim for group in groups for claim in group(context)]

    return Study(
        theory=theory.as_report(),
        experiments={
            "alignment": lambda progress: experiments.alignment(STARTS[options.preset], progress),
            "multipliers": experiments.multipliers,
            "noise": experiments.noise,
            "phases": lambda progress: experiments.phases(PHASE_STEP_SIZES[options.preset], progress),
            "drift": lambda progress: experiments.drift(STEP_SIZES[options.preset], progress),
        },
        claims=claims,
        figure=lambda data: draw(theory, data),
    )


if __name__ == "__main__":
    main("normalized_gd", Options, analyse)
