"""``python -m analysis.progressive_sharpening``: the options, and the study put together."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.cli import Number, Study, check_step_sizes, main
from analysis.progressive_sharpening.claims import claims
from analysis.progressive_sharpening.experiments import LOSSES, experiment, rates, runs
from analysis.progressive_sharpening.figures import draw
from analysis.training import TrainingOptions
from eos_sym.rules import GradientDescent
from eos_sym.stability import critical_sharpness


@dataclass(frozen=True, kw_only=True)
class Options(TrainingOptions):
    """A network trained with small steps, with the squared error and with the cross-entropy."""

    eta: Number | None = None
    """step size; the preset's, so small that 2/η stays out of reach, if not given"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    if options.eta is not None:
        check_step_sizes([options.eta])
    experiments = {loss: experiment(options, loss, options.eta) for loss in LOSSES}
    return Study(
        theory={
            "critical_sharpness": critical_sharpness(GradientDescent()),
            "rate_of_the_sharpness": "dS/dt = −∇³L(u, u, ∇L) along the gradient flow",
        },
        experiments={
            "training": lambda progress: runs(options, experiments, progress),
            "rates": lambda progress: rates(options, experiments, progress),
        },
        claims=lambda data: claims(data["training"], data["rates"]),
        figure=lambda data: draw(data["training"], data["rates"]),
    )


if __name__ == "__main__":
    main("progressive_sharpening", Options, analyse)
