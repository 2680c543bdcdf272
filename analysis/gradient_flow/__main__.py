"""Two networks: gradient descent follows the gradient flow until its sharpness has crossed 2/η, and then leaves it.

A step of gradient descent is one of Euler's method for θ̇ = −∇L(θ). So at equal time ηN, from the same weights,

    θ_N − θ(ηN) = η d(ηN) + O(η²),    ḋ = −H d − ½ H ∇L,   d(0) = 0,

with the Hessian H along the flow. That is how far from the flow a stable method is: a distance in proportion to the
step size, which grows as slowly as the weights move. But Euler's method is stable only for S < 2/η, and the flow, which
does not know any η, sharpens on. From the crossing on a disturbance along the top eigenvector is multiplied by 1 − ηS,
less than −1, in each step. When it has grown to the size of the distance, gradient descent departs: its sharpness falls
back to 2/η, that of the flow goes on rising. The larger the step size, the earlier.

Measured (quick preset: digits, two hidden layers of 30, squared error, double precision, one random start). tanh,
η = 1/2, 2/5, 1/3: at η = 1/12 the distance before any crossing is η‖d‖ within 3 %, d from SciPy's solver. At the
crossings, at times 34, 50 and 62, the distance is 1.1 to 1.3 times that of η = 1/12, scaled; in the end 7 to 9 times.
The departures are at 72, 82 and 90: from crossing to departure Σ ln(ηS − 1) is 37 to 38, and from the rounding errors
of double precision to the distance it is 35. In single precision, whose rounding errors are larger by 20.1 in their
logarithm, the sum is less by 21.8. So the delay is the arithmetic's. By the departure the sharpness has overshot 2/η
by more than half; it comes back, and then its mean at midpoints is 1.02 to 1.06 of 2/η, while the flow's reaches 2.1
to 3.1 of it.

ReLU, η = 1/2, 9/20, 2/5: the same, but the growth from crossing to departure is a fifth or a quarter of what rounding
errors need: it starts from a larger disturbance, presumably from the kinks, where the gradient jumps and keeps gradient
descent from settling along the top eigenvector. Where the gradient jumps, there is no H.

All claims on runs are open: of each there is one, from one start, of one network with either activation.

Source: :cite:t:`cohen2021edge` (distance from the gradient flow); the first order, the delay, and the
shorter delay of ReLU are derived or measured here.
"""

from dataclasses import dataclass

from analysis.study import Study
from analysis.training import StepSizeOptions

study = Study(__name__, source="Cohen et al. 2021, distance from gradient flow")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """Gradient descent beside the gradient flow from the same weights, with tanh and with ReLU.

    A quarter of the least step size is trained with as well, for comparison.
    """


from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.gradient_flow.beside import (
    GROWTH,
    ROUNDING_KNOWN,
    TITLES,
    Beside,
    Descent,
    beside_the_flow,
    claims_on,
    descent,
)
from analysis.gradient_flow.figure import draw
from analysis.gradient_flow.first_order import first_order_on_quadratic, solve_first_order, solved_first_order
from analysis.gradient_flow.runs import Pair, in_common, pair_of
from analysis.study import Claim, Evidence, Pieces, about, agreement, bounded, identity
from analysis.training import combined, train
from analysis.training.measures import sharpness_of
from eos_sym import Undecided, critical_sharpness, rules

FEWEST_STEP_SIZES = 3  # that tell a limit, and its error
# The second order over the first, times ηλ: on ½λx² it is 2/3 − λt/4, at most this until all has decayed.
SECOND_ORDER = 2 / 3
IN_SINGLE = "tanh in single precision"
FLOW_ERROR = 1e-4


@study.theory
def derived() -> Mapping[str, Any]:
    """The edge, and how far from the flow a stable method is."""
    return {
        "critical_sharpness": critical_sharpness(rules.GradientDescent()),
        "first_order": "GD − flow = η d + O(η²),  ḋ = −H d − ½ H ∇L,  d(0) = 0",
        "first_order_on_a_quadratic": first_order_on_quadratic(),
    }


@study.measurement
def runs(options: Options) -> Mapping[str, Pair]:
    """What is trained with each activation."""
    return {activation: pair_of(options, activation) for activation in TITLES}


