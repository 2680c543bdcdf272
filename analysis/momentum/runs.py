"""The rules on ½ λ x²: on both sides of their thresholds, as SGD on a family of such losses, and in torch."""

import functools
from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from sympy import Expr, Rational, Symbol, sqrt

from analysis.study import CommonOptions, axis, expect
from eos_sym import STEP_SIZE, Objective
from eos_sym.algebra import evaluator
from eos_sym.losses import LossFamily
from eos_sym.rules import RULES, StochasticGradientDescent
from eos_sym.stability import mean_square_critical_sharpness
from eos_sym.stability.stochastic import BATCH_SIZE, CURVATURE, EXAMPLES, RELATIVE_SPREAD
from numeric import Simulator, compile_map
from numeric.maps import compile_maps

Values = Mapping[str, xr.DataArray]
X = Symbol("x", real=True)
PARABOLA = Objective("parabola", CURVATURE * X**2 / 2, (X,), (CURVATURE,))
BISECTION_STEPS = 4000  # tells growth from decay within about 1e-3 of a threshold
BISECTIONS = 14
FAMILY_CURVATURES = [Rational(tenths, 10) for tenths in (2, 4, 6, 12, 16, 20)]  # relative to their mean
FAMILY_STEPS = 5  # few: the second moment of many steps is carried by rare runs
FAMILY_STEP_SIZE = 0.1
FAMILY_SIDES = [0.9, 0.95, 1.0, 1.05, 1.1]
FAMILY_RUNS = {"quick": 20_000, "full": 400_000}
GROWN = 1e3
SMALL, OLD = 1e-6, 1e18
TORCH_STEPS = 30_000


def parameters(eta: ArrayLike, momentum: ArrayLike, ratio: ArrayLike) -> Values:
    """Step sizes, momentum coefficients and radii ρ = ratio · η of SAM, each along a dimension of its own."""
    step_sizes = axis("eta", eta)
    return {"eta": step_sizes, "momentum": axis("momentum", momentum), "rho": axis("ratio", ratio) * step_sizes}


def edge(critical: Expr, values: Values) -> xr.DataArray:
    """The critical sharpness at the values of the parameters, over the dimensions of those that it depends on."""
    used = sorted(critical.free_symbols, key=str)
    evaluate = evaluator([critical], used)
    arrays = [values[symbol.name] for symbol in used]
    result: xr.DataArray = xr.apply_ufunc(lambda *numbers: float(evaluate(numbers)[0]), *arrays, vectorize=True)
    return result


def run(rule: str, curvature: xr.DataArray, values: Values, steps: int) -> xr.Dataset:
    """The rule on ½ λ x² from x = 1 and at rest; `values` may hold more parameters than the rule has."""
    simulator = compiled(rule)
    known = {**values, "curvature": curvature, "p_x": xr.DataArray(1.0)}
    start = {symbol.name: float(symbol == X) for symbol in simulator.map.state}
    return simulator.run(start, {symbol.name: known[symbol.name] for symbol in simulator.map.parameters}, steps=steps)


@functools.cache
def compiled(rule: str) -> Simulator:
    """The rule on ½ λ x²."""
    return compile_map(RULES[rule].map(PARABOLA))


def turning_point(rule: str, critical: xr.DataArray, values: Values) -> xr.DataArray:
    """The sharpness at which runs turn from shrinking to growing, by bisection between ½ and 2 times the derived."""
    lower, upper = critical / 2, critical * 2
    for _ in range(BISECTIONS):
        middle = (lower + upper) / 2
        ends = run(rule, middle, values, BISECTION_STEPS)
        grown = (ends.outcome == "diverged") | (abs(ends.final.sel(state="x", drop=True)) > 1)
        lower, upper = lower.where(grown, middle), upper.where(~grown, middle)
    return (lower + upper) / 2


def sgd(options: CommonOptions) -> xr.Dataset:
    """The growth of the root mean square under SGD on ½ cᵢ λ x², around the derived critical mean curvature.

    Over the batch size and λ / critical; with the critical λ measured as the zero of the growth, interpolated.
    """
    family = LossFamily("family", tuple(c * CURVATURE * X**2 / 2 for c in FAMILY_CURVATURES), (X,), (CURVATURE,))
    sizes = range(1, len(FAMILY_CURVATURES))
    expect(len(sizes) * FAMILY_STEPS)
    found = []
    for batch_size in sizes:
        critical = family_edge(batch_size)
        ends = compile_maps(StochasticGradientDescent(batch_size).maps(family)).run(
            {"x": 1.0},
            {"curvature": axis("relative", FAMILY_SIDES) * critical, "eta": FAMILY_STEP_SIZE},
            steps=FAMILY_STEPS,
            runs=FAMILY_RUNS[options.preset],
            seed=options.seed,
        )
        rate = np.log((ends.final.sel(state="x") ** 2).mean("run").values) / (2 * FAMILY_STEPS)
        measured = critical * np.interp(0, rate, FAMILY_SIDES)
        growth = ("relative", rate, {"units": "1/iteration"})
        found.append(xr.Dataset({"rate": growth, "derived": critical, "measured": measured}))
    return xr.concat(found, "batch_size").assign_coords(relative=FAMILY_SIDES, batch_size=sizes)


def family_edge(batch_size: int) -> float:
    """The derived critical mean curvature of the family."""
    count = len(FAMILY_CURVATURES)
    spread = sum(c**2 for c in FAMILY_CURVATURES) / count - 1
    sizes = {BATCH_SIZE: batch_size, EXAMPLES: count, RELATIVE_SPREAD: sqrt(spread), STEP_SIZE: FAMILY_STEP_SIZE}
    return float(mean_square_critical_sharpness().subs(sizes))


def torch_growth(rule: str, eta: float, parameter: float, curvature: float) -> str:
    """What the iterates of torch do on ½ λ x²: ``grows`` and ``shrinks`` mean by a factor of `GROWN`.

    The parameter is the momentum, or the radius ρ of SAM. Adam's second moment is frozen at 1 by its own options: β₂ is
    the last float below 1, and the state is that of a run so old that no bias correction is left. The start is small,
    because large gradients would thaw it.
    """
    import torch  # slow to load, and needed by this channel alone

    start = torch.tensor(SMALL, dtype=torch.float64)
    x = start.clone().requires_grad_()
    optimizer: torch.optim.Optimizer = torch.optim.SGD([x], lr=eta)
    if rule in ("heavy_ball", "nesterov"):
        optimizer = torch.optim.SGD([x], lr=eta, momentum=parameter, nesterov=rule == "nesterov")
    if rule == "preconditioned_momentum":
        optimizer = torch.optim.Adam([x], lr=eta, betas=(parameter, float(np.nextafter(1, 0))), eps=0.0)
        moments = {"exp_avg": torch.zeros_like(start), "exp_avg_sq": torch.ones_like(start)}
        optimizer.state[x] = {"step": torch.tensor(OLD), **moments}
    for _ in range(TORCH_STEPS):
        (gradient,) = torch.autograd.grad(curvature * x**2 / 2, x)
        if rule == "sam_unnormalized":
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
