"""The more examples, the further progressive sharpening goes.

Along the gradient flow of a network with the squared error, from its start to 99 % accuracy on its examples, the
sharpness does not rise at all with a hundred digits and doubles with eight hundred: more examples take longer to fit,
and all that time it sharpens. A small data set may so never reach an edge 2/η which the whole set reaches.

The examples of a smaller set are among those of a larger one, and the random start of a seed is the same at all sizes.
Measured, medians over five seeds of S(end)/S(0), fully connected 64–40–40–10, tanh: 0.92, 0.94, 1.35 and 2.09 with 100,
200, 400 and 800 digits; all five series rise from each size to the next.

Source: Cohen, Kaur, Li, Kolter, Talwalkar 2021, Fig. 18.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from analysis.cli import Study, main
from analysis.training.sharpening import Factor, SharpeningOptions, flow, study, trend
from eos_sym import BadInput
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.training.experiment import Experiment

NAME = "dataset_size"
SIZES = {"quick": (100, 200, 400, 800), "full": (500, 1000, 2000, 5000)}
SMALL_STEP = {"quick": 0.08, "full": 0.005}


@dataclass(frozen=True, kw_only=True)
class Options(SharpeningOptions):
    """The gradient flow on data sets of several sizes."""

    sizes: tuple[int, ...] | None = None
    """numbers of examples, rising; the preset's if not given"""


def analyse(options: Options) -> Study:
    """Set up the study."""
    quick = options.preset == "quick"
    whole = Digits() if quick else options.cifar()
    network = FullyConnected((40, 40) if quick else (200, 200))

    def experiment(size: int, seed: int) -> Experiment:
        return flow(options, replace(whole, examples=size), network, seed)

    sizes = SIZES[options.preset] if options.sizes is None else options.sizes
    if not quick and max(sizes, default=0) > options.examples:
        raise BadInput(
            f"--sizes {' '.join(map(str, sizes))}: there are {options.examples} images; give more --examples"
        )
    factor = Factor(
        "examples",
        "--sizes",
        "number of examples $n$",
        "n",
        sizes,
        experiment,
        SMALL_STEP[options.preset],
        logarithmic=True,
    )
    statement = "the sharpness at 99 % accuracy, over that at the start, rises with the number of examples"
    return study(
        NAME,
        options,
        [factor],
        lambda data: [trend("examples", statement, "Cohen et al. 2021, Fig. 18", data, factor, rising=True)],
    )


if __name__ == "__main__":
    main(NAME, Options, analyse)
