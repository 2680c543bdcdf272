"""What the claims about degree 2 and degree 4 measure, on runs of their own.

Nothing here depends on the options, so that no choice of a figure refutes a statement about the loss.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from analysis.minimalist.dynamics import Dynamics
from analysis.minimalist.exponents import exponent
from analysis.minimalist.theory import KAPPA, D, P, Theory, a, b
from analysis.shallow.theory import (
    SCALED_IMBALANCE,
    DegreeTwo,
    frozen_product_map,
    square_of_squares,
    with_step_size,
)
from eos_sym import STEP_SIZE, Map
from numeric import compile_function, compile_map

SMALL_STEP_SIZES = np.array([0.01, 0.02, 0.04])
SMALL_EXCESSES = np.array([0.01, 0.02, 0.04])  # of K over 2
ELLIPSE_STEP_SIZE, ELLIPSE_STEPS = 0.05, 6000
OFFSET = 1e-6


def difference_of_squares(full_map: Map) -> float:
    """The largest difference along 300 steps between ½(1 − x²y²)² with η/4 and ½(1 − xyzw)² with η/2."""
    start, eta = {"x": 3.4, "y": 0.25}, 0.2
    x, y = square_of_squares().weights
    squares = compile_map(Map((x, y), (STEP_SIZE,), with_step_size(square_of_squares(), STEP_SIZE / 4)))
    run = squares.run(start, {"eta": eta}, steps=300, record_every=1)
    pairs = {**start, "z": start["x"], "w": start["y"]}
    reference = compile_map(full_map).run(pairs, {"eta": eta / 2}, steps=300, record_every=1)
    return float(np.abs(run.trajectory.values - reference.trajectory.sel(state=["x", "y"]).values).max())


def frozen_exponent(theory: Theory, seed: int) -> float:
    """How fast one step of P approaches its limit at fixed K = ηD, over random P and K, as η falls."""
    products, scaled = np.random.default_rng(seed).uniform(0.2, 1.8, (2, 50, 1))
    exact = compile_function([theory.product_map.substitution[P]], (D, P, STEP_SIZE))
    limit = compile_function([frozen_product_map(theory)], (SCALED_IMBALANCE, P))
    errors = exact(scaled / SMALL_STEP_SIZES, products, SMALL_STEP_SIZES)[0] - limit(scaled, products)[0]
    return exponent(SMALL_STEP_SIZES, np.abs(errors).max(axis=0))


def ellipse_exponent(theory: DegreeTwo, dynamics: Dynamics) -> float:
    """How fast the relative change of C along runs at degree 2 falls with the size of the ellipse."""
    size = xr.DataArray(SMALL_EXCESSES, dims="size") / ELLIPSE_STEP_SIZE**0.5
    start = dynamics.start_at(size / 4, xr.zeros_like(size) + OFFSET, xr.DataArray(ELLIPSE_STEP_SIZE))
    run = dynamics.simulator.run(start, {"eta": ELLIPSE_STEP_SIZE}, steps=ELLIPSE_STEPS, record_every=1)
    level = compile_function([theory.ellipse], (a, b, KAPPA))
    along = level(*(dynamics.observables[name].along(run) for name in "ab"), ELLIPSE_STEP_SIZE**0.5)[0]
    return exponent(SMALL_EXCESSES, np.abs(along / along[:, :1] - 1).max(axis=1))
