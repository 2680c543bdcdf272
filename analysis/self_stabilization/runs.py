"""The simulations: each gives one group of data.nc.

cycles         the scaled map from several levels h and with several ε, through one turn
spiral         the scaled map at one ε, for the phase portrait
two_cycles     gradient descent on SLICE from close to its two-cycle: undamped, and |κ₄| on both sides of 3ηβ
capped         gradient descent on CAPPED, which hovers above the edge
training       gradient descent on TWO_EXAMPLES from below the edge, with the loss and the sharpness
accuracy       the same from the edge, for several μ: how far it strays from the predicted dynamics
predicted      the beginning of the training run, its constrained trajectory and the predicted dynamics

X = (−1)ᵗx/δ and Y = y/√α are dimensionless; times are iterations, or ε times iterations.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
import xarray as xr
from sympy import Expr

from analysis.self_stabilization.constrained import Frame, Geometry, follow
from analysis.self_stabilization.theory import CAPPED, CYCLE, SLICE, TWO_EXAMPLES
from analysis.study import CommonOptions, axis, expect
from eos_sym import GradientDescent, Objective
from eos_sym.self_stabilization import extremes, period
from eos_sym.self_stabilization.continuous_limit import LEVEL
from eos_sym.self_stabilization.cycle import X
from numeric import Simulator, compile_map, compile_observable, compile_sharpness
from numeric.compile import Array
from numeric.values import Values

ETA = 0.1
START = {"p": 0.2558, "q": 4.4, "a": 4.43}  # a little below the edge, 20, and a little off the bottom of the valley
TRAINING_STEPS = 20  # times the steps that are compared with the prediction
LEVELS, EPSILONS = np.array([0.02, 0.1, 0.5, 1.5]), np.array([0.01, 0.005, 0.0025])
ACCURACY_MUS = {"quick": np.geomspace(2e-5, 3e-4, 4), "full": np.geomspace(1e-6, 3e-4, 9)}
ACCURACY_TIME = 6.0  # ε times the iterations for which gradient descent is compared with the predicted dynamics
ACCURACY_START = 0.3  # X there, at Y = 0: within this time it takes the orbit once around
SPIRAL_EPSILON, SPIRAL_START, SPIRAL_STEPS = 0.05, 0.75, 640
NEAR_TWO_CYCLES = ((0.02, 0.0), (0.05, 0.0), (0.1, 0.0), (0.2, 0.0), (0.1, 0.9), (0.1, 1.1))  # ε and |κ₄|/(3ηβ)
NEARBY, NEARBY_STEPS = 1e-5, 4000
CAPPED_STEPS = 20_000
QUARTICS, RESTORING_RATE = (-10.0, -30.0), 0.002


@cache
def descent(objective: Objective) -> Simulator:
    """Gradient descent, compiled."""
    return compile_map(GradientDescent().map(objective))


def value(expression: Expr, level: float) -> float:
    """A number for an expression in h."""
    return float(expression.subs(LEVEL, level).evalf())


def cycles() -> xr.Dataset:
    """The scaled map from the least X of each level, through one turn of the flow and a little more."""
    h, epsilon = axis("h", LEVELS), axis("epsilon", EPSILONS)
    lowest = extremes(LEVEL)[X][0]
    start: Values = {"X": h.copy(data=[value(lowest, level) for level in LEVELS]), "Y": 0.0}
    turn = h.copy(data=[float(period(level, 15)) for level in LEVELS])
    steps = int(1.2 * float(turn.max()) / EPSILONS.min())
    expect(steps * h.size * epsilon.size)
    run = compile_map(CYCLE.scaled).run(start, {"epsilon": epsilon}, steps=steps, record_every=1)
    return run.assign(period=turn)


def spiral() -> xr.Dataset:
    """One orbit of the scaled map, spiralling outward."""
    start, parameters = {"X": SPIRAL_START, "Y": 0.0}, {"epsilon": SPIRAL_EPSILON}
    return compile_map(CYCLE.scaled).run(start, parameters, steps=SPIRAL_STEPS, record_every=1)


def two_cycles() -> xr.Dataset:
    """Gradient descent on SLICE from x = (1 + NEARBY) δ at the height of the two-cycle."""
    expect(NEARBY_STEPS * len(NEAR_TWO_CYCLES))
    epsilon = np.array([epsilon for epsilon, _ in NEAR_TWO_CYCLES])
    ratio = xr.DataArray([ratio for _, ratio in NEAR_TWO_CYCLES], dims="run")
    alpha = xr.DataArray((epsilon / ETA) ** 2, dims="run")
    quartic = -3 * ETA * ratio
    initial: Values = {"u": (1 + NEARBY) * (2 * alpha) ** 0.5, "s": 2 / ETA - quartic * alpha / 3}
    parameters: Values = {"alpha": alpha, "kappa4": quartic, "eta": ETA}
    runs = descent(SLICE).run(initial, parameters, steps=NEARBY_STEPS, record_every=1)
    return runs.assign_coords(epsilon=("run", epsilon), ratio=ratio)


def capped() -> xr.Dataset:
    """Gradient descent on CAPPED for each κ₄, from below the edge."""
    expect(CAPPED_STEPS * len(QUARTICS))
    parameters: Values = {"b": RESTORING_RATE, "kappa4": axis("kappa4", QUARTICS), "eta": ETA}
    start = {"u": 0.02, "s": 2 / ETA - 0.2}
    return descent(CAPPED).run(start, parameters, steps=CAPPED_STEPS, record_every=1)


def training(mu: float, steps: int) -> xr.Dataset:
    """Gradient descent on TWO_EXAMPLES, every iteration recorded."""
    expect(steps * TRAINING_STEPS)
    run = descent(TWO_EXAMPLES).run(START, {"mu": mu, "eta": ETA}, steps=steps * TRAINING_STEPS, record_every=1)
    return run.assign(loss=loss(run.trajectory, {"mu": mu}), sharpness=compile_sharpness(TWO_EXAMPLES).along(run))


def predicted(mu: float, steps: int) -> xr.Dataset:
    """The constrained trajectory and the predicted dynamics from the same start, and what they say of the run."""
    geometry = Geometry(TWO_EXAMPLES, {"mu": np.array([mu])}, ETA)
    start = np.array([[*START.values()]])
    projected, _, _ = geometry.project(start, np.ones_like(start), start)
    return compared(geometry, projected, start - projected, start, steps)


def accuracy(options: CommonOptions) -> xr.Dataset:
    """Gradient descent from x = X δ, y = 0 on M, and the predicted dynamics, for several μ."""
    mus = ACCURACY_MUS[options.preset]
    geometry = Geometry(TWO_EXAMPLES, {"mu": mus}, ETA)
    points, frame = on_edge(geometry, len(mus))
    delta, epsilon = np.sqrt(2 * frame.alpha / frame.beta), ETA * np.sqrt(frame.alpha)
    displacement = ACCURACY_START * delta[:, None] * frame.top
    steps = int(ACCURACY_TIME / epsilon.min())
    found = compared(geometry, points, displacement, points + displacement, steps)
    return found.assign(delta=("run", delta), epsilon=("run", epsilon)).assign_coords(mu=("run", mus))


def on_edge(geometry: Geometry, runs: int) -> tuple[Array, Frame]:
    """Points of M from just beyond the edge, so that the constraint binds, and the frames there."""
    beyond = np.tile([0.25, START["q"], 1.01 * np.sqrt(2 / ETA)], (runs, 1))
    points, frame, _ = geometry.project(beyond, np.ones_like(beyond), beyond)
    return points, frame


def compared(geometry: Geometry, points: Array, displacement: Array, start: Array, steps: int) -> xr.Dataset:
    """The path from the points with gradient descent's own displacement from it, and x and y of both."""
    expect((steps + 1) + steps * len(points))
    path = follow(geometry, points, displacement, steps)
    settings: Values = {"mu": xr.DataArray(geometry.parameters["mu"], dims="run"), "eta": ETA}
    initial: Values = {name: xr.DataArray(column, dims="run") for name, column in zip(START, start.T, strict=True)}
    run = descent(TWO_EXAMPLES).run(initial, settings, steps=steps, record_every=1)
    path["simulated"] = run.trajectory - path.constrained
    for name in ("simulated", "predicted"):
        path[f"x_{name}"] = (path[name] * path.top).sum("state", skipna=False)
        path[f"y_{name}"] = (path[name] * path.transverse).sum("state", skipna=False) + path.sharpness - 2 / ETA
    path["loss"] = loss(path.constrained, settings)
    path["defect"] = ((path.simulated - path.predicted) ** 2).sum("state", skipna=False) ** 0.5
    return path


def loss(states: xr.DataArray, parameters: Mapping[str, float | xr.DataArray]) -> xr.DataArray:
    """TWO_EXAMPLES at the states."""
    return compile_observable(TWO_EXAMPLES.loss, TWO_EXAMPLES.weights, TWO_EXAMPLES.parameters)(states, parameters)
