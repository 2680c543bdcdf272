"""``python -m analysis.self_stabilization``: the options, and the study put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import xarray as xr

from analysis.study.claim import Claim
from analysis.cli import MOST_STEPS, CommonOptions, Number, Study, check_steps, main
from analysis.self_stabilization.claims import Context, claims_about_the_cycle, claims_about_the_expansion
from analysis.self_stabilization.claims_about_runs import claims_about_training, claims_about_two_cycles
from analysis.self_stabilization.experiments import Experiments
from analysis.self_stabilization.figures import draw
from analysis.self_stabilization.theory import Theory
from eos_sym import BadInput

ACCURACY_MUS = {"quick": np.geomspace(2e-5, 3e-4, 4), "full": np.geomspace(1e-6, 3e-4, 9)}
TRAINING_STEPS = 20  # times the steps that are compared with the prediction
LONGEST = MOST_STEPS // TRAINING_STEPS
LARGEST_MU = Fraction(1, 1000)


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Gradient descent at the edge, step size 1/10, against the predicted dynamics."""

    mu: Number = Fraction(1, 10_000)
    """weight μ of the flat example of the network; ε is about 2√μ"""
    steps: int = 1200
    """iterations of the network that are compared with the prediction; it is trained 20 times as long"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    if not 0 < options.mu <= LARGEST_MU:
        raise BadInput(
            f"--mu {options.mu}: must be positive and at most {LARGEST_MU}; the turns take about 2.2/√μ steps"
        )
    check_steps(options.steps)
    if options.steps > LONGEST:
        raise BadInput(f"--steps {options.steps}: at most {LONGEST}, since the network is trained 20 times as long")
    mu = float(options.mu)
    theory = Theory()
    experiments = Experiments(theory)

    def claims(data: Mapping[str, xr.Dataset]) -> list[Claim]:
        context = Context(experiments, data, mu, options.seed)
        groups = (
            claims_about_the_expansion,
            claims_about_the_cycle,
            claims_about_two_cycles,
            claims_about_training,
        )
        return [claim for group in groups for claim in group(context)]

    return Study(
        theory=theory.as_report(),
        experiments={
            "cycles": experiments.cycles,
            "spiral": experiments.spiral,
            "two_cycles": experiments.two_cycles,
            "capped": experiments.capped,
            "training": lambda progress: experiments.training(mu, options.steps * TRAINING_STEPS, progress),
            "accuracy": lambda progress: experiments.accuracy(ACCURACY_MUS[options.preset], progress),
            "predicted": lambda progress: experiments.predicted(mu, options.steps, progress),
        },
        claims=claims,
        figure=lambda data: draw(theory, data),
    )


if __name__ == "__main__":
    main("self_stabilization", Options, analyse)
