"""The numbers that the claims about degree 2 and degree 4 are tested with, measured on runs of their own.

Nothing here depends on the options, so that no choice of a figure refutes a statement about the loss.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from sympy import Expr, Float, Symbol

from analysis.minimalist.measurements import Measurements, exponent
from analysis.minimalist.theory import KAPPA, D, P, a, b
from analysis.shallow.experiments import STEP_SIZE_RATIO, TABLE_STEP_SIZE, Pair
from analysis.shallow.theory import (
    EXCESS,
    SCALED_IMBALANCE,
    SCALED_OFFSET,
    DegreeTwo,
    degree_two,
    frozen_product_map,
    square_of_squares,
    with_step_size,
)
from eos_sym import STEP_SIZE, Map
from eos_sym.edge import EdgeNormalForm
from numeric import compile_function, compile_map

SMALL_STEP_SIZES = np.array([0.01, 0.02, 0.04])
SMALL_EXCESSES = np.array([0.01, 0.02, 0.04])  # of K over 2
ELLIPSE_STEP_SIZE, ELLIPSE_STEPS = 0.05, 6000
START = {"x": 3.4, "y": 0.25}
OFFSET = 1e-6
LONG_ENOUGH = 200_000


@dataclass(frozen=True)
class Comparison:
    """Measurements on both degrees; `seed` picks the random points."""

    pair: Pair
    seed: int

    @cached_property
    def theory(self) -> DegreeTwo:
        """The derivation at degree 2."""
        return degree_two()

    def form(self, degree: int) -> EdgeNormalForm:
        """The edge law at the step size of the table, in numbers."""
        at = {STEP_SIZE: Float(STEP_SIZE_RATIO[degree] * TABLE_STEP_SIZE, 30)}
        return EdgeNormalForm(self.pair.forms[degree].beta.subs(at), self.pair.forms[degree].quartic.subs(at))

    def predicted_ends(self, degree: int, excesses: Iterable[float]) -> list[float]:
        """y∞ by the edge law."""
        return [float(self.form(degree).end(Float(excess))) for excess in excesses]

    def remainder_exponent(self, coordinate: Symbol, truncated: Expr) -> float:
        """How fast the error of two truncated steps at degree 2 falls with κ, at a = κ³ and b = κ²."""
        return Measurements(self.pair.experiments[2], self.seed).remainder_exponent(2, coordinate, truncated)

    def difference_of_squares(self) -> float:
        """The largest difference along 300 steps between ½(1 − x²y²)² with η/4 and ½(1 − xyzw)² with η/2."""
        x, y = square_of_squares().weights
        squares = compile_map(Map((x, y), (STEP_SIZE,), with_step_size(square_of_squares(), STEP_SIZE / 4)))
        run = squares.run(START, {"eta": TABLE_STEP_SIZE}, steps=300, record_every=1)
        full = compile_map(self.pair.theories[4].full_map)
        pairs = {**START, "z": START["x"], "w": START["y"]}
        reference = full.run(pairs, {"eta": TABLE_STEP_SIZE / 2}, steps=300, record_every=1)
        return float(np.abs(run.trajectory.values - reference.trajectory.sel(state=["x", "y"]).values).max())

    def frozen_exponent(self, degree: int) -> float:
        """How fast one step of P approaches its limit at fixed K = ηD, over random P and K, as η falls."""
        generator = np.random.default_rng(self.seed)
        products, scaled = generator.uniform(0.2, 1.8, (2, 50, 1))
        exact = compile_function([self.pair.theories[degree].product_map.substitution[P]], (D, P, STEP_SIZE))
        limit = compile_function([frozen_product_map(self.pair.theories[degree])], (SCALED_IMBALANCE, P))
        errors = exact(scaled / SMALL_STEP_SIZES, products, SMALL_STEP_SIZES)[0] - limit(scaled, products)[0]
        return exponent(SMALL_STEP_SIZES, np.abs(errors).max(axis=0))

    def ellipse_exponent(self) -> float:
        """How fast the relative change of C along runs at degree 2 falls with the size of the ellipse."""
        experiments = self.pair.experiments[2]
        size = xr.DataArray(SMALL_EXCESSES, dims="size") / ELLIPSE_STEP_SIZE**0.5
        start = experiments.start_at(size / 4, xr.zeros_like(size) + OFFSET, xr.DataArray(ELLIPSE_STEP_SIZE))
        run = experiments.simulator.run(start, {"eta": ELLIPSE_STEP_SIZE}, steps=ELLIPSE_STEPS, record_every=1)
        level = compile_function([self.theory.ellipse], (a, b, KAPPA))
        along = level(*(experiments.observables[name].along(run) for name in "ab"), ELLIPSE_STEP_SIZE**0.5)[0]
        return exponent(SMALL_EXCESSES, np.abs(along / along[:, :1] - 1).max(axis=1))

    @cached_property
    def scale_free_ends(self) -> xr.DataArray:
        """K∞ − 2 of the limit map from K = 2 + δ₀ and small ρ."""
        excess = xr.DataArray(SMALL_EXCESSES, dims="excess")
        return self._scale_free(excess)

    def _scale_free(self, excess: xr.DataArray) -> xr.DataArray:
        simulator = compile_map(self.theory.scale_free_map)
        start = {SCALED_IMBALANCE.name: 2 + excess, SCALED_OFFSET.name: xr.zeros_like(excess) + OFFSET}
        run = simulator.run(start, {}, steps=LONG_ENOUGH)
        end: xr.DataArray = run.final.sel(state=SCALED_IMBALANCE.name)
        return end - 2

    def overshoot_exponent(self) -> float:
        """How fast the error of the series for the end of the limit map falls with the excess it starts with."""
        series = compile_function([self.theory.overshoot], (EXCESS,))(SMALL_EXCESSES)[0]
        return exponent(SMALL_EXCESSES, self.scale_free_ends.values - series)

    def scale_free_exponent(self) -> float:
        """How fast the end of degree 2 from K = 2.1 approaches that of the limit map as η falls."""
        experiments, excess = self.pair.experiments[2], 0.1
        eta = xr.DataArray(SMALL_STEP_SIZES, dims="eta")
        imbalance = (2 + excess) / eta
        at_edge = (4 / eta**2 - 4) ** 0.25
        start = experiments.start_at(imbalance**0.5 - at_edge, OFFSET / eta, eta)
        run = experiments.simulator.run(start, {"eta": eta}, steps=LONG_ENOUGH)
        x, y = (run.final.sel(state=name) for name in ("x", "y"))
        return exponent(SMALL_STEP_SIZES, eta * (x**2 - y**2) - 2 - float(self._scale_free(xr.DataArray(excess))))


@dataclass(frozen=True)
class Networks:
    """The two losses as torch networks of width 1, trained by torch's SGD."""

    def run(self, degree: int, start: tuple[float, float], eta: float, steps: int) -> float:
        """The sharpness, by automatic differentiation, where gradient descent is after so many steps."""
        import torch  # slow to load, and needed by this channel alone

        from numeric.networks import gradient_descent, sharpness
        from numeric.networks.architectures import scalar_chain

        weights = torch.tensor([*start] * (degree // 2), dtype=torch.float64)
        path = gradient_descent(scalar_chain(degree), weights, STEP_SIZE_RATIO[degree] * eta, steps)
        return sharpness(scalar_chain(degree), path[-1])

    def depth(self, degree: int, eta: float) -> float:
        """3β/(2|κ₄|) at the symmetric minimum at the edge, by automatic differentiation.

        The Hessian at the minima has rank one, so that every direction but the top eigenvector is slow.
        """
        import torch

        from numeric.networks import hessian
        from numeric.networks.architectures import scalar_chain

        loss = scalar_chain(degree)
        scaled = 2 / (STEP_SIZE_RATIO[degree] * eta) * 2 / degree  # x² + x⁻²
        x = np.sqrt((scaled + np.sqrt(scaled**2 - 4)) / 2)
        weights = torch.tensor([x, 1 / x] * (degree // 2), dtype=torch.float64)
        spectrum, vectors = torch.linalg.eigh(hessian(loss, weights))
        top = vectors[:, -1]

        def curvature(point: torch.Tensor) -> torch.Tensor:
            along: torch.Tensor = torch.func.grad(lambda p: torch.func.grad(loss)(p) @ top)(point) @ top
            return along

        third = torch.func.grad(curvature)
        fourth = torch.func.grad(lambda point: third(point) @ top)(weights) @ top
        components = third(weights)
        across = components @ components - (components @ top) ** 2
        quartic = fourth - 3 * (components @ top) ** 2 / spectrum[-1]
        return float(3 * across / (2 * abs(quartic)))

    def sharpness_errors(self, seed: int) -> float:
        """The largest relative error of x² + y² at degree 2, and of twice that at degree 4, at random minima."""
        import torch

        from numeric.networks import sharpness
        from numeric.networks.architectures import scalar_chain

        errors = []
        for x in np.random.default_rng(seed).uniform(0.3, 3, 10):
            for degree in STEP_SIZE_RATIO:
                weights = torch.tensor([x, 1 / x] * (degree // 2), dtype=torch.float64)
                expected = (x**2 + x**-2) * degree / 2
                errors.append(abs(sharpness(scalar_chain(degree), weights) / expected - 1))
        return float(max(errors))
