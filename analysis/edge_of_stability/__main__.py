"""``python -m analysis.edge_of_stability``: the options, and the study put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.cli import Study, main
from analysis.edge_of_stability.claims import claims
from analysis.edge_of_stability.experiments import NAME, experiments, second_readings, training
from analysis.edge_of_stability.figures import draw
from analysis.training import StepSizeOptions
from eos_sym import BadInput
from eos_sym.rules import GradientDescent
from eos_sym.stability import critical_sharpness


@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """Sharpness and loss of three architectures, trained with several step sizes."""

    architecture: tuple[Literal["fully_connected", "convolutional", "transformer"], ...] = (
        "fully_connected",
        "convolutional",
        "transformer",
    )
    """networks to train"""
    criterion: tuple[Literal["mse", "cross_entropy"], ...] = ("mse", "cross_entropy")
    """losses to train with: squared error, cross-entropy"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    for name, chosen in (("architecture", options.architecture), ("criterion", options.criterion)):
        if not chosen or len({*chosen}) < len(chosen):
            raise BadInput(f"--{name} {' '.join(chosen)}".strip() + ": give one or more, each once")
    runs = experiments(options, options.architecture, options.criterion, [float(eta) for eta in options.eta])
    return Study(
        theory={"critical_sharpness": critical_sharpness(GradientDescent())},
        experiments={
            "training": lambda progress: training(options, runs, progress),
            "second_readings": lambda progress: second_readings(options, runs, progress),
        },
        claims=lambda data: claims(data["training"], data["second_readings"]),
        figure=lambda data: draw(data["training"]),
    )


if __name__ == "__main__":
    main(NAME, Options, analyse)
