"""Continuous models of training at the edge of stability, set beside training itself and beside each other.

Gradient flow does not see the edge. What does is not one model but several, and they are not of one kind: the *central
flow* of :cite:t:`cohen2024understanding` is the path about which training oscillates, with the covariance that holds
every eigenvalue at the edge; the *rod flow* of :cite:t:`regis2026rodflow` and the *edge flow* of
:cite:t:`marion2026edgeflow` carry an oscillation along one direction with them, and so can be late, overshoot and swing
as training does. Beside them stand the *predicted dynamics* of :cite:t:`damian2022selfstabilization` and the *forecast*
of this program, which are for some dozens of steps, from weights at the edge.

All are held against the same runs, from the same weights: the distance of the weights, the loss, the norm of the
gradient and the sharpness, beside training's averages over two steps, during the onset and after it; and what they
cost, in gradients and in processor time. The formulas of rod flow and of edge flow are derived here from what their
papers' abstracts say: what is measured is of these formulas, at unit steps, and in the full preset of rod flow at
quarter steps as well, which is nearer to the flow that the formulas are.

*What the formulas say.* A unit step of rod flow moves both ends of the rod by gradient descent, exactly; an oscillation
grows beyond 2/η in either; on a quartic potential rod flow comes to rest on the two-cycle of gradient descent and edge
flow never does; and to third order they are one, the limit of self-stabilization.

All statements about networks are predictions, fixed before the runs of the full preset were looked at. Measured
since, on twelve of its runs by gradient descent (five of the regression, four of digits, two convolutional, one
recorded), in medians: rod flow's weights are within 1.9 % of the distance moved after the onset, edge flow's 3.3 %,
the central flow's 7.3 %, gradient flow's 21 %; its loss is within 4.3 % of averages over 50 steps, theirs within 14,
13 and 22 %. During the onset rod flow and edge flow are off by .035 % in the sharpness, the central flow by 11 %: it
holds the edge, and these runs go up to twice as far before they begin to oscillate. Refuted by that are the bounds
asked of the central flow, .5 % of the sharpness and 3 % of the loss (1.9 and 13 %), and its error bars, which hold 2
% of the averages or less. By quarter steps rod flow is three times as far off in the weights: what its unit steps add
is gradient descent.
"""

from dataclasses import dataclass
from pathlib import Path

from analysis.study import Study
from analysis.training import TrainingOptions

study = Study(__name__, source="Cohen et al. 2024, Regis, Chewi 2026, Marion 2026")
HERE = "this program"


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(TrainingOptions):
    """Central flow, rod flow, edge flow, predicted dynamics and forecast beside training at the edge of stability."""

    recorded: Path | None = None
    """folder of recorded runs, files NAME.npz, to set them beside as well"""


from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from sympy import Expr, Integer, Matrix, Symbol, simplify, solve, sqrt

from analysis.central_flow.contest import WORDS, Contest
from analysis.central_flow.figure import draw
from analysis.central_flow.problems import Problem, problems
from analysis.central_flow.scores import PHASES, QUANTITIES, Met, scored
from analysis.study import Claim, Evidence, Pieces, about, between, bounded, exceeds, identity, over
from analysis.training.recorded import Recorded
from analysis.training.runs import worked_off
from eos_sym import STEP_SIZE, GradientDescent, Objective, Undecided, losses
from eos_sym.flows import edge_flow, extents, rod_flow
from numeric.runs import combine

KEPT = {"quick": 20, "full": 10}
ASKED = {"quick": tuple(name for name in WORDS if name != "fine_rod"), "full": tuple(WORDS)}
FEWEST_RUNS = 5
REGRESSION = "8–16–16–1"
SHARPNESS, LOSS = 0.005, 0.03  # asked of the central flow
SECONDS = 10.0  # for 1,000 steps of the regression
COVERED = 0.9
SAME_LOSS, SAME_FOR = 1e-5, 500  # of recorded runs: relative, and the steps before which none is chaotic
QUARTIC = Objective.from_text("S*x**2/2 + Q*x**4/24", "x", "S Q")
CUBIC = Objective.from_text("(S + y)*x**2/2 - a*y", "x y", "S a", positive="S a")


@study.theory
def derived() -> Mapping[str, Any]:
    """The rates of both flows where a loss is of third and of fourth order."""
    return {
        "rod_flow_on_a_quartic": rod_flow(QUARTIC).velocity[1],
        "edge_flow_on_a_quartic": edge_flow(QUARTIC).velocity[1],
        "squared_extent_at_which_rod_flow_rests": rest(rod_flow(QUARTIC).velocity[1]),
    }


