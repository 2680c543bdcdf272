"""``python -m analysis.bifurcation``: the options of the bifurcation diagrams, and the study put together."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from analysis.bifurcation.cascade import Cascade
from analysis.bifurcation.claims import Context, claims_about_crises, claims_about_cycles
from analysis.bifurcation.claims_about_chaos import claims_about_chaos
from analysis.bifurcation.experiments import Simulations, Size
from analysis.bifurcation.figures import draw
from analysis.bifurcation.measurements import Measured
from analysis.bifurcation.theory import Family
from analysis.study.claim import Claim
from analysis.cli import CommonOptions, Number, Study, main
from eos_sym import BadInput

SIZES = {
    "quick": Size(columns=1200, rows=1000, steps=8000, kept=2000, passing=2_000_000, doublings=5),
    "full": Size(columns=8000, rows=2400, steps=40_000, kept=20_000, passing=60_000_000, doublings=6),
}
LEVELS = {"quick": 9, "full": 11}
WINDOW_LEVELS = {"quick": 7, "full": 9}
FIRST_IN_WINDOW = 1.4532  # a guess of the superstable parameter of period 3
SMALLEST, LARGEST = Fraction(1, 300), Fraction(1, 10)
PASSAGES = 8  # in units of 1/η²: the iterations that gradient descent takes through the diagram


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Period doubling of z ↦ z(1 + K − Kz²), and gradient descent on ½(1 − xyzw)² that runs through it."""

    eta: Number = Fraction(1, 64)
    """step size of gradient descent in the figure, between 1/300 and 1/10"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    if not SMALLEST <= options.eta <= LARGEST:
        raise BadInput(f"--eta {options.eta}: give a step size between {SMALLEST}, for the run to end, and {LARGEST}")
    eta, size = float(options.eta), SIZES[options.preset]
    family = Family()
    simulations = Simulations(family)
    cascade = Cascade(family, LEVELS[options.preset])
    birth = float(simulations.period_three.births[0])
    # A window is a small copy of the family's quadratic cousin z² + c: c = 1/4 at the birth, 0, −1, … superstable, −2.
    unit = 4 * (FIRST_IN_WINDOW - birth)
    window = Cascade(family, WINDOW_LEVELS[options.preset], 3, (FIRST_IN_WINDOW, FIRST_IN_WINDOW + unit))
    context = partial(Context, Measured(simulations), cascade, window)
    return Study(
        theory={
            **family.as_report(),
            "superstable_parameters": [float(value) for value in cascade.superstable],
            "ratios": cascade.ratios,
            "onset_of_chaos": cascade.onset,
            "period_three": {
                **simulations.period_three.as_report(),
                "superstable_parameters": [float(value) for value in window.superstable],
                "ratios": window.ratios,
            },
        },
        experiments={
            "thresholds": simulations.thresholds,
            "reduced_thresholds": simulations.reduced_thresholds,
            "escape": partial(simulations.escape, size.steps),
            "lag": simulations.lag,
            "passage": partial(simulations.passage, eta, round(PASSAGES / eta**2), size),
            "window": partial(simulations.window, (birth - unit / 4, birth + 5 * unit / 2), size),
            "onset": partial(simulations.onset, cascade.onset, size),
            "diagram": partial(simulations.diagram, size),
        },
        claims=lambda data: all_claims(context(data, options.seed)),
        figure=lambda data: draw(simulations, cascade, window, data),
    )


def all_claims(context: Context) -> list[Claim]:
    """The statements of the essay in its order."""
    return [*claims_about_cycles(context), *claims_about_crises(context), *claims_about_chaos(context)]


if __name__ == "__main__":
    main("bifurcation", Options, analyse)
