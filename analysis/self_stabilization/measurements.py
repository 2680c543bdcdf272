"""The numbers that the claims are tested with, read off the simulations.

A turn of the scaled map begins where Y rises through 0 with X < 1. What depends on ε is measured at several ε: its
exponent is the slope of the least-squares line through (log ε, log value), its limit is extrapolated linearly to ε = 0.
Errors: `Undecided` where a run is too short or too wild to show what is to be measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from analysis.self_stabilization.experiments import ACCURACY_TIME, ETA, LEVELS, Experiments
from analysis.self_stabilization.theory import STAGES
from eos_sym import Undecided
from eos_sym.self_stabilization.cycle import X, Y
from numeric import compile_function, compile_map
from numeric.compile import Array, CompiledFunction

COMPARED_STEPS = 20
GROWTH_STEPS = 50
LIMIT_TIME = 2.0  # ε times the iterations after which the map is compared with its continuous limit


@dataclass(frozen=True)
class Turn:
    """One turn of the scaled map: length in εt, greatest X and Y, mean of X² and Y, and how much h rose."""

    period: float
    greatest_x: float
    greatest_y: float
    mean_square: float
    mean_excess: float
    rise: float


@dataclass(frozen=True)
class Measurements:
    """Measurements on the simulations."""

    experiments: Experiments
    data: Mapping[str, xr.Dataset]

    def turn(self, level: float, epsilon: float) -> Turn:
        """The first turn of the scaled map from a level."""
        run = self.data["cycles"].sel(h=level, epsilon=epsilon).trajectory
        x, y = run.sel(state="X").values, run.sel(state="Y").values
        ends = np.nonzero((y[1:-1] <= 0) & (y[2:] > 0) & (x[1:-1] < 1))[0] + 1
        if not ends.size:
            raise Undecided(f"the turn from h = {level} at ε = {epsilon} is not complete")
        last = ends[0]
        part = -y[last] / (y[last + 1] - y[last])  # of the step that completes the turn
        h = self.level(x, y)
        return Turn(
            period=float((last + part) * epsilon),
            greatest_x=_peak(x[:last]),
            greatest_y=_peak(y[:last]),
            mean_square=float(_total(x**2, last, part) / (last + part)),
            mean_excess=float(_total(y, last, part) / (last + part)),
            rise=float(h[last] + part * (h[last + 1] - h[last]) - h[0]),
        )

    def level(self, x: Array, y: Array) -> Array:
        """h at given X and Y."""
        return self._level(x, y)[0]

    @cached_property
    def _level(self) -> CompiledFunction:
        return compile_function([self.experiments.theory.conserved], (X, Y))

    @cached_property
    def _rates(self) -> CompiledFunction:
        return compile_function(list(self.experiments.theory.cycle.limit.values()), (X, Y))

    @cached_property
    def _rise(self) -> CompiledFunction:
        return compile_function([self.experiments.theory.rise], (X, Y))

    def in_the_limit(self, level: float, name: str) -> float:
        """One of the measurements on a turn, extrapolated to ε = 0."""
        epsilons = self.data["cycles"].epsilon.values
        values = [getattr(self.turn(level, epsilon), name) for epsilon in epsilons]
        return float(np.polyfit(epsilons, values, 2)[-1])

    def drift_exponents(self) -> list[float]:
        """The exponents in ε with which h rises over a turn, one a level."""
        epsilons = self.data["cycles"].epsilon.values
        return [exponent(epsilons, [self.turn(level, epsilon).rise for epsilon in epsilons]) for level in LEVELS]

    def drift(self, level: float) -> float:
        """What h rises by over a turn, divided by ε, in the limit ε → 0."""
        epsilons = self.data["cycles"].epsilon.values
        rises = [self.turn(level, epsilon).rise / epsilon for epsilon in epsilons]
        return float(np.polyfit(epsilons, rises, 2)[-1])

    def drift_by_quadrature(self, level: float) -> float:
        """The derived rise of h in a step, integrated over the orbit of the flow."""
        run = self.data["cycles"].sel(h=level)
        start = run.initial.isel(epsilon=0).values
        path = self._flow(start, float(run.period), 4001)
        rise = self._rise(*path)[0]
        return float(rise[:-1].mean() * float(run.period))  # the trapezoidal rule, exact for periodic functions

    def _flow(self, start: Array, time: float, points: int) -> Array:
        """The continuous limit from a start, at so many equally spaced times, (2, points)."""
        times = np.linspace(0, time, points)
        solution = solve_ivp(
            lambda _, state: np.array(self._rates(*state)), (0, time), start, "DOP853", times, rtol=1e-11, atol=1e-12
        )
        return np.asarray(solution.y)

    def change_along_flow(self) -> float:
        """The largest change of h along the integrated continuous limit, through one turn of each level."""
        changes = []
        for level in LEVELS:
            run = self.data["cycles"].sel(h=level)
            path = self._flow(run.initial.isel(epsilon=0).values, float(run.period), 200)
            changes.append(np.abs(self.level(*path) - level).max())
        return float(max(changes))

    def limit_exponent(self) -> float:
        """The exponent in ε with which the scaled map approaches its continuous limit."""
        run = self.data["cycles"].sel(h=LEVELS[-1])
        end = self._flow(run.initial.isel(epsilon=0).values, LIMIT_TIME, 2)[:, -1]
        steps = np.rint(LIMIT_TIME / run.epsilon.values).astype(int)
        reached = [run.trajectory.isel(epsilon=index, iteration=step).values for index, step in enumerate(steps)]
        return exponent(run.epsilon.values, [np.linalg.norm(state - end) for state in reached])

    def growth(self, run: int) -> float:
        """The factor a step by which gradient descent on slice_loss leaves its two-cycle, undamped.

        In the norm √(2(X − 1)² + Y²), which one step of the linearized map multiplies by its multipliers' modulus.
        """
        size = self._distance(self.data["two_cycles"].isel(run=run, iteration=slice(GROWTH_STEPS + 1)))
        return float((size[-1] / size[0]) ** (1 / GROWTH_STEPS))

    def damped_rate(self, run: int) -> float:
        """The mean logarithmic growth a step of the distance from the damped two-cycle."""
        size = self._distance(self.data["two_cycles"].isel(run=run))
        return float(np.polyfit(np.arange(len(size)), np.log(size), 1)[0])

    @staticmethod
    def _distance(run: xr.Dataset) -> Array:
        """√(2(X − 1)² + (Y − Y*)²) along a run of slice_loss, Y* being the height of its two-cycle."""
        alpha, quartic = float(run.alpha), float(run.kappa4)
        x = np.abs(run.trajectory.sel(state="u").values) / np.sqrt(2 * alpha)
        y = (run.trajectory.sel(state="s").values - 2 / ETA + quartic * alpha / 3) / np.sqrt(alpha)
        return np.asarray(np.sqrt(2 * (x - 1) ** 2 + y**2))

    @cached_property
    def relative_defects(self) -> tuple[Array, Array]:
        """ε, and the largest distance of gradient descent from the predicted dynamics in units of δ, run by run."""
        runs = self.data["accuracy"]
        within = runs.iteration * runs.epsilon <= ACCURACY_TIME
        return runs.epsilon.values, (runs.defect / runs.delta).where(within).max("iteration").values

    @cached_property
    def scaled_run(self) -> tuple[Array, Array]:
        """X, averaged over two steps, and Y of gradient descent on two_examples, from when the constraint binds."""
        path = self.data["predicted"].isel(run=0)
        if not np.isfinite(path.x_simulated).all() or not path.binds.values.any() or (path.alpha <= 0).any():
            raise Undecided("gradient descent on two_examples is not at the edge within these steps; give more")
        delta = np.sqrt(2 * path.alpha / path.beta).values
        size = np.abs(path.x_simulated.values) / delta
        return (size[:-1] + size[1:]) / 2, (path.y_simulated / np.sqrt(path.alpha)).values[:-1]

    @cached_property
    def stages(self) -> list[str]:
        """The stages that gradient descent on two_examples passes through in whole turns, in order."""
        turns = self.whole_turns
        x, y = (values[turns] for values in self.scaled_run)
        signs = list(zip(np.where(x < 1, -1, 1), np.where(y < 0, -1, 1), strict=True))
        passed = [signs[0], *(after for before, after in pairwise(signs) if after != before)]
        return [STAGES[int(first), int(second)] for first, second in passed]

    @cached_property
    def turn_starts(self) -> list[int]:
        """The iterations at which gradient descent on two_examples begins a turn."""
        x, y = self.scaled_run
        return [int(start) for start in np.nonzero((y[:-1] <= 0) & (y[1:] > 0) & (x[:-1] < 1))[0]]

    @cached_property
    def whole_turns(self) -> slice:
        """The iterations of gradient descent on two_examples that make up whole turns."""
        if len(self.turn_starts) < 2:
            raise Undecided("gradient descent on two_examples completes no turn; give more steps")
        return slice(self.turn_starts[0], self.turn_starts[-1])

    @cached_property
    def means(self) -> tuple[float, float]:
        """x²/δ² and the sharpness of the iterates, averaged over whole turns of gradient descent on two_examples."""
        turns = self.whole_turns
        path = self.data["predicted"].isel(run=0, iteration=turns)
        square = path.x_simulated**2 * path.beta / (2 * path.alpha)
        return float(square.mean()), float(self.data["training"].sharpness.isel(iteration=turns).mean())

    @cached_property
    def mean_losses(self) -> tuple[float, float]:
        """The loss of the iterates, and L(θ†) + δ²/η, averaged over the same whole turns."""
        path = self.data["predicted"].isel(run=0, iteration=self.whole_turns)
        expected = path.loss + 2 * path.alpha / path.beta / ETA
        return float(self.data["training"].loss.isel(iteration=self.whole_turns).mean()), float(expected.mean())

    def rises(self) -> tuple[int, int]:
        """In how many steps of whole turns the loss rose: at the iterates, and on the constrained trajectory."""
        training = self.data["training"].loss.isel(iteration=self.whole_turns)
        constrained = self.data["predicted"].loss.isel(run=0, iteration=self.whole_turns)
        return _rises(training), _rises(constrained)

    def slice_error(self) -> float:
        """The largest difference between gradient descent on slice_loss and the derived map of x and y."""
        runs = self.data["two_cycles"]
        simulator = compile_map(self.experiments.theory.exact_slice.map)
        start = {"x": runs.initial.sel(state="u", drop=True), "y": runs.initial.sel(state="s", drop=True) - 2 / ETA}
        parameters = {name: runs[name] for name in ("alpha", "kappa4", "eta")}
        found = simulator.run(start, parameters, steps=COMPARED_STEPS, record_every=1).trajectory
        actual = runs.trajectory.isel(iteration=slice(COMPARED_STEPS + 1))
        errors = [found.sel(state="x") - actual.sel(state="u"), found.sel(state="y") - actual.sel(state="s") + 2 / ETA]
        return max(float(abs(error).max()) for error in errors)


def exponent(parameters: ArrayLike, values: ArrayLike) -> float:
    """p in value ≈ constant · parameterᵖ."""
    return float(np.polyfit(np.log(np.asarray(parameters)), np.log(np.abs(np.asarray(values))), 1)[0])


def _rises(losses: xr.DataArray) -> int:
    return int((losses.diff("iteration") > 0).sum())


def _peak(values: Array) -> float:
    """The greatest value of a sampled function, by the parabola through the greatest sample and its neighbours."""
    index = int(values.argmax())
    before, top, after = values[index - 1 : index + 2]
    return float(top + (after - before) ** 2 / (8 * (2 * top - before - after)))


def _total(values: Array, last: int, part: float) -> float:
    """The sum over the steps of a turn, the last of which counts in part."""
    return float(values[:last].sum() + part * values[last])
