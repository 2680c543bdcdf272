"""How uncertain the ends are: which of many random starts end otherwise than a neighbour at the distance ε?

pairs       random starts in the window `boundary`, of both degrees: which diverge, when a neighbour stays, or stay?
branches    random starts inside the ellipse of degree 2: which go to the other branch of xy = 1?

*Uncertainty exponent*: the fraction of starts that end otherwise is proportional to ε^α. α = 1 for a smooth boundary in
the plane; a fractal one of box dimension d has α = 2 − d.

*Branches at degree 2*. In n steps near the ellipse angles part by 3ⁿ, and the distance from it grows by ∏(1 + hg + g²).
A start is uncertain at ε if it stays for ln(1/ε)/ln 3 steps; the share of those that do falls by ρ a step, the spectral
radius of the transfer operator of the angle with the weight 1/(1 + hg + g²). Hence α = −ln ρ/ln 3. In Fourier
coefficients the operator takes f to F = f/(1 + hg + g²) and F's coefficient 3k to (−1)ᵏ times the coefficient −k.
"""

import numpy as np
import torch
import xarray as xr

from analysis.basins.ends import CODES, ROW, Losses, both
from analysis.basins.theory import PULL
from analysis.study import CommonOptions, expect
from eos_sym import STEP_SIZE
from numeric import compile_function
from numeric.compile import Array

PAIR_DISTANCES = np.geomspace(3e-2, 3e-4, 5)
BRANCH_DISTANCES = np.geomspace(1e-2, 3e-5, 6)
MODES, SAMPLES = 30, 4096
AUTOGRAD_STARTS, AUTOGRAD_STEPS = 10_000, 60
ENDING_STARTS, ENDING_TIME = 400, 120  # η² times the steps


def pairs(losses: Losses, options: CommonOptions, count: int) -> xr.Dataset:
    """The fraction of starts of which only they, or only a neighbour, diverge."""
    expect(2 * count * (1 + len(PAIR_DISTANCES)) * losses.steps)

    def compared_at(degree: int) -> xr.Dataset:
        generator = np.random.default_rng(options.seed)
        middle = np.array([losses.crossings[degree], ROW])
        starts = middle[:, None] + generator.uniform(-0.5, 0.5, (2, count)) * losses.width
        a, b = neighbours(starts, generator.uniform(0, 2 * np.pi, count), PAIR_DISTANCES * losses.width)
        run = losses.ends(degree, losses.start_at(degree, a, b))
        return compared(run.outcome == CODES["diverged"], losses.width)

    return both(compared_at)


def branches(losses: Losses, options: CommonOptions, count: int) -> xr.Dataset:
    """The fraction of starts whose neighbour goes to the other branch, with the starts and directions."""
    expect(count * (1 + len(BRANCH_DISTANCES)) * losses.steps)
    generator = np.random.default_rng(options.seed)
    radii, angles, directions = generator.uniform(0, 1, count), *generator.uniform(0, 2 * np.pi, (2, count))
    starts = np.stack(list(losses.on_ellipse(angles).values())) * radii**0.5
    x, y = neighbours(starts, directions, BRANCH_DISTANCES * losses.reach)
    run = losses.dynamics[2].simulator.run({"x": x, "y": y}, {"eta": losses.step_size(2)}, steps=losses.steps)
    branch = np.sign(run.final.sel(state="x")).where(run.outcome == "converged", 0)
    kept = {"x": starts[0], "y": starts[1], "direction": directions}
    return compared(branch, losses.reach).assign({name: ("start", values) for name, values in kept.items()})


def neighbours(starts: Array, directions: Array, distances: Array) -> list[xr.DataArray]:
    """Both coordinates of the starts, and of the starts moved by every distance in their directions."""
    distances = np.concatenate([[0], distances])
    points = starts[:, None] + np.stack([np.cos(directions), np.sin(directions)])[:, None] * distances[:, None]
    return [xr.DataArray(point, dims=("distance", "start"), coords={"distance": distances}) for point in points]


