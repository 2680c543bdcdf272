"""With small batches SGD stays below 2/η for long: the smaller the batch, the farther below; what it does instead.

A network is trained with batches of several sizes, and with the full one, at the same step sizes. With the full batch
the sharpness S, of the loss of all examples, rises to 2/η. With a small batch it comes to rest far below, although it
would rise further at a smaller step size: also SGD is limited by a kind of instability, but by another one.

*The second moment.* Near a point that fits all examples SGD multiplies the weights by I − ηH_B, and E[θθᵀ] can only
shrink if it does along every direction; along the top eigenvector that takes

    S ≤ 2/(η(1 + ν²(n − B)/(B(n − 1)))),

B of n examples in a batch, ν the standard deviation over the examples of the curvature uᵀHᵢu, over its mean
(`second_moment`). The bound is below 2/η as soon as B < n, and falls with B. It is necessary, not sufficient: many
directions together are less stable than one. Measured on the digits ν is about 1, and the bound for batches of 32 is
0.96 to 0.98 of 2/η, where S ends at 0.94; for batches of 8 it is 0.9, and S ends at 0.38, far below. So one direction
explains why no mini-batch brings S to where the full batch does, and not why the smallest ones stay so far away.

*The batch sharpness* E_B[g_BᵀH_Bg_B/‖g_B‖²] is the curvature of a batch's loss along its own gradient g_B. A step on a
quadratic changes that loss by −η‖g_B‖²(1 − ½ηg_BᵀH_Bg_B/‖g_B‖²): beyond 2/η the steps overshoot on the very batches
they are taken on. :cite:t:`andreyev2024edge` find that it is what SGD brings to 2/η, whatever the batch size. It
is no theorem: with one weight the batch sharpness is the mean curvature a, and the second moment is stable only up to
the bound above, where a is still below 2/η.

*How long it takes.* In the 1,200 steps of the quick preset S has nearly come to rest, with every batch size; the batch
sharpness has not. With batches of 8 it is at 0.47 of 2/η in the mean over five step sizes, above S, and rising. With
batches of 32 it is at 0.79, *below* S, and rising, too: there such runs show the opposite of what longer ones do. With
``--eta 0.4 --batch-size 8 16 32 --steps 6000`` it ends at 0.88, 1.06 and 1.15 of 2/η for batches of 8, 16 and 32, while
S ends at 0.56, 0.81 and 1.01: what is at the edge then is indeed the batch sharpness. S passes the bound of the second
moment there, by 5 % with batches of 32. It can: the bound is that of a quadratic, and the loss is none.

The quick preset learns scikit-learn's digits, three labels in ten drawn at random, which keeps the sharpness rising
for longer. Sources: :cite:t:`cohen2021edge`, Figure 29; :cite:t:`andreyev2024edge`; the second moment:
:cite:t:`wu2018sgd` and :cite:t:`ma2021linear`, in `analysis.sgd_selection` and `analysis.momentum` on losses of one
weight.
"""

from dataclasses import dataclass

from analysis.study import Study
from analysis.training import StepSizeOptions
from eos_sym.errors import BadInput

