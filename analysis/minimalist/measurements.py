"""The numbers that the claims are tested with: errors of formulas along runs, and measured exponents.

An exponent is the slope of the least-squares line through (log η, log error).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.optimize import root
from sympy import Expr, Float, Symbol

from analysis.minimalist.experiments import Experiments
from analysis.minimalist.theory import KAPPA, B, D, P, a, b
from eos_sym import STEP_SIZE
from numeric import compile_function, compile_map
from numeric.compile import Array

APPROACH_STEP_SIZES = np.array([0.01, 0.02, 0.04])
CYCLE_STARTS = 200
DIGITS = 50  # of the evaluations in which high powers of small numbers are told apart


def exponent(step_sizes: ArrayLike, errors: ArrayLike) -> float:
    """p in error ≈ constant · ηᵖ."""
    return float(np.polyfit(np.log(np.asarray(step_sizes)), np.log(np.abs(np.asarray(errors))), 1)[0])


def _order_in_kappa(expression: Expr, at: Mapping[Symbol, Expr]) -> float:
    """p in expression ≈ constant · κᵖ at small κ, from two values in many digits."""
    kappas = [Float(10, DIGITS) ** -power for power in (2, 3)]
    values = []
    for kappa in kappas:
        point = {symbol: value.subs(KAPPA, kappa) for symbol, value in at.items()}
        values.append(float(expression.evalf(DIGITS, subs={**point, KAPPA: kappa})))
    return exponent([float(kappa) for kappa in kappas], values)


@dataclass(frozen=True)
class Measurements:
    """Measurements on the simulations of a theory; `seed` picks the random points."""

    experiments: Experiments
    seed: int

    def asymmetry(self, steps: int = 300) -> tuple[float, float]:
        """On all four weights from a symmetric start: max |z − x|, and max difference from the reduced map."""
        start = {"x": 2.6, "y": 0.4}
        full = compile_map(self.experiments.theory.full_map)
        run = full.run(start | {"z": 2.6, "w": 0.4}, {"eta": 0.2}, steps=steps, record_every=1).trajectory
        reduced = self.experiments.simulator.run(start, {"eta": 0.2}, steps=steps, record_every=1).trajectory
        asymmetry = np.abs(run.sel(state=["z", "w"]).values - run.sel(state=["x", "y"]).values).max()
        return float(asymmetry), float(np.abs(run.sel(state=["x", "y"]).values - reduced.values).max())

    @cached_property
    def runs(self) -> xr.Dataset:
        """Recorded runs at three step sizes, the same whatever the options of the figure."""
        return self.experiments.trajectories([0.25, 0.2, 1 / 6], {"x": 2.5, "y": 0.33}, 300, lambda iterations: None)

    def product_map_error(self) -> float:
        """The largest relative error of one step of the (D, P) map along the recorded runs."""
        trajectories = self.runs
        x, y = (trajectories.trajectory.sel(state=name).values for name in ("x", "y"))
        imbalance, product = x**2 - y**2, x * y
        step = compile_function(self.experiments.theory.product_map.step, (D, P, STEP_SIZE))
        eta = trajectories.eta.values[:, None]
        predicted = step(imbalance[:, :-1], product[:, :-1], eta)
        actual = (imbalance[:, 1:], product[:, 1:])
        errors = [np.abs(p - q) / (1 + np.abs(q)) for p, q in zip(predicted, actual, strict=True)]
        return float(np.nanmax(errors))

    def rises_of_imbalance(self) -> int:
        """In how many recorded steps with k²P² ≤ 2 the imbalance, positive here, rose by more than rounding."""
        trajectories = self.runs
        x, y = (trajectories.trajectory.sel(state=name) for name in ("x", "y"))
        imbalance, product = x**2 - y**2, x * y
        factor = trajectories.eta * (product**2 - 1) * product
        change = imbalance.diff("iteration", label="lower")
        small = (factor**2 <= 2).isel(iteration=slice(-1))
        return int((small & (change > 1e-14 * imbalance.isel(iteration=slice(-1)))).sum())

    def remainder_exponent(self, steps: int, coordinate: Symbol, truncated: Expr) -> float:
        """How fast the error of a truncated series for a or b falls with κ, at a = κ³ and b = κ²."""
        exact = self.experiments.theory.centred_map.iterate(steps).substitution[coordinate]
        return _order_in_kappa(exact.subs(STEP_SIZE, KAPPA**2) - truncated, {a: KAPPA**3, b: KAPPA**2})

    def parabola_defect_exponent(self) -> float:
        """How fast the distance from the parabola after two steps from it falls with κ, at b = κ²."""
        theory = self.experiments.theory
        moved = {
            name: step.subs(STEP_SIZE, KAPPA**2) for name, step in theory.centred_map.iterate(2).substitution.items()
        }
        defect = moved[a] - theory.parabola.subs(b, moved[b])
        return _order_in_kappa(defect, {a: theory.parabola.subs(b, KAPPA**2), b: KAPPA**2})

    def approach_exponent(self) -> float:
        """The exponent in η of max |A − φ(B)| over the part 0.3 < |B| < 0.6 of runs that started off the curve φ."""
        eta = xr.DataArray(APPROACH_STEP_SIZES, dims="eta", coords={"eta": APPROACH_STEP_SIZES})
        curve = compile_function([self.experiments.theory.curve], (B, STEP_SIZE))
        start = self.experiments.start_at(3 * eta**1.5, 0.1 * eta, eta)
        steps = int(4 / APPROACH_STEP_SIZES.min() ** 2)
        run = self.experiments.simulator.run(start, {"eta": eta}, steps=steps, record_every=1)
        scaled_a = self.experiments.observables["a"].along(run) / eta**1.5
        scaled_b = self.experiments.observables["b"].along(run) / eta
        distance = abs(scaled_a - scaled_a.copy(data=curve(scaled_b, eta.values[:, None])[0]))
        settled = (abs(scaled_b) > 0.3) & (abs(scaled_b) < 0.6) & (scaled_a < 0.6)
        return exponent(APPROACH_STEP_SIZES, distance.where(settled).max("iteration").values)

    def two_cycles(self, step_size: float) -> Array:
        """(x, y) of every two-cycle that SciPy's root finder reaches from random starts, one row each."""
        forward = self.experiments.simulator.step.evaluate
        generator = np.random.default_rng(self.seed)

        def defect(pair: Array) -> Array:
            first, second = pair[:2], pair[2:]
            return np.concatenate([second - forward(*first, step_size), first - forward(*second, step_size)])

        found = []
        for start in generator.uniform(-1.7, 1.7, (CYCLE_STARTS, 4)):
            solution = root(defect, start, tol=1e-13)
            first, second = solution.x[:2], solution.x[2:]
            if np.abs(defect(solution.x)).max() < 1e-10 and np.abs(first - second).max() > 1e-4:
                found.append(first)
        return np.unique(np.round(found, 7), axis=0)
