"""Where runs of both losses end: pictures of planes of starts, escape times, and what is counted in them.

plane           a square of starts (x, y), up to 1.15 times the reach √(2/η) of the ellipse of degree 2
edge            starts (a, b) about the edge point, a = √D − ∜(η⁻² − 4), b = P − 1
boundary        a window about the first crossing from bounded to diverging runs in the row b = ROW
enlarged        `MAGNIFICATION` times enlarged, about the middle one of the crossings of that row in the window
line            starts along the line a = a of the first crossing, for all b
diagonal        x = y just beyond the two-cycle x ↦ −x: escape times against the distance

and at degree 2 alone

ring            starts at random angles just outside the ellipse: mean escape times against the distance

η is the step size of ½(1 − xyzw)²; ½(1 − xy)² has twice that. Then both are at the edge at the same minima, so that
a and b are the same coordinates for both. Of every run there are the outcome, as a number, the step at which it ended,
and, if it converged to a minimum and not to the saddle x = y = 0, the sharpness there in units of 2/h.

Errors: `Undecided` where the row b = ROW meets no boundary.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sympy import Rational, log

from analysis.basins.theory import ANGLE, NO_RETURN, STEP_SIZE_RATIO, Basins, x, y
from analysis.minimalist.dynamics import Dynamics
from analysis.minimalist.theory import P
from analysis.minimalist.two_cycles import SQUARE
from analysis.study import CommonOptions, axis, expect
from eos_sym import STEP_SIZE, Undecided
from numeric import compile_function, compile_observable
from numeric.compile import Array
from numeric.maps import OUTCOMES

CODES = {name: code for code, name in enumerate(OUTCOMES)}
MARGIN = 1.15
ROW = 0.25
B_RANGE = (-1.6, 1.6)
MAGNIFICATION = 12
WINDOW = 0.3  # width of the window `boundary`, relative to the reach of the ellipse in a
SEARCHED, REFINEMENT, ROUNDS = 257, 33, 8  # of the search for the boundary: points at first and later, and rounds
ROW_POINTS, LINE_POINTS = 4096, 400
DISTANCES = np.geomspace(
    1e-1, 1e-9, 321
)  # of which the figure shows every 20th; so many, since times are whole numbers
BESIDE = 1e-9  # relative, of starts on both sides of a two-cycle
RING_DISTANCES = np.geomspace(1e-2, 1e-8, 7)
FITTED_DISTANCES = 1e-2  # escape times at larger distances are not logarithmic yet


@dataclass(frozen=True)
class Losses:
    """Both losses at one step size η, compiled."""

    basins: Basins
    eta: Rational

    @cached_property
    def dynamics(self) -> dict[int, Dynamics]:
        """The maps of both, and their starts."""
        return {degree: Dynamics(self.basins.theories[degree]) for degree in STEP_SIZE_RATIO}

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

    @property
    def range_of_a(self) -> tuple[float, float]:
        """From nearly the saddle, or as far below the edge as the ellipse is above it, to twice the reach."""
        return -min(0.99 * self.edge_root, self.reach_in_a), 2 * self.reach_in_a

    @property
    def width(self) -> float:
        """The width of the window `boundary` in a and in b."""
        return WINDOW * self.reach_in_a

    def cycle_point(self, degree: int) -> float:
        """x of the two-cycle x ↦ −x on y = x."""
        if degree == 2:
            return float((1 + 1 / self.eta) ** 0.5)
        return float(self.basins.theories[4].two_cycles.symmetric_point(self.eta))

    def diagonal_rate(self, degree: int) -> float:
        """ln μ, at which runs on y = x leave that two-cycle."""
        at = {STEP_SIZE: self.step_size(2), SQUARE: self.cycle_point(4) ** 2}
        return float(log(abs(float(self.basins.diagonal_multipliers[degree].subs(at)))))

    @property
    def ellipse_rate(self) -> float:
        """λ, at which runs leave the ellipse of degree 2 on average."""
        return float(self.basins.rate.subs(STEP_SIZE, self.step_size(2)))

    def on_ellipse(self, angles: Array) -> dict[str, Array]:
        """x and y at angles φ on the ellipse of degree 2."""
        point = compile_function(self.basins.on_ellipse, (ANGLE, STEP_SIZE))(angles, self.step_size(2))
        return dict(zip("xy", point, strict=True))

    def start_at(self, degree: int, at_a: float | xr.DataArray, at_b: float | xr.DataArray) -> dict[str, xr.DataArray]:
        """x and y at the given a and b."""
        return self.dynamics[degree].start_at(*map(xr.DataArray, (at_a, at_b, self.step_size(degree))))

    def window(self, degree: int, columns: Array, rows: Array) -> xr.Dataset:
        """A grid of starts (a, b) to their ends."""
        starts = self.start_at(degree, xr.DataArray(columns, dims="column"), xr.DataArray(rows, dims="row"))
        return self.ends(degree, starts).assign_coords(a0=("column", columns), b0=("row", rows))

    def ends(self, degree: int, starts: dict[str, xr.DataArray]) -> xr.Dataset:
        """How runs end, in numbers small enough to keep for millions of them."""
        h, theory = self.step_size(degree), self.basins.theories[degree]
        run = self.dynamics[degree].simulator.run(starts, {"eta": h}, steps=self.steps)
        sharpness = compile_observable(theory.sharpness_at_minima, (x, y)).at_end(run)
        code = sum((run.outcome == name).astype(np.int8) * np.int8(number) for name, number in CODES.items())
        product = abs(run.final.prod("state")).where(run.outcome == "converged")
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

    @cached_property
    def crossings(self) -> dict[int, float]:
        """By degree, a where runs from the row b = ROW first diverge, by repeated subdivision."""
        found = {}
        for degree in STEP_SIZE_RATIO:
            (low, high), points = self.range_of_a, SEARCHED
            for _ in range(ROUNDS):
                places = np.linspace(low, high, points)
                first = int(self.diverged_in_row(degree, places).argmax())
                if not 0 < first < points:
                    raise Undecided(f"degree {degree}: no boundary between a = {low:g} and {high:g} at b = {ROW:g}")
                low, high, points = places[first - 1], places[first], REFINEMENT
            found[degree] = (low + high) / 2
        return found

    def middle_crossing(self, degree: int) -> float:
        """a of the middle one of the changes between bounded and diverging runs in the row across the window."""
        places = self.crossings[degree] + centred(ROW_POINTS, self.width)
        changes = np.flatnonzero(np.diff(self.diverged_in_row(degree, places)))
        middle = changes[len(changes) // 2]
        return float(places[middle : middle + 2].mean())

    def diverged_in_row(self, degree: int, places: Array) -> NDArray[np.bool_]:
        """Which of the starts at these a in the row b = ROW diverge."""
        return np.asarray(self.window(degree, places, np.array([ROW])).outcome.values[0] == CODES["diverged"])


def both(simulate: Callable[[int], xr.Dataset]) -> xr.Dataset:
    """The same for both degrees, labelled."""
    parts = [simulate(degree) for degree in STEP_SIZE_RATIO]
    labels = xr.DataArray(list(STEP_SIZE_RATIO), dims="degree", name="degree")
    apart = [name for name in ("a0", "b0", "step_size") if name in parts[0].coords]
    return xr.concat(parts, labels, coords=apart, data_vars="all", compat="equals", join="exact")


def centred(count: int, width: float) -> Array:
    """The centres of so many cells that divide an interval of that width about 0; exactly symmetric."""
    return np.asarray(np.arange(1 - count, count, 2) / (2 * count) * width)


def plane(losses: Losses, resolution: int) -> xr.Dataset:
    """Symmetric about both axes, and on neither."""
    expect(2 * resolution**2 * losses.steps)
    places = centred(resolution, 2 * MARGIN * losses.reach)
    return both(lambda degree: losses.ends(degree, {name: axis(f"{name}0", places) for name in "xy"}))


def edge(losses: Losses, resolution: int) -> xr.Dataset:
    """On both sides of the edge, up to twice the reach of the ellipse."""
    expect(2 * resolution**2 * losses.steps)
    rows, columns = (np.linspace(*ends, resolution) for ends in (B_RANGE, losses.range_of_a))
    return both(lambda degree: losses.window(degree, columns, rows))


def boundary(losses: Losses, resolution: int) -> xr.Dataset:
    """The first crossing in the middle."""
    expect(2 * resolution**2 * losses.steps)  # and a few to find it
    places = centred(resolution, losses.width)
    return both(lambda degree: losses.window(degree, losses.crossings[degree] + places, ROW + places))


def enlarged(losses: Losses, resolution: int) -> xr.Dataset:
    """The middle crossing in the middle."""
    expect(2 * (resolution**2 + ROW_POINTS) * losses.steps)
    places = centred(resolution, losses.width / MAGNIFICATION)
    return both(lambda degree: losses.window(degree, losses.middle_crossing(degree) + places, ROW + places))


def line(losses: Losses) -> xr.Dataset:
    """On it D is constant."""
    rows = np.linspace(*B_RANGE, LINE_POINTS)
    return both(lambda degree: losses.window(degree, np.array([losses.crossings[degree]]), rows))


def diagonal(losses: Losses) -> xr.Dataset:
    """At the relative distances DISTANCES."""
    beyond = 1 + axis("distance", DISTANCES)
    return both(lambda degree: losses.ends(degree, dict.fromkeys("xy", losses.cycle_point(degree) * beyond)))


def ring(losses: Losses, options: CommonOptions, count: int) -> xr.Dataset:
    """At the relative distances RING_DISTANCES."""
    angles = np.random.default_rng(options.seed).uniform(0, 2 * np.pi, count // 10)
    beyond = 1 + axis("distance", RING_DISTANCES)
    points = losses.on_ellipse(angles).items()
    return losses.ends(2, {name: xr.DataArray(point, {"angle": angles}, "angle") * beyond for name, point in points})


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


def across_ellipse(losses: Losses, runs: xr.Dataset) -> tuple[int, int]:
    """How many starts of degree 2 diverge from inside the ellipse, and how many do not from outside."""
    form = compile_function([losses.basins.ellipse], (x, y, STEP_SIZE))
    inside = form(*np.meshgrid(runs.x0, runs.y0), losses.step_size(2))[0] < 0
    diverged = runs.outcome.values == CODES["diverged"]
    return int((inside & diverged).sum()), int((~inside & ~diverged).sum())


def beyond_return(losses: Losses, degree: int, runs: xr.Dataset) -> tuple[int, int]:
    """How many starts of the square are where nothing returns from, and how many of them do not diverge."""
    at_x, at_y = np.meshgrid(runs.x0, runs.y0)
    product = at_x * at_y
    (pull,) = compile_function([losses.basins.pulls[degree]], (P, STEP_SIZE))(product, losses.step_size(degree))
    lost = pull * product >= float(NO_RETURN) * (at_x**2 + at_y**2)
    return int(lost.sum()), int((lost & (runs.outcome.values != CODES["diverged"])).sum())


def ellipse_errors(losses: Losses, seed: int) -> tuple[float, int]:
    """Of 10,000 random points of the square at degree 2: the largest |W'/W − (1 + hg + g²)|, and how many cross."""
    h, reach = losses.step_size(2), MARGIN * losses.reach
    at_x, at_y = np.random.default_rng(seed).uniform(-reach, reach, (2, 10_000))
    moved = losses.dynamics[2].simulator.step(at_x, at_y, np.full(10_000, h))
    before, after = (h * (u**2 + v**2) - h**2 * (u * v - 1) - 4 for u, v in ((at_x, at_y), moved))
    pull = h * (at_x * at_y - 1)
    error = (after - before * (1 + h * pull + pull**2)) / (1 + abs(after))
    return float(abs(error).max()), int((np.sign(before) != np.sign(after)).sum())


