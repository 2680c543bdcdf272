"""The simulations of normalized GD and of GD on √L: each gives one group of data.nc.

alignment     normalized GD on a quadratic from random starts: the scaled distances ‖x̃‖ and the angle to the top
multipliers   two steps from beside the two-cycles of a quadratic
noise         from minima that are not left along the top eigenvector, with and without noise injected
phases        from afar to the flattest minimum of ½(1 − xy)², at several step sizes
drift         along the minima at τ = η²t = 2, against the limit flow

Everything that depends on chance is drawn from the seed.
"""

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.integrate import quad

from analysis.normalized_gd.theory import FORKED, HYPERBOLA, KINDS, NORMALIZED, QUADRATIC, VALLEYS, Valley, flow
from analysis.study import CommonOptions, axis, expect
from eos_sym import quadratic
from numeric import Simulator, compile_flow, compile_function, compile_map, compile_sharpness
from numeric.compile import Array
from numeric.flows import gradient_flow_end
from numeric.values import Values

STARTS = {"quick": 60, "full": 1000}
ALIGNMENT_STEP_SIZE = 0.1  # the map is the same at every step size, in units of it
ALIGNMENT_STEPS, RECORDED_STEPS = 20_000, 100
BESIDE = 1e-6  # distance from the cycle over its width
SHARES, RATIOS = np.linspace(0.1, 0.9, 17), (0.2, 0.6, 0.95, 1.1)
# At η = 0.04 the error of GD on √L at the hyperbola still has the other sign: no power of η is to be fitted there.
DRIFT_STEP_SIZES = {"quick": (0.02, 1 / 70, 0.01), "full": (0.02, 0.01, 0.005, 0.0025, 0.00125)}
PHASE_STEP_SIZES = {"quick": (0.04, 0.02, 0.01), "full": (0.04, 0.02, 0.01, 0.005, 0.0025)}
FAR_START = (3.0, 1.5)
OFFSET = 0.37  # of the start from the minima, in units of η
TAU, TIMES = 2.0, 51
SEGMENT = 65  # points of the segment on which the supremum of the sharpness is taken
NOISE_STEP_SIZE, NOISE_EVERY = 0.04, 25


def alignment(options: CommonOptions, eigenvalues: Sequence[float]) -> xr.Dataset:
    """Normalized GD on ½ Σ λᵢθᵢ² from normally distributed starts, to the end and recorded for a while.

    In the scaled coordinates x̃ = Hθ/η: `length` ‖x̃_t‖, `angle` between x̃_t and ±v₁, along the recorded steps,
    and `end_length`, `end_angle` of two consecutive states at the end.
    """
    objective, starts = quadratic(len(eigenvalues)), STARTS[options.preset]
    expect(starts * (ALIGNMENT_STEPS + RECORDED_STEPS + 1))
    simulator = compile_map(NORMALIZED.rule.map(objective))
    draws = np.random.default_rng(options.seed).normal(size=(starts, len(eigenvalues)))
    initial: Values = {
        weight.name: xr.DataArray(column, dims="start")
        for weight, column in zip(objective.weights, draws.T, strict=True)
    }
    named = {symbol.name: value for symbol, value in zip(objective.parameters, eigenvalues, strict=True)}
    settings: Values = {**named, "eta": ALIGNMENT_STEP_SIZE}
    run = simulator.run(initial, settings, steps=ALIGNMENT_STEPS, tolerance=1e-14)
    early = simulator.run(initial, settings, steps=RECORDED_STEPS, record_every=1).trajectory
    last: Values = {weight.name: run.final.sel(state=weight.name, drop=True) for weight in objective.weights}
    pair = simulator.run(last, settings, steps=1, record_every=1).trajectory.rename(iteration="parity")
    scale = xr.DataArray(np.array(eigenvalues) / ALIGNMENT_STEP_SIZE, dims="state")
    for name, states in {"": early, "end_": pair}.items():
        scaled = states * scale
        run[f"{name}length"] = np.sqrt((scaled**2).sum("state"))
        across = np.sqrt((scaled.isel(state=slice(1, None)) ** 2).sum("state"))
        run[f"{name}angle"] = np.arctan2(across, abs(scaled.isel(state=0)))
    return run


