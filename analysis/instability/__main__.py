"""``python -m analysis.instability``: the options, and the study put together."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.cli import Number, Study, check_step_sizes, main
from analysis.instability.claims import claims
from analysis.instability.experiments import NAME, experiment, measured
from analysis.instability.figures import draw
from analysis.training import TrainingOptions
from eos_sym.rules import GradientDescent
from eos_sym.stability import critical_sharpness


@dataclass(frozen=True, kw_only=True)
class Options(TrainingOptions):
    """One run across 2/η, its sharpness and its gradient along the top eigenvector read at every step."""

    eta: Number | None = None
    """step size; the preset's if not given: 0.3 on the digits, 0.01 on CIFAR-10"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    if options.eta is not None:
        check_step_sizes([options.eta])
    run = experiment(options, options.eta)
    return Study(
        theory={
            "critical_sharpness": critical_sharpness(GradientDescent()),
            "multiplier": "1 − ηS along the top eigenvector",
        },
        experiments={"training": lambda progress: measured(options, run, progress)},
        claims=lambda data: claims(data["training"]),
        figure=lambda data: draw(data["training"]),
    )


if __name__ == "__main__":
    main(NAME, Options, analyse)
