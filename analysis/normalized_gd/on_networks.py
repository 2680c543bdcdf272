"""What the runs of `walk` say of the theory on networks: the evidence of its claims, with the demands.

The demands, the networks and the step sizes were fixed on other networks, before those of the presets were seen; but
for the median in `moving`.
`order` is an exponent in η with its standard error: one slope for all networks and a factor for each, by least squares
on logarithms.
"""

from functools import partial

import numpy as np
import xarray as xr
from sympy import Expr, Integer, Rational

from analysis.normalized_gd.next_order import CUBIC
from analysis.normalized_gd.theory import KINDS, NORMALIZED, Kind
from analysis.study import Evidence, Pieces, about, agreement, bounded, exceeds, supported
from analysis.training.estimate import Estimate, within
from eos_sym import Undecided
from eos_sym.flows.limit_flow import CURVATURE

SHARE_OF_FALL = {"quick": 0.05, "full": 0.01}  # that the predicted sharpness may be wrong by at the least η
LATE = 1 / 8  # of the last time τ
CLEARLY, ROUGHLY = 0.1, 0.2  # by which an exponent may miss the theory's


def of_rule(walk: xr.Dataset, kind: Kind) -> xr.Dataset:
    """The runs of one rule."""
    return walk.sel(rule=kind.name)


def errors(runs: xr.Dataset) -> xr.DataArray:
    """The largest error of the predicted sharpness over its fall, until the limit flow ends."""
    wrong: xr.DataArray = abs(runs.sharpness - runs.predicted).max("tau") / fall(runs)
    return wrong


def fall(runs: xr.Dataset) -> xr.DataArray:
    """By how much the limit flow lowers the sharpness."""
    lowered: xr.DataArray = runs.predicted.max("tau") - runs.predicted.min("tau")
    return lowered


def order(sizes: xr.DataArray) -> Estimate:
    """p of sizes ~ ηᵖ, with a factor for each network."""
    if not (np.isfinite(sizes) & (sizes > 0)).all():
        raise Undecided("the exponent: a run has not come as far as is measured")
    logarithms: xr.DataArray = np.log(sizes)  # type: ignore[assignment]  # NumPy's stubs know no other arrays
    places = np.log(sizes.eta)
    left, across = logarithms - logarithms.mean("eta"), places - places.mean()
    spread = float((across**2).sum()) * sizes.network.size
    slope = float((left * across).sum()) / spread
    freedom = sizes.size - sizes.network.size - 1
    return Estimate(slope, float((((left - slope * across) ** 2).sum() / freedom / spread) ** 0.5), freedom)


def exponent(sizes: xr.DataArray, what: str, expected: float, error: float) -> Evidence:
    """Evidence of the exponent in η."""
    found = order(sizes)
    return within(f"exponent in η of {what}, {sizes.network.size} networks", found, expected - error, expected + error)


def way_there(walk: xr.Dataset, kind: Kind) -> Pieces:
    """The clock, the distance to gradient flow at equal times, and the steps until the loss rises."""
    runs, at = of_rule(walk, kind), kind.objective
    rate = sum((slope**2 for slope in at.gradient), Integer(0)) if kind is NORMALIZED else 4 * at.loss
    yield from about(
        "is gradient flow", supported("squared rate of the clock, on a quadratic", rate, kind.squared_rate)
    )
    of_distance = partial(exponent, runs.distance, "the largest distance to gradient flow", 1, CLEARLY)
    yield from about("at equal times", of_distance)
    of_first = partial(exponent, runs["first"], "the steps until the loss rises", -1, CLEARLY)
    yield from about("the loss rises", of_first)


def across(walk: xr.Dataset, kind: Kind) -> Pieces:
    """Of every network at the least η, where the limit flow ends, what is farthest from the theory."""
    runs = of_rule(walk, kind)
    eta = float(runs.eta.min())
    last = at_the_end(runs.sel(eta=eta))
    where = f"at η = {eta:g}, worst of {runs.network.size} networks"
    cosine = exceeds("network", f"|cosine| of a step and u {where}", float(last.cosine.min()), above=0.99)
    yield from about("along the top", cosine)
    turn = bounded("network", f"two steps over one, in length, {where}", float(last.turn.max()), below=0.05)
    yield from about("period two", turn)
    total = sum((1 / value for value in kind.stableness), Integer(0))
    yield from about(
        "to within η",
        supported("1/S_t + 1/S_{t+1} on the two-cycle", Integer(1), total),
        agreement("network", f"1/S_t + 1/S_{{t+1}} {where}", 1, farthest(last.reciprocals), absolute=eta),
    )
    roots = agreement("network", f"√L_t + √L_{{t+1}} over theory {where}", 1, farthest(last.root_losses), absolute=0.01)
    yield from about("on a quadratic", roots)


def at_the_end(runs: xr.Dataset) -> xr.Dataset:
    """The runs of one η at the last time before the limit flow ends."""
    last = np.isfinite(runs.predicted).cumsum("tau").argmax("tau")
    return runs.isel(tau=last)


def farthest(values: xr.DataArray) -> float:
    """The one that is farthest from 1."""
    return float(values.values[int(abs(values.values - 1).argmax())])


def along(walk: xr.Dataset, kind: Kind, preset: str) -> Pieces:
    """The coefficient of the flow, the error of the predicted sharpness, and its exponent and that of the distance."""
    runs = of_rule(walk, kind)
    finest = errors(runs).sel(eta=float(runs.eta.min()))
    coefficient: Expr = 1 / (4 * CURVATURE) if kind is NORMALIZED else Rational(1, 8)
    quantity = (
        f"error of the sharpness over its fall, η = {float(finest.eta):g}, worst of {finest.network.size} networks"
    )
    yield from about(
        "within",
        supported("D in dX/dτ = −D P∇λ₁", coefficient, kind.oscillation.drift),
        bounded("network", quantity, float(finest.max()), below=SHARE_OF_FALL[preset]),
    )
    yield from about(
        "of the order η",
        partial(exponent, errors(runs), "the error of the sharpness", 1, ROUGHLY),
        partial(exponent, runs["shift"].max("tau"), "the distance to the limit flow", 1, ROUGHLY),
    )


def moving(walk: xr.Dataset, shifts: dict[str, Expr]) -> Pieces:
    """The shift of C derived and measured, once the rest of the loss has decayed, at the least η.

    That a median is taken was decided on the networks of the quick preset: where C turns at an end of (0, 1), the run
    is thrown off the two-cycle, and one such time outweighs all others in a least-squares slope.
    """
    for kind in KINDS:
        papers = Integer(0) if kind is NORMALIZED else -CUBIC / 6
        part = "normalized GD stays" if kind is NORMALIZED else "moves, by"
        yield from about(part, supported("(w_{t+2} − w_t)/η² on ½λw² + ⅙Tw³", papers, shifts[kind.name]))
        runs = of_rule(walk, kind)
        runs = runs.sel(eta=float(runs.eta.min()))
        late = runs.sel(tau=runs.tau >= LATE * runs.tau.max())
        over = (late.returned / (-late.cubic / 6)).values
        quantity = f"(w_{{t+2}} − w_t)/η² over −T/6, median of {over.size} times, {kind.shown}, η = {float(runs.eta):g}"
        expected = 0 if kind is NORMALIZED else 1
        yield from about(part, agreement("network", quantity, expected, float(np.median(over)), absolute=0.1))
