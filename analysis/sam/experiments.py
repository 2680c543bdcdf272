"""The runs: SAM beside gradient descent on ½(1 − xyzw)², normalized SAM on quadratics, and the same in torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from mpmath import fp
from scipy.integrate import solve_ivp
from sympy import Expr, sqrt

from analysis.sam.theory import GRADIENT_NORM, SHARPNESS
from eos_sym import STEP_SIZE, minimalist, quadratic
from eos_sym.algebra import evaluator
from eos_sym.rules import RADIUS, RULES
from numeric import compile_map, compile_observable, compile_sharpness
from numeric.compile import Array

Progress = Callable[[int], object]
LOSS = minimalist()
RULE_NAMES = ("gradient_descent", "sam_unnormalized")
EXCESS = 1.1  # over 2/η, where gradient descent and SAM start
BELOW = 0.6  # of 2/η, where normalized SAM starts
OFF = 0.01  # the product xy − 1 at the start
ENDS_STEPS = 50_000
RATIOS = np.geomspace(0.01, 0.5, 9)  # ρ/η
NEAR_EDGE = 0.01
PRODUCTS = np.linspace(0.1, 1.9, 19)  # ηλ₁ on the quadratic
SECOND = 0.8  # λ₂/λ₁


def near_minimum(sharpness: float) -> dict[str, float]:
    """A point (x, y, x, y) next to the minima, where the sharpness at xy = 1 is 2(x² + y²)."""
    x = np.sqrt((sharpness + np.sqrt(sharpness**2 - 16)) / 4)
    y = (1 + OFF) / x
    return {"x": x, "y": y, "z": x, "w": y}


def edges(edge: Expr, step_size: float, radii: Sequence[float]) -> Array:
    """The critical sharpness of unnormalized SAM for several radii."""
    evaluate = evaluator([edge], (STEP_SIZE, RADIUS))
    return np.array([float(evaluate((step_size, radius))[0]) for radius in radii])


def paths(step_size: float, radius: float, steps: int, progress: Progress) -> xr.Dataset:
    """Gradient descent and unnormalized SAM from the same start, sharper than 2/η: the sharpness along the way."""
    start = near_minimum(EXCESS * 2 / step_size)
    sharpness = compile_sharpness(LOSS)
    found = {}
    for name in RULE_NAMES:
        dynamics = RULES[name].map(LOSS)
        wanted = {str(symbol): {"eta": step_size, "rho": radius}[str(symbol)] for symbol in dynamics.parameters}
        run = compile_map(dynamics).run(start, wanted, steps=steps, record_every=1, progress=progress)
        found[name] = sharpness.along(run)
        found[f"{name}_path"] = run.trajectory
    return xr.Dataset(found)


def ends(step_size: float, progress: Progress) -> xr.Dataset:
    """Where gradient descent and unnormalized SAM end, from the same start, for several radii."""
    radius = xr.DataArray(RATIOS * step_size, {"ratio": RATIOS}, "ratio")
    start = near_minimum(EXCESS * 2 / step_size)
    gd = compile_map(RULES["gradient_descent"].map(LOSS)).run(
        start, {"eta": step_size}, steps=ENDS_STEPS, progress=progress
    )
    sam = compile_map(RULES["sam_unnormalized"].map(LOSS)).run(
        start, {"eta": step_size, "rho": radius}, steps=ENDS_STEPS, progress=progress
    )
    sharpness = compile_sharpness(LOSS)
    return xr.Dataset(
        {
            "gd": sharpness.at_end(gd),
            "sam": sharpness.at_end(sam),
            "gd_outcome": gd.outcome,
            "sam_outcome": sam.outcome,
            "radius": radius,
        }
    )


def sides(edge: Expr, step_size: float, progress: Progress) -> xr.Dataset:
    """Unnormalized SAM from next to minima 1 % below and above its edge: the relative change of the sharpness."""
    radii = RATIOS * step_size
    side = xr.DataArray([1 - NEAR_EDGE, 1 + NEAR_EDGE], {"side": ["below", "above"]}, "side")
    at_edge = xr.DataArray(edges(edge, step_size, radii.tolist()), {"ratio": RATIOS}, "ratio")
    sharpness = side * at_edge
    x = ((sharpness + (sharpness**2 - 16) ** 0.5) / 4) ** 0.5
    start = {"x": x, "y": (1 + OFF / 100) / x, "z": x, "w": (1 + OFF / 100) / x}
    radius = xr.DataArray(radii, {"ratio": RATIOS}, "ratio")
    run = compile_map(RULES["sam_unnormalized"].map(LOSS)).run(
        start, {"eta": step_size, "rho": radius}, steps=ENDS_STEPS, progress=progress
    )
    return xr.Dataset({"change": compile_sharpness(LOSS).at_end(run) / sharpness - 1, "outcome": run.outcome})


def hovering(edge: Expr, step_size: float, radius: float, steps: int, progress: Progress) -> xr.Dataset:
    """Normalized SAM from well below 2/η: sharpness and edge, each the mean over pairs of steps."""
    start = near_minimum(BELOW * 2 / step_size)
    run = compile_map(RULES["sam"].map(LOSS)).run(
        start, {"eta": step_size, "rho": radius}, steps=steps, record_every=1, progress=progress
    )
    norm = compile_observable(sqrt(sum(slope**2 for slope in LOSS.gradient)), LOSS.weights).along(run)
    evaluate = evaluator([edge.subs({STEP_SIZE: step_size, RADIUS: radius})], (GRADIENT_NORM,), fp)
    edge_along = xr.apply_ufunc(lambda length: evaluate((length,))[0], norm, vectorize=True)
    sharpness = compile_sharpness(LOSS).along(run)
    pairs = {"sharpness": sharpness, "edge": edge_along, "gradient_norm": norm}
    means = {name: values.rolling(iteration=2).mean().isel(iteration=slice(1, None)) for name, values in pairs.items()}
    return xr.Dataset({**means, "trajectory": run.trajectory})


def predicted_flattening(rate: Expr, step_size: float, radius: float, run: xr.Dataset, since: int) -> Array:
    """The sharpness by the derived rate, from its value at iteration `since` on."""
    evaluate = evaluator([rate.subs({STEP_SIZE: step_size, RADIUS: radius})], (SHARPNESS,))
    later = run.sharpness.sel(iteration=slice(since, None))
    times = later.iteration.values.astype(float)
    solution = solve_ivp(
        lambda _, sharpness: [float(evaluate((sharpness[0],))[0])],
        (times[0], times[-1]),
        [float(later[0])],
        t_eval=times,
        rtol=1e-8,
    )
    return np.asarray(solution.y[0])


def two_cycles(seed: int, progress: Progress) -> xr.Dataset:
    """Normalized SAM with η = ρ = 1 on quadratics with λ₂ < λ₁ from random starts: where it settles."""
    generator = np.random.default_rng(seed)
    product = xr.DataArray(PRODUCTS, {"product": PRODUCTS}, "product")
    random = xr.DataArray(generator.uniform(0.5, 2, (2, len(PRODUCTS), 5)), dims=("weight", "product", "start"))
    dynamics = RULES["sam"].map(quadratic(2))
    run = compile_map(dynamics).run(
        {"theta1": random[0].assign_coords(product=PRODUCTS), "theta2": random[1].assign_coords(product=PRODUCTS)},
        {"eta": 1.0, "rho": 1.0, "lambda1": product, "lambda2": SECOND * product},
        steps=20_000,
        progress=progress,
    )
    return xr.Dataset({"outcome": run.outcome, "period": run.period, "size": abs(run.final)})


def torch_path(name: str, step_size: float, radius: float, start: Sequence[float], steps: int) -> Array:
    """The iterates (steps + 1, 4) of gradient descent or SAM on the loss, by torch's automatic differentiation."""
    import torch  # slow to load, and needed by this channel alone

    def slope(weights: torch.Tensor) -> torch.Tensor:
        leaf = weights.detach().requires_grad_()
        (gradient,) = torch.autograd.grad((1 - leaf.prod()) ** 2 / 2, leaf)
        return gradient

    weights = torch.tensor(list(start), dtype=torch.float64)
    found = [weights.numpy()]
    for _ in range(steps):
        gradient = slope(weights)
        if name != "gradient_descent":
            length = gradient.norm() if name == "sam" else 1.0
            gradient = slope(weights + radius * gradient / length)
        weights = weights - step_size * gradient
        found.append(weights.numpy())
    return np.stack(found)


def torch_sharpness(weights: Array) -> float:
    """The sharpness at the weights, by automatic differentiation of a deep linear network."""
    import torch

    from numeric.networks import sharpness
    from numeric.networks.architectures import scalar_chain

    return sharpness(scalar_chain(len(weights)), torch.tensor(weights))
