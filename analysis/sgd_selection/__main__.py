"""SGD is more picky than GD: at the same step size it leaves a minimum where GD stays, with a burst of the loss.

:cite:t:`wu2018sgd` took two losses with common minima at 0 and 1,

    f₁ = min{x², (x−1)²/10},   f₂ = min{x², 19(x−1)²/10},   L = (f₁ + f₂)/2,

and started next to 1 with the step size 0.7. GD sees the mean curvature a = 2 and multiplies the distance from 1 by
1 − ηa = −0.4: it stays. SGD draws one of the two losses at every step, and multiplies the distance by 1 − η/5 = 0.86 or
by 1 − 19η/5 = −1.66. The mean of the logarithm decides: E log|·| = 0.178 > 0, so almost every run leaves 1, climbs over
the barrier in a burst of the loss, and ends at 0, where both losses have the same curvature.

*Two thresholds.* The second moment of the distance is multiplied by (1 − ηa)² + η²s² at every step, with s = 9/5 the
standard deviation of the two curvatures, and grows beyond η = 2a/(a² + s²) = 0.5525. The typical distance grows beyond
the zero of E log|1 − ηa_b|, which is η = 0.5595: later, because E log|m| ≤ ½ log E m² (Jensen). In between almost every
run converges to 1 although the second moment diverges: it is carried by ever fewer runs that are ever farther away.

*What it does not show.* The noise vanishes at both minima, as it does where every example can be fitted. And stability
is local: a run that starts farther away crosses the barrier now and then at a step size that is stable.

Both thresholds are derived by `eos_sym.rules.stochastic` and `eos_sym.stability` from the losses, and tested by runs on
both sides of each.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import CommonOptions, Number, Study, check_step_sizes
from eos_sym.errors import BadInput

study = Study(__name__, source="Wu, Ma, E 2018")
OURS = "derived for this project"


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """GD and SGD on the pair of losses, from x = 1 − 10⁻⁵."""

    eta: Number = Fraction(7, 10)
    """step size of the runs, below 1, the threshold of GD at both minima"""
    runs: int = 200
    """number of runs of SGD"""

    def __post_init__(self) -> None:
        check_step_sizes([self.eta])
        if self.eta >= 1:
            raise BadInput(f"--eta {self.eta}: GD leaves both minima there; give a step size below 1")
        if not 10 <= self.runs <= 2000:
            raise BadInput(f"--runs {self.runs}: give 10 to 2000")


import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from sympy import Integer, Rational, log, nsimplify, sqrt

from analysis.sgd_selection import in_torch
from analysis.sgd_selection.figure import draw
from analysis.sgd_selection.theory import ENDED, FAMILY, SGD, SHRINKS, derived, ended_at, linearized, per_step, rates
from analysis.study import Claim, Evidence, Pieces, about, agreement, axis, bounded, identity, same, theorem
from eos_sym import STEP_SIZE, GradientDescent, Undecided
from eos_sym.stability import mean_square_multiplier
from eos_sym.stability.stochastic import BATCH_SIZE, CURVATURE, EXAMPLES, SPREAD
from numeric import CompiledFunction, compile_map, compile_observable
from numeric.compile import Array
from numeric.maps import compile_maps

LOSS = compile_observable(FAMILY.mean.loss, FAMILY.weights)
START = 1 - 1e-5
SHORTEST_RUN, LONGEST_RUN = 300, 10_000
NEAR_THRESHOLD = 0.01  # each threshold is tested this far, relatively, on either side
NEAR_ZERO = 4e-3  # an exponent, too small to tell: a run drifts by rounding's 10 digits before it shows
REPLAYED = 3  # runs of SGD that torch repeats
BURST = 1e6  # the loss on the way, at least, over the loss at the start
STRAYS = 0.02  # of the runs: in the window a run strays across the barrier with a probability of about 1e-4
MOMENT_RUNS = {"quick": 20_000, "full": 400_000}
MOMENT_STEPS = {"quick": 300, "full": 400}  # e^(0.025 t) runs carry the second moment: it takes that many to see it
MOMENT_ERROR = 0.003  # of a rate of growth over these steps, near the thresholds: several standard errors
GROWTH_STEP_SIZES, GROWTH_STEPS = np.linspace(0.3, 0.8, 11).tolist(), 10
RATE_ERROR = 0.03  # the same over these steps

study.theory(derived)
study.measurement(rates)


@study.measurement
def exponent(rates: CompiledFunction, eta: float) -> float:
    """The Lyapunov exponent at the step size of the runs."""
    return float(rates(eta)[0])


@study.measurement
def verdict(options: Options, exponent: float) -> str:
    """Whether SGD is stable at 1 at the step size of the runs."""
    if abs(exponent) < NEAR_ZERO:
        return "undecided"
    return SHRINKS["almost sure"].verdict({STEP_SIZE: Rational(options.eta)})


@study.measurement
def end(verdict: str) -> str:
    """The minimum at which almost every run ends."""
    return {"unstable": "0", "stable": "1"}.get(verdict, "undecided")


@study.measurement
def steps(eta: float, exponent: float) -> int:
    """Several times a typical run: from 1 at the rate of the exponent, and to 0 at the rate of |1 − 2η|."""
    away, home = abs(exponent), abs(math.log(max(abs(1 - 2 * eta), 1e-9)))
    needed = 20 * math.log(1 / (1 - START)) / max(away, 1e-6) + 30 / max(home, 1e-6)
    return round(min(max(needed, SHORTEST_RUN), LONGEST_RUN))


@study.measurement
def between(derived: Mapping[str, Any]) -> float:
    """The step size halfway between the two thresholds of SGD."""
    critical = derived["critical_step_size"]
    return (float(critical["sgd_mean_square"]) + float(critical["sgd_almost_sure"])) / 2


@study.experiment
def gd(eta: float, steps: int) -> xr.Dataset:
    """Gradient descent on the mean loss, with the loss along the way."""
    run = compile_map(GradientDescent().map(FAMILY.mean)).run({"x": START}, {"eta": eta}, steps=steps, record_every=1)
    return run.assign(loss=LOSS.along(run))


@study.experiment
def sgd(options: Options, eta: float, steps: int) -> xr.Dataset:
    """Runs of SGD on the pair, with the loss of the mean along the way and the draws."""
    run = compile_maps(SGD.maps(FAMILY)).run(
        {"x": START}, {"eta": eta}, steps=steps, runs=options.runs, seed=options.seed, record_every=1
    )
    return run.assign(loss=LOSS.along(run))


@study.experiment
def ends(options: Options, derived: Mapping[str, Any], between: float) -> xr.Dataset:
    """Where runs of SGD on the pair end, about the step size at which the typical distance begins to grow."""
    step_sizes = around(derived["critical_step_size"]["sgd_almost_sure"], between)
    return compile_maps(SGD.maps(FAMILY)).run(
        {"x": START}, {"eta": axis("eta", step_sizes)}, steps=LONGEST_RUN, runs=options.runs, seed=options.seed
    )


@study.experiment
def moments(options: Options, derived: Mapping[str, Any], between: float) -> xr.Dataset:
    """The linearization, about the step size at which the second moment begins to grow."""
    step_sizes = around(derived["critical_step_size"]["sgd_mean_square"], between)
    return linearized(step_sizes, MOMENT_RUNS[options.preset], MOMENT_STEPS[options.preset], options.seed)


@study.experiment
def growth(options: Options) -> xr.Dataset:
    """The linearization at step sizes far and wide."""
    return linearized(GROWTH_STEP_SIZES, MOMENT_RUNS[options.preset], GROWTH_STEPS, options.seed)


def around(threshold: Any, between: float) -> list[float]:
    """Step sizes below and above a threshold, and that between the two."""
    return sorted([float(threshold) * (1 - NEAR_THRESHOLD), between, float(threshold) * (1 + NEAR_THRESHOLD)])


@study.measurement
def replays(sgd: xr.Dataset) -> list[Array]:
    """The first runs of SGD repeated by torch with the same draws."""
    first = [sgd.isel(run=index) for index in range(REPLAYED)]
    return [in_torch.path(START, float(run.eta), run.drawn.values, int(run.step)) for run in first]


@study.claim(
    "GD multiplies a small distance from 1 by 1 − 2η, up to η = 1 without growth; at η = {eta:g} GD stays at 1"
)
def gd_stays(derived: Mapping[str, Any], eta: float, gd: xr.Dataset) -> Pieces:
    """The multiplier and its threshold; then the end of a run, ours and torch's."""
    yield from about(
        "multiplies",
        identity("multiplier of the distance from 1 under GD", 1 - 2 * STEP_SIZE, derived["multiplier_of_gd"]),
        identity("critical step size of GD", Integer(1), derived["critical_step_size"]["gradient_descent"]),
    )
    ours = float(gd.final.sel(state="x"))
    torchs = in_torch.path(START, eta, None, int(gd.step))[-1]
    yield from about(
        "stays at 1",
        bounded("simulation", "final distance of GD from 1", abs(ours - 1), below=1 - START),
        bounded("autograd", "final distance of torch's GD from 1", abs(torchs - 1), below=1 - START),
    )


