"""The edge of stability: the sharpness of a network in training rises to 2/η, and stays there.

Gradient descent with the step size η multiplies the distance to the minimum of ½λx² by 1 − ηλ in every step, so it is
stable up to λ = 2/η. Nothing keeps a network from places where its sharpness S = λ₁(∇²L) is larger. Yet whatever the
architecture, the criterion and the step size,

    S rises to 2/η                    progressive sharpening: until then the loss falls in every step
    and hovers right at, or just      the loss rises and falls from step to step, and nevertheless falls
    above, 2/η                        over long times

for the rest of training. So the step size decides how sharp the minimum is, not the loss alone: the level is close to
proportional to 1/η. Against the time ηt all step sizes share one curve S(t), that of gradient flow, which each of them
leaves where it meets its own edge.

Measured in the quick preset, on scikit-learn's digits with three to ten labels in ten drawn at random (with the true
labels alone the small networks are done before anything happens), in the mean over the time at the edge:

    S/(2/η)                           squared error 1.04 to 1.22, cross-entropy 0.99 to 1.36: the larger the step size
                                      the higher, and highest for the transformer, whose sharpness has spikes
    level ~ η^a                       a from −0.78 to −0.92
    steps in which the loss rises     none before the crossing, 4 % to 39 % after it
    mean loss of each third of that   below that of the third before, in every run; over an eighth a spike can hide it
    S at equal times before           the same within 5 %, but for the transformer with squared error: 8 %

With the cross-entropy S falls in the end, when all examples are learnt and softmax saturates: here, as in the paper,
runs stop at an accuracy of 99 %, which is before. The full preset trains the paper's fully connected and convolutional
networks on CIFAR-10, and a small transformer on image patches where the paper has one for text.

Source: :cite:t:`cohen2021edge`, Figures 1 and 5.
"""

from dataclasses import dataclass
from typing import Literal

from analysis.study import Study
from analysis.training import StepSizeOptions
from eos_sym.errors import BadInput

study = Study(__name__, source="Cohen et al. 2021, Figures 1 and 5")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """Sharpness and loss of three architectures, trained with several step sizes."""

    architecture: tuple[Literal["fully_connected", "convolutional", "transformer"], ...] = (
        "fully_connected",
        "convolutional",
        "transformer",
    )
    """networks to train"""
    criterion: tuple[Literal["mse", "cross_entropy"], ...] = ("mse", "cross_entropy")
    """losses to train with: squared error, cross-entropy"""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, chosen in (("architecture", self.architecture), ("criterion", self.criterion)):
            if not chosen or len({*chosen}) < len(chosen):
                raise BadInput(f"--{name} {' '.join(chosen)}".strip() + ": give one or more, each once")


from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from typing import TypeAlias

import numpy as np
import xarray as xr
from sympy import Expr

from analysis.edge_of_stability.figure import figure
from analysis.edge_of_stability.settings import experiments
from analysis.study import Evidence, Pieces, agreement, between, bounded, counted, exceeds, identity, over, same
from analysis.training import flat_loss, runs_along
from analysis.training.edge_run import EdgeRun, level_exponent
from analysis.training.lanczos import lanczos_sharpness
from analysis.training.measures import share_of_falls, share_of_rises, sharpness_of
from eos_sym import STEP_SIZE, GradientDescent, Undecided, critical_sharpness
from numeric.compile import Array
from numeric.networks.training import Experiment
from numeric.runs import combine, one_thread

FEWEST_READINGS = 10  # at the edge, to say that the sharpness hovers there
LEVEL = (0.9, 1.5)  # of 2/η: "right at, or just above"
EXPONENT_ERROR = 0.25
OFTEN = 0.02  # the least share of steps in which the loss rises
LONG_WINDOWS = 3  # into which a run at the edge is divided: each is to hold more than one spike of the loss
COLLAPSE = 0.1
SECOND_READING = 0.01
Place: TypeAlias = tuple[str, str, int]  # architecture, criterion, and number by ascending step size
Groups: TypeAlias = Mapping[str, Sequence[EdgeRun]]  # the runs of an architecture with a criterion


@study.theory
def derived() -> Mapping[str, Expr]:
    """The edge."""
    return {"critical_sharpness": critical_sharpness(GradientDescent())}


@runs_along(study, "architecture", "criterion", "number")
def planned(options: Options) -> Mapping[Place, Experiment]:
    """The runs of every architecture with every criterion, numbered from 1."""
    return {
        (*place, number): one
        for place in product(options.architecture, options.criterion)
        for number, one in enumerate(experiments(options, *place), 1)
    }


@study.experiment
def second_readings(
    options: Options, planned: Mapping[Place, Experiment], histories: Mapping[Place, xr.Dataset]
) -> xr.Dataset:
    """The sharpness at the last weights that each architecture's first run kept, in float64 by SciPy's eigsh."""
    found = []
    with one_thread():
        for architecture in counted(options.architecture):
            first = (architecture, options.criterion[0], 1)
            history, loss = histories[first], flat_loss(planned[first])
            step = int(history.snapshot[-1])
            independent = lanczos_sharpness(loss, history.weights.values[-1])
            tracked = float(history.sharpness.sel(reading=step))
            found.append(xr.Dataset({"tracked": tracked, "independent": independent, "snapshot": step}))
    return combine(found, {"architecture": options.architecture})


