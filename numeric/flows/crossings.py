"""Crossings in one step of a solver: where a watched quantity of the state changes its sign, on the interpolation.

The signs are looked at `LOOKS` times in every step, so that one that changes and changes back between two looks is not
seen, and the crossing is located between two looks by Brent's method, to rounding in the time. Where the quantity is
undefined it has no sign, where it is 0 it keeps the one it had; a pole is no crossing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq

from numeric.compile import Array

LOOKS = 4
ROUNDING = 4 * 2.0**-52


@dataclass(frozen=True)
class Watch:
    """A quantity whose changes of sign are located: the rising ones (1), the falling ones (−1) or both (0).

    The solution ends at the first crossing of a terminal one.
    """

    name: str
    value: Callable[[Array], float]
    direction: int
    terminal: bool = False


@dataclass(frozen=True)
class Crossing:
    """Where a watched quantity changed its sign, and whether it rose (1) or fell (−1)."""

    name: str
    time: float
    state: Array
    direction: int


def crossings_of_step(
    watches: Sequence[Watch], signs: dict[str, float], piece: Callable[[Any], Array], before: float, end: float
) -> list[Crossing]:
    """What is crossed in one step, in the order of time; the signs become those at its end."""
    if not watches:
        return []
    looks = np.linspace(before, end, LOOKS + 1)
    points = piece(looks[1:]).T
    crossings = []
    for watch in watches:
        for left, right, point in zip(looks[:-1], looks[1:], points, strict=True):
            sign, earlier = sign_of(value := watch.value(point)), signs[watch.name]
            if value == 0:  # it keeps the sign that it had
                continue
            signs[watch.name] = sign
            if sign * earlier < 0 and watch.direction in (0, sign):
                time = _root(lambda time, watch=watch: watch.value(piece(time)), left, right, sign)  # type: ignore[misc]
                state = piece(time)
                if abs(watch.value(state)) <= max(abs(value), abs(watch.value(piece(left)))):  # else a pole
                    crossings.append(Crossing(watch.name, time, state, int(sign)))
    return sorted(crossings, key=lambda crossing: crossing.time)


def _root(value: Callable[[float], float], left: float, right: float, sign: float) -> float:
    """Where the value gets the sign that it has at the right: at the left if, up to rounding, it has it there."""
    if value(left) * sign >= 0:
        return left
    return float(brentq(value, left, right, xtol=ROUNDING, rtol=ROUNDING))


def sign_of(value: float) -> float:
    """−1, 0 or 1; 0 where the value is undefined."""
    return 0.0 if math.isnan(value) else float(np.sign(value))
