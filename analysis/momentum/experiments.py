"""The rules of the table on ½ λ x², on both sides of their thresholds, and the same rules in torch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from eos_sym.stability.stochastic import BATCH_SIZE, CURVATURE, EXAMPLES, RELATIVE_SPREAD
from numpy.typing import ArrayLike
from sympy import Expr, Rational, Symbol, sqrt

from eos_sym import STEP_SIZE, Objective
from eos_sym.algebra import evaluator
from eos_sym.losses import LossFamily
from eos_sym.rules import RULES, StochasticGradientDescent
from eos_sym.stability import mean_square_critical_sharpness
from numeric import Simulator, compile_map
from numeric.maps import compile_maps

Values = Mapping[str, xr.DataArray]
Progress = Callable[[int], object]
X = Symbol("x", real=True)
PARABOLA = Objective("parabola", CURVATURE * X**2 / 2, (X,), (CURVATURE,))
NORMALIZED = ("normalized_gd", "root_loss_gd", "sam")
NEAR_THRESHOLD = 1e-3  # each threshold is tested this far, relatively, on either side
FAMILY_CURVATURES = [Rational(tenths, 10) for tenths in (2, 4, 6, 12, 16, 20)]  # relative to their mean
FAMILY_STEPS = 5  # few: the second moment of many steps is carried by rare runs
FAMILY_STEP_SIZE = 0.1
FAMILY_SIDES = [0.9, 0.95, 1.0, 1.05, 1.1]
BISECTION_STEPS = 4000  # tells growth from decay within about 1e-3 of a threshold
BISECTIONS = 14
GROWN = 1e3
SMALL, OLD = 1e-6, 1e18
TORCH_STEPS = 30_000


def parameters(eta: ArrayLike, momentum: ArrayLike, ratio: ArrayLike) -> Values:
    """Step sizes, momentum coefficients and radii ρ = ratio · η of SAM, each along a dimension of its own."""
    axes = {"eta": eta, "momentum": momentum, "ratio": ratio}
    values = {name: xr.DataArray(np.asarray(axis), {name: np.asarray(axis)}, name) for name, axis in axes.items()}
    return {"eta": values["eta"], "momentum": values["momentum"], "rho": values["ratio"] * values["eta"]}


def edge(critical: Expr, values: Values) -> xr.DataArray:
    """The critical sharpness at the values of the parameters, over the dimensions of those that it depends on."""
    used = sorted(critical.free_symbols, key=str)
    evaluate = evaluator([critical], used)
    arrays = [values[symbol.name] for symbol in used]
    result: xr.DataArray = xr.apply_ufunc(lambda *numbers: float(evaluate(numbers)[0]), *arrays, vectorize=True)
    return result


def run(name: str, curvature: xr.DataArray, values: Values, steps: int, progress: Progress) -> xr.Dataset:
    """The rule on ½ λ x² from x = 1 and at rest; `values` may hold more parameters than the rule has."""
    simulator = _compiled(name)
    dynamics = simulator.map
    known = {**values, "curvature": curvature, "p_x": xr.DataArray(1.0)}
    start = {symbol.name: float(symbol == X) for symbol in dynamics.state}
    wanted = {symbol.name: known[symbol.name] for symbol in dynamics.parameters}
    return simulator.run(start, wanted, steps=steps, progress=progress)


@functools.cache
def _compiled(name: str) -> Simulator:
    return compile_map(RULES[name].map(PARABOLA))


def both_sides(critical: Mapping[str, Expr], values: Values, steps: int, progress: Progress) -> xr.Dataset:
    """The outcomes of runs just below and just above the critical sharpness of each rule, all over the grid."""
    factors = [1 - NEAR_THRESHOLD, 1 + NEAR_THRESHOLD]
    side = xr.DataArray(factors, {"side": ["below", "above"]}, "side")
    runs = {
        name: run(name, edge(formula, values) * side, values, steps, progress) for name, formula in critical.items()
    }
    return xr.Dataset({name: ends.outcome for name, ends in runs.items()})


def boundaries(critical: Mapping[str, Expr], values: Values, progress: Progress) -> xr.Dataset:
    """For each rule the sharpness at which a run turns from shrinking to growing, relative to the derived one."""
    return xr.Dataset({name: _boundary(name, edge(critical[name], values), values, progress) for name in critical})


def _boundary(name: str, critical: xr.DataArray, values: Values, progress: Progress) -> xr.DataArray:
    """By bisection between ½ and 2 times the derived sharpness."""
    lower, upper = critical / 2, critical * 2
    for _ in range(BISECTIONS):
        middle = (lower + upper) / 2
        ends = run(name, middle, values, BISECTION_STEPS, progress)
        grown = (ends.outcome == "diverged") | (abs(ends.final.sel(state="x", drop=True)) > 1)
        lower, upper = lower.where(grown, middle), upper.where(~grown, middle)
    return (lower + upper) / 2 / critical


def normalized_runs(progress: Progress) -> xr.Dataset:
    """Rules that divide by the norm of the gradient, far below 2/η and close to it: the outcome of a run."""
    below = xr.DataArray([0.01, 0.5, 0.99], {"fraction": [0.01, 0.5, 0.99]}, "fraction")
    values: Values = {"eta": xr.DataArray(0.1), "rho": xr.DataArray(0.03)}
    found = {name: run(name, 2 / values["eta"] * below, values, 20_000, progress).outcome for name in NORMALIZED}
    return xr.Dataset(found)


def family_rates(runs: int, seed: int, progress: Progress) -> xr.Dataset:
    """The growth of the root mean square under SGD on ½ cᵢ λ x², around the derived critical mean curvature.

    Over the batch size and λ / critical; with the critical λ measured as the zero of the growth, interpolated.
    """
    family = LossFamily("family", tuple(c * CURVATURE * X**2 / 2 for c in FAMILY_CURVATURES), (X,), (CURVATURE,))
    relative = xr.DataArray(FAMILY_SIDES, {"relative": FAMILY_SIDES}, "relative")
    found = []
    for batch_size in range(1, len(FAMILY_CURVATURES)):
        critical = family_edge(batch_size)
        settings = {"steps": FAMILY_STEPS, "runs": runs, "seed": seed, "record_every": FAMILY_STEPS}
        ends = compile_maps(StochasticGradientDescent(batch_size).maps(family)).run(
            {"x": 1.0}, {"curvature": relative * critical, "eta": FAMILY_STEP_SIZE}, progress=progress, **settings
        )
        moment = (ends.trajectory.isel(iteration=-1).sel(state="x") ** 2).mean("run").values
        rate = np.log(moment) / (2 * FAMILY_STEPS)
        found.append(
            xr.Dataset(
                {
                    "rate": ("relative", rate, {"units": "1/iteration"}),
                    "derived": critical,
                    "measured": critical * np.interp(0, rate, FAMILY_SIDES),
                },
                coords={"relative": FAMILY_SIDES, "batch_size": batch_size},
            )
        )
    return xr.concat(found, "batch_size")


def family_edge(batch_size: int) -> float:
    """The derived critical mean curvature of the family."""
    count = len(FAMILY_CURVATURES)
    spread = sum(c**2 for c in FAMILY_CURVATURES) / count - 1
    sizes = {BATCH_SIZE: batch_size, EXAMPLES: count, RELATIVE_SPREAD: sqrt(spread), STEP_SIZE: FAMILY_STEP_SIZE}
    return float(mean_square_critical_sharpness().subs(sizes))


def torch_growth(name: str, eta: float, parameter: float, curvature: float) -> str:
    """What the iterates of torch do on ½ λ x²: ``grows`` and ``shrinks`` mean by a factor of `GROWN`.

    The parameter is the momentum, or the radius ρ of SAM. Adam's second moment is frozen at 1 by its own options: β₂ is
    the last float below 1, and the state is that of a run so old that no bias correction is left. The start is small,
    because large gradients would thaw it.
    """
    import torch  # slow to load, and needed by this channel alone

    start = torch.tensor(SMALL, dtype=torch.float64)
    x = start.clone().requires_grad_()
    optimizer: torch.optim.Optimizer = torch.optim.SGD([x], lr=eta)
    if name in ("heavy_ball", "nesterov"):
        optimizer = torch.optim.SGD([x], lr=eta, momentum=parameter, nesterov=name == "nesterov")
    if name == "preconditioned_momentum":
        optimizer = torch.optim.Adam([x], lr=eta, betas=(parameter, float(np.nextafter(1, 0))), eps=0.0)
        moments = {"exp_avg": torch.zeros_like(start), "exp_avg_sq": torch.ones_like(start)}
        optimizer.state[x] = {"step": torch.tensor(OLD), **moments}
    for _ in range(TORCH_STEPS):
        (gradient,) = torch.autograd.grad(curvature * x**2 / 2, x)
        if name == "sam_unnormalized":
            uphill = (x + parameter * gradient).detach().requires_grad_()
            (gradient,) = torch.autograd.grad(curvature * uphill**2 / 2, uphill)
        x.grad = gradient
        optimizer.step()
        size = abs(x.item()) / SMALL
        if size > GROWN:
            return "grows"
        if size < 1 / GROWN and abs(gradient.item()) < curvature * SMALL / GROWN:
            return "shrinks"
    return "undecided"