def multipliers() -> xr.Dataset:
    """θ₂ after two steps over θ₂ before, beside the two-cycles along θ₁, for every C and r = λ₂/λ₁."""
    initial: Values = {"theta1": axis("C", SHARES) * ALIGNMENT_STEP_SIZE, "theta2": BESIDE * ALIGNMENT_STEP_SIZE}
    settings: Values = {"lambda1": 1.0, "lambda2": axis("r", RATIOS), "eta": ALIGNMENT_STEP_SIZE}
    run = compile_map(QUADRATIC).run(initial, settings, steps=2, record_every=1)
    across = run.trajectory.sel(state="theta2")
    run["multiplier"] = across.isel(iteration=2) / across.isel(iteration=0)
    return run


def noise(options: CommonOptions) -> xr.Dataset:
    """Along the minima of FORKED from y = 0 exactly, z = OFFSET·η, every NOISE_EVERY steps with noise or without.

    The noise is uniform in a ball of radius η³: far less than the oscillation, η, and the drift, η² a step.
    """
    generator = np.random.default_rng(options.seed)
    eta, noisy = NOISE_STEP_SIZE, xr.DataArray([0.0, 1.0], dims="noise", coords={"noise": ["without", "with"]})
    names, kicks = [weight.name for weight in FORKED.weights], round(TAU / eta**2) // NOISE_EVERY
    expect(len(KINDS) * kicks * NOISE_EVERY * noisy.size)
    groups = []
    for kind in KINDS:
        simulator = compile_map(kind.rule.map(FORKED))
        states = [1 + 0 * noisy, 0 * noisy, OFFSET * eta + 0 * noisy]
        path = [xr.concat(states, "state")]
        for _ in range(kicks):
            direction = generator.normal(size=len(names))
            radius = eta**3 * generator.uniform() ** (1 / len(names)) / np.linalg.norm(direction)
            kicked: Values = {
                name: state + noisy * radius * push for name, state, push in zip(names, states, direction, strict=True)
            }
            final = simulator.run(kicked, {"eta": eta}, steps=NOISE_EVERY).final
            states = [final.sel(state=name, drop=True) for name in names]
            path.append(xr.concat(states, "state"))
        groups.append(xr.concat(path, "tau"))
    tau = np.arange(kicks + 1) * NOISE_EVERY * eta**2
    trajectory = xr.concat(groups, "rule").assign_coords(rule=[kind.name for kind in KINDS], tau=tau, state=names)
    return trajectory.to_dataset(name="trajectory")


def phases(options: CommonOptions) -> xr.Dataset:
    """From FAR_START on ½(1 − xy)², by rule and η.

    `first` counts the steps until the loss rises for the first time, `second` those from there until the sharpness
    has fallen halfway from where gradient flow lands to the least at any minimum, 2. `imbalance` is the change of
    x² − y², which gradient flow conserves, in the first phase. `expected` is the time τ that the limit flow takes.
    """
    end, _ = gradient_flow_end(HYPERBOLA.objective, dict(zip("xy", FAR_START, strict=True)), {})
    half = (end["x"] ** 2 + end["y"] ** 2 + 2) / 2
    midway = np.sqrt((half + np.sqrt(half**2 - 4)) / 2)  # x where x² + x⁻² = half
    step_sizes = PHASE_STEP_SIZES[options.preset]
    counts, expected = np.empty((3, len(KINDS), len(step_sizes))), []
    for row, kind in enumerate(KINDS):
        velocity = compile_flow(flow(HYPERBOLA, kind)).velocity
        expected.append(quad(lambda x, v=velocity: float(-1 / v(np.array([x]), np.array([]))[0]), midway, end["x"])[0])
        simulator = compile_map(kind.rule.map(HYPERBOLA.objective))
        for column, eta in enumerate(step_sizes):
            path = iterates(simulator, FAR_START, eta, round(10 / eta + 2 * expected[-1] / eta**2))
            loss = (1 - path[:, 0] * path[:, 1]) ** 2
            first = int(np.argmax(np.diff(loss) > 0))
            below = np.flatnonzero((midpoints(path) ** 2).sum(axis=1)[first:] <= half)
            imbalance = path[first, 0] ** 2 - path[first, 1] ** 2 - FAR_START[0] ** 2 + FAR_START[1] ** 2
            counts[:, row, column] = first, below[0] if below.size else np.nan, imbalance
    names = ("first", "second", "imbalance")
    return xr.Dataset(
        {name: (("rule", "eta"), count) for name, count in zip(names, counts, strict=True)}
        | {"expected": ("rule", expected)},
        coords={"rule": [kind.name for kind in KINDS], "eta": list(step_sizes)},
    )