def rest(rate: Expr) -> Expr:
    """The square of the extent at which it does not change, about x = 0; 0 if there is none but nothing."""
    (x,), (extent,) = QUARTIC.weights, extents(QUARTIC)
    found = {simplify(one**2) for one in solve(rate.subs(x, 0), extent)} - {0}
    return found.pop() if found else Integer(0)


@study.measurement
def planned(options: Options) -> Mapping[Problem, Contest]:
    """The preset's problems, no longer than the options say."""
    known = problems(options.preset, options.seed, options.recorded)
    if options.steps is not None:
        known = (replace(one, steps=min(one.steps, options.steps)) for one in known)
    return {one: Contest(one, KEPT[options.preset], ASKED[options.preset]) for one in known}


@study.measurement
def contests(options: Options, folder: Path, planned: Mapping[Problem, Contest]) -> list[Met]:
    """What came of them."""
    told = worked_off(options, folder, planned)
    return [Met(one.kind, one.seed, told[one]) for one in planned]


@study.experiment
def training(contests: list[Met]) -> xr.Dataset:
    """What was measured of all of them."""
    labels = {"kind": ("run", [one.kind for one in contests]), "seed": ("run", [one.seed for one in contests])}
    series = [one.told.drop_vars("contestant_ending").drop_attrs() for one in contests]
    endings = np.array([one.told.contestant_ending.values.astype(str) for one in contests])
    whole = combine(series, {"run": range(len(contests))})
    return whole.assign(labels).assign(contestant_ending=(("run", "contestant"), endings))


@study.experiment
def scores(contests: list[Met]) -> xr.Dataset:
    """How near everyone came, and at what cost."""
    return scored(contests)


@study.claim(
    "a unit step of rod flow moves both ends of the rod by gradient descent, on products of two and of four weights; "
    "in rod flow and in edge flow what is small grows at the rate ηS − 2; on a quartic potential rod flow has its "
    "rest on the two-cycle of gradient descent, edge flow nowhere; on a cubic loss both are Ẋ = XY, Ẏ = 1 − X²",
    HERE,
    id="formulas",
)
def formulas() -> Pieces:
    """Each by the flows' own formulas; the two-cycle by the equation that its points obey."""
    for loss in (losses.product(2), losses.product(4)):
        yield from about("unit step", both_ends(loss))
    (x,), (extent,), sharpness = QUARTIC.weights, extents(QUARTIC), QUARTIC.parameters[0]
    for name, flow in (("rod", rod_flow(QUARTIC)), ("edge", edge_flow(QUARTIC))):
        growth = flow.jacobian.subs({x: 0, extent: 0})[1, 1]
        yield from about(
            "what is small", identity(f"rate of a small extent, {name} flow", STEP_SIZE * sharpness - 2, growth)
        )
    slope = QUARTIC.gradient[0].subs(x, extent)
    (cycle,) = {simplify(one**2) for one in solve(extent - STEP_SIZE * slope + extent, extent)} - {0}
    yield from about(
        "quartic",
        identity("square of the extent at rest, rod flow", cycle, rest(rod_flow(QUARTIC).velocity[1])),
        identity("square of the extent at rest, edge flow", Integer(0), rest(edge_flow(QUARTIC).velocity[1])),
    )
    for name, flow in (("rod", rod_flow(CUBIC)), ("edge", edge_flow(CUBIC))):
        yield from about("cubic", turns(name, flow))


def both_ends(loss: Objective) -> Evidence:
    """Gradient descent from both ends, and where they are after a unit step, crossed."""
    flow, across = rod_flow(loss), Matrix(extents(loss))
    size = len(loss.weights)
    after = Matrix(flow.state) + Matrix(flow.velocity)
    descent = Matrix(GradientDescent().map(loss).step)
    expected, found = [], []
    for sign in (1, -1):
        end = dict(zip(loss.weights, Matrix(loss.weights) + sign * across, strict=True))
        expected += list(descent.subs(end, simultaneous=True))
        found += list(after[:size, :] - sign * after[size:, :])
    return identity(f"both ends after a unit step, {loss.name}", expected, found)


