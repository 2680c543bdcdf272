"""What a network does at the edge, from the moment at which it is to be forecast: the truth of the study.

A network is trained until its first spike is over. The moment is the last step before it at which the alternating part
of the weights, (2θ_t − θ_{t−1} − θ_{t+1})/4, has less than `SMALL` times the height that it is going to have there,
along the `MODES` top eigenvectors of the Hessian where the sharpness crosses 2/η. From the weights at that moment
gradient descent goes on with η times each of the `FACTORS`, and of each of these are kept

    oscillation   (factor, step, mode)   the alternating part along the eigenvectors at the moment's own midpoint
    loss          (factor, step)         at θ_t itself
    sharpness     (reading,)             at two-step midpoints, every `EVERY` steps, by `TopEigenpairs`, with η itself

over the horizon, with the other step sizes over `BESIDE` steps at most, and the weights at the moment, `start`; without
a spike the attribute `reason` says why there is no moment. The first spike is the first of those within `COUNTS` of the
highest that the training shows: what is smaller is a ripple of an oscillation that has hardly begun.

Nothing here knows of a forecast but where it would begin. Everything is computed in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from analysis.training.measures import crossing_from_below
from analysis.training.runs import flat_loss
from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.edge.descent import descended
from numeric.networks.loss import FlatLoss
from numeric.networks.training import Experiment
from numeric.progress import Progress

FACTORS = (1.0, 0.8, 0.9, 1.1, 1.25)  # of the step size
SMALL = 1e-3  # of the first spike
COUNTS = 0.1  # of the highest spike
MODES = 3
EVERY = 5
BESIDE = 150  # steps that are followed with the other step sizes
OVER = 0.5  # of its height: then a spike is over
MIDPOINT = torch.tensor([0.25, 0.5, 0.25], dtype=torch.float64)
ALTERNATING = torch.tensor([-0.25, 0.5, -0.25], dtype=torch.float64)


@dataclass(frozen=True)
class Followed:
    """A training run, and so many steps from the moment on."""

    experiment: Experiment
    horizon: int = 300

    @property
    def steps(self) -> int:
        """As many as are made at most, to be told beforehand."""
        return self.experiment.steps + sum(map(self.steps_with, FACTORS))

    def steps_with(self, factor: float) -> int:
        """How many are followed with so many times the step size."""
        return self.horizon if factor == 1 else min(self.horizon, BESIDE)

    @property
    def eta(self) -> float:
        """The step size."""
        rule = self.experiment.rule
        assert not hasattr(rule, "longest_step")  # of a flow
        return float(rule.eta)

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """The dataset above; the training has a folder in that of the run, and is resumed there."""
        history = self.experiment.run(folder / "training", progress)
        loss = flat_loss(self.experiment)
        try:
            crossed, start = self._crossing(history)
            moment, weights = self._moment(loss, crossed, start)
        except Undecided as reason:
            return xr.Dataset(attrs={"reason": str(reason), "weights": len(loss.parameters)})
        found = self._from(loss, weights, progress)
        found["start"] = "parameter", weights.numpy()
        return found.assign_attrs(reason="", moment=moment, weights=len(weights), evaluations=1.0 * self.horizon)

    def _crossing(self, history: xr.Dataset) -> tuple[int, Tensor]:
        """The last step before the crossing at which weights were kept and the sharpness is below, and these."""
        crossed = crossing_from_below(history, 2 / self.eta)
        if crossed is None:
            highest = float(history.sharpness.max()) * self.eta / 2
            raise Undecided(f"the sharpness does not reach 2/η in {len(history.step) - 1} steps, {highest:.2f} of it")
        kept, below = history.snapshot.values, history.reading.values[history.reading.values < crossed][-1]
        place = int(np.flatnonzero(kept <= below)[-1])
        return int(kept[place]), torch.from_numpy(history.weights.values[place])

    def _moment(self, loss: FlatLoss, step: int, start: Tensor) -> tuple[int, Tensor]:
        """The step at which a forecast is to be made, and the weights there."""
        count = self.experiment.steps - step
        directions = top_eigenvectors(loss, start)[1]
        size = np.array(
            [float((directions.T @ (three @ ALTERNATING)).norm()) for three in _threes(loss, start, self.eta, count)]
        )
        place = moment_before_the_spike(size)
        return step + place, descended(loss, start, self.eta, place)

    def _from(self, loss: FlatLoss, weights: Tensor, progress: Progress) -> xr.Dataset:
        (first,) = _threes(loss, weights, self.eta, 2)
        eigenvalues, directions = top_eigenvectors(loss, first @ MIDPOINT)
        steps = np.arange(1, self.horizon + 1)
        oscillation = np.full((len(FACTORS), self.horizon, MODES), np.nan)
        values = np.full((len(FACTORS), self.horizon), np.nan)
        sharpness, tracked = [], TopEigenpairs(1, relative=1e-3)
        for number, factor in enumerate(FACTORS):
            for place, three in enumerate(_threes(loss, weights, factor * self.eta, self.steps_with(factor) + 1)):
                progress(1)
                with torch.no_grad():
                    values[number, place] = float(loss(three[:, 1]))
                if not np.isfinite(values[number, place]):
                    break
                oscillation[number, place] = (directions.T @ (three @ ALTERNATING)).numpy()
                if factor == 1 and (place + 1) % EVERY == 0:
                    hessian = HessianAt(loss, three @ MIDPOINT)
                    reading = tracked.read(hessian, three @ MIDPOINT, hessian.gradient)
                    sharpness.append(float(reading.eigenvalues[0]))
        return xr.Dataset(
            {
                "oscillation": (("factor", "step", "mode"), oscillation),
                "loss": (("factor", "step"), values),
                "sharpness": ("reading", sharpness),
                "eigenvalue": ("index", eigenvalues),
            },
            {
                "factor": [*FACTORS],
                "step": steps,
                "mode": np.arange(1, MODES + 1),
                "reading": steps[EVERY - 1 :: EVERY][: len(sharpness)],
            },
        )


def top_eigenvectors(loss: FlatLoss, weights: Tensor) -> tuple[Array, Tensor]:
    """The largest `MODES` + 1 eigenvalues of the Hessian, and the eigenvectors of all but the last, (p, `MODES`)."""
    hessian = HessianAt(loss, weights)
    reading = TopEigenpairs(MODES + 1, relative=1e-3).read(hessian, weights, hessian.gradient)
    return reading.eigenvalues.numpy(), reading.eigenvectors[:, :MODES]


def moment_before_the_spike(size: Array) -> int:
    """The last step, of 1, 2 …, before the first spike of an oscillation of this size at which it is `SMALL` of it."""
    known = np.where(np.isfinite(size), size, np.inf)
    rise = int((known >= COUNTS * known.max()).argmax())
    over = np.flatnonzero(known[rise:] < OVER * np.maximum.accumulate(known[rise:]))
    if not np.isfinite(known.max()) or not len(over):
        raise Undecided("the first spike is not over when the training ends")
    peak = rise + int(known[rise : rise + over[0]].argmax())
    below = np.flatnonzero(known[:peak] < SMALL * known[peak])
    if not len(below):
        raise Undecided(f"the oscillation is never below {SMALL:g} of its first spike")
    return int(below[-1]) + 1


def _threes(loss: FlatLoss, start: Tensor, eta: float, count: int) -> Iterator[Tensor]:
    """(θ_{t−1}, θ_t, θ_{t+1}), (p, 3), for t = 1 … count − 1 of as many steps of gradient descent."""
    last: list[Tensor] = [start]
    for _ in range(count):
        last = [*last[-2:], last[-1] - eta * loss.value_and_gradient(last[-1])[1]]
        if len(last) == 3:
            yield torch.stack(last, 1)
