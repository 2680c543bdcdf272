"""The simulations of both basins; each gives one group of data.nc, and all but two have the dimension ``degree``.

plane           a square of starts (x, y), up to 1.15 times the reach √(2/η) of the ellipse of degree 2
edge            starts (a, b) about the edge point, a = √D − (η⁻² − 4)^¼, b = P − 1
boundary        a window about the first crossing from bounded to diverging runs in the row b = ROW
enlarged        `MAGNIFICATION` times enlarged, about the middle one of the crossings of that row in the window
line            starts along the line a = a of the first crossing, for all b
diagonal        x = y just beyond the two-cycle x ↦ −x: escape times against the distance
pairs           random starts in the window `boundary`, each with a neighbour at many distances ε: which end otherwise?

and at degree 2 alone

ring            starts at random angles just outside the ellipse: mean escape times against the distance
branches        as pairs, in the square of starts: which go to the other branch of xy = 1?

`eta` is the step size of ½(1 − xyzw)²; ½(1 − xy)² has twice that. Then both are at the edge at the same minima, so that
a and b are the same coordinates for both. Of every run there are the outcome, as a number, the step at which it ended,
and, if it converged to a minimum and not to the saddle x = y = 0, the sharpness there in units of 2/h.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sympy import Rational

from analysis.basins.theory import ANGLE, STEP_SIZE_RATIO, Basins
from analysis.minimalist.experiments import Experiments
from eos_sym import STEP_SIZE, Undecided
from numeric import compile_function, compile_observable

Progress = Callable[[int], object]
Array = NDArray[np.float64]

OUTCOMES = ("undecided", "converged", "periodic", "diverged")
CODES = {name: code for code, name in enumerate(OUTCOMES)}
MARGIN = 1.15
ROW = 0.25
B_RANGE = (-1.6, 1.6)
MAGNIFICATION = 12
WINDOW = 0.3  # width of the window `boundary`, relative to the reach of the ellipse in a
REFINEMENT, ROUNDS = 33, 8  # of the search for the boundary: points a round, and rounds
SEARCHED = 257
ROW_POINTS = 4096
DISTANCES = np.geomspace(1e-1, 1e-9, 17)
RING_DISTANCES = np.geomspace(1e-2, 1e-8, 7)
PAIR_DISTANCES = np.geomspace(3e-2, 3e-4, 5)
BRANCH_DISTANCES = np.geomspace(1e-2, 3e-5, 6)


@dataclass(frozen=True)
class Simulations:
    """Both losses at one step size η; `seed` picks the random starts."""

    basins: Basins
    eta: Rational
    seed: int

    @cached_property
    def experiments(self) -> dict[int, Experiments]:
        """The compiled maps and the inverse of (a, b)."""
        return {degree: Experiments(theory) for degree, theory in self.basins.theories.items()}

    def step_size(self, degree: int) -> float:
        """The degree's own step size."""
        return float(STEP_SIZE_RATIO[degree] * self.eta)

    @property
    def steps(self) -> int:
        """Iterations after which a run is given up: the drift along the edge takes 1/η² times a logarithm."""
        return 2000 + round(200 / float(self.eta) ** 2)

    @property
    def reach(self) -> float:
        """The largest |x| on the ellipse, and the largest √D of a minimum on it."""
        return float((2 / self.eta) ** 0.5)

    @property
    def edge_root(self) -> float:
        """√D where the sharpness of the minimum is 2/h."""
        return float((1 / self.eta**2 - 4) ** 0.25)

    @property
    def reach_in_a(self) -> float:
        """a where the ellipse meets the minima: there D² + 4 = (2/η)²."""
        return float((4 / self.eta**2 - 4) ** 0.25) - self.edge_root

    def plane(self, resolution: int, degree: int, progress: Progress) -> xr.Dataset:
        """The square of starts (x, y), symmetric about both axes, and on neither."""
        places = _centred(resolution, 2 * MARGIN * self.reach)
        return self._ends(degree, {name: _labelled(f"{name}0", places) for name in ("x", "y")}, progress)

    def edge(self, resolution: int, degree: int, progress: Progress) -> xr.Dataset:
        """Starts (a, b) about the edge point."""
        low = -min(0.99 * self.edge_root, self.reach_in_a)
        return self._window(
            degree, np.linspace(low, 2 * self.reach_in_a, resolution), np.linspace(*B_RANGE, resolution), progress
        )

    def boundary(self, resolution: int, degree: int, progress: Progress) -> xr.Dataset:
        """The window about the first crossing."""
        places = _centred(resolution, self.width)
        return self._window(degree, self.crossings[degree] + places, ROW + places, progress)

    def enlarged(self, resolution: int, degree: int, progress: Progress) -> xr.Dataset:
        """The window about the middle crossing."""
        places = _centred(resolution, self.width / MAGNIFICATION)
        return self._window(degree, self.middle_crossing(degree) + places, ROW + places, progress)

    def line(self, resolution: int, degree: int, progress: Progress) -> xr.Dataset:
        """Starts on the line through the first crossing on which D is constant."""
        return self._window(degree, np.array([self.crossings[degree]]), np.linspace(*B_RANGE, resolution), progress)

    def row(self, resolution: int, degree: int, progress: Progress) -> xr.Dataset:
        """Starts in the row b = ROW, across the window about the first crossing."""
        places = self.crossings[degree] + _centred(resolution, self.width)
        return self._window(degree, places, np.array([ROW]), progress)

    def middle_crossing(self, degree: int) -> float:
        """a of the middle one of the changes between bounded and diverging runs in the row across the window."""
        row = self.row(ROW_POINTS, degree, lambda iterations: None).isel(row=0)
        changes = np.flatnonzero(np.diff(row.outcome.values == CODES["diverged"]))
        middle = changes[len(changes) // 2]
        return float(row.a0.values[middle : middle + 2].mean())

    @property
    def width(self) -> float:
        """The width of the window `boundary` in a and in b."""
        return WINDOW * self.reach_in_a

    @cached_property
    def crossings(self) -> dict[int, float]:
        """By degree, a where runs from the row b = ROW first diverge, by repeated subdivision."""
        found = {}
        for degree in STEP_SIZE_RATIO:
            low, high = -min(0.99 * self.edge_root, self.reach_in_a), 2 * self.reach_in_a
            points = SEARCHED
            for _ in range(ROUNDS):
                places = np.linspace(low, high, points)
                run = self._window(degree, places, np.array([ROW]), lambda iterations: None)
                diverged = run.outcome.values[0] == CODES["diverged"]
                first = int(diverged.argmax())
                if not 0 < first < points:
                    raise Undecided(f"degree {degree}: no boundary between a = {low:g} and {high:g} at b = {ROW:g}")
                low, high, points = places[first - 1], places[first], REFINEMENT
            found[degree] = (low + high) / 2
        return found

    def diagonal(self, degree: int, progress: Progress) -> xr.Dataset:
        """x = y beyond the two-cycle x ↦ −x, at the relative distances DISTANCES."""
        beyond = _labelled("distance", DISTANCES)
        start = self.cycle_point(degree) * (1 + beyond)
        return self._ends(degree, {"x": start, "y": start}, progress)

    def cycle_point(self, degree: int) -> float:
        """x of the two-cycle x ↦ −x on y = x."""
        if degree == 2:
            return float((1 + 1 / self.eta) ** 0.5)
        return float(self.basins.theories[4].two_cycles.symmetric_point(self.eta))

    def ring(self, count: int, progress: Progress) -> xr.Dataset:
        """Starts outside the ellipse of degree 2, at random angles and the relative distances RING_DISTANCES."""
        angles = np.random.default_rng(self.seed).uniform(0, 2 * np.pi, count)
        beyond = 1 + _labelled("distance", RING_DISTANCES)
        points = self.on_ellipse(angles)
        starts = {name: xr.DataArray(points[name], dims="angle", coords={"angle": angles}) * beyond for name in "xy"}
        return self._ends(2, starts, progress)

    def on_ellipse(self, angles: Array) -> dict[str, Array]:
        """x and y at angles φ."""
        point = compile_function(self.basins.on_ellipse, (ANGLE, STEP_SIZE))(angles, self.step_size(2))
        return dict(zip("xy", point, strict=True))

    def pairs(self, count: int, degree: int, progress: Progress) -> xr.Dataset:
        """The fraction of random starts in the window `boundary` of which only they, or only a neighbour, diverge."""
        generator = np.random.default_rng(self.seed)
        middle = np.array([self.crossings[degree], ROW])
        starts = middle[:, None] + generator.uniform(-0.5, 0.5, (2, count)) * self.width
        directions = generator.uniform(0, 2 * np.pi, count)
        distances = np.concatenate([[0], PAIR_DISTANCES * self.width])
        a, b = _neighbours(starts, directions, distances)
        run = self._ends(degree, self.start_at(degree, a, b), progress)
        return _compared(run.outcome == CODES["diverged"], self.width)

    def branches(self, count: int, progress: Progress) -> xr.Dataset:
        """Of random starts inside the ellipse of degree 2, the fraction whose neighbour goes to the other branch."""
        generator = np.random.default_rng(self.seed)
        radii, angles, directions = generator.uniform(0, 1, count), *generator.uniform(0, 2 * np.pi, (2, count))
        starts = np.stack(list(self.on_ellipse(angles).values())) * radii**0.5
        distances = np.concatenate([[0], BRANCH_DISTANCES * self.reach])
        x, y = _neighbours(starts, directions, distances)
        run = self.experiments[2].simulator.run(
            {"x": x, "y": y}, {"eta": self.step_size(2)}, steps=self.steps, progress=progress
        )
        branch = np.sign(run.final.sel(state="x")).where(run.outcome == "converged", 0)
        return _compared(branch, self.reach).assign(
            x=("start", starts[0]), y=("start", starts[1]), direction=("start", directions)
        )

    def both(self, simulate: Callable[[int, Progress], xr.Dataset], progress: Progress) -> xr.Dataset:
        """The same for both degrees, labelled."""
        parts = [simulate(degree, progress) for degree in STEP_SIZE_RATIO]
        labels = xr.DataArray(list(STEP_SIZE_RATIO), dims="degree", name="degree")
        apart = [name for name in ("a0", "b0", "step_size") if name in parts[0].coords]
        return xr.concat(parts, labels, coords=apart, data_vars="all", compat="equals", join="exact")

    def single(self, degree: int, a: float, b: float) -> xr.Dataset:
        """One start (a, b) to its end."""
        return self._ends(degree, self.start_at(degree, xr.DataArray(a), xr.DataArray(b)), lambda iterations: None)

    def start_at(self, degree: int, a: xr.DataArray, b: xr.DataArray) -> dict[str, xr.DataArray]:
        """x and y at the given a and b."""
        return self.experiments[degree].start_at(a, b, xr.DataArray(self.step_size(degree)))

    def _window(self, degree: int, a: Array, b: Array, progress: Progress) -> xr.Dataset:
        starts = self.start_at(degree, xr.DataArray(a, dims="column"), xr.DataArray(b, dims="row"))
        return self._ends(degree, starts, progress).assign_coords(a0=("column", a), b0=("row", b))

    def _ends(self, degree: int, starts: dict[str, xr.DataArray], progress: Progress) -> xr.Dataset:
        """How runs end, in numbers small enough to keep for millions of them."""
        h = self.step_size(degree)
        run = self.experiments[degree].simulator.run(starts, {"eta": h}, steps=self.steps, progress=progress)
        x, y = (run.final.sel(state=name, drop=True) for name in ("x", "y"))
        theory = self.basins.theories[degree]
        sharpness = compile_observable(theory.sharpness_at_minima, theory.reduced_map.state).at_end(run)
        converged = run.outcome == "converged"
        code = sum((run.outcome == name).astype(np.int8) * np.int8(number) for name, number in CODES.items())
        product = abs(x * y).where(converged)
        at_minimum = product > 0.5
        ends = xr.Dataset(
            {
                "outcome": code.astype(np.int8),
                "relative_sharpness": (sharpness * h / 2).where(at_minimum).astype(np.float32),
                "step": run.step.astype(np.int32),
            },
            coords={"step_size": h},
        ).transpose("row", "y0", "column", "x0", ..., missing_dims="ignore")
        ends["product_error"] = abs(product - 1).where(at_minimum).max()
        ends.outcome.attrs.update(flag_values=list(CODES.values()), flag_meanings=" ".join(OUTCOMES))
        return ends


def _neighbours(starts: Array, directions: Array, distances: Array) -> list[xr.DataArray]:
    """Both coordinates of the starts moved by every distance in their directions; the distance 0 comes first."""
    moves = np.stack([np.cos(directions), np.sin(directions)])
    points = starts[:, None] + moves[:, None] * distances[:, None]
    return [xr.DataArray(point, dims=("distance", "start"), coords={"distance": distances}) for point in points]


def _compared(label: xr.DataArray, unit: float) -> xr.Dataset:
    """The fraction of starts whose label differs from their neighbour's, by distance in the given unit."""
    differs = label.isel(distance=slice(1, None)) != label.isel(distance=0, drop=True)
    uncertain = differs.mean("start")
    return xr.Dataset({"uncertain": uncertain}).assign_coords(distance=uncertain.distance / unit)


def _centred(count: int, width: float) -> Array:
    """The centres of so many cells that divide an interval of that width about 0; exactly symmetric."""
    return np.arange(1 - count, count, 2) / (2 * count) * width


def _labelled(name: str, values: Array) -> xr.DataArray:
    return xr.DataArray(values, dims=name, coords={name: values})
