"""``python -m analysis.vgg``: the options, and the study put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.cli import Study, main
from analysis.training import StepSizeOptions
from analysis.vgg.claims import claims
from analysis.vgg.experiments import NAME, experiments, scale, training
from analysis.vgg.figures import draw
from analysis.vgg.theory import derive
from eos_sym.rules import GradientDescent
from eos_sym.stability import critical_sharpness


@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """A VGG network with batch normalization, trained by full-batch gradient descent with several step sizes."""

    criterion: Literal["mse", "cross_entropy"] = "mse"
    """loss to train with: squared error or cross-entropy"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    runs = experiments(options, [float(eta) for eta in options.eta], options.criterion)
    theory = derive()
    return Study(
        theory={
            "critical_sharpness": critical_sharpness(GradientDescent()),
            "no_scale": "L(cw) = L(w):  w·∇L = 0,  ∇²L(cw) = ∇²L(w)/c²,  ‖w − η∇L‖² = ‖w‖² + η²‖∇L‖²",
        },
        experiments={
            "training": lambda progress: training(options, runs, progress),
            "scale": lambda progress: scale(options, runs, progress),
        },
        claims=lambda data: claims(theory, data["training"], data["scale"]),
        figure=lambda data: draw(data["training"]),
    )


if __name__ == "__main__":
    main(NAME, Options, analyse)
