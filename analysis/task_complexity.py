"""The harder the task, the further progressive sharpening goes.

Two measures of hardness, each with everything else fixed:

    degree    the degree k of the Chebyshev polynomial y = T_k(x), at 20 equally spaced points of [−1, 1], where it has
              k roots. Network 1–100–1, tanh, as in the paper; the flow is followed down to a loss of 0.1
    noise     the share of the digits' labels that are drawn at random: to fit them, they have to be learned by heart.
              Network 64–40–40–10, tanh; the flow is followed up to 99 % accuracy

All tasks of a row have the same inputs and the same random starts, so they start at the same sharpness, nearly; where
they end is the harder task's doing.

Measured, medians over five seeds of S(end)/S(0): 1.23, 1.33 and 2.31 for the degrees 2, 3 and 4; 1.00, 1.31, 1.46 and
1.67 with none, 10 %, 20 % and 30 % of the labels of 50 digits drawn at random.

Source: Cohen, Kaur, Li, Kolter, Talwalkar 2021, appendix, for Chebyshev polynomials; random labels are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from analysis.cli import Number, Study, main
from analysis.training.sharpening import Factor, SharpeningOptions, flow, study, trend
from eos_sym import BadInput
from numeric.networks.architectures import FullyConnected, XavierNormal
from numeric.networks.data import Chebyshev, Digits
from numeric.networks.training.experiment import Experiment, Stop

NAME = "task_complexity"
DEGREES = {"quick": (2, 3, 4), "full": (2, 3, 4, 5)}
CHEBYSHEV_LOSS = {"quick": 0.1, "full": 0.01}
CHEBYSHEV_NETWORK = FullyConnected((100,), output_bias=False, initialization=XavierNormal((1.9, 1.0)))
SMALL_STEP = 0.08


@dataclass(frozen=True, kw_only=True)
class Options(SharpeningOptions):
    """The gradient flow on harder and harder tasks; no preset needs a download."""

    degrees: tuple[int, ...] | None = None
    """degrees of Chebyshev polynomials, rising; the preset's if not given"""
    noise: tuple[Number, ...] = (Fraction(0), Fraction(1, 10), Fraction(1, 5), Fraction(3, 10))
    """shares of random labels, rising"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.degrees is not None and min(self.degrees, default=1) < 1:
            raise BadInput(f"--degrees {' '.join(map(str, self.degrees))}: each must be 1 or more")
        if not all(0 <= share <= 1 for share in self.noise):
            raise BadInput(f"--noise {' '.join(map(str, self.noise))}: each must be from 0 to 1")


def analyse(options: Options) -> Study:
    """Set up the study."""
    degree, noise = degree_factor(options), noise_factor(options)
    ratio = "the sharpness at the goal, over that at the start, rises"
    appendix = "Cohen et al. 2021, appendix"
    return study(
        NAME,
        options,
        [degree, noise],
        lambda data: [
            trend("degree", f"{ratio} with the degree of a Chebyshev polynomial", appendix, data, degree, rising=True),
            trend(
                "noise",
                f"{ratio} with the share of random labels",
                "this project",
                data,
                noise,
                rising=True,
                prediction=True,
            ),
        ],
    )


def degree_factor(options: Options) -> Factor:
    """The degree of a Chebyshev polynomial as a factor."""
    goal = Stop(loss=CHEBYSHEV_LOSS[options.preset])

    def experiment(degree: int, seed: int) -> Experiment:
        return flow(options, Chebyshev(degree), CHEBYSHEV_NETWORK, seed, goal=goal, steps=2000, every=25)

    degrees = DEGREES[options.preset] if options.degrees is None else options.degrees
    return Factor("degree", "--degrees", "degree $k$", "k", degrees, experiment, SMALL_STEP)


def noise_factor(options: Options) -> Factor:
    """The share of random labels as a factor."""
    examples = 50 if options.preset == "quick" else 400
    network = FullyConnected((40, 40))

    def experiment(share: float, seed: int) -> Experiment:
        return flow(options, Digits(examples, noise=share), network, seed)

    shares = tuple(float(share) for share in options.noise)
    return Factor("noise", "--noise", "share of random labels", "\\mathrm{noise}", shares, experiment, SMALL_STEP)


if __name__ == "__main__":
    main(NAME, Options, analyse)
