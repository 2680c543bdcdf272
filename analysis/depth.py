"""The deeper the network, the larger the factor by which its sharpness rises, on few examples with random labels.

Along the gradient flow of fully connected networks of one width, from the start to 99 % accuracy, the sharpness rises
by the larger a factor the more hidden layers there are: it is the product of the layers that training makes grow. But
a deeper network starts flatter, too, and the factor owes as much to that.

Measured, medians over five seeds, 50 digits of which 30 % have random labels, width 32, tanh, one to four hidden layers
(the quick preset leaves out three): S(end)/S(0) is 1.09, 1.68, 2.15 and 2.65, from S(0) of 6.5, 3.5, 3.1 and 2.8 to
S(end) of 6.8, 5.9, 6.9 and 7.9. All seeds agree about the factor; that the ends rise is refuted by their medians.
Without random labels (three seeds, tries beside this analysis) the factors are in order on 400 digits, 0.94, 1.20, 1.35
and 1.53, and beyond two layers not on 600: 1.05, 1.88, 1.95 and 1.86.

Source: :cite:t:`cohen2021edge`, Fig. 17.
"""

from dataclasses import dataclass

from analysis.study import Study
from analysis.training import ImageOptions
from analysis.training.sharpening import SharpeningOptions, check_rising

study = Study(__name__, source="Cohen et al. 2021, Fig. 17")
DEPTHS = {"quick": (1, 2, 4), "full": (1, 2, 3, 4)}


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(SharpeningOptions, ImageOptions):
    """The gradient flow of fully connected networks of several depths."""

    depths: tuple[int, ...] | None = None
    """numbers of hidden layers, rising; the preset's if not given"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depths is not None:
            check_rising("--depths", self.depths, least=1)


from analysis.study import Pieces
from analysis.training.sharpening import Factor, Histories, along_the_flow, few_examples, final, flow, trend
from numeric.networks.architectures import FullyConnected

WIDTH = {"quick": 32, "full": 200}
SMALL_STEP = {"quick": 0.04, "full": 0.005}


@along_the_flow(study)
def factors(options: Options) -> list[Factor]:
    """The number of hidden layers."""
    data, width = few_examples(options), WIDTH[options.preset]
    depths = {
        depth: flow(options, data, FullyConnected((width,) * depth))
        for depth in options.depths or DEPTHS[options.preset]
    }
    return [Factor("depth", "hidden layers", "\\mathrm{depth}", depths, SMALL_STEP[options.preset])]


@study.claim("the sharpness at 99 % accuracy, over that at the start, rises with the number of hidden layers")
def depth(training: Histories) -> Pieces:
    """The sharpness is the product of the layers that training makes grow."""
    yield from trend(training, "depth", rising=True)


@study.claim("the sharpness at 99 % accuracy itself rises with the number of hidden layers", open=True)
def ends_sharper(training: Histories) -> Pieces:
    """Whether the factor is more than a flatter start; with the same runs as the claim before."""
    yield from trend(training, "depth", rising=True, measure=final)


if __name__ == "__main__":
    study.main()
