"""What is claimed of gradient descent beside the gradient flow, and how it is decided."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import xarray as xr
from sympy import Expr

from analysis.study.claim import Check, Claim, Evidence, agreement, bounded, identity
from analysis.gradient_flow.measurements import FACTOR, Descent, departure, descents_of, excess, flow_sharpness, growth
from analysis.training.measures import hovering, sharpness_of
from eos_sym import Undecided

SOURCE = "Cohen et al. 2021, distance from gradient flow"
ORDER, ORDER_TOLERANCE = 1.0, 0.25  # of the distance in η; what is of second order changes it by about ηS/4
FIRST_ORDER = 0.1  # the same, for the control's distance
FLOW_ERROR = 1e-4
SAME_SHARPNESS = 0.05
AT_THE_EDGE = 0.1
FEWEST_READINGS = 5  # that tell where the sharpness hovers
DELAY = 0.25  # of the logarithm of the growth: where rounding starts it is known to an order of magnitude or two
SHORTER_DELAY = 0.5
TITLES = {"tanh": "tanh", "relu": "ReLU"}


def claims(
    training: xr.Dataset, flow: xr.Dataset, first_order: xr.Dataset, series: Expr, solved: Expr
) -> Sequence[Claim]:
    """The claims on both activations; for ReLU, whose loss is not smooth, they are predictions under test."""
    found = [
        Claim(
            "first_order_on_a_quadratic",
            "on a quadratic the distance of GD from the flow is ηd + O(η²), with ḋ = −Hd − ½H∇L",
            "Euler's method, derived here",
            [lambda: identity(series, solved)],
        ),
        Claim(
            "first_order",
            f"before any crossing the distance at equal time is of order {ORDER:g} in η (tanh), and η‖d‖ for a step "
            "size far below the edge",
            "Euler's method",
            [partial(_order, descents_of(training, "tanh"), first_order), partial(_size, first_order)],
        ),
        Claim(
            "flow_is_the_flow",
            "SciPy's method of order 8 finds the same flow (tanh, until before any crossing)",
            "the definition",
            [partial(_flow_error, first_order)],
        ),
    ]
    for activation in TITLES:
        runs = descents_of(training, activation)
        found += [*_about(runs, flow.sel(activation=activation), activation), _delay(runs, activation)]
    return found


def _about(runs: Sequence[Descent], flow: xr.Dataset, activation: str) -> list[Claim]:
    *tested, control = runs

    def claim(name: str, statement: str, checks: Sequence[Check]) -> Claim:
        return Claim(f"{name}_{activation}", f"{TITLES[activation]}: {statement}", SOURCE, checks, activation == "relu")

    return [
        claim(
            "tracks_until_the_crossing",
            f"until GD's sharpness crosses 2/η the distance stays below {FACTOR:g} times what the first order says",
            [partial(_until_the_crossing, one, control) for one in tested],
        ),
        claim(
            "departs_after_the_crossing",
            "after the crossing it grows beyond that",
            [partial(_after_the_crossing, one, control) for one in tested],
        ),
        claim(
            "larger_steps_depart_earlier",
            "the larger the step size, the earlier",
            [partial(_earlier, *pair, control) for pair in pairwise(tested)],
        ),
        claim(
            "control_tracks_to_the_end",
            "a step size whose 2/η is never reached follows the flow's sharpness to the end",
            [partial(_control, control, flow)],
        ),
        claim(
            "flow_ignores_the_edge",
            "the flow's sharpness passes every 2/η; that of GD comes back, and hovers there",
            [partial(_passes, flow, one) for one in tested] + [partial(_comes_back, one) for one in tested],
        ),
    ]


def _delay(runs: Sequence[Descent], activation: str) -> Claim:
    *tested, control = runs
    if activation == "relu":
        return Claim(
            "kinks_shorten_the_delay_relu",
            "ReLU: the oscillation need not grow from rounding errors: half of that growth, or less, is enough",
            "observed here",
            [partial(_shorter_delay, one, control) for one in tested],
            open=True,
        )
    return Claim(
        "delayed_by_rounding_tanh",
        "tanh: between crossing and departure an oscillation grows, by ηS − 1 a step, from rounding errors to the "
        "distance: the sum of ln(ηS − 1) is ln(distance/ε)",
        "linear stability of gradient descent",
        [partial(_rounding_delay, one, control) for one in tested],
        open=True,
    )


def _order(runs: Sequence[Descent], first_order: xr.Dataset) -> Evidence:
    """The exponent of η in the distance at one early time."""
    time = _early(first_order)
    for one in runs:
        if one.crossing is not None and one.crossing <= time:
            raise Undecided(f"η = {one.eta:g}: the sharpness is at 2/η before the distances are compared at {time:g}")
        if one.end < time:
            raise Undecided(f"η = {one.eta:g}: the run ended before time {time:g}, where the distances are compared")
    at = [float(np.interp(time, one.times, one.distance)) for one in runs]
    exponent = np.polyfit(np.log([one.eta for one in runs]), np.log(at), 1)[0]
    return agreement("network", ORDER, float(exponent), absolute=ORDER_TOLERANCE)


def _size(first_order: xr.Dataset) -> Evidence:
    _early(first_order)
    return agreement("autograd", float(first_order.predicted), float(first_order.distance), relative=FIRST_ORDER)


def _flow_error(first_order: xr.Dataset) -> Evidence:
    _early(first_order)
    return bounded("simulation", float(first_order.flow_error), below=FLOW_ERROR)


def _early(first_order: xr.Dataset) -> float:
    time = float(first_order.early)
    if not np.isfinite(time):
        raise Undecided("the runs ended before the first comparison of the weights")
    return time


def _crossed(one: Descent) -> float:
    if str(one.history.ending.values) == "diverged":
        raise Undecided(f"η = {one.eta:g}: diverged")
    if one.crossing is None or one.end <= one.crossing:
        raise Undecided(f"η = {one.eta:g}: the sharpness has not crossed 2/η by time {one.end:g}, where the run ended")
    return one.crossing


def _until_the_crossing(one: Descent, control: Descent) -> Evidence:
    crossed = _crossed(one)
    times, ratio = excess(one, control)
    before = ratio[times <= crossed]
    if not len(before):
        raise Undecided(f"η = {one.eta:g}: no comparison before the crossing at time {crossed:g}")
    return bounded("network", float(before.max()), below=FACTOR)


def _after_the_crossing(one: Descent, control: Descent) -> Evidence:
    """The largest excess after the crossing."""
    crossed = _crossed(one)
    times, ratio = excess(one, control)
    largest = float(ratio[times > crossed].max(initial=0.0))
    if largest <= FACTOR and one.end < 2 * crossed:
        raise Undecided(
            f"η = {one.eta:g}: still with the flow at time {one.end:g}, but the crossing was at {crossed:g}"
        )
    return Evidence("network", "supported" if largest > FACTOR else "refuted", f"> {FACTOR:g}", largest)


def _earlier(larger: Descent, smaller: Descent, control: Descent) -> Evidence:
    """The time of the larger step size's departure over that of the smaller one's."""
    first, second = departure(larger, control), departure(smaller, control)
    if first is None or second is None:
        late = smaller if second is None else larger
        raise Undecided(f"η = {late.eta:g}: with the flow until the run ended, at time {late.end:g}")
    return bounded("network", first / second, below=1.0)


def _control(control: Descent, flow: xr.Dataset) -> Evidence:
    """The largest difference of the sharpness from the flow's, relative to it."""
    if control.crossing is not None:
        raise Undecided(f"η = {control.eta:g}: the control crossed 2/η, at time {control.crossing:g}")
    steps, values = sharpness_of(control.history)
    times, known = flow_sharpness(flow)
    both = steps * control.eta <= times[-1]
    if str(flow.ending.values) == "steps":
        raise Undecided(f"the flow was ended by its steps, at time {times[-1]:g}")
    others = np.interp(steps[both] * control.eta, times, known)
    return bounded("network", float(np.max(np.abs(values[both] / others - 1))), below=SAME_SHARPNESS)