def turns(name: str, flow: Any) -> Evidence:
    """The rates of X = x/√(2α) and Y = y/√α in the time η√α t, the centre on the valley's floor."""
    (x, y), (sharpness, alpha), across = CUBIC.weights, CUBIC.parameters, extents(CUBIC)
    large, above = Symbol("X", positive=True), Symbol("Y", real=True)
    at = {x: 0, across[1]: 0, across[0]: sqrt(2 * alpha) * large, y: sqrt(alpha) * above, sharpness: 2 / STEP_SIZE}
    pace = STEP_SIZE * sqrt(alpha)
    rates = [flow.velocity[2].subs(at) / (pace * sqrt(2 * alpha)), flow.velocity[1].subs(at) / (pace * sqrt(alpha))]
    return identity(f"scaled rates of amplitude and excess, {name} flow", [large * above, 1 - large**2], rates)


def plain(scores: xr.Dataset) -> xr.Dataset:
    """The runs of gradient descent that come to the edge."""
    rod = scores.error.sel(contestant="rod", quantity="loss", phase="after")
    return scores.isel(run=rod.notnull().values)


def median_of(values: xr.DataArray, words: str) -> tuple[str, float]:
    """The median over runs and its words; `Undecided` for few runs."""
    known = values.dropna("run")
    if known.sizes["run"] < FEWEST_RUNS:
        raise Undecided(f"{words}: {known.sizes['run']} runs; {FEWEST_RUNS} have a median: take --preset full")
    return f"{words}, median of {known.sizes['run']} runs", float(known.median())


def median_below(values: xr.DataArray, words: str, below: float) -> Evidence:
    """Evidence that the median is."""
    return bounded("network", *median_of(values, words), below=below)


def ratio(scores: xr.Dataset, one: str, other: str, quantity: str, phase: str) -> Evidence:
    """The error of one contestant over that of another, run by run."""
    errors = scores.error.sel(quantity=quantity, phase=phase)
    quotient = errors.sel(contestant=one) / errors.sel(contestant=other)
    words = f"error of {WORDS[one]} over that of {WORDS[other]}, {QUANTITIES[quantity]}, {WHEN[phase]}"
    return median_below(quotient, words, 1)


WHEN = {"onset": "during the onset", "after": "after it", "late": "second half of the time at the edge"}


@study.claim(
    f"after the onset the sharpness at the central flow is within {SHARPNESS:.1%} of training's; its loss is within "
    f"{LOSS:.0%}",
    open=True,
)
def central_is_near(scores: xr.Dataset) -> Pieces:
    """The medians over the steps of each run, over all that are trained by gradient descent."""
    near = plain(scores).error.sel(contestant="central", phase="after")
    for quantity, below in (("sharpness", SHARPNESS), ("loss", LOSS)):
        words = f"relative error of the central flow's {quantity}, after the onset"
        yield from about(quantity, partial(median_below, near.sel(quantity=quantity), words, below))


@study.claim(
    "during the onset rod flow is nearer to training than the central flow; edge flow is",
    open=True,
)
def onset_is_resolved(scores: xr.Dataset) -> Pieces:
    """Sharpness and loss."""
    for one in ("rod", "edge"):
        for quantity in ("sharpness", "loss"):
            yield from about(f"{one} flow", partial(ratio, plain(scores), one, "central", quantity, "onset"))


@study.claim(
    "after the onset rod flow is nearer to training than edge flow; than the central flow; than gradient flow",
    open=True,
)
def rod_is_nearest(scores: xr.Dataset) -> Pieces:
    """The distance of the weights, and the loss."""
    for other, words in (
        ("edge", "than edge flow"),
        ("central", "than the central"),
        ("gradient_flow", "than gradient"),
    ):
        for quantity in ("distance", "loss"):
            yield from about(words, partial(ratio, plain(scores), "rod", other, quantity, "after"))


@study.claim(
    "where the central flow has several directions oscillate, it is late in the run nearer to training than rod flow, "
    "which has one",
    HERE,
    open=True,
)
def several_directions(scores: xr.Dataset) -> Pieces:
    """The runs with a covariance of rank two or more."""
    chosen = plain(scores)
    chosen = chosen.isel(run=(chosen["rank"] >= 2).values)
    for quantity in ("distance", "sharpness"):
        yield partial(ratio, chosen, "central", "rod", quantity, "late")


@study.claim(
    "a unit step of rod flow is nearer to training than four fine ones: what it adds is gradient descent",
    HERE,
    open=True,
)
def unit_steps(scores: xr.Dataset) -> Pieces:
    """The distance of the weights after the onset."""
    yield partial(ratio, plain(scores), "rod", "fine_rod", "distance", "after")


@study.claim(
    "the forecast from the onset is nearer to training during the onset than the central flow; than edge flow",
    HERE,
    open=True,
)
def forecast_of_the_onset(scores: xr.Dataset) -> Pieces:
    """The sharpness."""
    for other, words in (("central", "than the central"), ("edge", "than edge")):
        yield from about(words, partial(ratio, plain(scores), "forecast", other, "sharpness", "onset"))


