"""Events along a flow: where a quantity q(θ; p) crosses a threshold c, with the time, the state and the direction.

    q(θ(t); p) − c   changes its sign: rising, falling, or both

A quantity is an expression in the state and the parameters of the flow, or an `Observable`, such as the sharpness of
`compile_sharpness`, whose crossing of 2/η is where gradient descent reaches the edge. A threshold is a number or a
labelled array, which broadcasts with the initial values and the parameters: with `eta` an array, 2/eta is a threshold
for every step size. The crossings are located as `numeric.flows.crossings` says.

In a dataset the events are along the dimension ``event``, by name, and their crossings along ``crossing``, in the order
of time; a run with fewer than the most has no time (nan) and no direction (empty) for the rest:

    threshold, crossings                                        (…, event)
    crossing_time, crossing_direction                           (…, event, crossing)
    crossing_state                                              (…, event, crossing, state)

Errors: `BadInput` for an unknown direction, a threshold that is not finite, and quantities of unknown names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from sympy import Expr, Symbol

from eos_sym import BadInput
from numeric.compile import Array, compile_function
from numeric.flows.crossings import Crossing
from numeric.maps import Observable

DIRECTIONS = {"rising": 1, "falling": -1, "both": 0}

Quantity = Callable[[Array, Array], float]


@dataclass(frozen=True)
class Event:
    """A quantity, its threshold, and the direction of the crossings that count."""

    quantity: Expr | Observable
    threshold: float | xr.DataArray
    direction: str = "both"

    def __post_init__(self) -> None:
        """Refuse unknown directions and kinds of quantities."""
        if not isinstance(self.quantity, Expr | Observable):
            raise BadInput(f"quantity {self.quantity!r}: give an expression in SymPy's symbols, or an Observable")
        if self.direction not in DIRECTIONS:
            raise BadInput(f"direction {self.direction!r}: unknown; choose one of {', '.join(DIRECTIONS)}")


def compile_quantity(
    name: str, quantity: Expr | Observable, state: Sequence[Symbol], parameters: Sequence[Symbol]
) -> Quantity:
    """The quantity of the event of that name, as a function of the state and the parameters of a flow."""
    arguments = (*state, *parameters)
    known = [symbol.name for symbol in arguments]
    if isinstance(quantity, Observable):
        unknown = {*quantity.state, *quantity.parameters} - {*known}
    else:
        unknown = {symbol.name for symbol in quantity.free_symbols - {*arguments}}
    if unknown:
        raise BadInput(
            f"event {name}: {', '.join(sorted(unknown))}: not of the flow; use its own symbols, {', '.join(known)}"
        )
    if isinstance(quantity, Expr):
        evaluate = compile_function([quantity], arguments).evaluate
        return lambda point, values: float(evaluate(*point, *values)[0])
    entries, order = quantity.function.evaluate, quantity.order  # bare: `Observable.evaluate` is for large arrays
    places = [known.index(name) for name in (*quantity.state, *quantity.parameters)]

    def value(point: Array, values: Array) -> float:
        found = np.array(entries(*np.concatenate([point, values])[places]), dtype=float)
        if order is None:
            return float(found[0])
        return float(np.linalg.eigvalsh(found.reshape(order, order))[-1]) if np.isfinite(found).all() else np.nan

    return value


def table(
    crossings: Sequence[Sequence[Crossing]], thresholds: Array, names: Sequence[str], states: Sequence[str]
) -> xr.Dataset:
    """The crossings of every run, as the dataset above with the dimension ``run``; thresholds (run, event)."""
    counts = np.array(
        [[sum(crossing.name == name for crossing in one) for name in names] for one in crossings], dtype=int
    )
    shape = (len(crossings), len(names), counts.max(initial=0))
    times, directions = np.full(shape, np.nan), np.full(shape, "", dtype="<U7")
    points = np.full((*shape, len(states)), np.nan)
    words = {number: word for word, number in DIRECTIONS.items()}
    for run, one in enumerate(crossings):
        for event, name in enumerate(names):
            for place, crossing in enumerate(each for each in one if each.name == name):
                at = run, event, place
                times[at], directions[at], points[at] = crossing.time, words[crossing.direction], crossing.state
    return xr.Dataset(
        {
            "threshold": (("run", "event"), thresholds, {"units": "1"}),
            "crossings": (("run", "event"), counts),
            "crossing_time": (("run", "event", "crossing"), times),
            "crossing_direction": (("run", "event", "crossing"), directions),
            "crossing_state": (("run", "event", "crossing", "state"), points, {"units": "1"}),
        },
        coords={"event": list(names), "state": list(states)},
    )
