"""The theory in numbers: the compiled map on the symmetric subspace, starts at given a and b, and what is observed.

The orders of series are tested by exponents: how fast what a series leaves of the exact map falls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import xarray as xr
from mpmath import mp
from sympy import Expr, Symbol, sqrt

from analysis.minimalist.theory import KAPPA, B, Theory, a, b
from analysis.study import axis, exponent
from eos_sym import STEP_SIZE
from eos_sym.algebra import evaluator
from numeric import Observable, Simulator, compile_function, compile_map, compile_observable, compile_sharpness

DIGITS = 80  # in which high powers of small numbers are told apart


@dataclass(frozen=True)
class Dynamics:
    """Gradient descent of a theory, compiled; the state is (x, y)."""

    theory: Theory

    @cached_property
    def simulator(self) -> Simulator:
        """Gradient descent on the symmetric subspace."""
        return compile_map(self.theory.reduced_map)

    @cached_property
    def observables(self) -> dict[str, Observable]:
        """The loss, the sharpness here and at the minimum ahead, a and b, all as functions of x and y."""
        x, y = self.theory.reduced_map.state
        loss = self.theory.objective.loss.subs(self.theory.subspace)
        root = sqrt(x**2 - y**2) - self.theory.edge_root
        return {
            "loss": compile_observable(loss, (x, y)),
            "sharpness": compile_sharpness(self.theory.objective, self.theory.subspace),
            "sharpness_ahead": compile_observable(self.theory.sharpness_of_imbalance(x**2 - y**2), (x, y)),
            "a": compile_observable(root, (x, y), (STEP_SIZE,)),
            "b": compile_observable(x * y - 1, (x, y)),
        }

    def record(self, start: Mapping[str, float], step_sizes: Sequence[float], steps: int) -> xr.Dataset:
        """Every iteration from one start at several step sizes, with loss and sharpness along the runs."""
        run = self.simulator.run(start, {"eta": axis("eta", step_sizes)}, steps=steps, record_every=1)
        for name in ("loss", "sharpness", "sharpness_ahead"):
            run[name] = self.observables[name].along(run)
        return self.with_ends(run)

    def start_at(self, start_a: xr.DataArray, start_b: xr.DataArray, eta: xr.DataArray) -> dict[str, xr.DataArray]:
        """x and y at the given a and b: from D and P, x² = (√(D² + 4P²) + D)/2 and y = P/x."""
        inverse = compile_function([(a + self.theory.edge_root) ** 2, b + 1], (a, b, STEP_SIZE))
        start_a, start_b, eta = xr.broadcast(start_a, start_b, eta)
        imbalance, product = inverse(start_a, start_b, eta)
        x = np.sqrt((np.hypot(imbalance, 2 * product) + imbalance) / 2)
        return {"x": start_a.copy(data=x), "y": start_a.copy(data=product / x)}

    def with_ends(self, run: xr.Dataset) -> xr.Dataset:
        """The run with the observables at its end; missing where it did not converge."""
        converged = run.outcome == "converged"
        for name, observable in self.observables.items():
            run[f"final_{name}"] = observable.at_end(run).where(converged)
        return run


def remainder_exponent(exact: Expr, truncated: Expr) -> float:
    """How fast the error of a truncated series in a, b and κ falls with κ, the least of four a = ±κ³/2, b = ±κ²."""
    signs = product((1, -1), repeat=2)
    points = ({a: first * KAPPA**3 / 2, b: second * KAPPA**2} for first, second in signs)
    return min(order_in_kappa(exact - truncated, point) for point in points)


def parabola_exponents(theory: Theory, curve: Expr) -> tuple[float, float]:
    """How fast the distance from a curve a(b) after two steps from it, and the move of a, fall with κ, at b = κ²."""
    moved, at = theory.moved[2], {a: curve.subs(b, KAPPA**2), b: KAPPA**2}
    return order_in_kappa(moved[a] - curve.subs(b, moved[b]), at), order_in_kappa(moved[a] - a, at)


def order_in_kappa(expression: Expr, at: Mapping[Symbol, Expr]) -> float:
    """p in expression ≈ constant · κᵖ at small κ, from its values at 1/100 and 1/1000 in many digits."""
    value = evaluator([expression.subs(at, simultaneous=True)], [KAPPA])
    with mp.workdps(DIGITS):
        kappas = [mp.mpf(10) ** -power for power in (2, 3)]
        values = [float(value([kappa])[0]) for kappa in kappas]
    return exponent([float(kappa) for kappa in kappas], values)


def distance_from_curve(dynamics: Dynamics, step_size: float) -> float:
    """The largest |A − φ(B)| over the part 0.3 < |B| < 0.6 of a run that started off the curve φ."""
    eta = xr.DataArray(step_size)
    start = dynamics.start_at(3 * eta**1.5, 0.1 * eta, eta)
    run = dynamics.simulator.run(start, {"eta": eta}, steps=int(4 / step_size**2), record_every=1)
    scaled_a, scaled_b = (
        dynamics.observables[name].along(run) / step_size**power for name, power in (("a", 1.5), ("b", 1))
    )
    curve = compile_function([dynamics.theory.curve], (B, STEP_SIZE))(scaled_b, step_size)[0]
    settled = (abs(scaled_b) > 0.3) & (abs(scaled_b) < 0.6) & (scaled_a < 0.6)
    return float(abs(scaled_a - curve).where(settled).max())
