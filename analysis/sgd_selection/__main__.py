"""``python -m analysis.sgd_selection``: the options, and the study put together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from analysis.cli import CommonOptions, Number, Study, check_step_sizes, main
from analysis.sgd_selection.claims import claims
from analysis.sgd_selection.experiments import START, ends, gd, moments, sgd
from analysis.sgd_selection.figures import draw
from analysis.sgd_selection.theory import derive
from eos_sym import BadInput

NEAR_THRESHOLD = 0.01  # each threshold is tested this far, relatively, on either side
SHORTEST_RUN, LONGEST_RUN = 300, 10_000
MOMENT_RUNS = {"quick": 20_000, "full": 400_000}
MOMENT_STEPS = {"quick": 300, "full": 400}  # e^(0.025 t) runs carry the second moment: it takes that many to see it
GROWTH_STEPS = 10
GROWTH_STEP_SIZES = np.linspace(0.3, 0.8, 11).tolist()


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """GD and SGD on the pair of losses, from x = 1 − 10⁻⁵."""

    eta: Number = Fraction(7, 10)
    """step size of the runs, below 1, the threshold of GD at both minima"""
    runs: int = 200
    """number of runs of SGD"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    check_step_sizes([options.eta])
    if options.eta >= 1:
        raise BadInput(f"--eta {options.eta}: GD leaves both minima there; give a step size below 1")
    if not 10 <= options.runs <= 2000:
        raise BadInput(f"--runs {options.runs}: give 10 to 2000")
    theory = derive()
    eta, runs, seed = float(options.eta), options.runs, options.seed
    away, home = abs(theory.exponent_at(eta)), abs(math.log(max(abs(1 - 2 * eta), 1e-9)))  # rates at 1, and at 0
    needed = 20 * math.log(1 / (1 - START)) / max(away, 1e-6) + 30 / max(home, 1e-6)  # several times a typical run
    steps = round(min(max(needed, SHORTEST_RUN), LONGEST_RUN))
    mean_square, almost_sure = float(theory.mean_square_critical), float(theory.almost_sure_critical)
    between = (mean_square + almost_sure) / 2

    def around(threshold: float) -> list[float]:
        return sorted([threshold * (1 - NEAR_THRESHOLD), between, threshold * (1 + NEAR_THRESHOLD)])

    many, longer = MOMENT_RUNS[options.preset], MOMENT_STEPS[options.preset]
    return Study(
        theory=theory.as_report(),
        experiments={
            "gd": lambda progress: gd(eta, steps, progress),
            "sgd": lambda progress: sgd(eta, runs, steps, seed, progress),
            "ends": lambda progress: ends(around(almost_sure), runs, LONGEST_RUN, seed, progress),
            "moments": lambda progress: moments(around(mean_square), many, longer, seed, progress),
            "growth": lambda progress: moments(GROWTH_STEP_SIZES, many, GROWTH_STEPS, seed, progress),
        },
        claims=lambda data: claims(theory, options.eta, data),
        figure=lambda data: draw(theory, eta, data),
    )


if __name__ == "__main__":
    main("sgd_selection", Options, analyse)
