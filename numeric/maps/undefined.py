"""States at which a map has no value: on a kink, in a hole 0/0, or outside of its domain.

A step that is no number (nan) comes of an overflow, ∞ − ∞ or ∞/∞, or of a map that is undefined at the state. Only the
first is a divergence. They are told apart by whether anything overflows when the step is repeated in NumPy; of many
states at once, half of them at a time where something does.
"""

from __future__ import annotations

import numpy as np

from numeric.compile import Array, CompiledFunction
from numeric.maps.outcomes import Integers, Mask


def is_undefined(function: CompiledFunction, state: Array, values: Array, ahead: Array) -> Mask:
    """Where the state ahead is no number although nothing overflows; shapes (coordinates, runs), the mask (runs,)."""
    undefined: Mask = np.asarray(np.isnan(ahead).any(axis=0))
    undefined[_overflowing(function, state, values, np.flatnonzero(undefined))] = False
    return undefined


def _overflowing(function: CompiledFunction, state: Array, values: Array, runs: Integers) -> list[int]:
    try:
        with np.errstate(all="ignore", over="raise"):
            function.evaluate(*state[:, runs], *values[:, runs])
    except FloatingPointError:
        half = runs.size // 2
        if not half:
            return [int(runs[0])]
        return [one for part in (runs[:half], runs[half:]) for one in _overflowing(function, state, values, part)]
    return []
