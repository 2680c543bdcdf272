"""The simulations of normalized GD and of GD on √L: each gives one group of data.nc.

alignment     normalized GD on a quadratic from random starts: the scaled distances ‖x̃‖ and the angle to the top
multipliers   two steps from beside the two-cycles of a quadratic
noise         from minima that are not left along the top eigenvector, with and without noise injected
phases        from afar to the flattest minimum of ½(1 − xy)², at several step sizes
drift         along the minima at τ = η²t = 2, against the limit flow

Everything that depends on chance is drawn from the seed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from scipy.integrate import quad

from analysis.normalized_gd.theory import FORKED, RULES, VALLEYS, Theory
from eos_sym import quadratic
from numeric import Simulator, compile_function, compile_map, compile_sharpness
from numeric.compile import Array
from numeric.flows import Integrator, Velocity, compile_flow, gradient_flow_end
from numeric.values import Values

Progress = Callable[[int], object]

ALIGNMENT_STEP_SIZE = 0.1  # the map is the same at every step size, in units of it
ALIGNMENT_STEPS = 20_000
RECORDED_STEPS = 100
BESIDE = 1e-6  # distance from the cycle over its width
SHARES = np.linspace(0.1, 0.9, 17)
RATIOS = (0.2, 0.6, 0.95, 1.1)
OFFSET = 0.37  # of the start from the minima, in units of η
TAU = 2.0
STARTS = {"straight": (1.0, 0.0), "hyperbola": (2.5, 0.4)}  # on the minima
FAR_START = (3.0, 1.5)
TIMES = 51
SEGMENT = 65
NOISE_STEP_SIZE = 0.04
NOISE_EVERY = 25


@dataclass(frozen=True)
class Experiments:
    """The compiled maps and flows of a theory, and the simulations made with them."""

    theory: Theory
    eigenvalues: tuple[float, ...]
    seed: int

    @cached_property
    def simulators(self) -> Mapping[str, Mapping[str, Simulator]]:
        """By valley and rule."""
        return {
            name: {kind: compile_map(rule.map(valley.objective)) for kind, rule in RULES.items()}
            for name, valley in VALLEYS.items()
        }

    @cached_property
    def flows(self) -> Mapping[str, Mapping[str, Integrator]]:
        """The limit flows by valley and rule."""
        return {
            name: {kind: compile_flow(flow) for kind, flow in flows.items()}
            for name, flows in self.theory.flows.items()
        }

    def alignment(self, starts: int, progress: Progress) -> xr.Dataset:
        """Normalized GD on ½ Σ λᵢθᵢ² from normally distributed starts, to the end and recorded for a while.

        In the scaled coordinates x̃ = Hθ/η: `length` ‖x̃_t‖, `angle` between x̃_t and ±v₁, along the recorded steps,
        and `end_length`, `end_angle` of two consecutive states at the end.
        """
        objective = quadratic(len(self.eigenvalues))
        simulator = compile_map(RULES["normalized"].map(objective))
        generator = np.random.default_rng(self.seed)
        draws = generator.normal(size=(starts, len(self.eigenvalues)))
        initial: Values = {
            weight.name: xr.DataArray(draws[:, i], dims="start") for i, weight in enumerate(objective.weights)
        }
        settings: Values = {
            **{symbol.name: value for symbol, value in zip(objective.parameters, self.eigenvalues, strict=True)},
            "eta": ALIGNMENT_STEP_SIZE,
        }
        run = simulator.run(initial, settings, steps=ALIGNMENT_STEPS, progress=progress, tolerance=1e-14)
        early = simulator.run(initial, settings, steps=RECORDED_STEPS, record_every=1).trajectory
        last = {weight.name: run.final.sel(state=weight.name, drop=True) for weight in objective.weights}
        pair = simulator.run(last, settings, steps=1, record_every=1).trajectory.rename(iteration="parity")
        scale = xr.DataArray(np.array(self.eigenvalues) / ALIGNMENT_STEP_SIZE, dims="state")
        for name, states in {"": early, "end_": pair}.items():
            scaled = states * scale
            length = np.sqrt((scaled**2).sum("state"))
            run[f"{name}length"] = length
            across = np.sqrt((scaled.isel(state=slice(1, None)) ** 2).sum("state"))
            run[f"{name}angle"] = np.arctan2(across, abs(scaled.isel(state=0)))
        return run

    def multipliers(self, progress: Progress) -> xr.Dataset:
        """θ₂ after two steps over θ₂ before, beside the two-cycles along θ₁, for every C and r = λ₂/λ₁."""
        simulator = compile_map(self.theory.quadratic_map)
        share = xr.DataArray(SHARES, dims="C", coords={"C": SHARES})
        ratio = xr.DataArray(list(RATIOS), dims="r", coords={"r": list(RATIOS)})
        initial: Values = {"theta1": share * ALIGNMENT_STEP_SIZE, "theta2": BESIDE * ALIGNMENT_STEP_SIZE}
        settings: Values = {"lambda1": 1.0, "lambda2": ratio, "eta": ALIGNMENT_STEP_SIZE}
        run = simulator.run(initial, settings, steps=2, record_every=1, progress=progress)
        across = run.trajectory.sel(state="theta2")
        run["multiplier"] = across.isel(iteration=2) / across.isel(iteration=0)
        return run

    def noise(self, progress: Progress) -> xr.Dataset:
        """Along the minima of FORKED from y = 0 exactly, z = OFFSET·η, every NOISE_EVERY steps with noise or without.

        The noise is uniform in a ball of radius η³: far less than the oscillation, η, and the drift, η² a step.
        """
        generator = np.random.default_rng(self.seed)
        eta, noisy = NOISE_STEP_SIZE, xr.DataArray([0.0, 1.0], dims="noise", coords={"noise": ["without", "with"]})
        names = [weight.name for weight in FORKED.weights]
        groups = []
        for rule in RULES.values():
            simulator = compile_map(rule.map(FORKED))
            states = [1 + 0 * noisy, 0 * noisy, OFFSET * eta + 0 * noisy]
            path = [xr.concat(states, "state")]
            for _ in range(round(TAU / eta**2) // NOISE_EVERY):
                direction = generator.normal(size=len(names))
                radius = eta**3 * generator.uniform() ** (1 / len(names)) / np.linalg.norm(direction)
                kicked = {
                    name: state + noisy * radius * push
                    for name, state, push in zip(names, states, direction, strict=True)
                }
                final = simulator.run(kicked, {"eta": eta}, steps=NOISE_EVERY, progress=progress).final
                states = [final.sel(state=name, drop=True) for name in names]
                path.append(xr.concat(states, "state"))
            groups.append(xr.concat(path, "tau"))
        tau = np.arange(len(groups[0].tau)) * NOISE_EVERY * eta**2
        trajectory = xr.concat(groups, "rule").assign_coords(rule=list(RULES), tau=tau, state=names)
        return trajectory.to_dataset(name="trajectory")

    def phases(self, step_sizes: Sequence[float], progress: Progress) -> xr.Dataset:
        """From FAR_START on ½(1 − xy)², by rule and η.

        `first` counts the steps until the loss rises for the first time, `second` those from there until the sharpness
        has fallen halfway from where gradient flow lands to the least at any minimum, 2. `imbalance` is the change of
        x² − y², which gradient flow conserves, in the first phase. `expected` is the time τ that the limit flow takes.
        """
        end, _ = gradient_flow_end(VALLEYS["hyperbola"].objective, dict(zip("xy", FAR_START, strict=True)), {})
        half = (end["x"] ** 2 + end["y"] ** 2 + 2) / 2
        midway = np.sqrt((half + np.sqrt(half**2 - 4)) / 2)  # x where x² + x⁻² = half
        counts = np.empty((3, len(RULES), len(step_sizes)))
        expected = []
        for row, kind in enumerate(RULES):
            velocity = self.flows["hyperbola"][kind].velocity
            expected.append(quad(functools.partial(_time_per_length, velocity), midway, end["x"])[0])
            for column, eta in enumerate(step_sizes):
                steps = round(10 / eta + 2 * expected[-1] / eta**2)
                path = self.path("hyperbola", kind, FAR_START, eta, steps, progress)
                loss = (1 - path[:, 0] * path[:, 1]) ** 2
                first = int(np.argmax(np.diff(loss) > 0))
                sharpness = (midpoints(path) ** 2).sum(axis=1)
                below = np.flatnonzero(sharpness[first:] <= half)
                imbalance = path[first, 0] ** 2 - path[first, 1] ** 2 - FAR_START[0] ** 2 + FAR_START[1] ** 2
                counts[:, row, column] = first, below[0] if below.size else np.nan, imbalance
        names = ("first", "second", "imbalance")
        return xr.Dataset(
            {name: (("rule", "eta"), count) for name, count in zip(names, counts, strict=True)}
            | {"expected": ("rule", expected)},
            coords={"rule": list(RULES), "eta": list(step_sizes)},
        )

    def drift(self, step_sizes: Sequence[float], progress: Progress) -> xr.Dataset:
        """Along the minima of every valley by every rule from OFFSET·η beside them, and by the limit flow.

        `x` of the two-step midpoints, and `limit` of the limit flow, at the times τ; at the end of the run
        `reciprocals`, 1/S_t + 1/S_{t+1} of the stableness, and `root_losses`, (√L_t + √L_{t+1})/η, beside `curvature`,
        λ₁ at the minimum there.
        """
        tau = np.linspace(0, TAU, TIMES)
        shape = (len(VALLEYS), len(RULES), len(step_sizes))
        x, limit = np.empty((*shape, TIMES)), np.empty((*shape[:2], TIMES))
        ends = np.empty((3, *shape))
        for i, name in enumerate(VALLEYS):
            for j, kind in enumerate(RULES):
                start = STARTS[name]
                limit[i, j] = (
                    self.flows[name][kind].run({"x": start[0]}, {}, times=tau, rtol=1e-10, atol=1e-12).trajectory[:, 0]
                )
                for k, eta in enumerate(step_sizes):
                    beside = (start[0], start[1] + OFFSET * eta)
                    path = self.path(name, kind, beside, eta, round(TAU / eta**2) + 2, progress)
                    middle = midpoints(path)
                    x[i, j, k] = middle[np.maximum(np.round(tau / eta**2).astype(int) - 1, 0), 0]
                    ends[:, i, j, k] = self.at_end(name, path, eta)
        dims = ("valley", "rule", "eta")
        names = ("reciprocals", "root_losses", "curvature")
        return xr.Dataset(
            {"x": ((*dims, "tau"), x), "limit": ((*dims[:2], "tau"), limit)}
            | {quantity: (dims, values) for quantity, values in zip(names, ends, strict=True)},
            coords={"valley": list(VALLEYS), "rule": list(RULES), "eta": list(step_sizes), "tau": tau},
        )

    def path(self, valley: str, kind: str, start: Sequence[float], eta: float, steps: int, progress: Progress) -> Array:
        """The iterates (steps + 1, 2) of a rule on a valley."""
        run = self.simulators[valley][kind].run(
            dict(zip("xy", start, strict=True)), {"eta": eta}, steps=steps, record_every=1, progress=progress
        )
        return np.asarray(run.trajectory.values)

    def at_end(self, valley: str, path: Array, eta: float) -> tuple[float, float, float]:
        """1/S_t + 1/S_{t+1}, (√L_t + √L_{t+1})/η and λ₁ at the midpoint, at the last two steps of the path.

        A step is θ' = θ − η_eff ∇L, so that the supremum in the stableness is over the segment from θ to θ'.
        """
        objective = VALLEYS[valley].objective
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


def _time_per_length(velocity: Velocity, point: float) -> float:
    """Of a flow in one variable that falls."""
    return float(-1 / velocity(np.array([point]), np.array([]))[0])


def midpoints(path: Array) -> Array:
    """(θ_{t−1} + 2θ_t + θ_{t+1})/4, in which an oscillation of period two cancels."""
    middle: Array = (path[:-2] + 2 * path[1:-1] + path[2:]) / 4
    return middle
