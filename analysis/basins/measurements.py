"""The numbers that the claims are tested with: slopes of escape times, exponents, counts over the grids.

*Uncertainty exponent*: the fraction of starts that end otherwise than a neighbour at the distance ε is proportional to
ε^α. α = 1 for a smooth boundary in the plane; a fractal one of box dimension d has α = 2 − d.

*Branches at degree 2*. In n steps near the ellipse angles part by 3ⁿ, and the distance from it grows by ∏(1 + hg + g²).
A start is uncertain at ε if it stays for ln(1/ε)/ln 3 steps; the share of those that do falls by ρ a step, the spectral
radius of the transfer operator of the angle with the weight 1/(1 + hg + g²). Hence α = −ln ρ/ln 3. In Fourier
coefficients the operator takes f to F = f/(1 + hg + g²) and F's coefficient 3k to (−1)ᵏ times the coefficient −k.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.basins.experiments import BRANCH_DISTANCES, CODES, MARGIN, Simulations
from analysis.basins.proofs import Proofs
from analysis.basins.theory import NO_RETURN, PULL
from analysis.minimalist.theory import P
from eos_sym import STEP_SIZE
from numeric import compile_function

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MODES, SAMPLES = 30, 4096
PROVED_STEPS = 2000
FITTED_DISTANCES = 1e-2  # escape times at larger distances are not logarithmic yet


@dataclass(frozen=True)
class Measured:
    """Measurements on the simulations and on their data."""

    simulations: Simulations

    def asymmetry(self, plane: xr.Dataset, image: str) -> float:
        """The fraction of the square's starts whose image under a symmetry of the square ends otherwise."""
        outcome = plane.outcome.values
        images = {"(y, x)": outcome.T, "(-x, -y)": outcome[::-1, ::-1], "(x, -y)": outcome[::-1]}
        return float((outcome != images[image]).mean())

    def across_ellipse(self, plane: xr.Dataset) -> tuple[int, int]:
        """How many starts of degree 2 diverge from inside the ellipse, and how many do not from outside."""
        x, y = np.meshgrid(plane.x0, plane.y0)
        basins = self.simulations.basins
        (form,) = compile_function([basins.ellipse], (*basins.map(2).state, STEP_SIZE))(x, y, float(plane.step_size))
        inside, diverged = form < 0, plane.outcome.values == CODES["diverged"]
        return int((inside & diverged).sum()), int((~inside & ~diverged).sum())

    def returns(self, degree: int, plane: xr.Dataset) -> tuple[int, int]:
        """How many starts of the square are where nothing returns from, and how many of them do not diverge."""
        x, y = np.meshgrid(plane.x0, plane.y0)
        formula = compile_function([self.simulations.basins.pulls[degree]], (P, STEP_SIZE))
        (pull,) = formula(x * y, float(plane.step_size))
        lost = pull * x * y >= float(NO_RETURN) * (x**2 + y**2)
        return int(lost.sum()), int((lost & (plane.outcome.values != CODES["diverged"])).sum())

    def tripling_error(self, count: int = 100) -> float:
        """The largest distance between one step from the ellipse and the point at the angle π − 3φ."""
        angles = np.random.default_rng(self.simulations.seed).uniform(0, 2 * np.pi, count)
        start, end = (self.simulations.on_ellipse(values) for values in (angles, np.pi - 3 * angles))
        step = self.simulations.experiments[2].simulator.step
        moved = step(start["x"], start["y"], np.full(count, self.simulations.step_size(2)))
        return float(max(np.abs(moved[0] - end["x"]).max(), np.abs(moved[1] - end["y"]).max()))

    def rate_by_average(self) -> float:
        """The mean of ln(1 + hg + g²) over the angle, g = 2 cos 2φ, by the trapezoidal rule."""
        return float(np.log(self._factor()).mean())

    def branch_exponent(self) -> float:
        """α = −ln ρ/ln 3 from the transfer operator."""
        weights = np.fft.fft(1 / self._factor()) / SAMPLES
        modes = np.arange(-MODES, MODES + 1)
        operator = np.array([(-1.0) ** k * weights[(-3 * k - modes) % SAMPLES] for k in modes])
        return float(-np.log(np.abs(np.linalg.eigvals(operator)).max()) / np.log(3))

    def _factor(self) -> Array:
        factor = compile_function([self.simulations.basins.ellipse_factor], (PULL, STEP_SIZE))
        pulls = 2 * np.cos(2 * np.linspace(0, 2 * np.pi, SAMPLES, endpoint=False))
        values: Array = factor(pulls, self.simulations.step_size(2))[0]
        return values

    def autograd_branch_exponent(self, branches: xr.Dataset, count: int, steps: int) -> float:
        """The exponent of the same pairs when torch differentiates the loss."""
        import torch  # slow to load, and needed by this channel alone

        distances = np.concatenate([[0], BRANCH_DISTANCES * self.simulations.reach])[:, None]
        x, y, direction = (branches[name].values[:count] for name in ("x", "y", "direction"))
        start = np.stack([x + np.cos(direction) * distances, y + np.sin(direction) * distances])
        weights = torch.tensor(start, requires_grad=True)
        for _ in range(steps):
            loss = 0.5 * ((1 - weights[0] * weights[1]) ** 2).sum()
            (slope,) = torch.autograd.grad(loss, weights)
            weights = (weights - self.simulations.step_size(2) * slope).detach().requires_grad_()
        end = weights.detach().numpy()
        branch = np.where(np.abs(end).max(axis=0) < 10 * self.simulations.reach, np.sign(end[0]), 0)
        return exponent(BRANCH_DISTANCES, (branch[1:] != branch[0]).mean(axis=1))

    def proved_starts(self, degree: int, window: xr.Dataset, count: int) -> tuple[list[str], list[str]]:
        """What is proved and what was simulated at random starts of a window."""
        generator = np.random.default_rng(self.simulations.seed)
        rows, columns = (
            generator.integers(0, window.sizes["row"], count),
            generator.integers(0, window.sizes["column"], count),
        )
        a, b = window.a0.values[columns], window.b0.values[rows]
        simulated = window.outcome.values[rows, columns]
        return self._proved(degree, a, b), _names(simulated)

    def proved_alternations(self, degree: int, line: xr.Dataset) -> tuple[int, int]:
        """How often bounded and diverging starts alternate along the line, proved; and how many starts are unproved."""
        proved = self._proved(degree, np.full(line.sizes["row"], line.a0.item()), line.b0.values)
        known = [outcome for outcome in proved if outcome != "undecided"]
        alternations = sum(first != second for first, second in pairwise(known))
        return alternations, len(proved) - len(known)

    def proved_outside(self, plane: xr.Dataset, count: int) -> int:
        """At how many of so many random starts of the square outside the ellipse of degree 2 escape is proved."""
        generator = np.random.default_rng(self.simulations.seed)
        lost = np.argwhere((plane.outcome == CODES["diverged"]).transpose("x0", "y0").values)
        columns, rows = generator.choice(lost, count).T
        points = list(zip(plane.x0.values[columns].tolist(), plane.y0.values[rows].tolist(), strict=True))
        proofs = Proofs(2, self.simulations.step_size(2))
        return proofs.outcomes(points, PROVED_STEPS).count("diverged")

    def _proved(self, degree: int, a: Array, b: Array) -> list[str]:
        start = self.simulations.start_at(degree, xr.DataArray(a, dims="start"), xr.DataArray(b, dims="start"))
        points = list(zip(start["x"].values.tolist(), start["y"].values.tolist(), strict=True))
        return Proofs(degree, self.simulations.step_size(degree)).outcomes(points, PROVED_STEPS)

    def reach_of_bounded(self, plane: xr.Dataset) -> float:
        """The largest |x| of a start of degree 2 that does not diverge, in units of √(4/h)."""
        bounded = plane.x0.where((plane.outcome != CODES["diverged"]).any("y0"))
        return float(bounded.max() / self.simulations.reach)

    def cell(self, plane: xr.Dataset) -> float:
        """The width of a cell of the square in the same units."""
        return 2 * MARGIN / plane.sizes["x0"]


def _names(codes: NDArray[np.int8]) -> list[str]:
    return ["diverged" if code == CODES["diverged"] else "bounded" for code in codes]


def exponent(distances: Array, fractions: Array) -> float:
    """α in fraction ≈ constant · ε^α, from the distances at which any start was uncertain."""
    seen = np.asarray(fractions) > 0
    if seen.sum() < 2:
        return float("nan")
    return float(np.polyfit(np.log(distances[seen]), np.log(fractions[seen]), 1, w=np.sqrt(fractions[seen]))[0])


def escape_slope(runs: xr.Dataset) -> float:
    """The mean escape time per unit of ln(1/distance), close to the boundary."""
    near = runs.sel(distance=runs.distance <= FITTED_DISTANCES)
    others = [dim for dim in near.step.dims if dim != "distance"]
    times = near.step.where(near.outcome == CODES["diverged"]).mean(others)
    return float(np.polyfit(-np.log(near.distance), times, 1)[0])


def above_the_edge(window: xr.Dataset) -> xr.DataArray:
    """The relative sharpness at the end of the converged starts of a window with a > 0."""
    ends = window.relative_sharpness.where(window.a0 > 0)
    above: xr.DataArray = ends.stack(start=("row", "column")).dropna("start")
    return above
