"""The maps that are timed, each with its ensemble of starts and parameter values.

Starts and step sizes are drawn around values at which runs are on their way for all of the steps: none converges, none
diverges, so that every contender computes every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.study.arguments import assignments
from eos_sym import STEP_SIZE, BadInput, GradientDescent, Map, Objective, minimalist, product, quadratic
from eos_sym.rules import NormalizedGradientDescent

SPREAD = 0.01  # of the starts of a typed loss, relative to the start given

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """A map and its ensemble: `state` is (coordinates, runs), `values` (parameters, runs), both float64.

    `source` is the C written by hand for it, None where C is printed from the formula.
    """

    name: str
    map: Map
    state: Array
    values: Array
    source: Path | None = None


def reduced_minimalist() -> Map:
    """Gradient descent on ½(1 − xyzw)² where z = x and w = y."""
    full = GradientDescent().map(minimalist())
    x, y, z, w = full.state
    return full.restrict({z: x, w: y})


def descent(loss: str, weights: str) -> Map:
    """Gradient descent on a loss without parameters."""
    return GradientDescent().map(Objective.from_text(loss, weights))


# Each map with the intervals from which its starts and its parameters are drawn.
Interval = tuple[float, float]
MAPS: Mapping[str, tuple[Callable[[], Map], Interval, Sequence[Interval]]] = {
    "reduced_minimalist": (reduced_minimalist, (0.5, 1.2), [(5e-4, 1e-3)]),
    "minimalist": (lambda: GradientDescent().map(minimalist()), (0.5, 1.2), [(5e-4, 1e-3)]),
    "normalized_gd": (
        lambda: NormalizedGradientDescent().map(quadratic(2)),
        (1.5, 2.0),
        [(1.0, 2.0), (1.0, 2.0), (5e-4, 1e-3)],
    ),
    "depth_8_product": (lambda: GradientDescent().map(product(8)), (0.8, 1.1), [(5e-4, 1e-3)]),
    "tanh": (lambda: descent("(1 - a*tanh(b*c))**2/2", "a b c"), (0.5, 1.2), [(5e-4, 1e-3)]),
    "log_cosh": (lambda: descent("log(cosh(1 - x*y))", "x y"), (0.5, 1.2), [(5e-4, 1e-3)]),
    "softplus": (lambda: descent("log(1 + exp(-x*y))", "x y"), (0.5, 1.2), [(5e-4, 1e-3)]),
}
ACTIVATIONS = ("tanh", "log_cosh", "softplus")  # their C is printed


def known_problem(name: str, runs: int) -> Problem:
    """One of the maps, with its hand-written C where there is one."""
    build, start, parameters = MAPS[name]
    generator = np.random.default_rng(0)
    dynamics = build()
    state = generator.uniform(*start, size=(len(dynamics.state), runs))
    values = np.stack([generator.uniform(*interval, size=runs) for interval in parameters])
    source = None if name in ACTIVATIONS else Path(__file__).with_name(f"{name}.c")
    return Problem(name, dynamics, state, values, source)


def typed_problem(loss: str, weights: Sequence[str], at: Sequence[str], start: Sequence[str], runs: int) -> Problem:
    """Gradient descent on a typed loss, from starts around the one given."""
    if not weights:
        raise BadInput("--weights: name the symbols of the loss that are trained, for example --weights x y")
    names = [text.partition("=")[0] for text in at]
    parameters = [name for name in dict.fromkeys(names) if name != STEP_SIZE.name]
    objective = Objective.from_text(loss, weights, parameters)
    dynamics = GradientDescent().map(objective)
    setting = assignments("--at", at, [parameter.name for parameter in dynamics.parameters])
    centre = assignments("--start", start, [weight.name for weight in dynamics.state])
    generator = np.random.default_rng(0)
    disturbance = 1 + generator.uniform(-SPREAD, SPREAD, size=(len(dynamics.state), runs))
    state = np.array([[float(centre[weight.name])] for weight in dynamics.state]) * disturbance
    values = np.repeat([[float(setting[parameter.name])] for parameter in dynamics.parameters], runs, axis=1)
    return Problem("typed_loss", dynamics, state, values)
