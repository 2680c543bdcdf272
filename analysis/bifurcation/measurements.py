"""The numbers that the claims about the cubic family are tested with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from sympy import Expr, Rational

from analysis.bifurcation.cascade import FEIGENBAUM, Cascade
from analysis.bifurcation.experiments import FARTHEST, LAG_INTERVAL, OFFSET, Simulations, start_at
from analysis.bifurcation.theory import K, z
from analysis.minimalist.measurements import exponent
from eos_sym.orbits import Orbit
from numeric import compile_function
from numeric.compile import Array

PERIODS = (1, 2, 4, 8)
SMALL_MOVE = 0.05  # of a single step: an orbit with smaller p-step moves has the period p
FROZEN_STEP_SIZE, FROZEN_STEPS, FROZEN_TAIL = 0.01, 600, 64
SUPERSTABLE_STEPS = 5000
FITTED_DOUBLINGS = (1, 4)  # distances from the onset, in powers of 1/δ; farther away the scaling is not reached yet
CHAOTIC, CHAOTIC_STEP_SIZE, CHAOTIC_RUNS = 1.9, 0.005, 64  # K of a short run, in which it falls by 1e-3 of itself
CHAOTIC_TRANSIENT, CHAOTIC_STEPS = 50, 250
FROZEN_EXPONENT_STEPS = 10_000


def period(states: Array) -> str:
    """The least period of a drifting orbit, "none" if it has none up to 8."""
    single = np.abs(np.diff(states)).max()
    for candidate in PERIODS[1:]:
        if np.abs(states[candidate:] - states[:-candidate]).max() < SMALL_MOVE * single:
            return str(candidate)
    return "none"


@dataclass(frozen=True)
class Measured:
    """Measurements on the simulations, on autograd, and on a network."""

    simulations: Simulations

    def lag_exponent(self, lag: xr.Dataset) -> float:
        """How fast the largest distance of P from the two-cycle of the frozen map, at the same K, falls with η."""
        branches = compile_function(self.simulations.family.two_cycle_squares, (K,))
        worst = []
        for eta in lag.eta.values:
            run = lag.sel(eta=eta)
            inside = ((LAG_INTERVAL[0] < run.K) & (LAG_INTERVAL[1] > run.K)).values
            lower, upper = np.sqrt(branches(run.K.values[inside]))
            product = run.P.values[inside]
            worst.append(np.minimum(abs(product - lower), abs(product - upper)).max())
        return exponent(lag.eta, worst)

    def periods(self, values: list[float]) -> str:
        """The periods of gradient descent on the minimalist example at small η, started with these K = ηD."""
        found = []
        for value in values:
            run = self.simulations.drift(FROZEN_STEP_SIZE, FROZEN_STEPS, value)
            found.append(period(run.P.values[-FROZEN_TAIL:]))
        return ", ".join(found)

    def network_periods(self, values: list[float]) -> str:
        """The same of a torch network of depth 4 and width 1, trained by torch's SGD."""
        import torch  # slow to load, and needed by this channel alone

        from numeric.networks import gradient_descent
        from numeric.networks.architectures import scalar_chain

        found = []
        for value in values:
            imbalance, product = value / FROZEN_STEP_SIZE, 1 + OFFSET
            x = np.sqrt((np.hypot(imbalance, 2 * product) + imbalance) / 2)
            weights = torch.tensor([x, product / x] * 2, dtype=torch.float64)
            path = gradient_descent(scalar_chain(4), weights, FROZEN_STEP_SIZE, FROZEN_STEPS).numpy()
            found.append(period((path[:, 0] * path[:, 1])[-FROZEN_TAIL:]))
        return ", ".join(found)

    def superstable_periods(self, cascade: Cascade, levels: int) -> str:
        """The periods of runs from near the critical point at the first superstable parameters of a cascade."""
        values = xr.DataArray([float(value) for value in cascade.superstable[:levels]], dims="level")
        start = 0.999 * self.simulations.critical(values)
        run = self.simulations.simulator.run({"z": start}, {"K": values}, steps=SUPERSTABLE_STEPS)
        return ", ".join(map(str, run.period.values))

    def growth_beyond(self, onset: xr.Dataset, center: float) -> float:
        """The power of K − K∞ with which the exponent grows, from its means over a factor of δ in the distance."""
        distance = onset.K - center
        beyond = onset.exponent[(distance > 0).values]
        doublings = np.log(FARTHEST / distance[(distance > 0).values]) / np.log(FEIGENBAUM)
        means = beyond.groupby(np.floor(doublings).rename("doubling")).mean()
        first, last = FITTED_DOUBLINGS
        return -float(np.polyfit(np.arange(first, last), np.log(means.values[first:last]), 1)[0] / np.log(FEIGENBAUM))

    def frozen_exponent(self) -> float:
        """The Lyapunov exponent of the frozen map where that of gradient descent is measured."""
        starts = xr.DataArray(np.linspace(0.5, 0.9, CHAOTIC_RUNS), dims="run")
        run = self.simulations.simulator.run(
            {"z": starts}, {"K": CHAOTIC}, steps=FROZEN_EXPONENT_STEPS, lyapunov=True, outcomes=False
        )
        return float(run.lyapunov_exponent.mean())

    def descent_exponent(self) -> float:
        """The largest Lyapunov exponent of gradient descent on the minimalist example, over a short run."""
        run = self.simulations.minimalist.simulator.run(
            self._chaotic_starts(),
            {"eta": CHAOTIC_STEP_SIZE},
            steps=CHAOTIC_STEPS,
            discard=CHAOTIC_TRANSIENT,
            lyapunov=True,
            outcomes=False,
        )
        return float(run.lyapunov_exponent.mean())

    def autograd_exponent(self) -> float:
        """The same of all four weights, a tangent vector of each run carried along by Hessian-vector products."""
        import torch

        starts = self._chaotic_starts()
        weights = torch.tensor(np.stack([starts["x"], starts["y"]] * 2, axis=1))
        tangents = torch.tensor([0.6, -0.2, 0.3, 0.7], dtype=torch.float64).expand_as(weights)
        total = 0.0
        for iteration in range(CHAOTIC_STEPS):
            weights.requires_grad_()
            loss = ((1 - weights.prod(dim=1)) ** 2 / 2).sum()  # of all runs, which do not interact
            (slope,) = torch.autograd.grad(loss, weights, create_graph=True)
            (bent,) = torch.autograd.grad(slope, weights, grad_outputs=tangents)
            weights = (weights - CHAOTIC_STEP_SIZE * slope).detach()
            tangents = tangents - CHAOTIC_STEP_SIZE * bent
            lengths = tangents.norm(dim=1, keepdim=True)
            tangents = tangents / lengths
            total += float(lengths.log().mean()) if iteration >= CHAOTIC_TRANSIENT else 0.0
        return total / (CHAOTIC_STEPS - CHAOTIC_TRANSIENT)

    @staticmethod
    def _chaotic_starts() -> dict[str, xr.DataArray]:
        products = xr.DataArray(1 + OFFSET * np.linspace(0.2, 1, CHAOTIC_RUNS), dims="run")
        return start_at(CHAOTIC, xr.DataArray(CHAOTIC_STEP_SIZE), products)

    def autograd_cycle(self, value: Rational) -> tuple[float, float]:
        """Of ¼(x² − 1)² at η = K, by automatic differentiation: the residual of the exact two-cycle, its multiplier."""
        import torch

        points = self.cycle_points(value)

        residual, multiplier = 0.0, 1.0
        for index, point in enumerate(points):
            here = torch.tensor(point, dtype=torch.float64, requires_grad=True)
            (slope,) = torch.autograd.grad((here**2 - 1) ** 2 / 4, here, create_graph=True)
            (curvature,) = torch.autograd.grad(slope, here)
            residual = max(residual, abs(point - float(value) * slope.item() - points[1 - index]))
            multiplier *= 1 - float(value) * float(curvature)
        return residual, multiplier

    def cycle_points(self, value: Rational) -> list[float]:
        """The exact two-cycle at K, in floating point, the lower point first."""
        orbit: Orbit = self.simulations.family.two_cycle_at(value)
        return sorted(float(point[z]) for point in orbit.points)

    def exact_multiplier(self, value: Rational) -> Expr:
        """The multiplier of the two-cycle at K as the product of the map's derivatives along the exact orbit."""
        return self.simulations.family.two_cycle_at(value).jacobian[0]

    def cycle_miss(self, value: Rational, expected: Sequence[float]) -> float:
        """The largest difference between the expected two-cycle and the one that runs at K converge to."""
        run = self.simulations.simulator.run({"z": 0.9}, {"K": float(value)}, steps=500, record_every=1)
        ends = sorted(run.trajectory.isel(state=0).values[-2:])
        return float(np.abs(np.array(ends) - expected).max())

    def symmetric_miss(self, value: Rational) -> float:
        """How far one step takes the point of the symmetric cycle at K from its negative."""
        point = float(self.simulations.family.symmetric_square.subs(K, value)) ** 0.5
        run = self.simulations.simulator.run({"z": point}, {"K": float(value)}, steps=1, record_every=1)
        return float(abs(run.trajectory.isel(iteration=1, state=0) + point))

    def simulated_multiplier(self, value: Rational) -> float:
        """How much two steps change a small distance from the lower point of the two-cycle."""
        lower, distance = self.cycle_points(value)[0], 1e-7
        start = xr.DataArray([lower + distance, lower - distance], dims="side")
        run = self.simulations.simulator.run({"z": start}, {"K": float(value)}, steps=2, record_every=2)
        ends = run.trajectory.isel(iteration=-1, state=0).values
        return float((ends[0] - ends[1]) / (2 * distance))

    def superstable_return(self) -> float:
        """How far the critical point is from itself after two steps at the superstable parameter."""
        value = float(self.simulations.family.thresholds["superstable"])
        start = self.simulations.critical(xr.DataArray([value], dims="parameter"))
        run = self.simulations.simulator.run({"z": start}, {"K": value}, steps=2, record_every=2)
        return float(abs(run.trajectory.isel(iteration=-1) - run.initial).max())
