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
from analysis.study import CommonOptions, Pieces, about, bounded, identity, same
from eos_sym import STEP_SIZE as ETA
from numeric import compile_function, compile_map

ROUNDING = 1e-12


def gradient_descent_map(options: CommonOptions, theory: Theory, sgd_path: Tensor) -> Pieces:
    """Torch's steps are made of its gradients, so that autograd and network share them."""
    x, y, z, w = weights = theory.objective.weights
    product = x * y * z * w
    moved = [weight - ETA * product / weight * (product - 1) for weight in weights]
    yield identity("x, y, z and w after one step", moved, theory.full_map.step)
    error = network.derivative_error(theory.objective, options.seed)
    yield bounded("autograd", "largest relative error of gradient and Hessian, 20 points", error, below=ROUNDING)
    error = network.path_error(sgd_path, theory.objective)
    yield bounded(
        "network",
        "largest difference of the four weights, torch's SGD beside the map, 2,000 steps",
        error,
        below=ROUNDING,
    )


def symmetric_subspace(theory: Theory, dynamics: Dynamics) -> Pieces:
    """The steps of z and w where z = x and w = y, the map there, and a run on all four weights."""
    x, y = theory.reduced_map.state
    moved = dict(zip("xyzw", (step.subs(theory.subspace) for step in theory.full_map.step), strict=True))
    push, start = ETA * x * y * (x**2 * y**2 - 1), {"x": 2.6, "y": 0.4}
    full = compile_map(theory.full_map).run(start | {"z": 2.6, "w": 0.4}, {"eta": 0.2}, steps=300, record_every=1)
    first, second = (full.trajectory.sel(state=pair).values for pair in (["x", "y"], ["z", "w"]))
    reduced = dynamics.simulator.run(start, {"eta": 0.2}, steps=300, record_every=1).trajectory.values
    parted, error = np.abs(second - first).max(), np.abs(first - reduced).max()
    yield from about(
        "is invariant",
        identity("z and w after one step from z = x, w = y", [moved["x"], moved["y"]], [moved["z"], moved["w"]]),
        bounded("simulation", "largest |z − x| and |w − y|, 300 steps on four weights", parted, below=ROUNDING),
    )
    yield from about(
        "on it GD moves",
        identity("x and y after one step on z = x, w = y", [x - push * y, y - push * x], theory.reduced_map.step),
        bounded("simulation", "largest difference of the map on it from that on four weights", error, below=ROUNDING),
    )


def product_map(theory: Theory, recorded: xr.Dataset) -> Pieces:
    """The formulas, and their errors along runs of the map in x and y."""
    k = ETA * (P**2 - 1)
    moved = [D * (1 - k**2 * P**2), P * (1 - k * sqrt(D**2 + 4 * P**2) + k**2 * P**2)]
    yield identity("D and P after one step", moved, theory.product_map.step)
    error = product_map_error(theory, recorded)
    yield bounded("simulation", "largest error of D and P after a step, over 1 + |value|", error, below=ROUNDING)


def no_progressive_sharpening(options: CommonOptions, theory: Theory, recorded: xr.Dataset) -> Pieces:
    """The rate of change along the flow, −∇D·∇L, by formula and by torch; the factor of one step; the sharpness in D.

    With u = k²P² the square of D falls by u(2 − u) of itself, which is not negative for 0 ≤ u ≤ 2.
    """
    x, y = theory.reduced_map.state
    imbalance, k, u = x**2 - y**2, ETA * (x**2 * y**2 - 1), (ETA * P * (P**2 - 1)) ** 2
    slopes = zip(theory.objective.weights, theory.objective.gradient, strict=True)
    along_flow = -sum(diff(imbalance, weight) * slope for weight, slope in slopes)
    change = network.imbalance_change_along_flow(options.seed)
    yield from about(
        "gradient flow conserves D",
        identity("rate of change of D along gradient flow", 0 * x, along_flow),
        bounded("autograd", "largest |∇D·∇L| over |∇D||∇L|, 20 points", change, below=ROUNDING),
    )
    yield from about(
        "GD multiplies it",
        identity("D after one step over D before", 1 - (k * x * y) ** 2, theory.imbalance_cofactor),
        bounded("simulation", "largest error of that factor along runs", factor_error(recorded), below=1e-10),
    )
    fall, ahead = 1 - (theory.product_map.substitution[D] / D) ** 2, theory.sharpness_of_imbalance(D)
    rises = rises_of_imbalance(recorded)
    yield from about(
        "where k²P² ≤ 2",
        identity("fall of D² in one step over D², u = k²P²", u * (2 - u), fall),
        identity("sharpness of the minimum with the imbalance D", 2 * sqrt(D**2 + 4), ahead),
        same("simulation", "rises of D along runs in steps with k²P² ≤ 2", "D rose 0 times", f"D rose {rises} times"),
    )


def minima(options: CommonOptions, theory: Theory) -> Pieces:
    """The loss as a square, and the Hessian where it is 0, ggᵀ with g = ∇(xyzw): its trace is positive."""
    weights = x, y, z, w = theory.objective.weights
    squared, slope = (x * y * z * w - 1) ** 2, [1 / weight for weight in weights]
    entries = [first * second for first in slope for second in slope]
    hessian = theory.objective.hessian.subs(w, 1 / (x * y * z))
    yield from about(
        "the global minima",
        identity("twice the loss", squared, 2 * theory.objective.loss),
        bounded(
            "autograd",
            "largest |∂L| over the sharpness where xyzw = 1, 20 points",
            network.gradient_at_minima(options.seed),
            below=ROUNDING,
        ),
    )
    yield from about(
        "three zero eigenvalues",
        identity(
            "the Hessian where xyzw = 1: ggᵀ, g = (1/x, 1/y, 1/z, 1/w)",
            [entry.subs(w, 1 / (x * y * z)) for entry in entries],
            list(hessian),
        ),
        bounded(
            "autograd",
            "largest of the three least |λ| over the greatest, 20 minima",
            network.zero_eigenvalues_at_minima(options.seed),
            below=ROUNDING,
        ),
    )


def sharpness_at_minima(options: CommonOptions, theory: Theory) -> Pieces:
    """The trace of a Hessian of rank one, and the greatest eigenvalue that torch finds."""
    x, y = theory.reduced_map.state
    yield identity("trace of the Hessian, of rank one, where xy = 1", 2 * (x**2 + y**2), theory.sharpness_at_minima)
    error = network.sharpness_error_at_minima(options.seed)
    yield bounded("autograd", "largest relative error of 2(x² + y²), 20 minima", error, below=ROUNDING)


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


def factor_error(runs: xr.Dataset) -> float:
    """The largest |D'/D − (1 − k²P²)| along recorded runs whose imbalance is not near 0."""
    imbalance, product = imbalance_and_product(runs)
    before = imbalance.isel(iteration=slice(-1)).where(abs(imbalance) > 1e-3)
    expected = 1 - (runs.eta * (product**2 - 1) * product) ** 2
    return float(abs(imbalance.shift(iteration=-1) / before - expected).max())


def rises_of_imbalance(runs: xr.Dataset) -> int:
    """In how many recorded steps with k²P² ≤ 2 the imbalance, positive here, rose by more than rounding."""
    imbalance, product = imbalance_and_product(runs)
    factor = runs.eta * (product**2 - 1) * product
    change, before = imbalance.diff("iteration", label="lower"), imbalance.isel(iteration=slice(-1))
    return int(((factor**2 <= 2).isel(iteration=slice(-1)) & (change > 1e-14 * before)).sum())
