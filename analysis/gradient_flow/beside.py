"""Gradient descent beside the flow: crossing, distance, departure, the growth in between, and the evidence on them.

    excess(t)    D_η(t) / ((η/η_c) D_c(t)), with the distance D_c of a control with a small step size η_c: 1 as far as
                 the distance is of first order in η
    departure    the first time with an excess above `FACTOR`
    growth       Σ ln(ηS_t − 1) over the steps from the crossing of 2/η to the departure: the logarithm of what a small
                 oscillation along the top eigenvector is multiplied by

Times are those of the flow, ηt. Each activation has one random start: what is claimed of its runs is open.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from itertools import pairwise

import numpy as np
import xarray as xr

from analysis.gradient_flow.runs import Activation
from analysis.study import Claim, Evidence, Pieces, about, agreement, bounded, exceeds, over
from analysis.training.measures import crossing, crossing_from_below, hovering, sharpness_of
from eos_sym import Undecided
from numeric.compile import Array

TITLES: dict[Activation, str] = {"tanh": "tanh", "relu": "ReLU"}
FACTOR = 2.0  # times the control's distance, scaled to the step size: gradient descent has left the flow
LEAST_RATE = 1e-9  # of ηS − 1, where a reading between the crossing and the departure is below half the edge
RESOLUTION = 1000  # of the integral over this time
SAME_SHARPNESS = 0.05
AT_THE_EDGE = 0.1
FEWEST_READINGS = 5  # that tell where the sharpness hovers
ROUNDING_KNOWN = float(np.log(100))  # of the logarithm of the growth: rounding is known to two orders of magnitude
SHORTER_DELAY = 0.5
OVER_FIRST_ORDER = "largest distance over η/η_c times the control's"
GROWTH = "sum of ln(ηS − 1) from crossing to departure"


@dataclass(frozen=True)
class Descent:
    """One run: its history, the time of its crossing of 2/η, and at the times of comparison its distance and excess."""

    history: xr.Dataset
    eta: float
    crossing: float | None
    times: Array
    distance: Array
    excess_times: Array
    excess: Array

    def __str__(self) -> str:
        return f"η = {self.eta:g}"

    @property
    def edge(self) -> float:
        """The critical sharpness."""
        return 2 / self.eta

    @property
    def end(self) -> float:
        """The last time of a comparison."""
        return float(self.times[-1])

    def crossed(self) -> float:
        """The time of the crossing; `Undecided` without one, or without anything before or after it."""
        if str(self.history.ending.values) == "diverged":
            raise Undecided(f"{self}: diverged")
        crossing_from_below(self.history, self.edge, str(self))
        if self.crossing is None or self.end <= self.crossing:
            raise Undecided(f"{self}: the sharpness has not crossed 2/η by time {self.end:g}, where the run ended")
        return self.crossing

    def departed(self) -> float:
        """The first time with an excess above `FACTOR`; `Undecided` without one."""
        away = self.excess > FACTOR
        if not away.any():
            raise Undecided(f"{self}: with the flow until the run ended, at time {self.end:g}")
        return float(self.excess_times[away.argmax()])

    def growth(self, until: float) -> float:
        """The logarithm of the growth from the crossing to this time; 0 without a crossing before."""
        if self.crossing is None or until <= self.crossing:
            return 0.0
        steps, values = sharpness_of(self.history)
        times = np.linspace(self.crossing, until, RESOLUTION)
        rate = np.log(np.maximum(self.eta * np.interp(times, steps * self.eta, values) - 1, LEAST_RATE))
        return float(np.trapezoid(rate, times) / self.eta)

    def growth_from_rounding(self) -> tuple[float, float]:
        """The logarithm of the growth from rounding errors to the distance at the departure, and what there was."""
        self.crossed()
        departed = self.departed()
        distance = float(np.interp(departed, self.times, self.distance))
        return float(np.log(distance / np.finfo(float).eps)), self.growth(departed)


@dataclass(frozen=True)
class Beside:
    """The runs with one activation: gradient descent by descending step size, the control, and the flow."""

    activation: Activation
    descents: Sequence[Descent]
    control: Descent
    flow: xr.Dataset

    @property
    def flow_sharpness(self) -> tuple[Array, Array]:
        """The times of the flow's readings, and its sharpness there."""
        known = np.isfinite(self.flow.sharpness.values)
        return self.flow.reading_time.values[known], self.flow.sharpness.values[known]


