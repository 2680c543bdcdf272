"""The formulas of the paper: gradient descent on four weights, on two, and on D and P; minima and spectrum.

Each claim compares what was derived with what is written down here, and with runs or with torch.
"""

import numpy as np
import xarray as xr
from sympy import diff, sqrt
from torch import Tensor

from analysis.minimalist import network
from analysis.minimalist.dynamics import Dynamics
from analysis.minimalist.theory import D, P, Theory
from analysis.study import CommonOptions, Pieces, bounded, identity, same, theorem
from eos_sym import STEP_SIZE as ETA
from numeric import compile_function, compile_map

ROUNDING = 1e-12


def gradient_descent_map(options: CommonOptions, theory: Theory, dynamics: Dynamics, sgd_path: Tensor) -> Pieces:
    """Torch's steps are made of its gradients, so that autograd and network share them."""
    x, y, z, w = weights = theory.objective.weights
    product = x * y * z * w
    moved = [weight - ETA * product / weight * (product - 1) for weight in weights]
    yield identity("x, y, z and w after one step", moved, theory.full_map.step)
    error = network.derivative_error(theory.objective, options.seed)
    yield bounded("autograd", "largest relative error of gradient and Hessian, 20 points", error, below=ROUNDING)
    error = network.path_error(sgd_path, dynamics)
    yield bounded(
        "network",
        "largest difference of x and y, torch's SGD on four weights beside the map on two, 2,000 steps",
        error,
        below=ROUNDING,
    )


def symmetric_subspace(theory: Theory, dynamics: Dynamics) -> Pieces:
    """The map on the subspace, and a run on all four weights that stays there."""
    x, y = theory.reduced_map.state
    push = ETA * x * y * (x**2 * y**2 - 1)
    yield identity("x and y after one step on z = x, w = y", [x - push * y, y - push * x], theory.reduced_map.step)
    error = asymmetry(dynamics, steps=300)
    yield bounded("simulation", "largest |z − x|, |w − y| or error of the map on it, 300 steps", error, below=ROUNDING)


def product_map(theory: Theory, recorded: xr.Dataset) -> Pieces:
    """The formulas, and their errors along runs of the map in x and y."""
    k = ETA * (P**2 - 1)
    moved = [D * (1 - k**2 * P**2), P * (1 - k * sqrt(D**2 + 4 * P**2) + k**2 * P**2)]
    yield identity("D and P after one step", moved, theory.product_map.step)
    error = product_map_error(theory, recorded)
    yield bounded("simulation", "largest error of D and P after a step, over 1 + |value|", error, below=ROUNDING)


def no_progressive_sharpening(theory: Theory, recorded: xr.Dataset) -> Pieces:
    """The rate of change along the flow, −∇D·∇L, the factor of one step, and a count along runs."""
    x, y = theory.reduced_map.state
    imbalance, k = x**2 - y**2, ETA * (x**2 * y**2 - 1)
    slopes = zip(theory.objective.weights, theory.objective.gradient, strict=True)
    along_flow = -sum(diff(imbalance, weight) * slope for weight, slope in slopes)
    yield identity("rate of change of D along gradient flow", 0 * x, along_flow)
    yield identity("D after one step over D before", 1 - (k * x * y) ** 2, theory.imbalance_cofactor)
    rises = rises_of_imbalance(recorded)
    yield same("simulation", "rises of D in steps with k²P² ≤ 2", "D rose 0 times", f"D rose {rises} times")


def minima(options: CommonOptions, theory: Theory) -> Pieces:
    """The equation, the powers of μ in the characteristic polynomial, and the gradient where the equation holds."""
    x, y, z, w = theory.objective.weights
    yield identity("the polynomial that vanishes at the minima", x * y * z * w - 1, theory.minima.equations[0])
    zeros = min(powers[0] for powers in theory.spectrum_at_minima.monoms())
    yield theorem("multiplicity of the eigenvalue 0", "0 has multiplicity 3", f"0 has multiplicity {zeros}")
    error = network.gradient_at_minima(options.seed)
    yield bounded("autograd", "largest |∂L| over the sharpness where xyzw = 1, 20 points", error, below=ROUNDING)


def sharpness_at_minima(options: CommonOptions, theory: Theory) -> Pieces:
    """The trace of a Hessian of rank one, and the spectrum that torch finds."""
    x, y = theory.reduced_map.state
    yield identity("sharpness where xy = 1", 2 * (x**2 + y**2), theory.sharpness_at_minima)
    error = network.sharpness_error_at_minima(options.seed)
    yield bounded(
        "autograd",
        "largest distance of the formula from the nearest eigenvalue, over the largest |λ|, 20 minima",
        error,
        below=ROUNDING,
    )


def small_eigenvalues(options: CommonOptions, theory: Theory) -> Pieces:
    """Roots of the characteristic polynomial, and members of the spectrum that torch finds."""
    x, y = theory.reduced_map.state
    roots = [weight**2 * (1 - x**2 * y**2) for weight in (y, x)]
    values = [theory.symmetric_spectrum.eval(root) for root in roots]
    yield identity("the characteristic polynomial at the two", [0 * x] * 2, values)
    error = network.small_eigenvalue_error(options.seed)
    yield bounded(
        "autograd", "largest distance from the spectrum over the largest |λ|, 20 points", error, below=ROUNDING
    )


def asymmetry(dynamics: Dynamics, steps: int) -> float:
    """On all four weights from a symmetric start: the largest |z − x|, |w − y| and distance from the reduced map."""
    start = {"x": 2.6, "y": 0.4}
    full = compile_map(dynamics.theory.full_map)
    run = full.run(start | {"z": 2.6, "w": 0.4}, {"eta": 0.2}, steps=steps, record_every=1).trajectory
    reduced = dynamics.simulator.run(start, {"eta": 0.2}, steps=steps, record_every=1).trajectory.values
    first, second = (run.sel(state=pair).values for pair in (["x", "y"], ["z", "w"]))
    return float(max(np.abs(second - first).max(), np.abs(first - reduced).max()))


def imbalance_and_product(runs: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """D = x² − y² and P = xy along recorded runs."""
    x, y = (runs.trajectory.sel(state=name) for name in ("x", "y"))
    return x**2 - y**2, x * y


def product_map_error(theory: Theory, runs: xr.Dataset) -> float:
    """The largest error of one step of the map of D and P along recorded runs, relative to 1 + |value|."""
    step = compile_function(theory.product_map.step, (D, P, ETA))
    along = [quantity.values for quantity in imbalance_and_product(runs)]
    predicted = step(*(values[:, :-1] for values in along), runs.eta.values[:, None])
    actual = (values[:, 1:] for values in along)
    return float(np.nanmax([np.abs(p - q) / (1 + np.abs(q)) for p, q in zip(predicted, actual, strict=True)]))


def rises_of_imbalance(runs: xr.Dataset) -> int:
    """In how many recorded steps with k²P² ≤ 2 the imbalance, positive here, rose by more than rounding."""
    imbalance, product = imbalance_and_product(runs)
    factor = runs.eta * (product**2 - 1) * product
    change, before = imbalance.diff("iteration", label="lower"), imbalance.isel(iteration=slice(-1))
    return int(((factor**2 <= 2).isel(iteration=slice(-1)) & (change > 1e-14 * before)).sum())