@study.measurement
def groups(training: xr.Dataset) -> Groups:
    """The runs that there are, beside 2/η."""
    found: dict[str, list[EdgeRun]] = {}
    for place in product(training.architecture.values, training.criterion.values, training.number.values):
        history = training.sel(dict(zip(("architecture", "criterion", "number"), place, strict=True)))
        eta, name = float(history.eta), ", ".join(place[:2])
        if np.isfinite(eta):
            run = EdgeRun(f"{name}, eta = {eta:.4g}", history, eta, 2 / eta, FEWEST_READINGS)
            found.setdefault(name, []).append(run)
    return found


@study.claim("gradient descent is stable on a quadratic up to the sharpness 2/η", "Cohen et al. 2021, section 2")
def edge(derived: Mapping[str, Expr]) -> Pieces:
    """From the rule's formula alone."""
    yield identity("critical sharpness of gradient descent", 2 / STEP_SIZE, derived["critical_sharpness"])


@study.claim("the sharpness starts below 2/η and rises until it reaches 2/η, before the network is trained")
def reaches_the_edge(groups: Groups) -> Pieces:
    """Every run."""

    def counted_runs(name: str) -> Evidence:
        every, reached = len(groups[name]), sum(run.reaches_edge for run in groups[name])
        return same("network", f"runs in which S rises to 2/η, {name}", f"{every} of {every}", f"{reached} of {every}")

    yield from over(groups, counted_runs)


@study.claim(
    f"from then on it hovers right at, or just above, 2/η: its mean is {LEVEL[0]:g} to {LEVEL[1]:g} times 2/η",
    open=True,
)
def hovers_at_the_edge(groups: Groups, second_readings: xr.Dataset) -> Pieces:
    """The run whose level is farthest from the middle; and readings of the sharpness by another method."""

    def farthest(name: str) -> Evidence:
        level = max((run.level for run in groups[name]), key=lambda level: abs(level - sum(LEVEL) / 2))
        return between(
            "network",
            f"mean of ηS/2 from the crossing on, of the run farthest from {sum(LEVEL) / 2:g}, {name}",
            level,
            *LEVEL,
        )

    yield from over(groups, farthest)
    error = abs(second_readings.tracked / second_readings.independent - 1)
    if not np.isfinite(error).all():
        raise Undecided("the sharpness at the weights that were kept is not finite")
    what = "the sharpness at the last weights kept of each architecture's first run"
    quantity = f"largest relative difference from SciPy's, in float64, of {what}"
    yield bounded("autograd", quantity, float(error.max()), below=SECOND_READING)


@study.claim(
    "the level at which it hovers is proportional to 1/η: exponent −1; a level set by the loss would give 0", open=True
)
def inversely_with_the_step_size(groups: Groups) -> Pieces:
    """Over the step sizes."""

    def fitted(name: str) -> Evidence:
        found = level_exponent(groups[name])
        return agreement("network", f"exponent a of S ~ η^a at the edge, {name}", -1, found, absolute=EXPONENT_ERROR)

    yield from over(groups, fitted)


@study.claim("until the sharpness reaches 2/η the loss falls in every step", "the descent lemma")
def falls_until_the_edge(groups: Groups) -> Pieces:
    """The run in which it rises most often."""

    def most_often(name: str) -> Evidence:
        share = max(share_of_rises(run.loss[: run.crossed]) for run in groups[name])
        return agreement("network", f"largest share of steps before the crossing in which L rises, {name}", 0, share)

    yield from over(groups, most_often)


@study.claim(
    f"at the edge the loss rises in more than {OFTEN:.0%} of the steps; yet its mean falls from each third of that "
    "time to the next",
    open=True,
)
def non_monotone_yet_falling(groups: Groups) -> Pieces:
    """The run in which it rises least often; the one in which its mean falls least often."""

    def rises(name: str) -> Evidence:
        share = min(share_of_rises(run.loss[run.crossed :]) for run in groups[name])
        return exceeds("network", f"least share of steps at the edge in which L rises, {name}", share, above=OFTEN)

    def falls(name: str) -> Evidence:
        parts = [np.array_split(run.loss[run.crossed :], LONG_WINDOWS) for run in groups[name]]
        share = min(share_of_falls(np.array([part.mean() for part in one]), 1) for one in parts)
        quantity = f"least share of the passages from a third at the edge to the next in which its mean L falls, {name}"
        return agreement("network", quantity, 1, share)

    yield from over(groups, rises)
    yield from over(groups, falls)


@study.claim(
    "until then the sharpness is a function of the time ηt, the same for all step sizes",
    "Cohen et al. 2021, Figure 5, right",
    open=True,
)
def one_curve_in_time(groups: Groups) -> Pieces:
    """Neighbours among the step sizes."""

    def apart(name: str) -> Evidence:
        if len(groups[name]) < 2:
            raise Undecided("one step size has nothing to be compared with; give two or more")
        largest = max(distance(one, other) for one, other in pairwise(groups[name]))
        quantity = f"median over ηt of the relative difference of S before the edge, largest, {name}"
        return bounded("network", quantity, largest, below=COLLAPSE)

    yield from over(groups, apart)


def distance(one: EdgeRun, other: EdgeRun) -> float:
    """The median relative difference of the two sharpnesses at equal times, until the first of them is at its edge."""
    (times, values), (other_times, other_values) = until_edge(one), until_edge(other)
    common = times <= other_times[-1]
    return float(np.median(abs(np.interp(times[common], other_times, other_values) / values[common] - 1)))


def until_edge(run: EdgeRun) -> tuple[Array, Array]:
    """Times ηt and sharpness up to the crossing."""
    steps, values = sharpness_of(run.history)
    before = steps <= run.crossed
    return steps[before] * run.eta, values[before]


study.figure(figure)

if __name__ == "__main__":
    study.main()