def beside_the_flow(training: xr.Dataset, flow: xr.Dataset) -> Beside:
    """The runs with one activation, `training` along (number,) with the control last."""
    histories = [training.sel(number=number) for number in training.number.values]
    *descents, control = [descent(history, histories[-1]) for history in histories]
    return Beside(flow.activation.item(), descents, control, flow)


def descent(history: xr.Dataset, control: xr.Dataset) -> Descent:
    """One run, with the excess of its distance over the control's."""
    eta = float(history.eta)
    first = crossing(history, 2 / eta)
    times, distance = distances(history)
    control_times, control_distance = distances(control)
    both = (times > 0) & (times <= control_times[-1])
    first_order = eta / float(control.eta) * np.interp(times[both], control_times, control_distance)
    crossed = None if first is None else first * eta
    return Descent(history, eta, crossed, times, distance, times[both], distance[both] / first_order)


def distances(history: xr.Dataset) -> tuple[Array, Array]:
    """The times of comparison and the distance from the flow, without padding."""
    known = np.isfinite(history.distance.values)
    return history.distance_time.values[known], history.distance.values[known]


def of_each_descent(check: Callable[[Descent], Evidence]) -> Callable[[Beside], Pieces]:
    """The evidence of all step sizes but the control's."""

    @wraps(check)
    def judge(runs: Beside) -> Pieces:
        return over(runs.descents, check)

    return judge


@of_each_descent
def tracks_until_the_crossing(one: Descent) -> Evidence:
    """The excess before."""
    crossed = one.crossed()
    before = one.excess[one.excess_times <= crossed]
    if not len(before):
        raise Undecided(f"{one}: no comparison before the crossing at time {crossed:g}")
    return bounded("network", f"{OVER_FIRST_ORDER} until the crossing, {one}", float(before.max()), below=FACTOR)


@of_each_descent
def departs_after_the_crossing(one: Descent) -> Evidence:
    """The excess after it, where the run goes on for long enough."""
    crossed = one.crossed()
    largest = float(one.excess[one.excess_times > crossed].max(initial=0.0))
    if largest <= FACTOR and one.end < 2 * crossed:
        raise Undecided(f"{one}: still with the flow at time {one.end:g}, but the crossing was at {crossed:g}")
    return exceeds("network", f"{OVER_FIRST_ORDER} after the crossing, {one}", largest, above=FACTOR)


def larger_steps_depart_earlier(runs: Beside) -> Pieces:
    """Each step size beside the next smaller one."""

    def ratio(pair: tuple[Descent, Descent]) -> Evidence:
        larger, smaller = pair
        times = larger.departed() / smaller.departed()
        return bounded("network", f"time of the departure, {larger} over {smaller}", times, below=1.0)

    return over(pairwise(runs.descents), ratio)


def control_tracks_to_the_end(runs: Beside) -> Pieces:
    """The sharpness of both at the same times."""
    control, (times, known) = runs.control, runs.flow_sharpness
    if control.crossing is not None:
        raise Undecided(f"{control}: the control crossed 2/η, at time {control.crossing:g}")
    if str(runs.flow.ending.values) == "steps":
        raise Undecided(f"the flow was ended by its steps, at time {times[-1]:g}")
    steps, values = sharpness_of(control.history)
    both = steps * control.eta <= times[-1]
    others = np.interp(steps[both] * control.eta, times, known)
    largest = float(np.max(np.abs(values[both] / others - 1)))
    yield bounded("network", f"largest relative error of the sharpness, {control}", largest, below=SAME_SHARPNESS)


