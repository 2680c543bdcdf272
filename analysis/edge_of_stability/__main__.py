"""The edge of stability: the sharpness of networks in training rises to 2/η, and hovers there.

Gradient descent with the step size η multiplies the distance to the minimum of ½λx² by 1 − ηλ in every step, so it is
stable up to λ = 2/η. Nothing keeps a network from places where its sharpness S = λ₁(∇²L) is larger. Yet with all three
architectures, both criteria and all step sizes that are tried here,

    S rises to 2/η                    progressive sharpening: until then the loss falls in every step
    and hovers near 2/η, in the       the loss rises and falls from step to step, and nevertheless falls
    mean a little above               over long times

for the rest of training. So the step size decides how sharp the minimum is, not the loss alone: the level is close to
proportional to 1/η, though larger step sizes stay farther above 2/η. Against the time ηt all step sizes share one curve
S(t), that of gradient flow, which each of them leaves where it meets its own edge.

At the edge the weights change sides in every step, and the sharpness at even steps is another than at odd ones: neither
is its level. It is read at two-step midpoints, where the oscillation is averaged out.

Measured in the quick preset, on scikit-learn's digits with three to ten labels in ten drawn at random (with the true
labels alone the small networks are done before anything happens), over the second half of the time at the edge:

    S/(2/η)                           0.96 to 1.22 in 14 runs, in the mean over the six networks 1.07 with a standard
                                      error of 0.035: the larger the step size the higher, most of all with the
                                      fully connected network and squared error, from 1.06 to 1.22 for η from 0.2 to 0.5
    level ~ η^a                       a from −0.70 to −1.01, in the mean −0.9 with a standard error of 0.04: nearly
                                      −1; a level moves by up to 3 % with the last bits of the arithmetic, and with
                                      it whether −0.8 is excluded
    steps in which the loss rises     none before the crossing, 4 % to 39 % after it
    mean loss of each third of that   below that of the third before, in every run; over an eighth a spike can hide it
    S at equal times before           the same within 2 % with the cross-entropy, at equal numbers of steps 30 times
                                      farther apart; with the squared error within 8 %, as at equal numbers of steps

A network is an architecture with a criterion, from one random start: its runs with several step sizes share that, so
that what is averaged, and what tells how far it scatters, are networks and not runs.

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


from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise, product
from typing import TypeAlias

import numpy as np
import xarray as xr
from sympy import Expr

from analysis.edge_of_stability.figure import figure
from analysis.edge_of_stability.settings import experiments
from analysis.study import Evidence, Pieces, about, agreement, bounded, counted, exceeds, identity, over, same
from analysis.training import flat_loss, runs_along
from analysis.training.edge_run import EdgeRun, level_exponent
from analysis.training.estimate import mean, within
from analysis.training.lanczos import lanczos_sharpness, last_before
from analysis.training.measures import crossing, share_of_falls, share_of_rises, sharpness_of
from eos_sym import STEP_SIZE, GradientDescent, Undecided, critical_sharpness
from numeric.compile import Array
from numeric.networks.training import Experiment
from numeric.runs import combine, one_thread

FEWEST_READINGS = 5  # in the second half of the time at the edge, to say that the sharpness hovers there
LEVEL = (0.9, 1.2)  # of 2/η, in the mean over the networks; as for `analysis.vgg`
EXPONENT = (-1.05, -0.8)  # of the step size in the level
OFTEN = 0.02  # the least share of steps in which the loss rises
LONG_WINDOWS = 3  # into which a run at the edge is divided: each is to hold more than one spike of the loss
COLLAPSE, NEARER = 0.1, 0.1  # of S; of the difference at equal numbers of steps
SECOND_READING = 0.01
TINY = np.finfo(float).tiny
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
    """The sharpness at weights that each architecture's first run kept, in float64 by SciPy's eigsh.

    The last before the crossing: there nothing oscillates, and the midpoint that was read is where the iterate is. NaN
    where none were kept before it.
    """
    found = []
    with one_thread():
        for architecture in counted(options.architecture):
            first = (architecture, options.criterion[0], 1)
            history, loss = histories[first], flat_loss(planned[first])
            step = last_before(history, crossing(history, 2 / history.attrs["eta"]))
            if step is None:
                found.append(xr.Dataset({"tracked": np.nan, "independent": np.nan, "snapshot": -1}))
                continue
            independent = lanczos_sharpness(loss, history.weights.sel(snapshot=step).values)
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


@study.claim(
    "in every run here the sharpness starts below 2/η and rises until it reaches 2/η, before the network is trained"
)
def reaches_the_edge(groups: Groups) -> Pieces:
    """Every run."""

    def counted_runs(name: str) -> Evidence:
        every, reached = len(groups[name]), sum(run.reaches_edge for run in groups[name])
        return same("network", f"runs in which S rises to 2/η, {name}", f"{every} of {every}", f"{reached} of {every}")

    yield from over(groups, counted_runs)


@study.claim(
    "from then on it hovers near 2/η: its mean at two-step midpoints, over the networks, is "
    f"{LEVEL[0]:g} to {LEVEL[1]:g} times 2/η; before, SciPy's Lanczos iteration finds the sharpness that was read",
    open=True,
)
def hovers_at_the_edge(groups: Groups, second_readings: xr.Dataset) -> Pieces:
    """The levels of all networks, and how far they scatter; and readings of the sharpness by another method."""
    quantity = "mean of ηS/2 at midpoints over the second half of the time at the edge, mean over networks"

    def hovers() -> Evidence:
        levels = [float(np.mean([run.level for run in runs])) for runs in groups.values()]
        return within(quantity, mean(levels), *LEVEL)

    yield from about("hovers", hovers)
    error = abs(second_readings.tracked / second_readings.independent - 1)
    what = "the sharpness at the last weights kept before the crossing, each architecture's first run"
    quantity_of_error = f"largest relative difference from SciPy's, in float64, of {what}"
    yield from about("SciPy", partial(second_reading, quantity_of_error, error))


def second_reading(quantity: str, error: xr.DataArray) -> Evidence:
    """The largest difference between the two methods."""
    if not np.isfinite(error).all():
        raise Undecided("no weights were kept before the crossing, or the sharpness there is not finite")
    return bounded("autograd", quantity, float(error.max()), below=SECOND_READING)


@study.claim(
    "the larger the step size the lower the level at which it hovers, nearly as 1/η: the exponent is "
    f"−{-EXPONENT[0]:g} to −{-EXPONENT[1]:g}, where a level set by the loss would give 0",
    open=True,
)
def inversely_with_the_step_size(groups: Groups) -> Pieces:
    """Over the step sizes, for each architecture and criterion; their mean, and how far they scatter."""
    exponents = [level_exponent(runs) for runs in groups.values()]
    quantity = "exponent a of the level ~ η^a at midpoints, mean over architectures and criteria"
    yield within(quantity, mean(exponents), *EXPONENT)


@study.summary
def in_numbers(groups: Groups) -> Mapping[str, Mapping[str, float | str | None]]:
    """The exponent of every architecture with every criterion, and every run's level; none where they cannot tell."""
    return {
        name: {"exponent": known(partial(level_exponent, runs))}
        | {f"level at {run.name.rpartition(', ')[2]}": known(partial(level_of, run)) for run in runs}
        for name, runs in groups.items()
    }