@study.claim(
    f"the central flow's error bars hold {COVERED:.0%} of training's averages after the onset: of the loss; of the "
    "norm of the gradient; of the sharpness",
    open=True,
)
def bars(contests: list[Met]) -> Pieces:
    """All steps of all runs together."""
    for quantity, words in (
        ("loss", "of the loss"),
        ("gradient_norm", "of the norm"),
        ("sharpness", "of the sharpness"),
    ):
        yield from about(words, partial(coverage, contests, quantity))


def coverage(contests: list[Met], quantity: str) -> Evidence:
    """The share of the steps within the bars, the mean over the runs."""
    shares = [found.mean() for one in contests if one.onset >= 0 and len(found := one.within(quantity))]
    if len(shares) < FEWEST_RUNS:
        raise Undecided(f"{QUANTITIES[quantity]}: {len(shares)} runs; {FEWEST_RUNS} have a mean: take --preset full")
    words = f"share of averages within the central flow's bars, {QUANTITIES[quantity]}, mean of {len(shares)} runs"
    return exceeds("network", words, float(np.mean(shares)), above=COVERED)


@study.claim("an iteration of rod flow costs 2 gradients; of edge flow two and a Hessian product, 4.8", HERE)
def costs(scores: xr.Dataset) -> Pieces:
    """With the first top eigenvector, spread over the run."""
    cost = plain(scores).gradients_an_iteration
    if not cost.sizes["run"]:
        raise Undecided("no run of gradient descent came to the edge: give it more --steps")
    for name, least, part in (("rod", 2.0, "rod flow"), ("edge", 4.8, "edge flow")):
        found = float(cost.sel(contestant=name).max())
        words = f"gradients an iteration, {WORDS[name]}, the most of {cost.sizes['run']} runs"
        yield from about(part, between("network", words, found, least, least + 0.5))


@study.claim(
    f"the central flow of {REGRESSION} takes {SECONDS:g} seconds of a processor, or less, for 1,000 steps", open=True
)
def seconds(contests: list[Met]) -> Pieces:
    """Every such run, in proportion to its steps."""
    regressions = [one for one in contests if one.kind == REGRESSION and one.onset >= 0]

    def spent(one: Met) -> Evidence:
        central = one.told.sel(contestant="central")
        taken = 1000 * float(central.seconds) / max(int(central.iterations), 1)
        return bounded("network", f"processor seconds of the central flow for 1,000 steps, {one}", taken, below=SECONDS)

    yield from over(regressions, spent)


@study.claims
def of_recorded_runs(planned: Mapping[Problem, Contest], contests: list[Met]) -> Iterator[Claim]:
    """That training here is the recorded training."""
    pairs = [(plan.data, met) for plan, met in zip(planned, contests, strict=True) if isinstance(plan.data, Recorded)]
    if pairs:
        statement = "training here is the training that was recorded"
        yield Claim("recorded", statement, HERE, lambda: over(pairs, lambda pair: reproduced(*pair)))


def reproduced(run: Recorded, met: Met) -> Evidence:
    """The averages of the loss over two steps, of both."""
    recorded = np.convolve(run.loss, [0.25, 0.5, 0.25], "valid")
    mine = met.told.loss.values
    many = min(len(recorded), len(mine), SAME_FOR)
    error = np.abs(mine[:many] / recorded[:many] - 1).max()
    return bounded("network", f"largest relative difference of the loss in {many} steps, {met}", error, below=SAME_LOSS)


@study.summary
def medians(scores: xr.Dataset) -> Mapping[str, Any]:
    """The median errors after the onset over the runs of each kind, as distance, loss, gradient norm, sharpness."""
    table: dict[str, Any] = {}
    for kind in dict.fromkeys(scores.kind.values):
        runs = scores.isel(run=(scores.kind == kind).values)
        for phase in PHASES:
            errors = runs.error.sel(phase=phase)
            for name in WORDS:
                found = errors.sel(contestant=name)
                if bool(found.notnull().any()):
                    values = [f"{float(found.sel(quantity=q).median()):.2g}" for q in QUANTITIES]
                    table[f"{kind}, {phase}, {name}"] = ", ".join(values)
    return table


@study.figure
def figure(contests: list[Met], scores: xr.Dataset) -> Figure:
    """Runs in columns, and accuracy against cost."""
    return draw(contests, scores)


if __name__ == "__main__":
    study.main()
