"""Gradient descent with several step sizes, the flow from the same weights, and the distance between them in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

import numpy as np
import torch
import xarray as xr
from scipy.integrate import solve_ivp

from analysis.progress import Advance
from analysis.training import TrainingOptions, flat_loss, train
from numeric.compile import Array
from numeric.networks.architectures import FullyConnected
from numeric.networks.curvature import HessianAt
from numeric.networks.data import Digits
from numeric.networks.data.examples import DataSet
from numeric.networks.training.experiment import Experiment, Measure, Stop
from numeric.networks.training.flow import REAL_LIMIT, GradientFlow
from numeric.networks.training.optimizers import GradientDescent
from numeric.runs import combine, one_thread

NAME = "gradient_flow"
ACTIVATIONS = ("tanh", "relu")
CONTROL = Fraction(1, 4)  # of the least step size: far below its edge all the time
MOST_FLOW_STEPS = {"quick": 5000, "full": 100_000}
SCIPY_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Setting:
    """What is learnt, for how long, how often weights are compared and the sharpness read; `early` is before crossings.

    Where the gradient has kinks, the flow's error estimate, which is for smooth losses, would shorten the steps without
    end: so it is given the largest c, with which it allows the `longest_step`.
    """

    data: DataSet
    widths: tuple[int, int]
    etas: tuple[Fraction, ...]
    time: Fraction
    early: Fraction
    points: int
    readings: int
    longest_step: float
    kinks: bool = False

    def rule(self, times: tuple[float, ...]) -> GradientFlow:
        """The flow for this time, with the weights at the times."""
        limit = REAL_LIMIT if self.kinks else 1.0
        return GradientFlow(limit, self.longest_step, until=float(self.time), weights_at=times)


QUICK = {
    "tanh": Setting(
        Digits(200, noise=0.3),
        (30, 30),
        (Fraction(1, 2), Fraction(2, 5), Fraction(1, 3)),
        time=Fraction(110),
        early=Fraction(10),
        points=55,
        readings=55,
        longest_step=0.2,
    ),
    "relu": Setting(
        Digits(200),
        (30, 30),
        (Fraction(1, 2), Fraction(9, 20), Fraction(2, 5)),
        time=Fraction(40),
        early=Fraction(4),
        points=40,
        readings=40,
        longest_step=0.1,
        kinks=True,
    ),
}
FULL_ETAS = (Fraction(2, 60), Fraction(2, 100), Fraction(2, 200))


@dataclass(frozen=True)
class Pair:
    """The runs with one activation: gradient descent by descending step size, the control last, and the flow."""

    etas: tuple[Fraction, ...]
    descents: tuple[Experiment, ...]
    flow: Experiment
    early: float


Pairs = Mapping[str, Pair]


def pairs(options: TrainingOptions, etas: Sequence[Fraction]) -> Pairs:
    """The runs with every activation."""
    return {activation: _pair(options, activation, etas) for activation in ACTIVATIONS}


def _setting(options: TrainingOptions, activation: str) -> Setting:
    if options.preset == "quick":
        return QUICK[activation]
    kinks = activation == "relu"
    longest = 0.005 if kinks else 0.1
    return Setting(options.cifar(), (200, 200), FULL_ETAS, Fraction(100), Fraction(2), 50, 200, longest, kinks)


def _pair(options: TrainingOptions, activation: str, etas: Sequence[Fraction]) -> Pair:
    setting = _setting(options, activation)
    wanted = sorted(etas or setting.etas, reverse=True)
    wanted.append(CONTROL * wanted[-1])
    full = options.preset == "full"
    shared = Experiment(
        setting.data,
        FullyConnected(setting.widths, activation),  # type: ignore[arg-type]
        GradientDescent(1.0),
        steps=1,
        micro_batch=1000 if full else None,
        seed=options.seed,
        precision="float64",
        stop=Stop(accuracy=0.99) if full else Stop(),
    )
    descents, times = [], {Fraction(0)}
    for eta in wanted:
        between = max(1, round(setting.time / (setting.points * eta)))
        every = max(1, round(setting.time / (setting.readings * eta)))
        measure = Measure(every, relative=1e-2, weights_every=between)
        steps = ceil(setting.time / eta)
        descents.append(replace(shared, rule=GradientDescent(float(eta)), steps=steps, measure=measure))
        times.update(eta * between * number for number in range(floor(setting.time / (eta * between)) + 1))
    flow = setting.rule(tuple(map(float, sorted(times))))
    return Pair(
        tuple(wanted),
        tuple(descents),
        replace(shared, rule=flow, steps=MOST_FLOW_STEPS[options.preset], measure=Measure(10, relative=1e-2)),
        float(setting.early),
    )


def descents(options: TrainingOptions, runs: Pairs, progress: Advance) -> xr.Dataset:
    """Gradient descent along (activation, number), with the distance from the flow at `distance_time` (point,)."""
    experiments = [one for pair in runs.values() for one in (*pair.descents, pair.flow)]
    trained = iter(train(NAME, options, experiments, progress))
    compared = []
    for pair in runs.values():
        histories = [next(trained) for _ in pair.descents]
        flow = next(trained)
        compared += [_compared(*one, flow) for one in zip(histories, pair.etas, strict=True)]
    numbers = range(1, 1 + max(len(pair.etas) for pair in runs.values()))
    return combine(compared, {"activation": list(runs), "number": numbers})


def _compared(history: xr.Dataset, eta: Fraction, flow: xr.Dataset) -> xr.Dataset:
    times, own, others = _common(history, eta, flow)
    distance = np.linalg.norm(history.weights.values[own] - flow.weights.values[others], axis=1)
    described = {"eta": float(eta), "ending": history.attrs["ending"]}
    points = {"distance": ("point", distance), "distance_time": ("point", times)}
    found = history.drop_dims("snapshot").assign(points).assign_coords(point=range(len(times)))
    return found.assign(described).drop_attrs()


def _common(history: xr.Dataset, eta: Fraction, flow: xr.Dataset) -> tuple[Array, list[int], list[int]]:
    """The times at which the weights of both are known, and where."""
    places = {time: place for place, time in enumerate(flow.snapshot_time.values.tolist())}
    times = [float(eta * step) for step in history.snapshot.values.tolist()]
    own = [place for place, time in enumerate(times) if time in places]
    return np.array(times)[own], own, [places[times[place]] for place in own]


def flows(options: TrainingOptions, runs: Pairs) -> xr.Dataset:
    """The flows along the dimension ``activation``."""
    histories = train(NAME, options, [pair.flow for pair in runs.values()], lambda steps: None)
    described = [one.drop_dims("snapshot").assign(ending=one.attrs["ending"]).drop_attrs() for one in histories]
    return combine(described, {"activation": list(runs)})


def first_order(options: TrainingOptions, runs: Pairs, progress: Advance) -> xr.Dataset:
    """At the last common time of flow and control that is early, for tanh: what SciPy's solver says of both.

    `flow_error` is the flow's distance from SciPy's, over the length of the way; `predicted` is η‖d‖ of the control,
    `distance` what it is; nan if there is no such time.
    """
    pair = runs["tanh"]
    control, flow = train(NAME, options, [pair.descents[-1], pair.flow], lambda steps: None)
    times, own, others = _common(control, pair.etas[-1], flow)
    count = int((times <= pair.early).sum())
    if count < 2:
        return xr.Dataset(dict.fromkeys(("early", "flow_error", "predicted", "distance", "vector_error"), np.nan))
    weights, start = flow.weights.values[others[count - 1]], flow.weights.values[others[0]]
    there, correction = solve_first_order(pair.flow, start, times[count - 1])
    eta = float(pair.etas[-1])
    apart = control.weights.values[own[count - 1]] - weights
    progress(1)
    return xr.Dataset(
        {
            "early": times[count - 1],
            "flow_error": np.linalg.norm(weights - there) / np.linalg.norm(there - start),
            "predicted": eta * np.linalg.norm(correction),
            "distance": np.linalg.norm(apart),
            "vector_error": np.linalg.norm(apart / eta - correction) / np.linalg.norm(correction),
        }
    )


def solve_first_order(run: Experiment, start: Array, time: float) -> tuple[Array, Array]:
    """θ and d at this time: θ̇ = −∇L, ḋ = −H d − ½ H ∇L, by SciPy's Runge–Kutta method of order 8."""
    loss = flat_loss(run)

    def velocity(_: float, state: Array) -> Array:
        point, correction = torch.from_numpy(state).view(2, -1)
        hessian = HessianAt(loss, point)
        slope = hessian.gradient
        curved = hessian.product((correction + 0.5 * slope)[:, None])[:, 0]
        return torch.cat([-slope, -curved]).numpy()

    state = np.concatenate([start.astype(float), np.zeros(len(start))])
    with one_thread():
        solved = solve_ivp(
            velocity, (0.0, time), state, "DOP853", t_eval=[time], rtol=SCIPY_TOLERANCE, atol=SCIPY_TOLERANCE
        )
    there, correction = solved.y[:, -1].reshape(2, -1)
    return there, correction