@study.claim("SGD multiplies the distance from 1 by 1 − η/5 or by 1 − 19η/5")
def multipliers(derived: Mapping[str, Any]) -> Pieces:
    """Derived, and from the curvatures that torch sees."""
    papers = [1 - STEP_SIZE / 5, 1 - 19 * STEP_SIZE / 5]
    yield identity("multipliers of the distance from 1 under SGD", papers, derived["multipliers_of_sgd"])
    for name, expected, observed in zip(("f₁", "f₂"), (0.2, 3.8), in_torch.curvatures(), strict=True):
        yield agreement("autograd", f"second derivative of {name} at 1", expected, observed, relative=1e-12)


@study.claim(
    "the second moment is multiplied by (1 − ηa)² + η²(n−B)s²/(B(n−1)), here with a = 2, s = 9/5, n = 2, B = 1"
)
def second_moment(options: Options, derived: Mapping[str, Any], rates: CompiledFunction, growth: xr.Dataset) -> Pieces:
    """For any batch size, here, at the step size of the options, and its growth in simulations of the linearization."""
    spread_term = (EXAMPLES - BATCH_SIZE) * SPREAD**2 / (BATCH_SIZE * (EXAMPLES - 1))
    formula = (1 - STEP_SIZE * CURVATURE) ** 2 + STEP_SIZE**2 * spread_term
    here = {CURVATURE: 2, SPREAD: Rational(9, 5), EXAMPLES: 2, BATCH_SIZE: 1}
    found = derived["second_moment_multiplier"]
    yield identity("multiplier of the second moment, n examples, batch size B", formula, mean_square_multiplier())
    yield identity("multiplier of the second moment, this pair", formula.subs(here), found)
    expected = float(found.subs(STEP_SIZE, Rational(options.eta)))
    observed = float(np.mean(in_torch.multipliers(float(options.eta)) ** 2))
    yield agreement("autograd", "mean square of torch's multipliers", expected, observed, relative=1e-12)
    worst = float(np.abs(per_step(growth.log_root_mean_square) - rates(growth.eta.values)[1]).max())
    yield bounded("simulation", "largest error of its rate of growth, halved, per step", worst, below=RATE_ERROR)


