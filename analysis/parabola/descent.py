"""One run: gradient descent to the end, and the local trajectory there, found again by training on from kept weights.

    θ_{t+1} = θ_t − η ∇L(θ_t),    half the squared error, in float64

Of every step are recorded the loss and the *swing* ‖2θ_t − θ_{t−1} − θ_{t+1}‖/4, the amplitude of what changes sign
from step to step; every `EVERY` steps, from the first on, the sharpness at the midpoint (θ_{t−1} + 2θ_t + θ_{t+1})/4.

*The local trajectory.* The reference θ* is the last midpoint, u its top eigenvector. The trajectory begins at the last
step after the crossing of 2/η at which the swing is `WIDE` times what it is at its end, which is that of the run, or
where the swing has fallen below `GONE` of the weights, or no longer changes sign along u. Of what is across u the
direction of the motion along the valley is

    m = P(θ̄ − θ*)/‖P(θ̄ − θ*)‖,    θ̄ the midpoint at the beginning, P = 1 − uuᵀ

and in the plane of u and m the run is at (u·(θ − θ*), m·(θ − θ*)) at every iterate; a midpoint has instead the
oscillation x_t = u·(2θ_t − θ_{t−1} − θ_{t+1})/4 and m·(θ̄_t − θ*).

Shapes: weights (offset, weight), three consecutive ones; iterates and midpoints (point,). Units: steps; weights.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from numeric.compile import Array
from numeric.networks.architectures import Architecture
from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.data import DataSet
from numeric.networks.edge.descent import descended
from numeric.networks.loss import FlatLoss, half_squared_error
from numeric.progress import Progress

EVERY, KEPT = 25, 100
WIDE, GONE = 100.0, 1e-7
POINTS = 200  # midpoints of a local trajectory, about
DIVERGED = 1e4
PRECISION, FINE = 1e-3, 1e-6  # relative, of the sharpness along the way, and of u at the reference


@dataclass(frozen=True)
class Descent:
    """Gradient descent on one network from one seed."""

    data: DataSet
    network: Architecture
    eta: float
    steps: int
    seed: int

    def loss(self) -> FlatLoss:
        """The loss of the network at its start."""
        examples = self.data.load()
        module = self.network.build(examples, torch.Generator().manual_seed(self.seed))
        return FlatLoss(module, examples.inputs, examples.targets, half_squared_error)

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """The history, with the local trajectory where the run has not diverged."""
        loss = self.loss()
        trained = train(loss, self.eta, self.steps, progress)
        if trained.diverged:
            return trained.recorded.assign_attrs(ending="diverged")
        crossing = last_crossing(trained.recorded, 2 / self.eta)
        found = trained.recorded.assign_attrs(ending="steps", crossing=-1 if crossing is None else crossing)
        found = found.assign(end=(("offset", "weight"), trained.last.numpy()))
        if crossing is None:
            return found
        at = torch.stack(trained.path(loss, self.eta, crossing - 1, 3))
        found = found.assign(at_crossing=(("offset", "weight"), at.numpy()))
        return found.merge(local_trajectory(loss, self.eta, trained, crossing), combine_attrs="no_conflicts")


@dataclass(frozen=True)
class Trained:
    """What was recorded, the last three weights, and weights after 0, KEPT, 2 KEPT … steps."""

    recorded: xr.Dataset
    last: Tensor
    kept: list[Tensor]
    diverged: bool

    def path(self, loss: FlatLoss, eta: float, start: int, count: int) -> list[Tensor]:
        """The weights after `start` steps, and those that follow."""
        path = [descended(loss, self.kept[start // KEPT], eta, start % KEPT)]
        while len(path) < count:
            path.append(descended(loss, path[-1], eta, 1))
        return path


def train(loss: FlatLoss, eta: float, steps: int, progress: Progress) -> Trained:
    """Train to the last step, or until the loss exceeds `DIVERGED`."""
    weights = before = loss.parameters
    losses, swing, sharpness, kept, diverged = [], [], [], [], False
    top = TopEigenpairs(1, relative=PRECISION)
    for step in range(steps + 1):
        value, gradient = loss.value_and_gradient(weights)
        losses.append(float(value))
        if not losses[-1] < DIVERGED:
            diverged = True
            break
        if step % KEPT == 0:
            kept.append(weights)
        after = weights - eta * gradient
        turn = (2 * weights - before - after) / 4
        swing.append(float(turn.norm()) if step else np.nan)
        if step % EVERY == 1:
            middle = weights - turn
            hessian = HessianAt(loss, middle)
            sharpness.append(float(top.read(hessian, middle, hessian.gradient).eigenvalues[0]))
        last, before, weights = torch.stack([before, weights, after]), weights, after
        progress(1)
    recorded = xr.Dataset(
        {
            "loss": ("step", losses),
            "swing": ("step", np.pad(swing, (0, len(losses) - len(swing)), constant_values=np.nan)),
            "sharpness": ("reading", sharpness),
        },
        {"step": np.arange(len(losses)), "reading": EVERY * np.arange(len(sharpness)) + 1},
        {"eta": eta},
    )
    return Trained(recorded, last, kept, diverged)


def last_crossing(recorded: xr.Dataset, edge: float) -> int | None:
    """The last reading at which the sharpness has risen to the edge; None if it never does."""
    above = recorded.sharpness.values >= edge
    (rises,) = np.nonzero(above[1:] & ~above[:-1])
    return int(recorded.reading[rises[-1] + 1]) if len(rises) else None


def local_window(swing: Array, size: float, crossing: int) -> tuple[int, int]:
    """The first and the last step of the local trajectory after a crossing, of weights of this norm."""
    known = np.nan_to_num(swing)
    (there,) = np.nonzero(known >= GONE * size)
    end = max(min(int(there[-1]) if len(there) else len(known), len(known) - 2), crossing)
    (wide,) = np.nonzero(known[crossing : end + 1] >= WIDE * known[end])
    start = int(wide[-1]) if len(wide) else int(known[crossing : end + 1].argmax())
    return crossing + start, end


def local_trajectory(loss: FlatLoss, eta: float, trained: Trained, crossing: int) -> xr.Dataset:
    """The plane of u and m, and the run in it."""
    reference = (trained.last[0] + 2 * trained.last[1] + trained.last[2]) / 4
    hessian = HessianAt(loss, reference)
    u = TopEigenpairs(1, relative=FINE).read(hessian, reference, hessian.gradient).eigenvectors[:, 0]
    start, end = local_window(trained.recorded.swing.values, float(reference.norm()), crossing)
    stride = 2 * max(1, (end - start) // (2 * POINTS)) + 1  # odd: even and odd steps alike
    first = trained.path(loss, eta, start - 1, 3)
    down = (first[0] + 2 * first[1] + first[2]) / 4 - reference
    down = down - (down @ u) * u
    m = down / down.norm()
    steps, iterates, midpoints, across = [], [], [], []
    before, now, last = first[0], first[1], 0.0
    for step in range(start, end + 1):
        after = now - eta * loss.value_and_gradient(now)[1]
        x = float(u @ (2 * now - before - after)) / 4
        if x * last > 0:  # what is left no longer changes sign from step to step
            break
        last = x
        if (step - start) % stride == 0 or step == end:
            middle = (before + 2 * now + after) / 4 - reference
            steps.append(step)
            iterates.append([float(u @ (now - reference)), float(m @ (now - reference))])
            midpoints.append([x, float(m @ middle)])
            across.append(float((middle - (middle @ u) * u - (middle @ m) * m).norm()))
        before, now = now, after
    return xr.Dataset(
        {
            "iterate_x": ("point", np.array(iterates)[:, 0]),
            "iterate_along": ("point", np.array(iterates)[:, 1]),
            "x": ("point", np.array(midpoints)[:, 0]),
            "along": ("point", np.array(midpoints)[:, 1]),
            "out_of_plane": ("point", across),
            "at_start": (("offset", "weight"), torch.stack(first).numpy()),
        },
        {"point": steps},
    )
