"""Hovering: the two-cycles of losses that draw gradient descent to sharper points, predicted and simulated.

    ½ s u² + ½ b(s − m)² + ½ t w u² + (5/2) w² + c u⁴/24

has the sharpness s, which is drawn to m > 2/η, and a fast direction w.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from sympy import Float, Symbol

from analysis.edge_law.cases import LONG_ENOUGH
from analysis.study import Evidence, Pieces, agreement, expect, same, supported
from eos_sym import STEP_SIZE, GradientDescent, Objective
from eos_sym.edge import Hovering, LocalEdgeNormalForm, edge_normal_form_at, leading_margins
from eos_sym.edge.hovering import AMPLITUDE, QUARTIC, RESTORING, SLOPE
from numeric import compile_map, compile_sharpness

HOVERING_STEP_SIZE, HOVERING_EDGE = 0.1, 20.0
SLOW = Float("0.01")  # τ; ηλ is 0.0002 for s and 0.5 for w
THRESHOLD_STEPS, OFF_CYCLE = 40_000, 1.1


@cache
def hovering_loss() -> Objective:
    """The loss with its four parameters."""
    text = "s*u**2/2 + b*(s - m)**2/2 + t*w*u**2/2 + 5*w**2/2 + c*u**4/24"
    return Objective.from_text(text, "s u w", "b m c t", name="hovering")


@dataclass(frozen=True)
class Valley:
    """The loss with numbers for its parameters; where tabulated, the excess on the floor and at the midpoint."""

    c: float
    t: float
    b: float
    m: float
    floor: float = np.nan
    midpoint: float = np.nan

    @cached_property
    def cycle(self) -> Hovering:
        """The predicted cycle."""
        loss = hovering_loss()
        point = dict(zip(loss.weights, (HOVERING_EDGE, 0.0, 0.0), strict=True))
        parameters = {symbol: getattr(self, symbol.name) for symbol in loss.parameters}
        return Hovering(edge_normal_form_at(loss, point, HOVERING_STEP_SIZE, SLOW, parameters), Float(self.b))

    def above_the_edge(self, sharpness: float) -> float:
        """S − 2/η."""
        return float(sharpness - self.cycle.form.sharpness)

    @property
    def at_iterate(self) -> float:
        """The predicted excess at the sharper of the two iterates."""
        return self.above_the_edge(self.cycle.sharpness_at_iterates[0])

    @property
    def half_t(self) -> float:
        """The coefficient of w u²."""
        return self.t / 2

    @property
    def words(self) -> str:
        """c and t in an identifier."""
        return f"c_{self.c:g}_t_{self.t:g}".replace("-", "minus_")


VALLEYS = (
    Valley(-10.0, 0.0, 0.002, 25.0, 0.0331126, 0.0331126),
    Valley(-30.0, 0.0, 0.002, 25.0, 0.0980392, 0.0980392),
    Valley(-10.0, 4.0, 0.002, 25.0, 0.0645, 0.0329),
    Valley(0.0, 4.0, 0.002, 25.0, 0.0318, 0.0),
    Valley(5.0, 4.0, 0.002, 25.0, 0.0153, -0.0166),
)
THRESHOLD = (Valley(-0.15, 0.0, 0.0005, 60.0), Valley(-0.4, 0.0, 0.0005, 60.0))  # stable beyond −3(ηβ − b/δ²) = −0.26


def hover(valleys: Sequence[Valley], start: Mapping[str, float | xr.DataArray], steps: int) -> xr.Dataset:
    """Gradient descent in every valley."""
    expect(len(valleys) * steps)
    simulator = compile_map(GradientDescent().map(hovering_loss()))
    parameters = {name: lanes([getattr(valley, name) for valley in valleys]) for name in "bmct"}
    return simulator.run({**start, "w": 0.0}, {**parameters, "eta": HOVERING_STEP_SIZE}, steps=steps)


def lanes(values: ArrayLike) -> xr.DataArray:
    """A value for each of the losses."""
    return xr.DataArray(np.asarray(values, dtype=float), dims="loss")


def hovering() -> xr.Dataset:
    """Two-cycles under progressive sharpening: the sharpness at the iterate, at the midpoint, on the floor below."""
    dynamics = GradientDescent().map(hovering_loss())
    run = hover(VALLEYS, {"s": HOVERING_EDGE, "u": 0.1}, LONG_ENOUGH)
    step, path = compile_map(dynamics).step, [run.final]
    for _ in range(2):
        moved = step(*(path[-1].sel(state=v.name) for v in dynamics.state), *(run[p.name] for p in dynamics.parameters))
        path.append(path[-1].copy(data=np.stack(moved, axis=-1)))
    midpoint = (path[0] + 2 * path[1] + path[2]) / 4
    floor = midpoint.where(midpoint.state == "s", 0)
    sharpness = compile_sharpness(hovering_loss())
    for name, points in {"floor": floor, "midpoint": midpoint, "iterate": path[0]}.items():
        run[f"excess_at_{name}"] = sharpness(points, {name: run[name] for name in "bmct"}) - 2 / HOVERING_STEP_SIZE
    return run


def threshold() -> xr.Dataset:
    """How far runs that start OFF_CYCLE times too wide are from the cycles in the end, relative to the start."""
    floor = np.array([float(valley.cycle.sharpness_on_floor) for valley in THRESHOLD])
    amplitude = np.sqrt([float(valley.cycle.amplitude_squared) for valley in THRESHOLD])
    run = hover(THRESHOLD, {"s": lanes(floor), "u": lanes(OFF_CYCLE * amplitude)}, THRESHOLD_STEPS)

    def distance(states: xr.DataArray) -> xr.DataArray:  # β = 1, so that y and x turn about each other in circles
        off = (states.sel(state="s") - floor, abs(states.sel(state="u")) - amplitude)
        return xr.DataArray(np.hypot(*off))

    run["growth"] = (distance(run.final) / distance(run.initial)).assign_attrs(units="1")
    return run


def hovers(hovering: xr.Dataset, valley: Valley) -> Pieces:
    """The prediction against the table, and the simulation against the prediction, up to the next order, δ⁴."""
    yield midpoint_formula
    run, cycle = hovering.isel(loss=VALLEYS.index(valley)), valley.cycle
    floor, midpoint = map(valley.above_the_edge, (cycle.sharpness_on_floor, cycle.sharpness_at_midpoint))
    digits, order = 5e-8 if valley.t == 0 else 6e-5, float(cycle.amplitude_squared) ** 2
    yield agreement("symbolic", "predicted S − 2/η on the floor", valley.floor, floor, absolute=digits)
    yield agreement("symbolic", "predicted S − 2/η at the midpoint", valley.midpoint, midpoint, absolute=digits)
    for place, predicted in (("floor", floor), ("midpoint", midpoint), ("iterate", valley.at_iterate)):
        found = float(run[f"excess_at_{place}"])
        yield agreement("simulation", f"S − 2/η, {place} of the cycle", predicted, found, absolute=order)
    yield same("simulation", "outcome of the run", "periodic", str(run.outcome.item()))


@cache
def midpoint_formula() -> Evidence:
    """On the floor minus Σ_fast Tⱼ²δ²/(2λⱼ) is at the midpoint, for any loss with 3 Σ_fast Tⱼ²/λⱼ = Q − κ₄."""
    beta, alpha, fourth = (Symbol(name, positive=True) for name in ("beta", "alpha", "Q"))
    quartic, other = Symbol("kappa4", negative=True), Symbol("r", real=True)
    form = LocalEdgeNormalForm(
        beta, quartic, slow=1, threshold=other, fourth=fourth, sharpening=alpha, skew=other, tilt=other
    )
    cycle = Hovering(form, Symbol("b", positive=True))
    displaced = (fourth - quartic) / 3 * cycle.amplitude_squared / 2
    return supported("S at the midpoint, any loss", cycle.sharpness_on_floor - displaced, cycle.sharpness_at_midpoint)


def hovering_stability(threshold: xr.Dataset) -> Pieces:
    """The decisive leading margin of the model, 2η(b − κ₄δ²/3 − ηβδ²), the verdicts on both sides, and runs there."""
    margin = 2 * STEP_SIZE * (RESTORING - QUARTIC * AMPLITUDE**2 / 3 - STEP_SIZE * SLOPE**2 * AMPLITUDE**2)
    yield supported("leading margin of the model", margin, leading_margins()[-1])
    sides = "verdicts on both sides of the threshold"
    yield lambda: same("symbolic", sides, "unstable, stable", ", ".join(valley.cycle.verdict for valley in THRESHOLD))
    found = ", ".join("stable" if growth < 1 else "unstable" for growth in threshold.growth.values)
    yield same("simulation", "whether runs leave the cycle, on both sides", "unstable, stable", found)