def level_of(run: EdgeRun) -> float:
    """Where the run hovers, over 2/η."""
    return run.level


def known(ask: Callable[[], float]) -> float | None:
    """A number in its digits, or none where it cannot be told."""
    try:
        return round(ask(), 3)
    except Undecided:
        return None


@study.claim("until the sharpness reaches 2/η the loss falls in every step", "the descent lemma")
def falls_until_the_edge(groups: Groups) -> Pieces:
    """The run in which it rises most often."""

    def most_often(name: str) -> Evidence:
        share = max(share_of_rises(run.loss[: run.crossed]) for run in groups[name])
        return agreement("network", f"largest share of steps before the crossing in which L rises, {name}", 0, share)

    yield from over(groups, most_often)


@study.claim(
    f"at the edge the loss rises in more than {OFTEN:.0%} of the steps; its mean falls from each third of that time to "
    "the next",
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

    yield from about("rises", over(groups, rises))
    yield from about("falls", over(groups, falls))


@study.claim(
    f"until then the sharpness at equal times ηt is the same for all step sizes within {COLLAPSE:.0%}; with the "
    f"cross-entropy it is {1 / NEARER:g} times farther apart at equal numbers of steps, or more",
    "Cohen et al. 2021, Figure 5, right",
    open=True,
)
def one_curve_in_time(groups: Groups) -> Pieces:
    """Neighbours among the step sizes.

    With the squared error S moves so little before the edge that equal numbers of steps are no worse than equal times.
    """

    def apart(name: str) -> Evidence:
        largest = max(distance(one, other) for one, other in neighbours(groups[name]))
        quantity = f"median over ηt of the relative difference of S before the edge, largest, {name}"
        return bounded("network", quantity, largest, below=COLLAPSE)

    def nearer(name: str) -> Evidence:
        pairs = neighbours(groups[name])
        largest = max(distance(*pair) / (distance(*pair, time=False) or TINY) for pair in pairs)
        quantity = f"that median at equal ηt over that at equal t, largest, {name}"
        return bounded("network", quantity, largest, below=NEARER)

    yield from about("within", over(groups, apart))
    yield from about("farther", over([name for name in groups if name.endswith("cross_entropy")], nearer))


def neighbours(runs: Sequence[EdgeRun]) -> list[tuple[EdgeRun, EdgeRun]]:
    """The runs whose step sizes are next to each other."""
    if len(runs) < 2:
        raise Undecided("one step size has nothing to be compared with; give two or more")
    return list(pairwise(runs))


def distance(one: EdgeRun, other: EdgeRun, *, time: bool = True) -> float:
    """The median relative difference of two sharpnesses at equal ηt, or t, until the first of them is at its edge."""
    (places, values), (other_places, other_values) = until_edge(one, time), until_edge(other, time)
    common = places <= other_places[-1]
    return float(np.median(abs(np.interp(places[common], other_places, other_values) / values[common] - 1)))


def until_edge(run: EdgeRun, time: bool) -> tuple[Array, Array]:
    """Times ηt, or steps t, and the sharpness up to the crossing."""
    steps, values = sharpness_of(run.history)
    before = steps <= run.crossed
    return steps[before] * (run.eta if time else 1.0), values[before]


study.figure(figure)

if __name__ == "__main__":
    study.main()
