"""The harder the task, the further progressive sharpening goes.

Two measures of hardness, each with everything else fixed:

    degree    the degree k of the Chebyshev polynomial y = T_k(x), at 20 equally spaced points of [−1, 1], where it has
              k roots. Network 1–100–1, tanh, as in the paper; the flow is followed down to a loss of 0.1
    noise     the share of the digits' labels that are drawn at random: to fit them, they have to be learned by heart.
              Network 64–40–40–10, tanh; the flow is followed up to 99 % accuracy

All tasks of a row have the same inputs and the same random starts, so they start at the same sharpness, nearly; where
they end is the harder task's doing.

Measured, medians over five seeds of S(end)/S(0): 1.23, 1.33 and 2.31 for the degrees 2, 3 and 4; 1.01, 1.31, 1.45 and
1.67 with none, 10 %, 20 % (which the quick preset leaves out) and 30 % of the labels of 50 digits drawn at random.

Source: :cite:t:`cohen2021edge`, appendix, for Chebyshev polynomials; random labels are ours.
"""

from dataclasses import dataclass

from analysis.study import Number, Study
from analysis.training.sharpening import SharpeningOptions, check_rising
from eos_sym.errors import BadInput

study = Study(__name__, source="Cohen et al. 2021, appendix")
DEGREES = {"quick": (2, 3, 4), "full": (2, 3, 4, 5)}
NOISE = {"quick": (0.0, 0.1, 0.3), "full": (0.0, 0.1, 0.2, 0.3)}


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(SharpeningOptions):
    """The gradient flow on harder and harder tasks; no preset needs a download."""

    degrees: tuple[int, ...] | None = None
    """degrees of Chebyshev polynomials, rising; the preset's if not given"""
    noise: tuple[Number, ...] | None = None
    """shares of random labels, rising; the preset's if not given"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.degrees is not None:
            check_rising("--degrees", self.degrees, least=1)
        if self.noise is not None:
            if not all(0 <= share <= 1 for share in self.noise):
                raise BadInput(f"--noise {' '.join(map(str, self.noise))}: each must be from 0 to 1")
            check_rising("--noise", [float(share) for share in self.noise])


from analysis.study import Pieces
from analysis.training.sharpening import Factor, Histories, along_the_flow, flow, trend
from numeric.networks.architectures import FullyConnected, XavierNormal
from numeric.networks.data import Chebyshev, Digits
from numeric.networks.training.experiment import Stop

CHEBYSHEV_NETWORK = FullyConnected((100,), output_bias=False, initialization=XavierNormal((1.9, 1.0)))
CHEBYSHEV_LOSS = {"quick": 0.1, "full": 0.01}
DIGITS_NETWORK = FullyConnected((40, 40))
DIGITS = {"quick": 50, "full": 400}
SMALL_STEP = 0.08


@along_the_flow(study)
def factors(options: Options) -> list[Factor]:
    """The degree of a Chebyshev polynomial, and the share of random labels."""
    goal, count = Stop(loss=CHEBYSHEV_LOSS[options.preset]), DIGITS[options.preset]
    degrees = {
        degree: flow(options, Chebyshev(degree), CHEBYSHEV_NETWORK, goal=goal, steps=2000, every=25)
        for degree in options.degrees or DEGREES[options.preset]
    }
    noise = options.noise or NOISE[options.preset]
    shares = {share: flow(options, Digits(count, noise=share), DIGITS_NETWORK) for share in map(float, noise)}
    return [
        Factor("degree", "degree $k$", "k", degrees, SMALL_STEP),
        Factor("noise", "share of random labels", "\\mathrm{noise}", shares, SMALL_STEP),
    ]


@study.claim("the sharpness at the goal, over that at the start, rises with the degree of a Chebyshev polynomial")
def degree(training: Histories) -> Pieces:
    """The goal is a loss."""
    yield from trend(training, "degree", rising=True)


@study.claim(
    "the sharpness at the goal, over that at the start, rises with the share of random labels",
    "this project",
    open=True,
)
def noise(training: Histories) -> Pieces:
    """The goal is 99 % accuracy, for which random labels have to be learned by heart."""
    yield from trend(training, "noise", rising=True)


if __name__ == "__main__":
    study.main()