def compared(label: xr.DataArray, unit: float) -> xr.Dataset:
    """The fraction of starts whose label differs from their neighbour's, by distance in the given unit."""
    differs = label.isel(distance=slice(1, None)) != label.isel(distance=0, drop=True)
    uncertain = differs.mean("start")
    return xr.Dataset({"uncertain": uncertain}).assign_coords(distance=uncertain.distance / unit)


def exponent(distances: Array, fractions: Array) -> float:
    """α in fraction ≈ constant · ε^α, from the distances at which any start was uncertain."""
    seen = np.asarray(fractions) > 0
    if seen.sum() < 2:
        return float("nan")
    return float(np.polyfit(np.log(distances[seen]), np.log(fractions[seen]), 1, w=np.sqrt(fractions[seen]))[0])


def ellipse_factor(losses: Losses) -> Array:
    """1 + hg + g² at evenly spaced angles of the ellipse, where g = 2 cos 2φ."""
    pulls = 2 * np.cos(2 * np.linspace(0, 2 * np.pi, SAMPLES, endpoint=False))
    return compile_function([losses.basins.ellipse_factor], (PULL, STEP_SIZE))(pulls, losses.step_size(2))[0]


def derived_branch_exponent(losses: Losses) -> float:
    """α = −ln ρ/ln 3 from the transfer operator."""
    weights = np.fft.fft(1 / ellipse_factor(losses)) / SAMPLES
    modes = np.arange(-MODES, MODES + 1)
    operator = np.array([(-1.0) ** k * weights[(-3 * k - modes) % SAMPLES] for k in modes])
    return float(-np.log(np.abs(np.linalg.eigvals(operator)).max()) / np.log(3))


def autograd_branch_exponent(losses: Losses, branches: xr.Dataset) -> float:
    """The exponent of the first of the same pairs when torch differentiates the loss."""
    x, y, directions = (branches[name].values[:AUTOGRAD_STARTS] for name in ("x", "y", "direction"))
    points = neighbours(np.stack([x, y]), directions, BRANCH_DISTANCES * losses.reach)
    weights = torch.tensor(np.stack(points), requires_grad=True)
    for _ in range(AUTOGRAD_STEPS):
        loss = 0.5 * ((1 - weights[0] * weights[1]) ** 2).sum()
        (slope,) = torch.autograd.grad(loss, weights)
        weights = (weights - losses.step_size(2) * slope).detach().requires_grad_()
    end = weights.detach().numpy()
    branch = np.where(np.abs(end).max(axis=0) < 10 * losses.reach, np.sign(end[0]), 0)
    return exponent(BRANCH_DISTANCES, (branch[1:] != branch[0]).mean(axis=1))


def autograd_ends(losses: Losses, window: xr.Dataset, seed: int) -> Array:
    """hS/2 at minima that random starts of the window with a > 0 reach when torch differentiates the loss.

    In all its weights, (x, y) or (x, y, x, y); starts that have not come within 1e-6 of a minimum are left out.
    """
    degree, generator = int(window.degree), np.random.default_rng(seed)
    a = generator.uniform(0, float(window.a0.max()), ENDING_STARTS)
    b = generator.uniform(float(window.b0.min()), float(window.b0.max()), ENDING_STARTS)
    start = losses.start_at(degree, xr.DataArray(a, dims="start"), xr.DataArray(b, dims="start"))
    weights = torch.tensor(np.tile(np.stack([start["x"], start["y"]]), (degree // 2, 1)), requires_grad=True)
    for _ in range(round(ENDING_TIME / float(losses.eta) ** 2)):
        loss = 0.5 * ((1 - weights.prod(0)) ** 2).sum()
        (slope,) = torch.autograd.grad(loss, weights)
        weights = (weights - losses.step_size(degree) * slope).detach().requires_grad_()
    end = weights.detach().numpy()
    reached = end[:, np.abs(end.prod(axis=0) - 1) < 1e-6]
    return np.asarray(losses.step_size(degree) / 2 * (1 / reached**2).sum(axis=0))
