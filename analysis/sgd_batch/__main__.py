"""``python -m analysis.sgd_batch``: the options, and the study put together."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.cli import Study, main
from analysis.sgd_batch.claims import claims
from analysis.sgd_batch.experiments import NAME, ends, experiments, training
from analysis.sgd_batch.figures import draw
from analysis.sgd_batch.theory import derived_bound
from analysis.training import StepSizeOptions
from eos_sym.rules import GradientDescent
from eos_sym.stability import critical_sharpness, mean_square_multiplier


@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """Sharpness and batch sharpness of a network trained by SGD, for batches of several sizes."""

    batch_size: tuple[int, ...] = ()
    """sizes of the batches, beside the full one; the preset's if not given"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    runs = experiments(options, [float(eta) for eta in options.eta], options.batch_size)
    return Study(
        theory={
            "critical_sharpness": critical_sharpness(GradientDescent()),
            "second_moment_along_a_direction": mean_square_multiplier(),
            "bound_on_the_sharpness": derived_bound(),
        },
        experiments={
            "training": lambda progress: training(options, runs, progress),
            "ends": lambda progress: ends(options, runs, progress),
        },
        claims=lambda data: claims(data["training"], data["ends"]),
        figure=lambda data: draw(data["training"], data["ends"]),
    )


if __name__ == "__main__":
    main(NAME, Options, analyse)
