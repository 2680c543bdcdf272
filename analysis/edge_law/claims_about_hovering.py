"""What is claimed of the hovering cycle: where it is, at four places, and when it is stable."""

from __future__ import annotations

from functools import cache

import xarray as xr
from sympy import Float, Symbol

from analysis.claim import Claim, Evidence, agreement, same, supported
from analysis.edge_law.experiments import (
    HOVERING,
    HOVERING_EDGE,
    HOVERING_PULL,
    HOVERING_STEP_SIZE,
    THRESHOLD,
    THRESHOLD_PULL,
    hovering_loss,
)
from eos_sym import STEP_SIZE
from eos_sym.edge import Hovering, LocalEdgeNormalForm, edge_normal_form_at, leading_margins
from eos_sym.edge.hovering import AMPLITUDE, QUARTIC, RESTORING, SLOPE

HERE = "derived here"
SLOW = Float("0.01")  # τ; ηλ is 0.0002 for s and 0.5 for w
EXPECTED = {  # c, t: the excess on the floor and at the midpoint, as tabulated
    (-10.0, 0.0): (0.0331126, 0.0331126),
    (-30.0, 0.0): (0.0980392, 0.0980392),
    (-10.0, 4.0): (0.0645, 0.0329),
    (0.0, 4.0): (0.0318, 0.0),
    (5.0, 4.0): (0.0153, -0.0166),
}


@cache
def hovering_at_the_edge(threshold: bool, lane: int) -> Hovering:
    """The predicted cycle of one loss."""
    lanes, pull = (THRESHOLD, THRESHOLD_PULL) if threshold else (HOVERING, HOVERING_PULL)
    loss = hovering_loss()
    values = {**pull, **{name: column[lane] for name, column in lanes.items()}}
    parameters = {symbol: values[symbol.name] for symbol in loss.parameters}
    point = dict(zip(loss.weights, (HOVERING_EDGE, 0.0, 0.0), strict=True))
    form = edge_normal_form_at(loss, point, HOVERING_STEP_SIZE, SLOW, parameters)
    return Hovering(form, Float(pull["b"]))


def claims_about_hovering(hovering: xr.Dataset, threshold: xr.Dataset) -> list[Claim]:
    """The cycles, and both sides of the threshold."""
    return [
        *(_cycle(hovering.isel(loss=lane), lane) for lane in range(hovering.sizes["loss"])),
        Claim(
            "hovering_stability",
            "with the drift α − by − βq/2 the cycle is stable iff |κ₄|δ²/3 + b > ηβδ², to leading order",
            HERE,
            [
                _threshold,
                lambda: same("symbolic", "unstable, stable", _verdicts(threshold.sizes["loss"])),
                lambda: same("simulation", "unstable, stable", _behaviours(threshold)),
            ],
        ),
    ]


def _cycle(run: xr.Dataset, lane: int) -> Claim:
    c, t = float(run.c), float(run.t)
    predicted = hovering_at_the_edge(threshold=False, lane=lane)
    edge, order = predicted.form.sharpness, float(predicted.amplitude_squared) ** 2
    floor, midpoint = (float(s - edge) for s in (predicted.sharpness_on_floor, predicted.sharpness_at_midpoint))
    iterates = [float(sharpness - edge) for sharpness in predicted.sharpness_at_iterates]
    digits = 5e-8 if t == 0 else 6e-5  # of the tabulated values
    return Claim(
        f"hovering_c_{c:g}_t_{t:g}".replace("-", "minus_"),
        f"½su² + ½b(s − 25)² + {t / 2:g}wu² + (5/2)w² + ({c:g}/24)u⁴ hovers {EXPECTED[c, t][0]} above the edge on the "
        f"floor, {EXPECTED[c, t][1]} at the midpoint, {iterates[0]:.4f} at the iterates",
        HERE,
        [
            _midpoint_formula,
            lambda: agreement("symbolic", EXPECTED[c, t][0], floor, absolute=digits),
            lambda: agreement("symbolic", EXPECTED[c, t][1], midpoint, absolute=digits),
            lambda: agreement("simulation", floor, float(run.excess_at_floor), absolute=order),
            lambda: agreement("simulation", midpoint, float(run.excess_at_midpoint), absolute=order),
            lambda: agreement("simulation", iterates[0], float(run.excess_at_iterate), absolute=order),
            lambda: same("simulation", "periodic", str(run.outcome.item())),
        ],
    )


@cache
def _midpoint_formula() -> Evidence:
    """On the floor minus Σ_fast Tⱼ²δ²/(2λⱼ) is at the midpoint, for any loss with 3 Σ_fast Tⱼ²/λⱼ = Q − κ₄."""
    beta, alpha, fourth = (Symbol(name, positive=True) for name in ("beta", "alpha", "Q"))
    quartic, other = Symbol("kappa4", negative=True), Symbol("r", real=True)
    form = LocalEdgeNormalForm(
        beta, quartic, slow=1, threshold=other, fourth=fourth, sharpening=alpha, skew=other, tilt=other
    )
    cycle = Hovering(form, Symbol("b", positive=True))
    displaced = (fourth - quartic) / 3 * cycle.amplitude_squared / 2
    return supported(cycle.sharpness_on_floor - displaced, cycle.sharpness_at_midpoint)


def _threshold() -> Evidence:
    """The decisive leading margin of the model, 2η(b − κ₄δ²/3 − ηβδ²)."""
    expected = 2 * STEP_SIZE * (RESTORING - QUARTIC * AMPLITUDE**2 / 3 - STEP_SIZE * SLOPE**2 * AMPLITUDE**2)
    return supported(expected, leading_margins()[-1])


def _verdicts(lanes: int) -> str:
    return ", ".join(hovering_at_the_edge(threshold=True, lane=lane).verdict for lane in range(lanes))


def _behaviours(run: xr.Dataset) -> str:
    return ", ".join("stable" if growth < 1 else "unstable" for growth in run.growth.values)
