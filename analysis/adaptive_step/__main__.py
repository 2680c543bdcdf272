"""Step sizes that follow the sharpness: what reaching a loss costs with them, beside fixed steps and other choices.

Gradient descent is stable on a quadratic for η < 2/S, and the sharpness S of a network moves. So a step size might be
kept at a fraction of 2/S as training goes on, which `EdgeStep` does; but that gives away what a fixed step has: at the
edge of stability it holds the sharpness down. :cite:t:`roulet2024stepping` found tuners that stay below the edge to
lose to fixed steps for that reason, and steps at the edge or just beyond it to win. Here that is put beside four other
ways to choose a step size (`analysis.adaptive_step.steppers`), one of them a forecast, with everything counted that
choosing costs: readings of the sharpness, forecasts, forward passes.

*The race.* From the same start every contestant spends the same number of evaluations, which are gradients of the full
batch. What counts is how many of them have been spent when the loss is first known to be at a share of what it was at
the start. Fixed and normalized steps come in several sizes, and the best of each in hindsight, whose search is not
counted, nor the reading at the start in whose units fixed steps are given, is what the others are held against. All
losses here can be fitted to 0, the one number that Polyak's step has to know: the networks have more weights than there
are numbers to fit, and labels are those of the digits.

*What was fixed when.* The contestants, their constants and the claims were made with start 0 in sight. The full preset
has five other starts of three networks, none of which was looked at before.

*Measured* from five starts of a fully connected network with the squared error, to 1/30 of the loss, and with the
cross-entropy, to 1/1000, and of a convolutional one, to 1/10. No run tracked below 2/S diverges, of 45, but tracked at
.95 of it they cost 2.34 ± .07, 5.7 ± .5 and 3.2 ± .3 times as much as with the best fixed step, and with the squared
error need 1.35 ± .03 and 2.05 ± .18 times as many steps. At 1.2 two runs of 15 end above where they began; 1.05 costs
1.19 ± .04, .87 ± .06 and .75 ± .07 of .95. Half the critical step at every step costs .60 ± .12 and .21 ± .02 of
tracking at .95 with the fully connected ones; at every tenth, twelve of 15 runs diverge. The forecast costs 4.6 ± 1.0,
12 ± 2 and 3.9 ± .3 times the best fixed step. Polyak's step costs .40 ± .02, .41 ± .03 and .43 ± .02 of that, and
chooses nothing. One reading of one run followed the second eigenvector where three meet, and so the fraction was 1.079
instead of 1.05: that it is kept in every run is refuted.
"""

from dataclasses import dataclass

from analysis.study import Study
from analysis.training import SeedsOptions

study = Study(__name__, source="Roulet et al. 2024; Kalra et al. 2026")
HERE = "this program"


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(SeedsOptions):
    """Fixed, tracked, forecast, critical, normalized and Polyak's step sizes, with all costs counted."""


from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from analysis.adaptive_step.figure import draw
from analysis.adaptive_step.races import CONTESTANTS, COURSES, FRACTIONS, Label, Race, planned_races
from analysis.adaptive_step.scores import Field, cheaper, diverging, quotient
from analysis.study import Evidence, Pieces, about, agreement, identity, over, same
from analysis.training.runs import combined, worked_off
from eos_sym import STEP_SIZE, GradientDescent, critical_sharpness

KEPT = 0.02  # relative; readings are to 0.01
BELOW = "tracked_0.95"


@study.theory
def derived() -> Mapping[str, Any]:
    """The edge that is tracked."""
    return {"critical_sharpness": critical_sharpness(GradientDescent())}


@study.measurement
def planned(options: Options) -> Mapping[Label, Race]:
    """The preset's races."""
    return planned_races(options, options.seeds)


@study.experiment
def races(options: Options, folder: Path, planned: Mapping[Label, Race]) -> xr.Dataset:
    """All of them, (network, seed, contestant, …)."""
    return combined(worked_off(options, folder, planned), "network", "seed")


@study.measurement
def fields(options: Options, races: xr.Dataset) -> list[Field]:
    """The races of each network."""
    return [Field(course, races.sel(network=name)) for name, course in COURSES[options.preset].items()]


@study.claim(
    "the edge of gradient descent that is tracked is 2/η; at the last reading of every run ηS/2 is the fraction asked "
    "for, S found by Lanczos iteration",
    HERE,
)
def fraction_is_kept(derived: Mapping[str, Any], fields: list[Field]) -> Pieces:
    """The worst start of every network and fraction."""
    yield from about("the edge of", identity("critical sharpness", 2 / STEP_SIZE, derived["critical_sharpness"]))
    for fraction in FRACTIONS:
        yield from about("at the last reading", over(fields, partial(held, fraction)))


def held(fraction: float, field: Field) -> Evidence:
    """The value that is farthest from the fraction."""
    values = field.races.held.sel(contestant=f"tracked_{fraction:g}").values
    worst = float(values[np.abs(values - fraction).argmax()])
    quantity = f"ηS/2 farthest from {fraction:g}, {field.course.words}"
    return agreement("network", quantity, fraction, worst, relative=KEPT)