def mean_rate(step_size: float) -> float:
    """The mean over the angle of ln(1 + hg + g²), g = 2 cos 2φ, by the trapezoidal rule."""
    pull = 2 * np.cos(2 * np.pi * np.arange(4096) / 4096)
    return float(np.log(1 + step_size * pull + pull**2).mean())


def rate_error(basins: Basins) -> float:
    """The largest error of λ at four step sizes."""
    return max(abs(float(basins.rate.subs(STEP_SIZE, h)) - mean_rate(h)) for h in (0.1, 0.4, 0.8, 1.5))


def beside_the_cycles(losses: Losses) -> str:
    """Whether runs from y = x beside the two-cycles x ↦ −x of degrees 2 and 4, within and beyond, diverge."""
    found = []
    for degree in (2, 4):
        place = losses.cycle_point(degree) * xr.DataArray([1 - BESIDE, 1 + BESIDE], dims="side")
        diverged = losses.ends(degree, {"x": place, "y": place}).outcome == CODES["diverged"]
        found += np.where(diverged, "diverged", "bounded").tolist()
    return ", ".join(found)


def cycle_slope(losses: Losses, degree: int) -> float:
    """The slope of the map on y = x at the two-cycle, by a difference quotient of the compiled one."""
    places = losses.cycle_point(degree) + np.array([-1e-6, 1e-6])
    moved = losses.dynamics[degree].simulator.step(places, places, np.full(2, losses.step_size(degree)))[0]
    return float((moved[1] - moved[0]) / (places[1] - places[0]))


def tripling_error(losses: Losses, seed: int) -> float:
    """The largest distance between one step from the ellipse and the point at the angle π − 3φ, at 100 random φ."""
    angles = np.random.default_rng(seed).uniform(0, 2 * np.pi, 100)
    start, end = (losses.on_ellipse(values) for values in (angles, np.pi - 3 * angles))
    moved = losses.dynamics[2].simulator.step(start["x"], start["y"], np.full(100, losses.step_size(2)))
    return float(max(np.abs(moved[0] - end["x"]).max(), np.abs(moved[1] - end["y"]).max()))
