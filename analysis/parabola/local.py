"""The parabola through a local trajectory: its coefficient, and what it misses.

    along = c q + b + rest,    q = x²

by least squares in c and b, of points evenly spread over the steps. The *residual* is the root mean square of the rest
over that of what varies, so that 0 is a parabola and 1 no relation at all; b is left free, since the reference is not
the end to which the trajectory would come. Errors: `Undecided` for fewer than `FEWEST` points.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from eos_sym import Undecided
from numeric.compile import Array

FEWEST = 10
DECADE = 10.0  # how much wider than at the end the oscillation is where the inner part begins


@dataclass(frozen=True)
class Parabola:
    """c, b, and the relative residual."""

    coefficient: float
    offset: float
    residual: float


def parabola(x: Array, along: Array) -> Parabola:
    """The parabola of these points."""
    if len(x) < FEWEST:
        raise Undecided(f"{len(x)} points: a parabola takes {FEWEST}")
    design = np.stack([x**2, np.ones_like(x)], 1)
    (coefficient, offset), *_ = np.linalg.lstsq(design, along, rcond=None)
    rest = along - design @ [coefficient, offset]
    return Parabola(float(coefficient), float(offset), float(np.std(rest) / np.std(along)))


def at_midpoints(run: xr.Dataset) -> Parabola:
    """At two-step midpoints, all of the local trajectory."""
    return parabola(*recorded(run, "x", "along"))


def inner(run: xr.Dataset) -> Parabola:
    """At midpoints, over the last factor of ten of the oscillation."""
    x, along = recorded(run, "x", "along")
    (wide,) = np.nonzero(np.abs(x) >= DECADE * abs(x[-1]))
    start = int(wide[-1]) if len(wide) else 0
    return parabola(x[start:], along[start:])


def at_iterates(run: xr.Dataset, odd: bool) -> Parabola:
    """At the iterates of even or of odd steps, as they are plotted."""
    x, along = recorded(run, "iterate_x", "iterate_along")
    chosen = (run.point.values % 2 == 1) == odd
    return parabola(x[chosen], along[chosen])


def recorded(run: xr.Dataset, *names: str) -> list[Array]:
    """What the run has under these names of its local trajectory."""
    if "x" not in run:
        why = "diverged" if run.attrs["ending"] == "diverged" else "the sharpness never rises to 2/η"
        raise Undecided(f"{label(run)}: {why}: no local trajectory")
    return [np.asarray(run[name].values, dtype=float) for name in names]


def label(run: xr.Dataset) -> str:
    """The run in words."""
    return f"{run.activation.item()}, seed {int(run.seed)}"
