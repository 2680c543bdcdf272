"""``python -m analysis.reasonable_steps``: the options, and the study put together."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.cli import Study, main
from analysis.reasonable_steps.claims import claims
from analysis.reasonable_steps.experiments import CRITERIA, NAME, STEP_SIZES, training
from analysis.reasonable_steps.figures import draw
from analysis.reasonable_steps.ranges import summary
from analysis.training import StepSizeOptions
from eos_sym.rules import GradientDescent
from eos_sym.stability import critical_sharpness


@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """The range of step sizes that train a network, and the part of it at the edge of stability."""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    etas = {
        criterion: sorted(map(float, options.eta or STEP_SIZES[options.preset][criterion])) for criterion in CRITERIA
    }
    return Study(
        theory={"critical_sharpness": critical_sharpness(GradientDescent())},
        experiments={"training": lambda progress: training(options, etas, progress)},
        claims=lambda data: claims(data["training"]),
        figure=lambda data: draw(data["training"]),
        simulation=lambda data: {CRITERIA[name]: summary(data["training"], name) for name in CRITERIA},
    )


if __name__ == "__main__":
    main(NAME, Options, analyse)
