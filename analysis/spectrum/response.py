"""k(t), and two measurements of it on the network itself.

    displaced    the sharpness where z_t = z − η P (∇L(θ* + z) − ∇L(θ* − z))/2 leads from z₀ = δ T⊥/‖T⊥‖, over δ/‖T⊥‖:
                 (S(θ* + z_t) − S(θ* − z_t))/2, free of δ²
    answer       S at two-step midpoints of training from θ* ± x₀u less that from θ*, the mean of both signs
    predicted    y_t = −(η/2) Σ_{s<t} k(t−1−s) (x_s² − x_s² of the run without a kick) at the same midpoints,
                 (y_{t−1} + 2y_t + y_{t+1})/4, with x_s = u·(2θ_s − θ_{s−1} − θ_{s+1})/4

The kick is such that the first step lowers the sharpness by `DROP` of itself. Beside them `dense`, k(t) by the
eigenvectors of the dense matrix. All along ``time``, or ``step``.
"""

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr
from torch import Tensor

from analysis.spectrum.point import Point
from numeric.compile import Array
from numeric.networks.curvature import HessianAt, TopEigenpairs

TIMES = (0, 1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200)
STEPS = 20
DISTANCE = 1e-4  # change of the sharpness at first, relative
DROP = 0.001
RELATIVE = 1e-8  # of a sharpness


def answered(point: Point) -> xr.Dataset:
    """All of the above."""
    measure, eta = point.measure, point.eta
    slack = float(point.ends.bound.max())
    least, largest = (float(point.ends.eigenvalue.sel(end=end)[0]) for end in ("least", "largest"))
    found = measure.kernel(eta, TIMES, least - slack, largest + slack)
    every = measure.kernel(eta, range(STEPS), least - slack, largest + slack).kernel.values
    values, vectors = point.pairs
    squares = (vectors.T @ point.change_across.numpy()) ** 2
    answer, oscillation = kicked(point, math.sqrt(2 * DROP * point.sharpness / (eta * measure.mass)))
    sums = np.array([-eta / 2 * every[:t][::-1] @ oscillation[:t] for t in range(len(answer) + 2)])
    return found.assign(
        dense=("time", [float(squares @ (1 - eta * values) ** t) for t in TIMES]),
        displaced=("time", displaced(point)),
        answer=("step", answer),
        predicted=("step", (sums[:-2] + 2 * sums[1:-1] + sums[2:]) / 4),
    ).assign_coords(step=np.arange(1, len(answer) + 1))


def displaced(point: Point) -> Sequence[float]:
    """T⊥·(I − ηH)ᵗT⊥ as the sharpness shows it."""
    change, u, sharpness = point.change_across, point.direction, Sharpness(point)
    size = float(change.norm())
    distance = DISTANCE * point.sharpness / size
    z = distance * change / size
    found = []
    for time in range(TIMES[-1] + 1):
        if time in TIMES:
            difference = sharpness.at(point.weights + z) - sharpness.at(point.weights - z)
            found.append(difference / 2 / distance * size)
        ahead, behind = (point.loss.value_and_gradient(point.weights + sign * z)[1] for sign in (1, -1))
        slope = (ahead - behind) / 2
        z = z - point.eta * (slope - (slope @ u) * u)
    return found


def kicked(point: Point, kick: float) -> tuple[Array, Array]:
    """The answer at steps 1, 2 …, and x_s² less that of the run without a kick at 0, 1, …."""
    runs = [midpoints(point, sign * kick) for sign in (1, -1, 0)]
    sharpnesses, squares = (np.array(part) for part in zip(*runs, strict=True))
    return (sharpnesses[0] + sharpnesses[1]) / 2 - sharpnesses[2], (squares[0] + squares[1]) / 2 - squares[2]


def midpoints(point: Point, kick: float) -> tuple[Sequence[float], Sequence[float]]:
    """S at the two-step midpoints around steps 1, 2, …, and x_s² from step 0 on, which is θ* + kick·u."""
    sharpness, path = Sharpness(point), [point.weights + kick * point.direction]
    for _ in range(STEPS):
        path.append(path[-1] - point.eta * point.loss.value_and_gradient(path[-1])[1])
    triples = list(zip(path, path[1:], path[2:], strict=False))
    middles = [(before + 2 * now + after) / 4 for before, now, after in triples]
    x = [kick, *(float(point.direction @ (2 * now - before - after)) / 4 for before, now, after in triples)]
    return [sharpness.at(one) for one in middles], [one**2 for one in x]


class Sharpness:
    """The largest eigenvalue at weights that move, each found from those before."""

    def __init__(self, point: Point) -> None:
        self._loss, self._eigenpairs = point.loss, TopEigenpairs(1, relative=RELATIVE)

    def at(self, weights: Tensor) -> float:
        """The largest eigenvalue there."""
        return float(self._eigenpairs.read(HessianAt(self._loss, weights), weights).eigenvalues[0])