@study.claim(
    "no run with a tracked fraction below one diverges; none with a fraction above one does; none does with half the "
    "critical step, found at every step; none does with half the critical step, found at every tenth",
    open=True,
)
def divergence(fields: list[Field]) -> Pieces:
    """Counted over all networks and starts."""
    below = [f"tracked_{c:g}" for c in FRACTIONS if c < 1]
    beyond = [f"tracked_{c:g}" for c in FRACTIONS if c > 1]
    for part, names in (
        ("below one", below),
        ("above one", beyond),
        ("at every step", ["forward_0.5_1"]),
        ("at every tenth", ["forward_0.5_10"]),
    ):
        diverged, runs = diverging(fields, names)
        yield from about(part, same("network", f"runs that diverge, of {runs}", "0", str(diverged)))


@study.claim(
    "tracked at .95 of 2/S, gradient descent reaches the far loss in fewer steps than with the best fixed step of "
    "hindsight; in fewer evaluations, readings counted",
    "Roulet et al. 2024, against it",
    open=True,
)
def tracked_beats_fixed(fields: list[Field]) -> Pieces:
    """Each network by itself."""
    yield from about("in fewer steps", over(fields, fewer_steps))
    yield from about("readings counted", over(fields, lambda at: cheaper(at, BELOW, at.best("fixed", at.course.far))))


def fewer_steps(field: Field) -> Evidence:
    """Steps of the tracked run over those of the best fixed one, where both arrive."""
    return quotient(
        field,
        BELOW,
        field.best("fixed", field.course.far),
        lambda at, who: at.steps(who, at.course.far),
        f"steps to {field.course.far:.3g} of the loss",
    )


@study.claim(
    "tracked beyond the edge, at 1.2 of 2/S, networks end flatter than at .95; at 1.05 they reach the far loss in "
    "fewer evaluations than at .95",
    "Roulet et al. 2024",
    open=True,
)
def beyond_the_edge(fields: list[Field]) -> Pieces:
    """Sharpness where the budget ends, and costs."""
    yield from about("end flatter", over(fields, flatter))
    yield from about("in fewer evaluations", over(fields, lambda at: cheaper(at, "tracked_1.05", BELOW)))


def flatter(field: Field) -> Evidence:
    """The sharpness at the end beyond the edge over that below."""
    return quotient(
        field,
        "tracked_1.2",
        BELOW,
        lambda at, who: np.asarray(at.races.sharpness.sel(contestant=who).values, dtype=float),
        "sharpness at the end",
    )


@study.claim(
    "the step size that is forecast to be fastest reaches the far loss in fewer evaluations than the best fixed step "
    "of hindsight; than tracking at .95",
    HERE,
    open=True,
)
def forecast_pays(fields: list[Field]) -> Pieces:
    """Forecasts counted."""
    yield from about(
        "best fixed step", over(fields, lambda at: cheaper(at, "forecast", at.best("fixed", at.course.far)))
    )
    yield from about("than tracking", over(fields, lambda at: cheaper(at, "forecast", BELOW)))


@study.claim(
    "half the critical step, found by forward passes at every step, reaches the far loss in fewer evaluations than the "
    "best fixed step of hindsight; than tracking at .95",
    "Kalra et al. 2026",
    open=True,
)
def forward_passes_pay(fields: list[Field]) -> Pieces:
    """Forward passes counted as thirds."""
    yield from about(
        "best fixed step", over(fields, lambda at: cheaper(at, "forward_0.5_1", at.best("fixed", at.course.far)))
    )
    yield from about("than tracking", over(fields, lambda at: cheaper(at, "forward_0.5_1", BELOW)))


@study.claim(
    "the best normalized step of hindsight reaches the far loss in fewer evaluations than the best fixed one; Polyak's "
    "step does, which has nothing to choose",
    open=True,
)
def without_curvature(fields: list[Field]) -> Pieces:
    """Neither knows of the sharpness."""
    yield from about(
        "normalized",
        over(fields, lambda at: cheaper(at, at.best("normalized", at.course.far), at.best("fixed", at.course.far))),
    )
    yield from about("Polyak's", over(fields, lambda at: cheaper(at, "polyak", at.best("fixed", at.course.far))))


@study.summary
def summary(fields: list[Field]) -> Mapping[str, Any]:
    """Mean evaluations to the far loss, standard error, how many reach it, diverge, and the sharpness at the end."""
    return {field.course.words: {one.words: told(field, one.name) for one in CONTESTANTS.values()} for field in fields}


def told(field: Field, name: str) -> str:
    """One contestant in a line."""
    costs, reached = field.counted(name, field.course.far), np.isfinite(field.cost(name, field.course.far))
    starts = len(costs)
    error = f" ± {costs.std(ddof=1) / starts**0.5:.0f}" if starts > 1 else ""
    one = field.races.sel(contestant=name)
    ended = one.sharpness.dropna("seed")
    sharpness = f", sharpness {float(ended.mean()):.3g}" if len(ended) else ""
    return (
        f"{'' if reached.all() else 'above '}{costs.mean():.0f}{error}, {int(reached.sum())} of {starts}"
        f", {int(one.diverged.sum())} diverge, {float(one.choosing.mean()):.0f} for choosing{sharpness}"
    )


study.figure(draw)

if __name__ == "__main__":
    study.main()
