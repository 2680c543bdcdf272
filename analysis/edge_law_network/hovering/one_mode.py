"""The threshold of hovering on a loss with one mode at the edge, by kicks that gradient descent answers.

    L = ½(2/η + t·z)x² + Qx⁴/24 + Σ ½λ_j z_j² − ½q t₀z₀,    λ₀ = 0 for the first direction across the valley

has the two-cycle x = ±√q, which z₀ balances, and Q_e = Q. `numeric.networks.edge.hovering_threshold` gives the Q* up to
which it is stable, and Ω, by the sums over t_j². Kicked by `KICK` of itself at Q* ± `OFF` |Q*|, the oscillation returns
below Q* and departs above it; at Q* itself |μ| = 1 and |μ − 1| = ηΩ, so that it comes back after 2π/(2 arcsin(ηΩ/2))
steps. What is measured has no multiplier in it: the amplitude of gradient descent, and a damped cosine through that.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from analysis.edge_law_network.hovering.kicks import answer_of
from analysis.study import Evidence, agreement, bounded, expect, same
from numeric.compile import Array
from numeric.networks.edge import Threshold, hovering_threshold

ETA, SQUARE, KICK, OFF = 0.1, 1e-3, 1e-4, 0.05
LOSSES = {  # t_j and λ_j
    "flat directions alone": ((1.0,), (0.0,)),
    "a slow and a fast one besides": ((1.0, 0.8, 2.0), (0.0, 0.02, 5.0)),
    "three slow ones besides": ((0.6, 0.5, 0.5, 0.4), (0.0, 0.005, 0.03, 0.1)),
}
SIDES = (-OFF, 0.0, OFF)  # of |Q*|: below Q*, at it and above it
TURNS, POINTS = 6, 50  # that are looked at, and points of each that are fitted


def threshold_of(name: str) -> Threshold:
    """Ω and Q* of one of the losses."""
    slopes, eigenvalues = LOSSES[name]
    return hovering_threshold(ETA, SQUARE, np.array(slopes) ** 2, np.array(eigenvalues))


def period(frequency: float) -> float:
    """The steps in which a kick comes back where |μ| = 1."""
    return float(np.pi / np.arcsin(ETA * frequency / 2))


def one_mode() -> xr.Dataset:
    """|x|/√q − 1 after a kick, at every step, of every loss on either side of its threshold and at it."""
    steps = round(TURNS * max(period(threshold_of(name).frequency) for name in LOSSES))
    expect(len(LOSSES))
    found = [[kicked(name, side, steps) for side in SIDES] for name in LOSSES]
    return xr.Dataset(
        {"answer": (("loss", "side", "step"), np.array(found))}, {"loss": list(LOSSES), "side": list(SIDES)}
    )


def kicked(name: str, side: float, steps: int) -> Array:
    """Gradient descent from the cycle, its oscillation `KICK` larger."""
    slopes, eigenvalues = (np.array(one) for one in LOSSES[name])
    threshold = threshold_of(name).quartic
    quartic = threshold + side * abs(threshold)
    force = np.zeros_like(slopes)
    force[0] = SQUARE * slopes[0] / 2
    z = np.where(eigenvalues > 0, -SQUARE * slopes / 2 / np.where(eigenvalues > 0, eigenvalues, 1), 0)
    z[0] = (-quartic * SQUARE / 6 - slopes[1:] @ z[1:]) / slopes[0]
    x, sizes = np.sqrt(SQUARE) * (1 + KICK), []
    for _ in range(steps):
        slope = (2 / ETA + slopes @ z) * x + quartic * x**3 / 6
        z = z - ETA * (x**2 / 2 * slopes + eigenvalues * z - force)
        x = x - ETA * slope
        sizes.append(abs(x))
    answer: Array = np.array(sizes) / np.sqrt(SQUARE) - 1
    return answer


def by_kicks(one_mode: xr.Dataset) -> Iterator[Evidence]:
    """What becomes of the kicks on either side of Q*, and how fast they turn at it."""
    for name in LOSSES:
        turn = period(threshold_of(name).frequency)
        apart = round(turn / POINTS)  # steps from one point of the fit to the next
        curves = one_mode.answer.sel(loss=name)[:, apart - 1 : round(TURNS * turn) : apart] / KICK
        below, at, above = (answer_of(curves.sel(side=side).values, 0.0, turn / apart) for side in SIDES)
        became = ["returns" if one.damping < 0 else "departs" for one in (below, above)]
        quantity = f"kicks {OFF:.0%} below Q* and above it, {name}"
        yield same("simulation", quantity, "returns, departs", ", ".join(became))
        largest = abs(at.damping) / max(abs(below.damping), abs(above.damping))
        yield bounded("simulation", f"growth at Q* over that on either side, {name}", largest, below=0.1)
        yield agreement("simulation", f"period at Q*, steps, {name}", turn, apart * at.period, relative=0.02)
