"""Gradient descent on ½(1 − xyzw)² that drifts through the diagram, as a simulation, by autograd, and as a network.

With D = x² − y² and P = xy on z = x, w = y, its place in the diagram is K = ηD, which falls by a part of order η² a
step; P is compared with the state of the frozen map there. A largest Lyapunov exponent is the mean of log|DF v| along
the run over the tangent vector v that it carries along.
"""

from functools import cache
from typing import Any

import numpy as np
import torch
import xarray as xr
from sympy import log

from analysis.bifurcation.densities import Bins, Density, blocks
from analysis.bifurcation.frozen import GRID, STATES, Size
from analysis.bifurcation.theory import Family, K, z
from analysis.minimalist.theory import derive
from analysis.study import axis, expect, exponent
from eos_sym import STEP_SIZE
from numeric import Simulator, compile_function, compile_map
from numeric.compile import Array
from numeric.networks import gradient_descent
from numeric.networks.architectures import scalar_chain

START = 1.9  # K from which the diagram is run through, and of the short chaotic runs
OFFSET = 0.05  # of P from 1
DECIDED = 0.25  # of the steps through the diagram
LAG_STEP_SIZES = (0.01, 0.02, 0.04)
LAG_START, LAG_INTERVAL = 1.2, (1.05, 1.15)  # of K, within the interval of the two-cycle
PERIODS = (2, 4, 8)
SMALL_MOVE = 0.05  # of a single step: an orbit with smaller p-step moves has the period p
SLOW, SLOW_STEPS, SLOW_TAIL = 0.01, 600, 64  # a step size at which K stands nearly still
CHAOTIC_STEP_SIZE, CHAOTIC_RUNS = 0.005, 64  # of short runs, in which K falls by 1e-3 of itself
CHAOTIC_TRANSIENT, CHAOTIC_STEPS = 50, 250
FROZEN_STEPS = 10_000


@cache
def simulator() -> Simulator:
    """Gradient descent on the symmetric subspace."""
    return compile_map(derive().reduced_map)


def start_at(value: float, eta: Any, product: Any) -> dict[str, Any]:
    """The point (x, y) with K = ηD = value and P = product, numbers or arrays with names."""
    imbalance = value / eta
    x = (((imbalance**2 + 4 * product**2) ** 0.5 + imbalance) / 2) ** 0.5
    return {"x": x, "y": product / x}


def drift(value: float, eta: float | xr.DataArray, steps: int) -> xr.Dataset:
    """Runs from K = ηD = value, with K and P along them."""
    x, y = simulator().map.state
    return simulator().run(
        start_at(value, eta, 1 + OFFSET),
        {"eta": eta},
        steps=steps,
        record_every=1,
        observables={"P": x * y, "K": STEP_SIZE * (x**2 - y**2)},
        engine="compiled",
    )