def _passes(flow: xr.Dataset, one: Descent) -> Evidence:
    """The largest sharpness along the flow, over 2/η."""
    ratio = float(flow_sharpness(flow)[1].max() / one.edge)
    if ratio <= 1 and str(flow.ending.values) != "time":
        raise Undecided(f"the flow ended ({flow.ending.values}) before its sharpness reached 2/η = {one.edge:g}")
    return Evidence("network", "supported" if ratio > 1 else "refuted", "> 1", ratio)


def _comes_back(one: Descent) -> Evidence:
    """The mean sharpness of gradient descent over 2/η, from where it has crossed this again from above."""
    crossed = _crossed(one)
    steps, values = sharpness_of(one.history)
    back = steps[(steps * one.eta > crossed) & (values < one.edge)]
    found = hovering(one.history, one.edge, int(back[0])) if len(back) else None
    if found is None or found.readings < FEWEST_READINGS:
        raise Undecided(f"η = {one.eta:g}: the sharpness was not back at 2/η for long when the run ended")
    return agreement("network", 1.0, found.mean, absolute=AT_THE_EDGE)


def _growth(one: Descent, control: Descent) -> tuple[float, float]:
    """The logarithm of the growth from rounding errors to the distance at the departure, and what there was."""
    _crossed(one)
    departed = departure(one, control)
    if departed is None:
        raise Undecided(f"η = {one.eta:g}: with the flow until the run ended, at time {one.end:g}")
    distance = float(np.interp(departed, one.times, one.distance))
    return float(np.log(distance / np.finfo(float).eps)), growth(one, departed)


def _rounding_delay(one: Descent, control: Descent) -> Evidence:
    return agreement("network", *_growth(one, control), relative=DELAY)


def _shorter_delay(one: Descent, control: Descent) -> Evidence:
    needed, seen = _growth(one, control)
    return bounded("network", seen / needed, below=SHORTER_DELAY)
