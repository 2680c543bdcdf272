"""The smaller the initial weights, the further progressive sharpening goes, on few examples.

A network that starts with small weights starts with a small Hessian: its layers multiply each other's derivatives. To
fit the examples the weights have to grow, and the sharpness with them. One that starts with large weights starts
sharper than it needs to be, and fits the examples with hardly a change of them. So the ratio S(end)/S(0) falls with the
scale of the initial weights, for either distribution they are drawn from:

    uniform    weights and biases uniform within scale/√(fan-in): with scale 1, torch's default
    normal     weights N(0, scale²/fan-in), biases 0

Measured, medians over five seeds, 50 digits of which 30 % have random labels, 64–32–32–10, tanh: 5.2, 3.7 and 1.7 from
uniform weights of scale 1/4, 1/2 and 1, and 4.8, 2.7 and 0.96 from normal ones. All but the last end at about the same
sharpness, 4.9 to 6.0, from wherever they start. The fall has an end: at scale 2 the ratio is 0.83 from uniform weights,
but 0.99 from normal ones, whose features do not change any more. With ``--scales 1/4 1/2 1 2`` the claim is therefore
refuted for these.

Source: this project; large initial weights as the lazy regime: :cite:t:`chizat2019lazy`.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import Number, Study
from analysis.training import ImageOptions
from analysis.training.sharpening import SharpeningOptions, check_rising
from eos_sym.errors import BadInput

study = Study(__name__, source="this project")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(SharpeningOptions, ImageOptions):
    """The gradient flow from initial weights of several scales, from two distributions."""

    scales: tuple[Number, ...] = (Fraction(1, 4), Fraction(1, 2), Fraction(1))
    """scales of the initial weights, rising"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.scales, default=Fraction(1)) <= 0:
            raise BadInput(f"--scales {' '.join(map(str, self.scales))}: each must be positive")
        check_rising("--scales", [float(scale) for scale in self.scales])


from analysis.study import Pieces
from analysis.training.sharpening import Factor, Histories, along_the_flow, few_examples, flow, trend
from numeric.networks.architectures import FullyConnected, NormalFanIn, UniformFanIn

DISTRIBUTIONS: dict[str, type[UniformFanIn | NormalFanIn]] = {"uniform": UniformFanIn, "normal": NormalFanIn}
UNITS = {"quick": (32, 32), "full": (200, 200)}
SMALL_STEP = {"quick": 0.08, "full": 0.005}


@along_the_flow(study)
def factors(options: Options) -> list[Factor]:
    """The scale of either distribution."""
    data, units, scales = few_examples(options), UNITS[options.preset], [float(scale) for scale in options.scales]
    return [
        Factor(
            f"{name}_scale",
            f"scale of {name} weights",
            "\\mathrm{scale}",
            {scale: flow(options, data, FullyConnected(units, initialization=distribution(scale))) for scale in scales},
            SMALL_STEP[options.preset],
            logarithmic=True,
        )
        for name, distribution in DISTRIBUTIONS.items()
    ]


@study.claim(
    "{distribution} initial weights: the sharpness at 99 % accuracy, over that at the start, falls with their scale",
    id="{distribution}_scale",
    open=True,
    distribution=DISTRIBUTIONS,
)
def falls_with_the_scale(training: Histories, distribution: str) -> Pieces:
    """Small weights have to grow to fit the examples, and the sharpness with them; large ones hardly change."""
    yield from trend(training, f"{distribution}_scale", rising=False)


if __name__ == "__main__":
    study.main()