@study.measurement
def histories(options: Options, folder: Path, runs: Mapping[str, Pair]) -> Mapping[str, list[xr.Dataset]]:
    """Those of gradient descent, the control last but one, and of the flow, with the weights on the way.

    Besides, under a name of its own, the run with tanh and the largest step size in single precision.
    """
    planned = {one: one for pair in runs.values() for one in (*pair.descents, pair.flow)}
    trained = train(options, folder, planned | {IN_SINGLE: runs["tanh"].single})
    found = {activation: [trained[one] for one in (*pair.descents, pair.flow)] for activation, pair in runs.items()}
    return found | {IN_SINGLE: [trained[IN_SINGLE]]}


@study.experiment
def training(runs: Mapping[str, Pair], histories: Mapping[str, list[xr.Dataset]]) -> xr.Dataset:
    """Gradient descent along (activation, number), with the distance from the flow at `distance_time` (point,)."""
    compared = {}
    for activation, pair in runs.items():
        *descents, flow = histories[activation]
        for number, (history, eta) in enumerate(zip(descents, pair.etas, strict=True), 1):
            compared[activation, number] = with_distance(history, eta, flow)
    return combined(compared, "activation", "number")


@study.experiment
def single_precision(runs: Mapping[str, Pair], histories: Mapping[str, list[xr.Dataset]]) -> xr.Dataset:
    """The same of the run in single precision, along ``precision``."""
    (history,), flow = histories[IN_SINGLE], histories["tanh"][-1]
    return combined({("single",): with_distance(history, runs["tanh"].etas[0], flow)}, "precision")


def with_distance(history: xr.Dataset, eta: Fraction, flow: xr.Dataset) -> xr.Dataset:
    """A run of gradient descent, with its distance from the flow."""
    times, own, others = in_common(history, eta, flow)
    points = {"distance": ("point", np.linalg.norm(own - others, axis=1)), "distance_time": ("point", times)}
    return history.assign(points).assign_coords(point=range(len(times)))


@study.experiment
def flow(histories: Mapping[str, list[xr.Dataset]]) -> xr.Dataset:
    """The flows along the dimension ``activation``."""
    return combined({(activation,): histories[activation][-1] for activation in TITLES}, "activation")


@study.experiment
def first_order(runs: Mapping[str, Pair], histories: Mapping[str, list[xr.Dataset]]) -> xr.Dataset:
    """At the last common time of flow and control that is early, for tanh: what SciPy's solver says of both.

    `flow_error` is the flow's distance from SciPy's, over the length of the way; `correction` is ‖d‖, `vector_error`
    how far the control's distance over η is from d, over ‖d‖; nan if there is no such time.
    """
    names = ("early", "flow_error", "correction", "vector_error")
    pair, (*_, control, flow) = runs["tanh"], histories["tanh"]
    eta = float(pair.etas[-1])
    times, own, others = in_common(control, pair.etas[-1], flow)
    last = int((times <= pair.early).sum()) - 1
    if last < 1:
        return xr.Dataset(dict.fromkeys(names, np.nan))
    there, correction = solve_first_order(pair.flow, others[0], times[last])
    apart = own[last] - others[last]
    flow_error = np.linalg.norm(others[last] - there) / np.linalg.norm(there - others[0])
    vector_error = np.linalg.norm(apart / eta - correction) / np.linalg.norm(correction)
    values = (times[last], flow_error, np.linalg.norm(correction), vector_error)
    return xr.Dataset(dict(zip(names, values, strict=True)))


@study.measurement
def by_activation(training: xr.Dataset, flow: xr.Dataset) -> Mapping[str, Beside]:
    """Gradient descent beside the flow."""
    return {name: beside_the_flow(training.sel(activation=name), flow.sel(activation=name)) for name in TITLES}


@study.claim(
    "on ½λx² the distance of GD from the flow is ηd + O(η²), with ḋ = −Hd − ½H∇L", "Euler's method, derived here"
)
def first_order_on_a_quadratic(derived: Mapping[str, Any]) -> Pieces:
    """The series against the equation's solution."""
    found = derived["first_order_on_a_quadratic"]
    yield identity("coefficient d of η in the distance, on ½λx² from x = 1", found, solved_first_order())