study = Study(__name__, source="Cohen et al. 2021, Figure 29")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """Sharpness and batch sharpness of a network trained by SGD, for batches of several sizes."""

    batch_size: tuple[int, ...] = ()
    """sizes of the batches, beside the full one; the preset's if not given"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.batch_size)) < len(self.batch_size):
            raise BadInput(f"--batch-size {' '.join(map(str, self.batch_size))}: give each size once")


import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import xarray as xr
from sympy import Expr

from analysis.sgd_batch.ends import end
from analysis.sgd_batch.figure import figure
from analysis.sgd_batch.runs import Run, groups
from analysis.sgd_batch.second_moment import along_a_direction, derived_bound, stated_bound
from analysis.study import Evidence, Pieces, about, bounded, counted, identity, over
from analysis.training import runs_along
from analysis.training.estimate import mean, within
from eos_sym import GradientDescent, Undecided, critical_sharpness
from eos_sym.stability import mean_square_multiplier
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.training import Experiment, Measure, Stop, optimizers
from numeric.runs import combine, one_thread

STOCHASTIC_EDGE = "Andreyev, Beneventano 2024"
QUICK = Experiment(Digits(240, noise=0.3), FullyConnected((50, 50)), optimizers.GradientDescent(0.35), 1200)
FULL = replace(QUICK, network=FullyConnected((200, 200)), steps=100_000, micro_batch=1000, stop=Stop(accuracy=0.99))
READINGS = 16  # of a run, or more; weights are kept at every fourth
MOST_APART = 500  # steps from one reading to the next
BATCHES = 10  # for one reading of the batch sharpness
ETAS = {"quick": (0.25, 0.3, 0.35, 0.4, 0.45), "full": (0.005, 0.007, 0.01, 0.014, 0.02)}
BATCH_SIZES = {"quick": (8, 32), "full": (8, 32, 128, 512)}
FULL_BATCH = (1.0, 1.15)  # of 2/η, in the mean over the step sizes
FAR_BELOW = 0.6  # of 2/η: the smallest batch
NEAR_EDGE = 0.25  # between the batch sharpness over 2/η and 1
RISING = 1.05  # the last quarter's mean over that of the one before: not yet at rest
CURVATURE_ERROR = 0.02
DEVIATIONS = 4  # standard errors that two samples of the batch sharpness may be apart
Sizes: TypeAlias = tuple[float, int]  # η and B
Groups: TypeAlias = Sequence[Sequence[Run]]  # by step size, and for each by batch size, the full batch last


@study.theory
def derived() -> Mapping[str, Expr]:
    """The edge of gradient descent, and what the second moment of SGD says."""
    return {
        "critical_sharpness": critical_sharpness(GradientDescent()),
        "second_moment_along_a_direction": mean_square_multiplier(),
        "bound_on_the_sharpness": derived_bound(),
    }


@runs_along(study, "eta", "batch_size")
def planned(options: Options) -> Mapping[Sizes, Experiment]:
    """The runs by step size and batch size, the full batch among them; each step size has a random start of its own.

    The readings are an odd number of steps apart, so that they see both phases of the full batch's oscillation.
    """
    base = options.base(QUICK, FULL)
    examples, sizes = len(base.data.load()), options.batch_size or BATCH_SIZES[options.preset]
    if any(not 1 <= size <= examples for size in sizes):
        raise BadInput(f"--batch-size {' '.join(map(str, sizes))}: give sizes from 1 to {examples}")
    steps = options.steps or base.steps
    every = min(MOST_APART, max(1, steps // READINGS) - 1) | 1
    measure = Measure(every, relative=1e-2, weights_every=4 * every, batch_sharpness=BATCHES)
    base = replace(base, steps=steps)
    full_batch = replace(base, measure=replace(measure, batch_sharpness=1))
    with_batches = {size: replace(base, measure=measure, batch_size=size) for size in sorted(sizes)}
    return {
        (eta, size): replace(one, rule=optimizers.GradientDescent(eta), seed=options.seed + number)
        for number, eta in enumerate(sorted(map(float, options.eta or ETAS[options.preset])))
        for size, one in (with_batches | {examples: full_batch}).items()
    }


@study.experiment
def ends(
    planned: Mapping[Sizes, Experiment], histories: Mapping[Sizes, xr.Dataset], training: xr.Dataset
) -> xr.Dataset:
    """What is measured at the last weights that were kept."""
    with one_thread():
        found = [end(planned[sizes], histories[sizes]) for sizes in counted(planned)]
    return combine(found, {name: training[name].values for name in ("eta", "batch_size")})


study.measurement(groups)


@study.claim(
    f"with the full batch the sharpness ends at {FULL_BATCH[0]:g} to {FULL_BATCH[1]:g} times 2/η, read at even and odd "
    "steps alike; the sharpness read last is the mean of the examples' curvatures along the top eigenvector"
)
def full_batch_at_the_edge(groups: Groups) -> Pieces:
    """Over all step sizes; at the ends of all runs.

    The second check shares the eigenvector with the eigensolver of training, but no derivative beyond the direction.
    """
    quantity = "mean of ηS/2 in the last quarter, full batch, mean over step sizes"
    yield from about("full batch", lambda: within(quantity, mean([runs[-1].late() for runs in groups]), *FULL_BATCH))
    yield from about("read last", partial(mean_of_the_curvatures, groups))


def mean_of_the_curvatures(groups: Groups) -> Evidence:
    """At the end of every run that came to it."""
    ended = [run for runs in groups for run in runs if run.is_measured]
    if not ended:
        raise Undecided("every run diverged")
    largest = max(abs(float(run.end.curvature) / run.read("sharpness") - 1) for run in ended)
    quantity = "largest relative difference of the mean of uᵀHᵢu, by second differences, from S as read last"
    return bounded("simulation", quantity, largest, below=CURVATURE_ERROR)


@study.claim("in these runs the sharpness ends the lower the smaller the batch, where it is not at 2/η")
def the_smaller_the_farther_below(groups: Groups) -> Pieces:
    """Neighbours among the batch sizes, where not both are at 2/η, over all step sizes."""
    pairs = [pair for pair in pairwise(zip(*groups, strict=True)) if min(mean_late(runs) for runs in pair) < 1]
    if not pairs:
        raise Undecided("with every batch size the sharpness ends at 2/eta; give smaller ones")

    def ordered(pair: tuple[Sequence[Run], Sequence[Run]]) -> Evidence:
        smaller, larger = pair
        ratios = [one.late() / other.late() for one, other in zip(smaller, larger, strict=True)]
        sizes = f"batch size {smaller[0].batch_size} over {larger[0].batch_size}"
        quantity = f"ratio of the means of S in the last quarter, {sizes}, mean over step sizes"
        return within(quantity, mean(ratios), 0, 1)

    yield from over(pairs, ordered)


def mean_late(runs: Sequence[Run]) -> float:
    """The mean over runs of ηS/2 in the last quarter."""
    return float(np.mean([run.late() for run in runs]))


@study.claim(f"in these runs the sharpness ends below {FAR_BELOW:g} times 2/η with the smallest batch")
def small_batches_stay_below(groups: Groups) -> Pieces:
    """Over all step sizes."""
    quantity = "mean of ηS/2 in the last quarter, smallest batch, mean over step sizes"
    yield within(quantity, mean([runs[0].late() for runs in groups]), 0, FAR_BELOW)


@study.claim(
    "with the smallest batch the batch sharpness ends above the sharpness: nearer to 2/η; with all larger mini-batches "
    "it does, too; second differences of other batches' losses give the batch sharpness that was read last",
    STOCHASTIC_EDGE,
    open=True,
)
def batch_sharpness_above_the_sharpness(groups: Groups) -> Pieces:
    """Over all step sizes; at the ends of all runs with mini-batches.

    The last check shares the gradients of batches with training, but no second derivatives, and no batches.
    """

    def above(runs: Sequence[Run]) -> Evidence:
        found = mean([run.late() / run.late("batch_sharpness") for run in runs])
        if found.value >= 1:
            check_at_rest(runs, f"the sharpness over the batch sharpness is {found}")
        size = f"batch size {runs[0].batch_size}"
        quantity = f"mean of S over that of the batch sharpness, last quarter, {size}, mean over step sizes"
        return within(quantity, found, 0, 1)

    smallest, *larger = with_mini_batches(groups)
    yield from about("nearer", partial(above, smallest))
    yield from about("larger mini-batches", over(larger, above))
    yield from about("second differences", partial(same_batch_sharpness, groups))


def with_mini_batches(groups: Groups) -> list[Sequence[Run]]:
    """The runs by batch size, without the full batch."""
    found = list(zip(*groups, strict=True))[:-1]
    if not found:
        raise Undecided("only the full batch was trained with; give smaller ones")
    return [*found]


def check_at_rest(runs: Sequence[Run], what: str) -> None:
    """`Undecided` if the batch sharpness is, in the mean over the runs, still rising."""
    growth = float(np.mean([run.growth("batch_sharpness") for run in runs]))
    if growth > RISING:
        rising = f"and the batch sharpness still rising, by {growth - 1:.0%} in a quarter of the run"
        raise Undecided(f"batch size {runs[0].batch_size}: {what}, {rising}; train for longer")


def same_batch_sharpness(groups: Groups) -> Evidence:
    """The run with the largest difference."""
    ended = [run for runs in groups for run in runs[:-1] if run.is_measured]
    if not ended:
        raise Undecided("no run with mini-batches came to its end")
    largest = max(deviation(run) for run in ended)
    quantity = "largest difference of the batch sharpness by second differences from that read last, in standard errors"
    return bounded("simulation", quantity, largest, below=DEVIATIONS)


def deviation(run: Run) -> float:
    """How far apart the two samples of the batch sharpness are, in standard errors of their difference."""
    error = math.hypot(float(run.end.batch_sharpness_error), run.read("batch_sharpness_error"))
    return abs(float(run.end.batch_sharpness) - run.read("batch_sharpness")) / error


@study.claim(
    f"with every batch smaller than the full one the batch sharpness ends within {NEAR_EDGE:g} of 2/η",
    STOCHASTIC_EDGE,
    open=True,
)
def batch_sharpness_at_the_edge(groups: Groups) -> Pieces:
    """Every size, over all step sizes."""

    def near(runs: Sequence[Run]) -> Evidence:
        found = mean([run.late("batch_sharpness") for run in runs])
        if found.value < 1 - NEAR_EDGE:
            check_at_rest(runs, f"the batch sharpness is at {found} of 2/eta")
        quantity = f"late mean of the batch sharpness over 2/η, batch size {runs[0].batch_size}, mean over step sizes"
        return within(quantity, found, 1 - NEAR_EDGE, 1 + NEAR_EDGE)

    yield from over(with_mini_batches(groups), near)


@study.claim(
    "the mean of (1 − ηuᵀH_Bu)² over all batches of B out of n examples, n up to 4, is "
    "(1 − ηS)² + η²(n − B)s²/(B(n − 1)); that is 1 at S = 2/(η(1 + ν²(n − B)/(B(n − 1))))",
    "derived for this project; Ma, Ying 2021",
)
def second_moment_along_a_direction() -> Pieces:
    """The formula against the mean over all batches of small sets; its zero against the bound as stated."""
    yield from about("over all batches", identity("mean over all batches of up to four examples", *along_a_direction()))
    zero = identity("sharpness at which the second moment along u stays as it is", stated_bound(), derived_bound())
    yield from about("that is 1", zero)


@study.claim(
    "the sharpness ends at or below the value up to which the second moment can be stable",
    "a prediction: the bound is that of a quadratic whose examples are all fitted",
    open=True,
)
def second_moment_bounds_the_sharpness(groups: Groups) -> Pieces:
    """The size of the mini-batches with which it is highest, over all step sizes."""
    sizes = with_mini_batches(groups)
    ratios = [[2 * run.late() / run.eta / float(run.end.bound) for run in runs] for runs in sizes]
    quantity = "ratio of the late mean of S to its bound, batch size with the largest, mean over step sizes"
    yield within(quantity, mean(max(ratios, key=np.mean)), 0, 1 + CURVATURE_ERROR)


@study.summary
def in_numbers(groups: Groups) -> Mapping[str, Mapping[str, float]]:
    """Over 2/η, in the last quarter of the runs that tell: sharpness and batch sharpness by batch size, their means."""
    found = {}
    for runs in zip(*groups, strict=True):
        names = {"sharpness": runs} if runs[0] is groups[0][-1] else {"sharpness": runs, "batch_sharpness": runs}
        try:
            found[f"batch size {runs[0].batch_size}"] = {
                name: round(float(np.mean([run.late(name) for run in runs])), 3) for name in names
            }
        except Undecided:
            continue
    return found


study.figure(figure)

if __name__ == "__main__":
    study.main()
