"""The deeper the network, the further progressive sharpening goes.

Along the gradient flow of fully connected networks of one width, from the start to 99 % accuracy, the sharpness rises
by the larger a factor the more hidden layers there are: it is the product of the layers that training makes grow.

Measured, medians over five seeds of S(end)/S(0), 50 digits of which 30 % have random labels, width 32, tanh: 1.09,
1.67, 2.15 and 2.62 with one to four hidden layers. Without random labels (three seeds, tries beside this analysis) the
order is there on 400 digits, 0.94, 1.20, 1.35 and 1.53, and beyond two layers not on 600: 1.05, 1.88, 1.95 and 1.86.

Source: Cohen, Kaur, Li, Kolter, Talwalkar 2021, Fig. 17.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.cli import Study, main
from analysis.training.sharpening import Factor, SharpeningOptions, flow, study, trend
from eos_sym import BadInput
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.training.experiment import Experiment

NAME = "depth"
WIDTH = {"quick": 32, "full": 200}
SMALL_STEP = {"quick": 0.04, "full": 0.005}


@dataclass(frozen=True, kw_only=True)
class Options(SharpeningOptions):
    """The gradient flow of fully connected networks of several depths."""

    depths: tuple[int, ...] = (1, 2, 3, 4)
    """numbers of hidden layers, rising"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.depths, default=1) < 1:
            raise BadInput(f"--depths {' '.join(map(str, self.depths))}: each must be 1 or more")


def analyse(options: Options) -> Study:
    """Set up the study."""
    data = Digits(50, noise=0.3) if options.preset == "quick" else options.cifar()

    def experiment(depth: int, seed: int) -> Experiment:
        return flow(options, data, FullyConnected((WIDTH[options.preset],) * depth), seed)

    factor = Factor(
        "depth", "--depths", "hidden layers", "\\mathrm{depth}", options.depths, experiment, SMALL_STEP[options.preset]
    )
    statement = "the sharpness at 99 % accuracy, over that at the start, rises with the number of hidden layers"
    return study(
        NAME,
        options,
        [factor],
        lambda data: [trend("depth", statement, "Cohen et al. 2021, Fig. 17", data, factor, rising=True)],
    )


if __name__ == "__main__":
    main(NAME, Options, analyse)
