"""``python -m analysis.momentum_network``: the options, and the study put together."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.cli import Study, main
from analysis.momentum_network.claims import claims
from analysis.momentum_network.experiments import FORMULAS, NAME, runs
from analysis.momentum_network.figures import draw
from analysis.training import TrainingOptions
from eos_sym.stability import critical_sharpness


@dataclass(frozen=True, kw_only=True)
class Options(TrainingOptions):
    """Networks trained with Polyak's and with Nesterov's momentum, two coefficients and two step sizes each."""


def analyse(options: Options) -> Study:
    """Set up the study."""
    return Study(
        theory={"critical_sharpness": {rule: critical_sharpness(formula) for rule, formula in FORMULAS.items()}},
        experiments={"training": lambda progress: runs(options, progress)},
        claims=lambda data: claims(data["training"]),
        figure=lambda data: draw(data["training"]),
    )


if __name__ == "__main__":
    main(NAME, Options, analyse)