def drift(options: CommonOptions) -> xr.Dataset:
    """Along the minima of every valley by every rule from OFFSET·η beside them, and by the limit flow.

    `x` of the two-step midpoints, and `limit` of the limit flow, at the times τ; at the end of the run
    `reciprocals`, 1/S_t + 1/S_{t+1} of the stableness, and `root_losses`, (√L_t + √L_{t+1})/η, beside `curvature`,
    λ₁ at the minimum there.
    """
    step_sizes, tau = DRIFT_STEP_SIZES[options.preset], np.linspace(0, TAU, TIMES)
    lengths = [round(TAU / eta**2) + 2 for eta in step_sizes]
    expect(len(VALLEYS) * len(KINDS) * sum(lengths))
    shape = (len(VALLEYS), len(KINDS), len(step_sizes))
    x, limit, ends = np.empty((*shape, TIMES)), np.empty((*shape[:2], TIMES)), np.empty((3, *shape))
    for i, valley in enumerate(VALLEYS):
        for j, kind in enumerate(KINDS):
            by_flow = compile_flow(flow(valley, kind)).run(
                {"x": valley.start[0]}, {}, times=tau, rtol=1e-10, atol=1e-12
            )
            limit[i, j] = by_flow.trajectory[:, 0]
            simulator = compile_map(kind.rule.map(valley.objective))
            for k, (eta, steps) in enumerate(zip(step_sizes, lengths, strict=True)):
                path = iterates(simulator, (valley.start[0], valley.start[1] + OFFSET * eta), eta, steps)
                x[i, j, k] = midpoints(path)[np.maximum(np.round(tau / eta**2).astype(int) - 1, 0), 0]
                ends[:, i, j, k] = at_end(valley, path, eta)
    dims, names = ("valley", "rule", "eta"), ("reciprocals", "root_losses", "curvature")
    return xr.Dataset(
        {"x": ((*dims, "tau"), x), "limit": ((*dims[:2], "tau"), limit)}
        | {quantity: (dims, values) for quantity, values in zip(names, ends, strict=True)},
        coords={
            "valley": [valley.name for valley in VALLEYS],
            "rule": [kind.name for kind in KINDS],
            "eta": list(step_sizes),
            "tau": tau,
        },
    )


def iterates(simulator: Simulator, start: Sequence[float], eta: float, steps: int) -> Array:
    """x and y at every step, (steps + 1, 2)."""
    run = simulator.run(dict(zip("xy", start, strict=True)), {"eta": eta}, steps=steps, record_every=1)
    return np.asarray(run.trajectory.values)


def midpoints(path: Array) -> Array:
    """(θ_{t−1} + 2θ_t + θ_{t+1})/4, in which an oscillation of period two cancels."""
    middle: Array = (path[:-2] + 2 * path[1:-1] + path[2:]) / 4
    return middle


def at_end(valley: Valley, path: Array, eta: float) -> tuple[float, float, float]:
    """1/S_t + 1/S_{t+1}, (√L_t + √L_{t+1})/η and λ₁ at the midpoint, at the last two steps of the path.

    A step is θ' = θ − η_eff ∇L, so that the supremum in the stableness is over the segment from θ to θ'.
    """
    objective = valley.objective
    values = compile_function([objective.loss, *objective.gradient], objective.weights)
    sharpness = compile_sharpness(objective)
    reciprocals = roots = 0.0
    for before, after in (path[-3:-1], path[-2:]):
        loss, *gradient = (float(value) for value in values(*before))
        effective = float(np.linalg.norm(after - before) / np.linalg.norm(gradient))
        segment = np.linspace(before, after, SEGMENT)
        top = sharpness(xr.DataArray(segment, dims=("point", "state"), coords={"state": ["x", "y"]}), {})
        reciprocals += 1 / (effective * float(top.max()))
        roots += math.sqrt(loss) / eta
    (middle,) = midpoints(path[-3:])
    return reciprocals, roots, float(sharpness(xr.DataArray(middle, coords={"state": ["x", "y"]}), {}))