def passage(family: Family, eta: float, steps: int, size: Size) -> xr.Dataset:
    """Many runs from far above the edge: where P goes while K = ηD falls, and the mean of log|F'| there.

    Runs that end at P = −1 are mirrored, which is exact: y ↦ −y is a symmetry of the example. Where they end is
    decided as soon as K is below the merging, after the first `DECIDED` of the steps.
    """
    count = max(1, size.passing // steps)
    expect(count * (round(DECIDED * steps) + steps))
    products = xr.DataArray(1 + OFFSET * (1 + np.arange(count) / count), dims="run")
    point = start_at(START, xr.DataArray(eta), products)
    plainly: Any = {"outcomes": False, "engine": "compiled"}  # few runs, but of many steps in many blocks
    ends = simulator().run(point, {"eta": eta}, steps=round(DECIDED * steps), **plainly).final
    point["y"] = point["y"] * np.sign(ends.prod("state"))

    rate = compile_function([log(abs(family.map.step[0].diff(z)))], (z, K))
    parameters = Bins(GRID, size.columns)
    density, growth = Density(size.columns, Bins(STATES, size.rows)), np.zeros(size.columns)
    visits = np.zeros(size.columns, np.int64)
    for block in blocks(steps, 2 * count):
        run = simulator().run(point, {"eta": eta}, steps=block, record_every=1, **plainly)
        point = {name: run.final.sel(state=name, drop=True) for name in point}
        x, y = (run.trajectory.sel(state=name).values[:, 1:].ravel() for name in point)
        product, sharpness = x * y, eta * (x**2 - y**2)
        columns = parameters.number(sharpness)
        density.add(columns, product)
        inside = columns >= 0
        growth += np.bincount(columns[inside], rate(product[inside], sharpness[inside])[0], size.columns)
        visits += np.bincount(columns[inside], minlength=size.columns)
    with np.errstate(invalid="ignore"):  # no visits, no mean
        exponent = xr.DataArray(growth / visits, dims="K", attrs={"units": "1/iterations"})
    counts = density.labelled("K", parameters.centres, "P")
    return xr.Dataset({"counts": counts, "exponent": exponent}, attrs={"eta": eta, "runs": count})


def lag() -> xr.Dataset:
    """Single runs at small step sizes through the interval in which the frozen map has a stable two-cycle."""
    return drift(LAG_START, axis("eta", LAG_STEP_SIZES), int(2 / min(LAG_STEP_SIZES) ** 2)).drop_vars("trajectory")


def lag_exponent(family: Family, runs: xr.Dataset) -> float:
    """How fast the largest distance of P from the two-cycle of the frozen map, at the same K, falls with η."""
    branches = compile_function(family.two_cycle_squares, (K,))
    worst = []
    for eta in runs.eta.values:
        run = runs.sel(eta=eta)
        inside = ((LAG_INTERVAL[0] < run.K) & (LAG_INTERVAL[1] > run.K)).values
        lower, upper = np.sqrt(branches(run.K.values[inside]))
        product = run.P.values[inside]
        worst.append(np.minimum(abs(product - lower), abs(product - upper)).max())
    return exponent(runs.eta.values, worst)


def period(states: Array) -> str:
    """The least period of a drifting orbit, "none" if it has none up to 8."""
    single = np.abs(np.diff(states)).max()
    for candidate in PERIODS:
        if np.abs(states[candidate:] - states[:-candidate]).max() < SMALL_MOVE * single:
            return str(candidate)
    return "none"


def simulated_period(value: float) -> str:
    """The period at small η of a run started with this K = ηD."""
    return period(drift(value, SLOW, SLOW_STEPS).P.values[-SLOW_TAIL:])


def network_period(value: float) -> str:
    """The same of a torch network of depth 4 and width 1, trained by torch's SGD."""
    point = start_at(value, SLOW, 1 + OFFSET)
    weights = torch.tensor([point["x"], point["y"]] * 2, dtype=torch.float64)
    path = gradient_descent(scalar_chain(4), weights, SLOW, SLOW_STEPS).numpy()
    return period((path[:, 0] * path[:, 1])[-SLOW_TAIL:])


def frozen_rate(family: Family) -> float:
    """The Lyapunov exponent of the frozen map at K = `START`."""
    starts = xr.DataArray(np.linspace(0.5, 0.9, CHAOTIC_RUNS), dims="run")
    run = family.simulator.run({"z": starts}, {"K": START}, steps=FROZEN_STEPS, lyapunov=True, outcomes=False)
    return float(run.lyapunov_exponent.mean())


def chaotic_starts() -> dict[str, xr.DataArray]:
    """Starts at K = `START`, on the symmetric subspace."""
    products = xr.DataArray(1 + OFFSET * np.linspace(0.2, 1, CHAOTIC_RUNS), dims="run")
    return start_at(START, xr.DataArray(CHAOTIC_STEP_SIZE), products)


def simulated_rate() -> float:
    """The largest Lyapunov exponent of gradient descent over short runs, of two weights."""
    run = simulator().run(
        chaotic_starts(),
        {"eta": CHAOTIC_STEP_SIZE},
        steps=CHAOTIC_STEPS,
        discard=CHAOTIC_TRANSIENT,
        lyapunov=True,
        outcomes=False,
    )
    return float(run.lyapunov_exponent.mean())


def autograd_rate() -> float:
    """The same of all four weights, a tangent vector of each run carried along by Hessian-vector products."""
    starts = chaotic_starts()
    weights = torch.tensor(np.stack([starts["x"], starts["y"]] * 2, axis=1))
    tangents = torch.tensor([0.6, -0.2, 0.3, 0.7], dtype=torch.float64).expand_as(weights)
    total = 0.0
    for iteration in range(CHAOTIC_STEPS):
        weights.requires_grad_()
        loss = ((1 - weights.prod(dim=1)) ** 2 / 2).sum()  # of all runs, which do not interact
        (slope,) = torch.autograd.grad(loss, weights, create_graph=True)
        (bent,) = torch.autograd.grad(slope, weights, grad_outputs=tangents)
        weights = (weights - CHAOTIC_STEP_SIZE * slope).detach()
        tangents = tangents - CHAOTIC_STEP_SIZE * bent
        lengths = tangents.norm(dim=1, keepdim=True)
        tangents = tangents / lengths
        total += float(lengths.log().mean()) if iteration >= CHAOTIC_TRANSIENT else 0.0
    return total / (CHAOTIC_STEPS - CHAOTIC_TRANSIENT)
