"""What is trained: gradient descent with several step sizes, and the flow from the same weights, compared in time."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from typing import Literal

import numpy as np
import xarray as xr

from analysis.training import StepSizeOptions
from numeric.compile import Array
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.training import Experiment, GradientFlow, Measure, Stop
from numeric.networks.training.flow import REAL_LIMIT
from numeric.networks.training.optimizers import GradientDescent

Activation = Literal["tanh", "relu"]
ETAS = {
    "quick": {
        "tanh": (Fraction(1, 2), Fraction(2, 5), Fraction(1, 3)),
        "relu": (Fraction(1, 2), Fraction(9, 20), Fraction(2, 5)),
    },
    "full": dict.fromkeys(("tanh", "relu"), (Fraction(2, 60), Fraction(2, 100), Fraction(2, 200))),
}
CONTROL = Fraction(1, 4)  # of the least step size: far below its edge all the time
DIGITS = {"tanh": Digits(200, noise=0.3), "relu": Digits(200)}
WIDTHS = {"quick": (30, 30), "full": (200, 200)}
MOST_FLOW_STEPS = {"quick": 5000, "full": 100_000}
LARGEST_C = {"tanh": 1.0, "relu": REAL_LIMIT}


@dataclass(frozen=True)
class Schedule:
    """For how long, how often weights are compared and the sharpness read; until `early` nothing has crossed 2/η.

    Where the gradient has kinks, the flow's error estimate, which is for smooth losses, would shorten the steps without
    end: so it is given the largest c, with which it allows the `longest_step`.
    """

    time: int
    early: int
    points: int
    readings: int
    longest_step: float


SCHEDULES = {
    "quick": {"tanh": Schedule(110, 10, 55, 55, longest_step=0.2), "relu": Schedule(40, 4, 40, 40, longest_step=0.1)},
    "full": {
        "tanh": Schedule(100, 2, 50, 200, longest_step=0.1),
        "relu": Schedule(100, 2, 50, 200, longest_step=0.005),
    },
}


@dataclass(frozen=True)
class Pair:
    """The runs with one activation: gradient descent by descending step size, the control last, and the flow.

    `single` is the first of them in single precision.
    """

    etas: tuple[Fraction, ...]
    descents: tuple[Experiment, ...]
    single: Experiment
    flow: Experiment
    early: float


def pair_of(options: StepSizeOptions, activation: Activation) -> Pair:
    """The runs with this activation; the flow keeps its weights at all times at which a descent does."""
    preset, schedule = options.preset, SCHEDULES[options.preset][activation]
    etas = sorted(options.eta or ETAS[preset][activation], reverse=True)
    etas.append(CONTROL * etas[-1])
    shared = Experiment(
        DIGITS[activation] if preset == "quick" else options.cifar(),
        FullyConnected(WIDTHS[preset], activation),
        GradientDescent(1.0),
        MOST_FLOW_STEPS[preset],
        micro_batch=None if preset == "quick" else 1000,
        seed=options.seed,
        precision="float64",
        stop=Stop() if preset == "quick" else Stop(accuracy=0.99),
        measure=Measure(10, relative=1e-2),
    )
    descents, times = [], {Fraction(0)}
    for eta in etas:
        between = max(1, round(schedule.time / (schedule.points * eta)))
        every = max(1, round(schedule.time / (schedule.readings * eta)))
        measure = Measure(every, relative=1e-2, midpoint=True, weights_every=between)
        rule, steps = GradientDescent(float(eta)), ceil(schedule.time / eta)
        descents.append(replace(shared, rule=rule, steps=steps, measure=measure))
        times.update(eta * between * number for number in range(floor(schedule.time / (eta * between)) + 1))
    kept = tuple(map(float, sorted(times)))
    flow = GradientFlow(LARGEST_C[activation], schedule.longest_step, until=float(schedule.time), weights_at=kept)
    single = replace(descents[0], precision="float32")
    return Pair(tuple(etas), tuple(descents), single, replace(shared, rule=flow), float(schedule.early))


def in_common(history: xr.Dataset, eta: Fraction, flow: xr.Dataset) -> tuple[Array, Array, Array]:
    """The times (n,) at which both kept their weights, and these: of gradient descent and of the flow, (n, p)."""
    places = {time: place for place, time in enumerate(flow.snapshot_time.values.tolist())}
    times = [float(eta * step) for step in history.snapshot.values.tolist()]
    own = [place for place, time in enumerate(times) if time in places]
    others = [places[times[place]] for place in own]
    return np.array(times)[own], history.weights.values[own], flow.weights.values[others]
