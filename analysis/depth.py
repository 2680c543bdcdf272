"""The deeper the network, the further progressive sharpening goes.

Along the gradient flow of fully connected networks of one width, from the start to 99 % accuracy, the sharpness rises
by the larger a factor the more hidden layers there are: it is the product of the layers that training makes grow.

Measured, medians over five seeds of S(end)/S(0), 50 digits of which 30 % have random labels, width 32, tanh: 1.09,
1.69, 2.15 and 2.64 with one to four hidden layers. Without random labels (three seeds, tries beside this analysis) the
order is there on 400 digits, 0.94, 1.20, 1.35 and 1.53, and beyond two layers not on 600: 1.05, 1.88, 1.95 and 1.86.

Source: :cite:t:`cohen2021edge`, Fig. 17.
"""

from dataclasses import dataclass

from analysis.study import Study
from analysis.training.sharpening import SharpeningOptions, check_rising

study = Study(__name__, source="Cohen et al. 2021, Fig. 17")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(SharpeningOptions):
    """The gradient flow of fully connected networks of several depths."""

    depths: tuple[int, ...] = (1, 2, 3, 4)
    """numbers of hidden layers, rising"""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rising("--depths", self.depths, least=1)


from analysis.study import Pieces
from analysis.training.sharpening import Factor, Histories, along_the_flow, few_examples, flow, trend
from numeric.networks.architectures import FullyConnected

WIDTH = {"quick": 32, "full": 200}
SMALL_STEP = {"quick": 0.04, "full": 0.005}


@along_the_flow(study)
def factors(options: Options) -> list[Factor]:
    """The number of hidden layers."""
    data, width = few_examples(options), WIDTH[options.preset]
    depths = {depth: flow(options, data, FullyConnected((width,) * depth)) for depth in options.depths}
    return [Factor("depth", "hidden layers", "\\mathrm{depth}", depths, SMALL_STEP[options.preset])]


@study.claim("the sharpness at 99 % accuracy, over that at the start, rises with the number of hidden layers")
def depth(training: Histories) -> Pieces:
    """The sharpness is the product of the layers that training makes grow."""
    yield from trend(training, "depth", rising=True)


if __name__ == "__main__":
    study.main()