@study.claim(
    "the typical distance grows as exp(t E log|·|); at η = {eta:g} the exponent is {exponent:.3g}",
    OURS,
    id="lyapunov_exponent",
)
def typical_distance(eta: float, exponent: float, rates: CompiledFunction, growth: xr.Dataset) -> Pieces:
    """At the step size of the options from torch's curvatures, and far and wide in simulations."""

    def from_torch() -> Evidence:
        if not math.isfinite(exponent):
            raise Undecided("the exponent is −∞: one of the draws leads straight to the minimum")
        mean = float(np.log(np.abs(in_torch.multipliers(eta))).mean())
        return agreement("autograd", "mean logarithm of torch's |multipliers|", exponent, mean, absolute=1e-12)

    yield from about("the exponent is", from_torch)
    worst = float(np.abs(per_step(growth.log_typical) - rates(growth.eta.values)[0]).max())
    rate = bounded("simulation", "largest error of its rate of growth per step", worst, below=RATE_ERROR)
    yield from about("grows as", rate)


@study.claim("SGD is {verdict} at 1 at η = {eta:g}, and ends at {end}")
def sgd_selects(end: str, eta: float, sgd: xr.Dataset, replays: list[Array]) -> Pieces:
    """Where the runs end, ours and torch's, and that the two are the same run, given the draws."""

    def simulated() -> Evidence:
        at_zero, at_one, count = ended_at(sgd, 0), ended_at(sgd, 1), sgd.sizes["run"]
        if end == "undecided":
            raise Undecided(f"E log|·| at η = {eta:g} is so close to 0 that runs drift either way before it shows")
        if at_zero + at_one < count:
            raise Undecided(f"at η = {eta:g} {count - at_zero - at_one} runs of {count} have not ended")
        return all_but_strays(f"runs of {count} that end at {end}", count, at_zero if end == "0" else at_one)

    yield simulated
    if end != "undecided":
        found = {next((str(m) for m in (0, 1) if abs(path[-1] - m) < ENDED), "undecided") for path in replays}
        yield same("autograd", f"where torch's SGD ends, {REPLAYED} runs", end, ", ".join(sorted(found)))
    pairs = zip(replays, sgd.trajectory.sel(state="x").values, strict=False)
    error = max(float(np.abs(path - run[: len(path)]).max()) for path, run in pairs)
    yield bounded("autograd", "largest difference of x from torch's, same draws, any step", error, below=1e-6)


@study.claims
def where_sgd_leaves(verdict: str, gd: xr.Dataset, sgd: xr.Dataset, replays: list[Array]) -> Iterator[Claim]:
    """The burst on the way, if SGD goes that way."""
    if verdict == "unstable":
        yield Claim(
            "burst",
            f"on the way from 1 to 0 the loss bursts to more than {BURST:g} times its start; along GD it only falls",
            study.source,
            partial(burst, gd, sgd, replays),
        )