@study.claim(
    "before any crossing the distance at equal time, over η, tends to ‖d‖ for small η on the network with tanh; for "
    "the smallest step size it is d itself, but for a second order of ⅔ηS of it or less, as on a quadratic",
    "Euler's method",
    id="first_order",
    open=True,
)
def distance_is_of_first_order(by_activation: Mapping[str, Beside], first_order: xr.Dataset) -> Pieces:
    """From all step sizes, by a polynomial in η; and the vector itself for the least one. d is SciPy's."""
    yield from about("tends to", partial(limit_of_the_distance, by_activation["tanh"], first_order))
    yield from about("d itself", partial(second_order, by_activation["tanh"].control, first_order))


def second_order(control: Descent, first_order: xr.Dataset) -> Evidence:
    """How far the control's distance over η is from d."""
    steps, values = sharpness_of(control.history)
    sharpest = float(values[steps * control.eta <= early(first_order)].max())
    error, quantity = float(first_order.vector_error), "‖distance/η − d‖/‖d‖ of the control at an early time"
    return bounded("autograd", quantity, error, below=SECOND_ORDER * control.eta * sharpest)


def early(first_order: xr.Dataset) -> float:
    """The time at which first orders are compared."""
    time = float(first_order.early)
    if not np.isfinite(time):
        raise Undecided("the runs ended before the first comparison of the weights")
    return time


def limit_of_the_distance(runs: Beside, first_order: xr.Dataset) -> Evidence:
    """At one early time, by the polynomial through all step sizes; an order other than 1 would make it 0, or boundless.

    How far it is from the polynomial without the largest step size is the error of the extrapolation (Neville), beside
    that of the flow.
    """
    time, several = early(first_order), [*runs.descents, runs.control]
    for one in several:
        if one.crossing is not None and one.crossing <= time:
            raise Undecided(f"{one}: the sharpness is at 2/η before the distances are compared at {time:g}")
        if one.end < time:
            raise Undecided(f"{one}: the run ended before time {time:g}, where the distances are compared")
    if len(several) < FEWEST_STEP_SIZES:
        raise Undecided(f"{len(several)} step sizes, the control among them; {FEWEST_STEP_SIZES} tell the limit")
    over_eta = [float(np.interp(time, one.times, one.distance)) / one.eta for one in several]
    etas = [one.eta for one in several]
    limit, coarser = (float(np.polyfit(etas[skip:], over_eta[skip:], len(etas[skip:]) - 1)[-1]) for skip in (0, 1))
    quantity = f"distance over η at {time:g}, by the polynomial in η through all step sizes, at η = 0"
    return agreement(
        "network", quantity, float(first_order.correction), limit, relative=FLOW_ERROR, absolute=abs(limit - coarser)
    )


@study.claim("SciPy's method of order 8 finds the same flow (tanh, until before any crossing)", "the definition")
def flow_is_the_flow(first_order: xr.Dataset) -> Pieces:
    """Both integrate the same gradients."""
    early(first_order)
    error = float(first_order.flow_error)
    yield bounded("simulation", "distance from SciPy's at an early time, over the way there", error, below=FLOW_ERROR)


@study.claim(
    "the network with tanh: in single precision the growth from crossing to departure is less, by the logarithm of the "
    "ratio of the rounding errors, 20.1, to within ln 100",
    "derived here",
    open=True,
)
def precision_shortens_the_delay(by_activation: Mapping[str, Beside], single_precision: xr.Dataset) -> Pieces:
    """The same run with other rounding errors; a delay that the loss decided would be as long."""
    runs = by_activation["tanh"]
    single = descent(single_precision.isel(precision=0), runs.control.history)
    growths = []
    for one in (runs.descents[0], single):
        one.crossed()
        growths.append(one.growth(one.departed()))
    expected = float(np.log(np.finfo(np.float32).eps / np.finfo(float).eps))
    quantity = f"{GROWTH}, in double less that in single precision, {runs.descents[0]}"
    yield agreement("network", quantity, expected, growths[0] - growths[1], absolute=ROUNDING_KNOWN)


@study.claims
def of_each_activation(by_activation: Mapping[str, Beside]) -> Iterator[Claim]:
    """Those on runs."""
    for runs in by_activation.values():
        yield from claims_on(runs, study.source)


@study.figure
def figure(by_activation: Mapping[str, Beside]) -> Figure:
    """Loss, sharpness and distance from the flow against time, a row for each activation."""
    return draw([*by_activation.values()])


if __name__ == "__main__":
    study.main()
