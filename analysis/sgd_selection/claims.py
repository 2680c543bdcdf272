"""The statements of the essay, each with its checks."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
import xarray as xr
from eos_sym.stability.stochastic import BATCH_SIZE, CURVATURE, EXAMPLES, SPREAD
from sympy import Expr, Rational, Symbol, log, nsimplify, sqrt

from analysis.claim import Claim, Evidence, agreement, bounded, identity, same, theorem
from analysis.sgd_selection.experiments import (
    ENDED,
    START,
    ended_at,
    rates,
    torch_curvatures,
    torch_mean_loss,
    torch_path,
)
from analysis.sgd_selection.theory import Theory
from eos_sym import STEP_SIZE, Undecided
from eos_sym.stability import mean_square_multiplier
from numeric import compile_function
from numeric.compile import Array

SOURCE = "Wu, Ma, E 2018"
OURS = "derived for this project"
REPLAYED = 3  # runs of SGD that torch repeats
NEAR_ZERO = 4e-3  # an exponent, too small to tell: a run drifts by rounding's 10 digits before it shows
BURST = 1e6  # the loss on the way, at least, over the loss at the start
RATE_ERROR = 0.03  # per step: sampling error of measured rates of growth, several standard errors
MOMENT_ERROR = 0.003  # the same over more steps, near the thresholds
STRAYS = 0.02  # of the runs: in the window a run strays across the barrier with a probability of about 1e-4


def claims(theory: Theory, step_size: Fraction, data: Mapping[str, xr.Dataset]) -> list[Claim]:
    """The claims, at the step size of the options and at the thresholds."""
    at = {STEP_SIZE: Rational(step_size)}
    found = [_gd_stays(theory, step_size, data), *_multipliers(theory, at, data["growth"])]
    verdict = theory.almost_sure.verdict(at)
    paths = functools.cache(lambda: replays(data["sgd"]))
    if abs(theory.exponent_at(float(step_size))) < NEAR_ZERO:
        verdict = "undecided"
    found.append(_selection(verdict, step_size, data["sgd"], paths))
    if verdict == "unstable":
        found.append(_burst(data, paths))
    return [*found, _mean_square_threshold(theory, data), _almost_sure_threshold(theory, data), _window(theory, data)]


def _gd_stays(theory: Theory, step_size: Fraction, data: Mapping[str, xr.Dataset]) -> Claim:
    eta, run = float(step_size), data["gd"]
    return Claim(
        "gd_stays",
        f"GD multiplies the distance from 1 by 1 − 2η, and at η = {eta:g} stays at 1",
        SOURCE,
        [
            lambda: identity(1 - 2 * STEP_SIZE, theory.gd_multiplier),
            lambda: identity(Rational(1), theory.gd_critical),
            lambda: bounded("simulation", abs(float(run.final.sel(state="x")) - 1), below=1 - START),
            lambda: bounded("autograd", abs(torch_path(eta, None, int(run.step))[-1] - 1), below=1 - START),
        ],
    )


def _multipliers(theory: Theory, at: Mapping[Symbol, Expr], growth: xr.Dataset) -> list[Claim]:
    eta = float(at[STEP_SIZE])

    def from_torch() -> Array:
        return 1 - eta * np.array(torch_curvatures())

    def exponent_from_torch() -> Evidence:
        if not math.isfinite(exponent):
            raise Undecided("the exponent is −∞: one of the draws leads straight to the minimum")
        return agreement("autograd", exponent, float(np.log(np.abs(from_torch())).mean()), absolute=1e-12)

    spread_term = (EXAMPLES - BATCH_SIZE) * SPREAD**2 / (BATCH_SIZE * (EXAMPLES - 1))
    formula = (1 - STEP_SIZE * CURVATURE) ** 2 + STEP_SIZE**2 * spread_term
    here = {CURVATURE: 2, SPREAD: Rational(9, 5), EXAMPLES: 2, BATCH_SIZE: 1}
    second_moment, exponent = float(theory.second_moment.subs(at)), theory.exponent_at(eta)
    typical, root_mean_square = (error_of_rates(growth, theory, of) for of in ("log_typical", "log_root_mean_square"))
    return [
        Claim(
            "multipliers",
            "SGD multiplies the distance from 1 by 1 − η/5 or by 1 − 19η/5",
            SOURCE,
            [
                lambda: identity([1 - STEP_SIZE / 5, 1 - 19 * STEP_SIZE / 5], theory.multipliers),
                lambda: agreement("autograd", 0.2, torch_curvatures()[0], relative=1e-12),
                lambda: agreement("autograd", 3.8, torch_curvatures()[1], relative=1e-12),
            ],
        ),
        Claim(
            "second_moment",
            "the second moment is multiplied by (1 − ηa)² + η²(n−B)s²/(B(n−1)), here with a = 2, s = 9/5, n = 2, B = 1",
            SOURCE,
            [
                lambda: identity(formula, mean_square_multiplier()),
                lambda: identity(formula.subs(here), theory.second_moment),
                lambda: agreement("autograd", second_moment, float(np.mean(from_torch() ** 2)), relative=1e-12),
                lambda: bounded("simulation", root_mean_square, below=RATE_ERROR),
            ],
        ),
        Claim(
            "lyapunov_exponent",
            f"the typical distance grows as exp(t E log|·|); at η = {eta:g} the exponent is {exponent:.3g}",
            OURS,
            [
                exponent_from_torch,
                lambda: bounded("simulation", typical, below=RATE_ERROR),
            ],
        ),
    ]


def error_of_rates(growth: xr.Dataset, theory: Theory, statistic: str) -> float:
    """The largest difference of a measured rate of growth from the derived one, over the step sizes of the runs."""
    derived = theory.exponent if statistic == "log_typical" else log(theory.second_moment) / 2
    expected = compile_function([derived], (STEP_SIZE,))(growth.eta.values)[0]
    return float(np.abs(rates(growth[statistic]) - expected).max())


def _selection(verdict: str, step_size: Fraction, runs: xr.Dataset, paths: Callable[[], list[Array]]) -> Claim:
    eta, count = float(step_size), runs.sizes["run"]
    end = {"unstable": "0", "stable": "1"}.get(verdict, "undecided")
    at_zero, at_one = int(ended_at(runs, 0)), int(ended_at(runs, 1))

    def undecided() -> Evidence:
        raise Undecided(f"E log|·| at η = {eta:g} is so close to 0 that runs drift either way before it shows")

    def simulated() -> Evidence:
        if at_zero + at_one < count:
            raise Undecided(f"at η = {eta:g} {count - at_zero - at_one} runs of {count} have not ended")
        return agreement("simulation", count, at_zero if end == "0" else at_one, absolute=STRAYS * count)

    def replayed() -> Evidence:
        found = {next((str(m) for m in (0, 1) if abs(path[-1] - m) < ENDED), "undecided") for path in paths()}
        return same("autograd", end, ", ".join(sorted(found)))

    def replayed_exactly() -> Evidence:
        pairs = zip(paths(), runs.trajectory.sel(state="x").values, strict=False)
        return bounded("autograd", max(float(np.abs(path - run[: len(path)]).max()) for path, run in pairs), below=1e-6)

    return Claim(
        "sgd_selects",
        f"SGD is {verdict} at 1 at η = {eta:g}, and ends at {end}",
        SOURCE,
        [*([undecided] if end == "undecided" else [simulated, replayed]), replayed_exactly],
    )


def replays(runs: xr.Dataset) -> list[Array]:
    """The first runs of SGD repeated by torch with the same draws."""
    first = [runs.isel(run=index) for index in range(REPLAYED)]
    return [torch_path(float(run.eta), run.drawn.values, int(run.step)) for run in first]


def _burst(data: Mapping[str, xr.Dataset], paths: Callable[[], list[Array]]) -> Claim:
    left = data["sgd"].isel(run=np.flatnonzero(abs(data["sgd"].final.sel(state="x")) < ENDED))

    def smallest_burst(losses: Sequence[Array]) -> str:
        if not len(losses):
            raise Undecided("no run has left 1 yet")
        return "more" if all(loss.max() > BURST * loss[0] for loss in losses) else "less"

    def from_torch() -> str:
        return smallest_burst([torch_mean_loss(path) for path in paths() if abs(path[-1]) < ENDED])

    return Claim(
        "burst",
        f"on the way from 1 to 0 the loss bursts to more than {BURST:g} times its start; along GD it only falls",
        SOURCE,
        [
            lambda: same("simulation", "more", smallest_burst(left.loss.values)),
            lambda: same("autograd", "more", from_torch()),
            lambda: bounded("simulation", float(data["gd"].loss.diff("iteration").max()), below=1e-30),
        ],
    )


def _mean_square_threshold(theory: Theory, data: Mapping[str, xr.Dataset]) -> Claim:
    below, _, above = rates(data["moments"].log_root_mean_square)
    lower, _, upper = data["moments"].eta.values
    mean, spread = Rational(2), Rational(9, 5)
    return Claim(
        "mean_square_threshold",
        f"the second moment grows beyond η = 2a/(a² + s²) = {theory.mean_square_critical}",
        SOURCE,
        [
            lambda: identity(2 * mean / (mean**2 + spread**2), theory.mean_square_critical),
            lambda: agreement("simulation", _rate(theory, lower), below, absolute=MOMENT_ERROR),
            lambda: agreement("simulation", _rate(theory, upper), above, absolute=MOMENT_ERROR),
            lambda: same("simulation", "shrinks, grows", f"{_direction(below)}, {_direction(above)}"),
        ],
    )


def _rate(theory: Theory, step_size: float) -> float:
    return float(log(theory.second_moment).subs(STEP_SIZE, step_size)) / 2


def _direction(rate: float) -> str:
    return "grows" if rate > 0 else "shrinks"


def _almost_sure_threshold(theory: Theory, data: Mapping[str, xr.Dataset]) -> Claim:
    runs = data["ends"]
    count = runs.sizes["run"]
    lower, upper = runs.isel(eta=0), runs.isel(eta=-1)
    return Claim(
        "almost_sure_threshold",
        f"SGD leaves 1 beyond η = {theory.almost_sure_critical}, the least zero of E log|·|",
        OURS,
        [
            lambda: identity(5 * (10 - sqrt(62)) / 19, theory.almost_sure_critical),
            lambda: agreement("simulation", count, int(ended_at(lower, 1)), absolute=STRAYS * count),
            lambda: agreement("simulation", count, int(ended_at(upper, 0)), absolute=STRAYS * count),
        ],
    )


def _window(theory: Theory, data: Mapping[str, xr.Dataset]) -> Claim:
    between = float(data["ends"].eta[1])
    runs = data["ends"].isel(eta=1)
    count = runs.sizes["run"]
    moment = float(rates(data["moments"].log_root_mean_square)[1])
    at = {STEP_SIZE: nsimplify(between, rational=True)}

    def verdicts() -> str:
        return f"mean square: {theory.mean_square.verdict(at)}; almost sure: {theory.almost_sure.verdict(at)}"

    return Claim(
        "window",
        f"in between, at η = {between:.4f}, runs converge to 1 although the second moment diverges",
        OURS,
        [
            lambda: theorem("mean square: unstable; almost sure: stable", verdicts()),
            lambda: agreement("simulation", count, int(ended_at(runs, 1)), absolute=STRAYS * count),
            lambda: agreement("simulation", _rate(theory, between), moment, absolute=MOMENT_ERROR),
        ],
    )