def flow_ignores_the_edge(runs: Beside) -> Pieces:
    """The flow beside each edge, and gradient descent there."""
    yield from about("passes", over(runs.descents, partial(passes_the_edge, runs)))
    yield from about("comes back", over(runs.descents, comes_back_to_the_edge))


def passes_the_edge(runs: Beside, one: Descent) -> Evidence:
    """How far beyond it the flow goes."""
    ratio = float(runs.flow_sharpness[1].max() / one.edge)
    if ratio <= 1 and str(runs.flow.ending.values) != "time":
        raise Undecided(f"the flow ended ({runs.flow.ending.values}) before its sharpness reached 2/η = {one.edge:g}")
    return exceeds("network", f"largest ηS/2 of the flow, {one}", ratio, above=1)


def comes_back_to_the_edge(one: Descent) -> Evidence:
    """Where the sharpness of gradient descent hovers, from where it has crossed 2/η again from above."""
    crossed = one.crossed()
    steps, values = sharpness_of(one.history)
    back = steps[(steps * one.eta > crossed) & (values < one.edge)]
    found = hovering(one.history, one.edge, int(back[0])) if len(back) else None
    if found is None or found.readings < FEWEST_READINGS:
        raise Undecided(f"{one}: the sharpness was not back at 2/η for long when the run ended")
    quantity = f"mean of ηS/2 of GD at midpoints, once back below 1, {one}"
    return agreement("network", quantity, 1.0, found.mean, absolute=AT_THE_EDGE)


@of_each_descent
def delayed_by_rounding(one: Descent) -> Evidence:
    """The growth beside what rounding errors need."""
    quantity = f"{GROWTH}, beside ln(distance/ε), {one}"
    return agreement("network", quantity, *one.growth_from_rounding(), absolute=ROUNDING_KNOWN)


@of_each_descent
def kinks_shorten_the_delay(one: Descent) -> Evidence:
    """The growth over what rounding errors need."""
    needed, seen = one.growth_from_rounding()
    return bounded("network", f"{GROWTH}, over ln(distance/ε), {one}", seen / needed, below=SHORTER_DELAY)


OF_BOTH = {
    tracks_until_the_crossing: f"until GD's sharpness crosses 2/η the distance stays below {FACTOR:g} times what the "
    "first order says",
    departs_after_the_crossing: f"after the crossing it grows beyond {FACTOR:g} times that",
    larger_steps_depart_earlier: "the larger the step size, the earlier the distance does",
    control_tracks_to_the_end: "a step size whose 2/η is never reached follows the flow's sharpness to the end, within "
    f"{SAME_SHARPNESS:.0%}",
    flow_ignores_the_edge: "the flow's sharpness passes every 2/η; that of GD comes back, and hovers there at two-step "
    f"midpoints, within {AT_THE_EDGE:.0%}",
}
OF_THE_DELAY = {
    "tanh": (
        delayed_by_rounding,
        "between crossing and departure an oscillation grows, by ηS − 1 a step, from rounding errors to the distance: "
        "the sum of ln(ηS − 1) is ln(distance/ε), to within ln 100",
        "linear stability of gradient descent",
    ),
    "relu": (
        kinks_shorten_the_delay,
        "the oscillation need not grow from rounding errors: half of that growth, or less, is enough",
        "observed here",
    ),
}


def claims_on(runs: Beside, source: str) -> Iterator[Claim]:
    """Those on one activation: each has one start, so that they are predictions under test."""
    name, title = runs.activation, TITLES[runs.activation]
    for judge, statement in OF_BOTH.items():
        pieces = partial(judge, runs)
        yield Claim(f"{judge.__name__}_{name}", f"the network with {title}: {statement}", source, pieces, open=True)
    judge, statement, source = OF_THE_DELAY[name]
    statement = f"the network with {title}: {statement}"
    yield Claim(f"{judge.__name__}_{name}", statement, source, partial(judge, runs), open=True)
