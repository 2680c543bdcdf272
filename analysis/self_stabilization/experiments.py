"""The simulations: each gives one group of data.nc.

cycles         the scaled map from several levels h and with several ε, through one turn
spiral         the scaled map at one ε, for the phase portrait
two_cycles     gradient descent on slice_loss from close to its two-cycle: undamped, and |κ₄| on both sides of 3ηβ
capped         gradient descent on capped_loss, which hovers above the edge
training       gradient descent on two_examples from below the edge, with the loss and the sharpness
accuracy       the same from the edge, for several μ: how far it strays from the predicted dynamics
predicted      the beginning of the training run, its constrained trajectory and the predicted dynamics

X = (−1)ᵗx/δ and Y = y/√α are dimensionless; times are iterations, or ε times iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from sympy import Expr

from analysis.self_stabilization.constrained import Frame, Geometry, follow
from analysis.self_stabilization.theory import Theory
from eos_sym import GradientDescent, Objective
from eos_sym.self_stabilization import extremes, period
from eos_sym.self_stabilization.continuous_limit import LEVEL
from eos_sym.self_stabilization.cycle import X
from numeric import Observable, Simulator, compile_map, compile_observable, compile_sharpness
from numeric.compile import Array

Progress = Callable[[int], object]

ETA = 0.1
START = {
    "p": 0.2558,
    "q": 4.4,
    "a": 4.43,
}  # a little below the edge 2/η = 20, and a little off the bottom of the valley
LEVELS = np.array([0.02, 0.1, 0.5, 1.5])
EPSILONS = np.array([0.01, 0.005, 0.0025])
ACCURACY_TIME = 6.0  # ε times the iterations for which gradient descent is compared with the predicted dynamics
ACCURACY_START = 0.3  # X there, at Y = 0: within this time it takes the orbit once around
SPIRAL_EPSILON, SPIRAL_START, SPIRAL_STEPS = 0.05, 0.75, 640
NEAR_TWO_CYCLES = ((0.02, 0.0), (0.05, 0.0), (0.1, 0.0), (0.2, 0.0), (0.1, 0.9), (0.1, 1.1))  # ε and |κ₄|/(3ηβ)
NEARBY, NEARBY_STEPS = 1e-5, 4000
CAPPED_STEPS = 20_000
QUARTICS, RESTORING_RATE = (-10.0, -30.0), 0.002


@dataclass(frozen=True)
class Experiments:
    """The compiled maps and observables of a theory, and the simulations made with them."""

    theory: Theory

    @cached_property
    def network(self) -> Simulator:
        """Gradient descent on two_examples."""
        return _descent(self.theory.two_examples)

    def training(self, mu: float, steps: int, progress: Progress) -> xr.Dataset:
        """Gradient descent on two_examples, every iteration recorded."""
        run = self.network.run(START, {"mu": mu, "eta": ETA}, steps=steps, record_every=1, progress=progress)
        run["loss"] = self._loss(run.trajectory, {"mu": mu})
        run["sharpness"] = compile_sharpness(self.theory.two_examples).along(run)
        return run

    @cached_property
    def _loss(self) -> Observable:
        objective = self.theory.two_examples
        return compile_observable(objective.loss, objective.weights, objective.parameters)

    def predicted(self, mu: float, steps: int, progress: Progress) -> xr.Dataset:
        """The constrained trajectory and the predicted dynamics from the same start, and what they say of the run."""
        geometry = Geometry(self.theory.two_examples, {"mu": np.array([mu])}, ETA)
        start = np.array([[*START.values()]])
        projected, _, _ = geometry.project(start, np.ones_like(start), start)
        path = follow(geometry, projected, start - projected, steps, progress)
        initial = {name: xr.DataArray([value], dims="run") for name, value in START.items()}
        return self._compared(path, initial, np.array([mu]), steps)

    def accuracy(self, mus: Array, progress: Progress) -> xr.Dataset:
        """Gradient descent from x = X δ, y = 0 on M, and the predicted dynamics, for several μ."""
        geometry = Geometry(self.theory.two_examples, {"mu": mus}, ETA)
        points, frame = self._on_edge(geometry, len(mus))
        delta, epsilon = np.sqrt(2 * frame.alpha / frame.beta), ETA * np.sqrt(frame.alpha)
        displacement = ACCURACY_START * delta[:, None] * frame.top
        steps = int(ACCURACY_TIME / epsilon.min())
        path = follow(geometry, points, displacement, steps, progress)
        initial = dict(
            zip(START, (xr.DataArray(column, dims="run") for column in (points + displacement).T), strict=True)
        )
        found = self._compared(path, initial, mus, steps)
        found["delta"], found["epsilon"] = ("run", delta), ("run", epsilon)
        return found.assign_coords(mu=("run", mus))

    def _on_edge(self, geometry: Geometry, runs: int) -> tuple[Array, Frame]:
        """Points of M from just beyond the edge, so that the constraint binds, and the frames there."""
        beyond = np.tile([0.25, START["q"], 1.01 * np.sqrt(2 / ETA)], (runs, 1))
        points, frame, _ = geometry.project(beyond, np.ones_like(beyond), beyond)
        return points, frame

    def _compared(self, path: xr.Dataset, initial: dict[str, xr.DataArray], mus: Array, steps: int) -> xr.Dataset:
        """The path with gradient descent's own displacement from it, and x and y of both."""
        settings: dict[str, float | xr.DataArray] = {"mu": xr.DataArray(mus, dims="run"), "eta": ETA}
        run = self.network.run(initial, settings, steps=steps, record_every=1)
        path["simulated"] = run.trajectory - path.constrained
        for name in ("simulated", "predicted"):
            path[f"x_{name}"] = (path[name] * path.top).sum("state", skipna=False)
            path[f"y_{name}"] = (path[name] * path.transverse).sum("state", skipna=False) + path.sharpness - 2 / ETA
        path["loss"] = self._loss(path.constrained, settings)
        path["defect"] = ((path.simulated - path.predicted) ** 2).sum("state", skipna=False) ** 0.5
        return path

    def cycles(self, progress: Progress) -> xr.Dataset:
        """The scaled map from the least X of each level, through one turn of the flow and a little more."""
        h = xr.DataArray(LEVELS, dims="h", coords={"h": LEVELS})
        epsilon = xr.DataArray(EPSILONS, dims="epsilon", coords={"epsilon": EPSILONS})
        lowest = extremes(LEVEL)[X][0]
        least = h.copy(data=[value(lowest, level) for level in LEVELS])
        turn = h.copy(data=[float(period(level, 15)) for level in LEVELS])
        steps = int(1.2 * float(turn.max()) / EPSILONS.min())
        run = self.scaled.run(
            {"X": least, "Y": 0.0}, {"epsilon": epsilon}, steps=steps, record_every=1, progress=progress
        )
        run["period"] = turn
        return run

    @cached_property
    def scaled(self) -> Simulator:
        """The map of X and Y."""
        return compile_map(self.theory.cycle.scaled)

    def spiral(self, progress: Progress) -> xr.Dataset:
        """One orbit of the scaled map, spiralling outward."""
        start = {"X": SPIRAL_START, "Y": 0.0}
        parameters = {"epsilon": SPIRAL_EPSILON}
        return self.scaled.run(start, parameters, steps=SPIRAL_STEPS, record_every=1, progress=progress)

    def two_cycles(self, progress: Progress) -> xr.Dataset:
        """Gradient descent on slice_loss from x = (1 + NEARBY) δ at the height of the two-cycle."""
        epsilon = np.array([epsilon for epsilon, _ in NEAR_TWO_CYCLES])
        ratio = xr.DataArray([ratio for _, ratio in NEAR_TWO_CYCLES], dims="run")
        alpha = xr.DataArray((epsilon / ETA) ** 2, dims="run")
        quartic = -3 * ETA * ratio
        initial = {"u": (1 + NEARBY) * (2 * alpha) ** 0.5, "s": 2 / ETA - quartic * alpha / 3}
        parameters: dict[str, float | xr.DataArray] = {"alpha": alpha, "kappa4": quartic, "eta": ETA}
        simulator = _descent(self.theory.slice_loss)
        runs = simulator.run(initial, parameters, steps=NEARBY_STEPS, record_every=1, progress=progress)
        return runs.assign_coords(epsilon=("run", epsilon), ratio=ratio)

    def capped(self, progress: Progress) -> xr.Dataset:
        """Gradient descent on capped_loss for each κ₄, from below the edge."""
        quartic = xr.DataArray(list(QUARTICS), dims="kappa4", coords={"kappa4": list(QUARTICS)})
        parameters: dict[str, float | xr.DataArray] = {"b": RESTORING_RATE, "kappa4": quartic, "eta": ETA}
        start = {"u": 0.02, "s": 2 / ETA - 0.2}
        return _descent(self.theory.capped_loss).run(
            start, parameters, steps=CAPPED_STEPS, record_every=1, progress=progress
        )


def value(expression: Expr, level: float) -> float:
    """A number for an expression in h."""
    return float(expression.subs(LEVEL, level).evalf())


def _descent(objective: Objective) -> Simulator:
    return compile_map(GradientDescent().map(objective))
