"""Hovering: the two-cycles of losses that draw gradient descent to sharper points, predicted and simulated.

    ½ s u² + ½ b(s − m)² + ½ t w u² + (5/2) w² + c u⁴/24

has the sharpness s, which is drawn to m > 2/η, and a fast direction w. It is even in u, so that a point where a step
takes u to −u and leaves s and w is one of a two-cycle: ∂L/∂s = ∂L/∂w = 0 and η ∂L/∂u = 2u there. `ExactCycle` solves
that by hand, and shares nothing with the formal argument of `eos_sym.edge.hovering`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from sympy import Float, Integer, cancel

from analysis.edge_law.cases import LONG_ENOUGH
from analysis.study import Pieces, about, agreement, expect, identity, same, supported
from eos_sym import STEP_SIZE, GradientDescent, Objective
from eos_sym.edge import Hovering, edge_normal_form_at, leading_margins
from eos_sym.edge.hovering import AMPLITUDE, QUARTIC, RESTORING, SLOPE
from numeric import compile_map, compile_sharpness

HOVERING_STEP_SIZE, HOVERING_EDGE = 0.1, 20.0
SLOW = Float("0.01")  # τ; ηλ is 0.0002 for s and 0.5 for w
THRESHOLD_STEPS, OFF_CYCLE = 40_000, 1.1
SETTLED = 1e-7  # how near to a cycle a run has come when it counts as periodic


@cache
def hovering_loss() -> Objective:
    """The loss with its four parameters."""
    text = "s*u**2/2 + b*(s - m)**2/2 + t*w*u**2/2 + 5*w**2/2 + c*u**4/24"
    return Objective.from_text(text, "s u w", "b m c t", name="hovering")


@dataclass(frozen=True)
class ExactCycle:
    """The two-cycle u ↦ −u of the loss, by hand; its numbers may be symbols."""

    c: Any
    t: Any
    b: Any
    m: Any
    eta: Any

    @property
    def floor(self) -> Any:
        """s − 2/η."""
        slope = 2 * self.b * (self.t**2 / 10 - self.c / 6)
        return slope * (self.m - 2 / self.eta) / (1 + slope)

    @property
    def square(self) -> Any:
        """u²."""
        return 2 * self.b * (self.m - 2 / self.eta - self.floor)

    @property
    def midpoint(self) -> Any:
        """The sharpness less 2/η at u = 0, where it is s + tw."""
        return -self.c * self.square / 6

    @property
    def quartic(self) -> Any:
        """κ₄."""
        return self.c - 3 * self.t**2 / 5

    @property
    def growth(self) -> float:
        """The largest modulus of the multipliers of the cycle, from the Hessians at its two points."""
        s, w, product = 2 / self.eta + self.floor, -self.t * self.square / 10, np.eye(3)
        for u in (self.square**0.5, -(self.square**0.5)):
            across = s + self.t * w + self.c * u**2 / 2
            hessian = np.array([[self.b, u, 0], [u, across, self.t * u], [0, self.t * u, 5]])
            product = (np.eye(3) - self.eta * hessian) @ product
        return float(np.abs(np.linalg.eigvals(product)).max())


@dataclass(frozen=True)
class Valley:
    """The loss with numbers for its parameters."""

    c: float
    t: float
    b: float
    m: float

    @property
    def exact(self) -> ExactCycle:
        """The cycle by hand."""
        return ExactCycle(self.c, self.t, self.b, self.m, HOVERING_STEP_SIZE)

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
    def words(self) -> str:
        """c and t in an identifier."""
        return f"c_{self.c:g}_t_{self.t:g}".replace("-", "minus_")


VALLEYS = tuple(Valley(c, t, 0.002, 25.0) for c, t in ((-10, 0), (-30, 0), (-10, 4), (0, 4), (5, 4)))
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


def exact_cycle() -> Pieces:
    """One step from the point of the cycle, and what its place is, as identities in all parameters."""
    loss, names = hovering_loss(), "cmt"
    c, m, t = (next(one for one in loss.parameters if one.name == name) for name in names)
    b = next(one for one in loss.parameters if one.name == "b")
    cycle = ExactCycle(c, t, b, m, STEP_SIZE)
    s, u, w = loss.weights
    point = {s: 2 / STEP_SIZE + cycle.floor, w: -t * u**2 / 10}
    moved = GradientDescent().map(loss).substitution
    miss = [cancel((moved[name] - end).subs(point).subs(u**2, cycle.square)) for name, end in point.items()]
    turned = cancel(((moved[u] + u) / u).expand().subs(point).subs(u**2, cycle.square))
    middle = loss.loss.diff(u, 2).subs(u, 0).subs(w, -t * cycle.square / 10).subs(s, point[s])
    yield from about(
        "has the two-cycle",
        identity("s and w after one step less s and w, and (u' + u)/u", [Integer(0)] * 3, [*miss, turned]),
    )
    yield from about("make s − 2/η", identity("s − 2/η", -cycle.quartic * cycle.square / 6, cycle.floor))
    yield from about("at the midpoint", identity("∂²L/∂u² − 2/η", cycle.midpoint, middle - 2 / STEP_SIZE))


def hovers(hovering: xr.Dataset, valley: Valley) -> Pieces:
    """Where the run ends, and what the formal argument says, beside the exact cycle; at the iterates, beside that."""
    run, cycle, exact = hovering.isel(loss=VALLEYS.index(valley)), valley.cycle, valley.exact
    places = {"on the floor": (cycle.sharpness_on_floor, exact.floor, run.excess_at_floor)}
    places["at the midpoint"] = cycle.sharpness_at_midpoint, exact.midpoint, run.excess_at_midpoint
    for place, (derived, expected, found) in places.items():
        quantity = f"S − 2/η {place}"
        yield from about(
            place,
            agreement("symbolic", f"{quantity}, derived", expected, valley.above_the_edge(derived), absolute=SETTLED),
            agreement("simulation", f"{quantity}, end of the run", expected, float(found), absolute=SETTLED),
        )
    quantity, order = "S − 2/η at the iterates, end of the run", exact.square**2
    found = agreement("simulation", quantity, valley.at_iterate, float(run.excess_at_iterate), absolute=order)
    yield from about("at the iterates", found)


def threshold_quartic() -> float:
    """κ₄ of the leading-order threshold, −3(ηβ − b/δ²), where δ² is that of the cycle there."""
    b, m = THRESHOLD[0].b, THRESHOLD[0].m

    def excess(c: float) -> float:
        square = ExactCycle(c, 0.0, b, m, HOVERING_STEP_SIZE).square
        return float(-c * square / 3 + b - HOVERING_STEP_SIZE * square)

    return float(brentq(excess, THRESHOLD[1].c, THRESHOLD[0].c, xtol=1e-12))


def hovering_stability(threshold: xr.Dataset, threshold_quartic: float) -> Pieces:
    """The decisive leading margin of the model; the multipliers of the exact cycle; and runs on both sides."""
    margin = 2 * STEP_SIZE * (RESTORING - QUARTIC * AMPLITUDE**2 / 3 - STEP_SIZE * SLOPE**2 * AMPLITUDE**2)
    yield supported("leading margin of the model", margin, leading_margins()[-1])
    weak, strong = THRESHOLD
    exact = brentq(lambda c: replace(weak, c=c).exact.growth - 1, strong.c, weak.c, xtol=1e-12)
    quantity = "κ₄ at which the exact cycle has a multiplier of modulus 1"
    yield agreement("symbolic", quantity, threshold_quartic, exact, relative=1e-3)
    found = ", ".join("stable" if growth < 1 else "unstable" for growth in threshold.growth.values)
    quantity = f"whether runs leave the cycle, κ₄ = {weak.c:g} and {strong.c:g}"
    yield same("simulation", quantity, "unstable, stable", found)
