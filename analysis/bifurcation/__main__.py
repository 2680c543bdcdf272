"""``python -m analysis.bifurcation``: the options of the bifurcation diagrams, and the study put together."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from analysis.bifurcation.cascade import Cascade
from analysis.bifurcation.claims import Context, all_claims
from analysis.bifurcation.experiments import Simulations
from analysis.bifurcation.figures import draw
from analysis.bifurcation.measurements import Measured
from analysis.bifurcation.theory import Family
from analysis.cli import CommonOptions, Number, Study, main
from eos_sym import BadInput

RESOLUTION = {"quick": 900, "full": 4000}
TRANSIENT = {"quick": 2000, "full": 20_000}
LYAPUNOV_STEPS = {"quick": 4000, "full": 40_000}
LEVELS = {"quick": 9, "full": 11}
SMALLEST, LARGEST = Fraction(1, 300), Fraction(1, 10)
PASSAGES = 10  # in units of 1/η²: the iterations that gradient descent takes through the diagram


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Period doubling of z ↦ z(1 + K − Kz²), and gradient descent on ½(1 − xyzw)² that runs through it."""

    eta: Number = Fraction(1, 64)
    """step size of the run of gradient descent in the figure, between 1/300 and 1/10"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    if not SMALLEST <= options.eta <= LARGEST:
        raise BadInput(f"--eta {options.eta}: give a step size between {SMALLEST}, for the run to end, and {LARGEST}")
    eta = float(options.eta)
    family = Family()
    simulations = Simulations(family)
    cascade = Cascade(family, LEVELS[options.preset])
    resolution = RESOLUTION[options.preset]
    return Study(
        theory={
            **family.as_report(),
            "superstable_parameters": [float(value) for value in cascade.superstable],
            "ratios": cascade.ratios,
            "onset_of_chaos": cascade.onset,
        },
        experiments={
            "diagram": partial(simulations.diagram, resolution, TRANSIENT[options.preset]),
            "lyapunov": partial(simulations.lyapunov, resolution, LYAPUNOV_STEPS[options.preset]),
            "thresholds": simulations.thresholds,
            "reduced_thresholds": simulations.reduced_thresholds,
            "drift": partial(simulations.drift, eta, round(PASSAGES / eta**2)),
            "lag": simulations.lag,
        },
        claims=lambda data: all_claims(Context(Measured(simulations), cascade, data, options.seed)),
        figure=lambda data: draw(family, cascade, data),
    )


if __name__ == "__main__":
    main("bifurcation", Options, analyse)
