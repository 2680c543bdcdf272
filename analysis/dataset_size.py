"""The more digits a network learns, the further progressive sharpening goes.

Along the gradient flow of a network with the squared error, from its start to 99 % accuracy on its examples, the
sharpness does not rise at all with a hundred digits and doubles with eight hundred: more examples take longer to fit,
and all that time it sharpens. A small data set may so never reach an edge 2/η which the whole set reaches.

The examples of a smaller set are among those of a larger one, and the random start of a seed is the same at all sizes.
Measured, medians over five seeds of S(end)/S(0), fully connected 64–40–40–10, tanh: 0.92, 0.95 and 1.35 with 100, 200
and 400 digits, and 2.09 with 800 (``--sizes 100 200 400 800``); all five series rise from each size to the next.

Source: :cite:t:`cohen2021edge`, Fig. 18.
"""

from dataclasses import dataclass

from analysis.study import Study
from analysis.training import ImageOptions
from analysis.training.sharpening import SharpeningOptions, check_rising
from eos_sym.errors import BadInput

study = Study(__name__, source="Cohen et al. 2021, Fig. 18")
SIZES = {"quick": (100, 200, 400), "full": (500, 1000, 2000, 5000)}


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(SharpeningOptions, ImageOptions):
    """The gradient flow on data sets of several sizes."""

    sizes: tuple[int, ...] | None = None
    """numbers of examples, rising; the preset's if not given"""

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = self.sizes or SIZES[self.preset]
        if self.preset == "full" and max(sizes) > self.examples:
            raise BadInput(
                f"--sizes {' '.join(map(str, sizes))}: there are {self.examples} images; give more --examples"
            )
        if self.sizes is not None:
            check_rising("--sizes", self.sizes)


from dataclasses import replace

from analysis.study import Pieces
from analysis.training.sharpening import Factor, Histories, along_the_flow, flow, trend
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits

UNITS = {"quick": (40, 40), "full": (200, 200)}
SMALL_STEP = {"quick": 0.08, "full": 0.005}


@along_the_flow(study)
def factors(options: Options) -> list[Factor]:
    """The number of examples."""
    whole = Digits() if options.preset == "quick" else options.cifar()
    network, sizes = FullyConnected(UNITS[options.preset]), options.sizes or SIZES[options.preset]
    return [
        Factor(
            "examples",
            "number of examples $n$",
            "n",
            {size: flow(options, replace(whole, examples=size), network) for size in sizes},
            SMALL_STEP[options.preset],
            logarithmic=True,
        )
    ]


@study.claim("the sharpness at 99 % accuracy, over that at the start, rises with the number of examples")
def examples(training: Histories) -> Pieces:
    """More examples take longer to fit, and sharpening goes on all that time."""
    yield from trend(training, "examples", rising=True)


if __name__ == "__main__":
    study.main()
