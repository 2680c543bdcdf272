"""The runs: SAM beside gradient descent on ½(1 − xyzw)², normalized SAM on quadratics, and the same in torch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from mpmath import fp
from scipy.integrate import solve_ivp
from sympy import Expr, sqrt

from analysis.sam.theory import GRADIENT_NORM, SHARPNESS
from analysis.study import CommonOptions, axis, both_sides, expect
from eos_sym import STEP_SIZE, minimalist, quadratic
from eos_sym.algebra import evaluator
from eos_sym.rules import RADIUS, RULES
from numeric import compile_map, compile_observable, compile_sharpness
from numeric.compile import Array
from numeric.networks import scalar_chain
from numeric.networks import sharpness as sharpness_of_network

LOSS = minimalist()
ABOVE, BELOW = 1.1, 0.6  # of 2/η: where gradient descent and SAM start, and where normalized SAM does
OFF = 0.01  # the product xy − 1 at the start
PATH_STEPS, ENDS_STEPS, CYCLE_STEPS, TORCH_STEPS = 4000, 50_000, 20_000, 4000
HOVERING_STEPS = {"quick": 20_000, "full": 200_000}
ALIGNED = 0.05  # the part of the hovering run in which it finds its oscillation
RATIOS = np.geomspace(0.01, 0.5, 9)  # ρ/η
NEAR_EDGE = 0.01
PRODUCTS = np.linspace(0.1, 1.9, 19)  # ηλ₁ on the quadratic
SECOND = 0.8  # λ₂/λ₁
STARTS = 5

Start = Mapping[str, Any]


def near_minimum(sharpness: Any, off: float = OFF) -> Start:
    """A point (x, y, x, y) next to the minima, where the sharpness at xy = 1 is 2(x² + y²)."""
    x = np.sqrt((sharpness + np.sqrt(sharpness**2 - 16)) / 4)
    y = (1 + off) / x
    return {"x": x, "y": y, "z": x, "w": y}


def edge_at(edge: Expr, eta: float, radii: Sequence[float]) -> Array:
    """The critical sharpness of unnormalized SAM for several radii."""
    evaluate = evaluator([edge], (STEP_SIZE, RADIUS))
    return np.array([float(evaluate((eta, radius))[0]) for radius in radii])


def run(rule: str, start: Start, eta: float, rho: Any, steps: int, record_every: int | None = None) -> xr.Dataset:
    """The rule on the loss."""
    dynamics = RULES[rule].map(LOSS)
    values = {symbol.name: {"eta": eta, "rho": rho}[symbol.name] for symbol in dynamics.parameters}
    return compile_map(dynamics).run(start, values, steps=steps, record_every=record_every)


def paths(eta: float, rho: float) -> xr.Dataset:
    """Gradient descent and unnormalized SAM from the same start, sharper than 2/η: the sharpness along the way."""
    rules = ("gradient_descent", "sam_unnormalized")
    expect(len(rules) * PATH_STEPS)
    start, sharpness = near_minimum(ABOVE * 2 / eta), compile_sharpness(LOSS)
    runs = {rule: run(rule, start, eta, rho, PATH_STEPS, record_every=1) for rule in rules}
    along = {rule: sharpness.along(one) for rule, one in runs.items()}
    return xr.Dataset(along | {f"{rule}_path": one.trajectory for rule, one in runs.items()})


def ends(eta: float) -> xr.Dataset:
    """Where gradient descent and unnormalized SAM end, from the same start, for several radii."""
    expect((1 + len(RATIOS)) * ENDS_STEPS)
    radius = axis("ratio", RATIOS) * eta
    start, sharpness = near_minimum(ABOVE * 2 / eta), compile_sharpness(LOSS)
    gd = run("gradient_descent", start, eta, radius, ENDS_STEPS)
    sam = run("sam_unnormalized", start, eta, radius, ENDS_STEPS)
    found = {"gd": sharpness.at_end(gd), "sam": sharpness.at_end(sam)}
    return xr.Dataset({**found, "gd_outcome": gd.outcome, "sam_outcome": sam.outcome, "radius": radius})


def sides(edge: Expr, eta: float) -> xr.Dataset:
    """Unnormalized SAM from next to minima 1 % below and above its edge: the relative change of the sharpness."""
    radius = axis("ratio", RATIOS) * eta
    sharpness = both_sides(NEAR_EDGE) * radius.copy(data=edge_at(edge, eta, radius.values.tolist()))
    expect(sharpness.size * ENDS_STEPS)
    found = run("sam_unnormalized", near_minimum(sharpness, OFF / 100), eta, radius, ENDS_STEPS)
    change = compile_sharpness(LOSS).at_end(found) / sharpness - 1
    return xr.Dataset({"change": change, "outcome": found.outcome})


def hovering(normalized_edge: Expr, eta: float, rho: float, options: CommonOptions) -> xr.Dataset:
    """Normalized SAM from well below 2/η: sharpness and edge, each the mean over pairs of steps."""
    steps = HOVERING_STEPS[options.preset]
    expect(steps)
    found = run("sam", near_minimum(BELOW * 2 / eta), eta, rho, steps, record_every=1)
    norm = compile_observable(sqrt(sum(slope**2 for slope in LOSS.gradient)), LOSS.weights).along(found)
    evaluate = evaluator([normalized_edge.subs({STEP_SIZE: eta, RADIUS: rho})], (GRADIENT_NORM,), fp)
    edge = xr.apply_ufunc(lambda length: evaluate((length,))[0], norm, vectorize=True)
    pairs = {"sharpness": compile_sharpness(LOSS).along(found), "edge": edge, "gradient_norm": norm}
    means = {name: values.rolling(iteration=2).mean().isel(iteration=slice(1, None)) for name, values in pairs.items()}
    return xr.Dataset({**means, "trajectory": found.trajectory})


def aligned(hovering: xr.Dataset) -> xr.Dataset:
    """The run from when it has found its oscillation."""
    return hovering.isel(iteration=slice(int(ALIGNED * hovering.sizes["iteration"]), None))


def predicted(flattening: Expr, hovering: xr.Dataset, eta: float, rho: float) -> xr.DataArray:
    """The sharpness by the derived rate, along the aligned run and from its value at the beginning of that."""
    evaluate = evaluator([flattening.subs({STEP_SIZE: eta, RADIUS: rho})], (SHARPNESS,))
    sharpness = aligned(hovering).sharpness
    times = sharpness.iteration.values.astype(float)
    solution = solve_ivp(
        lambda _, sharpness: [float(evaluate((sharpness[0],))[0])],
        (times[0], times[-1]),
        [float(sharpness[0])],
        t_eval=times,
        rtol=1e-8,
    )
    return xr.DataArray(solution.y[0], {"iteration": sharpness.iteration}, "iteration")


def two_cycles(options: CommonOptions) -> xr.Dataset:
    """Normalized SAM with η = ρ = 1 on quadratics with λ₂ < λ₁ from random starts: where it settles."""
    expect(len(PRODUCTS) * STARTS * CYCLE_STEPS)
    product = axis("product", PRODUCTS)
    random = np.random.default_rng(options.seed).uniform(0.5, 2, (2, len(PRODUCTS), STARTS))
    start = xr.DataArray(random, {"weight": ["theta1", "theta2"], "product": PRODUCTS}, ("weight", "product", "start"))
    found = compile_map(RULES["sam"].map(quadratic(2))).run(
        {str(weight): start.sel(weight=weight, drop=True) for weight in start.weight.values},
        {"eta": 1.0, "rho": 1.0, "lambda1": product, "lambda2": SECOND * product},
        steps=CYCLE_STEPS,
    )
    return xr.Dataset({"outcome": found.outcome, "period": found.period, "size": abs(found.final)})


def torch_path(rule: str, eta: float, rho: float, start: Start, steps: int) -> Array:
    """The iterates (steps + 1, 4) of gradient descent or SAM on the loss, by torch's automatic differentiation."""

    def slope(weights: torch.Tensor) -> torch.Tensor:
        leaf = weights.detach().requires_grad_()
        (gradient,) = torch.autograd.grad((1 - leaf.prod()) ** 2 / 2, leaf)
        return gradient

    weights = torch.tensor(list(start.values()), dtype=torch.float64)
    found = [weights.numpy()]
    for _ in range(steps):
        gradient = slope(weights)
        if rule != "gradient_descent":
            length = gradient.norm() if rule == "sam" else 1.0
            gradient = slope(weights + rho * gradient / length)
        weights = weights - eta * gradient
        found.append(weights.numpy())
    return np.stack(found)


def torch_sharpness(weights: Array) -> float:
    """The sharpness at the weights, by automatic differentiation of a deep linear network."""
    return sharpness_of_network(scalar_chain(len(weights)), torch.tensor(weights))