def burst(gd: xr.Dataset, sgd: xr.Dataset, replays: list[Array]) -> Pieces:
    """The largest loss of every run that ended at 0, ours and torch's, and the largest rise along GD."""
    left = sgd.isel(run=np.flatnonzero(abs(sgd.final.sel(state="x")) < ENDED))
    in_torchs = [in_torch.mean_loss(path) for path in replays if abs(path[-1]) < ENDED]

    def largest(channel: Any, whose: str, losses: Sequence[Array]) -> Evidence:
        if not len(losses):
            raise Undecided("no run has left 1 yet")
        bursts = all(loss.max() > BURST * loss[0] for loss in losses)
        quantity = f"largest loss over the first in every {whose} that left 1, against {BURST:g}"
        return same(channel, quantity, "more", "more" if bursts else "less")

    yield from about(
        "bursts",
        partial(largest, "simulation", "run", left.loss.values),
        partial(largest, "autograd", "run of torch's", in_torchs),
    )
    rise = float(gd.loss.diff("iteration").max())
    yield from about("only falls", bounded("simulation", "largest rise of the loss in a step of GD", rise, below=1e-30))


@study.claim("the second moment grows beyond η = 2a/(a² + s²) = {derived[critical_step_size][sgd_mean_square]}")
def mean_square_threshold(derived: Mapping[str, Any], moments: xr.Dataset) -> Pieces:
    """The formula, and the rates of growth on both sides, against the derived ones and against 0."""
    mean, spread = Rational(2), Rational(9, 5)
    critical = derived["critical_step_size"]["sgd_mean_square"]
    yield identity("critical step size of the second moment", 2 * mean / (mean**2 + spread**2), critical)
    lower, _, upper = moments.eta.values
    below, _, above = per_step(moments.log_root_mean_square)
    for step_size, rate in ((lower, below), (upper, above)):
        yield growth_of_the_mean_square(derived, step_size, rate)
    directions = ("grows" if rate > 0 else "shrinks" for rate in (below, above))
    yield same("simulation", "root mean square below and above the threshold", "shrinks, grows", ", ".join(directions))


@study.claim(
    "the least zero of E log|·| is at η = {derived[critical_step_size][sgd_almost_sure]}; SGD ends at 1 one "
    "percent below, and at 0 one percent beyond",
    OURS,
)
def almost_sure_threshold(derived: Mapping[str, Any], ends: xr.Dataset) -> Pieces:
    """The zero in closed form, and where runs end on both sides of it."""
    zero = derived["critical_step_size"]["sgd_almost_sure"]
    yield from about("least zero", identity("least zero of E log|·| in η", 5 * (10 - sqrt(62)) / 19, zero))
    for side, minimum in ((0, 1), (-1, 0)):
        runs = ends.isel(eta=side)
        quantity = f"runs of {runs.sizes['run']} that end at {minimum}, η = {float(runs.eta):.4f}"
        yield from about("SGD ends", all_but_strays(quantity, runs.sizes["run"], ended_at(runs, minimum)))


@study.claim(
    "in between, at η = {between:.4f}, the linearization's second moment grows while its typical distance shrinks; "
    "SGD ends at 1 there",
    OURS,
)
def window(derived: Mapping[str, Any], between: float, ends: xr.Dataset, moments: xr.Dataset) -> Pieces:
    """Both verdicts, where runs end, and how fast the root mean square grows."""
    at = {STEP_SIZE: nsimplify(between, rational=True)}
    verdicts = [f"{name}: {condition.verdict(at)}" for name, condition in SHRINKS.items()]
    yield from about(
        "grows while",
        theorem("stability of 1", "mean square: unstable; almost sure: stable", "; ".join(verdicts)),
        growth_of_the_mean_square(derived, between, per_step(moments.log_root_mean_square)[1]),
    )
    runs = ends.isel(eta=1)
    ended = all_but_strays(f"runs of {runs.sizes['run']} that end at 1", runs.sizes["run"], ended_at(runs, 1))
    yield from about("SGD ends at 1", ended)


def growth_of_the_mean_square(derived: Mapping[str, Any], step_size: float, rate: float) -> Evidence:
    """A measured rate near the thresholds against the derived one."""
    expected = float(log(derived["second_moment_multiplier"]).subs(STEP_SIZE, step_size)) / 2
    quantity = f"rate of growth per step of the root mean square, η = {step_size:.4f}"
    return agreement("simulation", quantity, expected, rate, absolute=MOMENT_ERROR)


def all_but_strays(quantity: str, count: int, found: int) -> Evidence:
    """All runs ended where they should, but for a few."""
    return agreement("simulation", quantity, count, found, absolute=STRAYS * count)


study.figure(draw)

if __name__ == "__main__":
    study.main()
