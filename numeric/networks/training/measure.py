"""What is read of a network along a training run: sharpness, batch sharpness, and the weights themselves.

    sharpness …        by `SharpnessTracker`, every so many steps; for a level at the edge at midpoints, or with an odd
                       `every`: an even one sees a single phase of the oscillation
    batch_sharpness    E_B[gᵀHg/‖g‖²], g and H the gradient and Hessian of the loss of a mini-batch B: the mean over so
                       many mini-batches, of the size trained with, drawn anew at the same steps; batch_sharpness_error
                       is its standard error
    weights            θ_t, (snapshot, parameter), at t = 0, weights_every, 2·weights_every …
    last_weights       the weights where the run ends, (parameter,); nan if it diverged

Training is not disturbed: the mini-batches come from a generator of their own.

Errors: `BadInput` for intervals and numbers below 1. Source of the batch sharpness: :cite:t:`andreyev2024edge`,
definition 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from numeric.networks.curvature import HessianAt
from numeric.networks.curvature.eigen import MOST_RELATIVE
from numeric.networks.data.examples import Examples
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker import SharpnessTracker, undisturbed
from numeric.networks.training.loop.batches import Batches
from numeric.values import positive_number, whole_number, yes_or_no


@dataclass(frozen=True)
class Measure:
    """Readings every so many steps, as `SharpnessTracker` explains; batch sharpness and weights where asked for."""

    every: int
    eigenvalues: int = 1
    relative: float = 1e-3
    midpoint: bool = False
    weights_every: int | None = None
    batch_sharpness: int | None = None
    last_weights: bool = False

    def __post_init__(self) -> None:
        for name in ("every", "eigenvalues", "weights_every", "batch_sharpness"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), least=1)
        for name in ("midpoint", "last_weights"):
            yes_or_no(name, getattr(self, name))
        positive_number("relative", self.relative, most=MOST_RELATIVE)


class Measurements:
    """The readings of one run so far."""

    def __init__(
        self,
        measure: Measure,
        loss: FlatLoss,
        optimizer: torch.optim.Optimizer,
        examples: Examples,
        *,
        batch_size: int | None,
        seed: int,
    ) -> None:
        self.measure, self.loss = measure, loss
        self.step_number = 0
        self._tracker = SharpnessTracker(
            loss.module,
            loss.criterion,
            loss.inputs,
            loss.targets,
            optimizer=optimizer,
            every=measure.every,
            eigenvalues=measure.eigenvalues,
            relative=measure.relative,
            midpoint=measure.midpoint,
            micro_batch=loss.micro_batch,
            weight=loss.weight,
            seed=seed,
        )
        self._batches = Batches(examples, batch_size, torch.Generator().manual_seed(seed))
        self._batch_sharpness: list[Tensor] = []  # mean and standard error
        self._weights: list[Tensor] = []

    @property
    def due(self) -> bool:
        """Whether the next step takes a reading."""
        return self.step_number % self.measure.every == 0

    @property
    def sharpness(self) -> float | None:
        """The sharpness last read."""
        latest = self._tracker.latest
        return None if latest is None else float(latest.eigenvalues[0])

    def step(self) -> None:
        """Read what is due of the present weights."""
        self._tracker.step()
        if self.measure.weights_every is not None and self.step_number % self.measure.weights_every == 0:
            self._weights.append(self.loss.parameters.cpu())
        if self.measure.batch_sharpness is not None and self.due:
            self._batch_sharpness.append(self._read_batch_sharpness(self.measure.batch_sharpness))
        self.step_number += 1

    def history(self, time: NDArray[np.floating]) -> xr.Dataset:
        """All readings, of the steps whose times are given."""
        # the experiment's rule is not torch's, and its description knows the critical sharpness
        readings = self._tracker.history.drop_vars(["point", "step_size", "edge", "effective_edge"], errors="ignore")
        readings = readings.isel(reading=readings.reading.values < len(time))
        readings = readings.assign_coords(reading_time=("reading", time[readings.reading.values]))
        if self._batch_sharpness:
            steps = self.measure.every * np.arange(len(self._batch_sharpness))
            mean, error = torch.stack(self._batch_sharpness).numpy().T
            read = {"batch_sharpness": ("reading", mean), "batch_sharpness_error": ("reading", error)}
            readings = readings.merge(xr.Dataset(read, {"reading": steps}), join="left")
        if self._weights:
            steps = (self.measure.weights_every or 0) * np.arange(len(self._weights))
            weights = xr.Dataset(
                {"weights": (("snapshot", "parameter"), torch.stack(self._weights).numpy())}, {"snapshot": steps}
            )
            readings = readings.merge(weights.isel(snapshot=steps < len(time)))
        return readings

    def state(self) -> dict[str, Any]:
        """What the next readings depend on, and those so far."""
        return {
            "step_number": self.step_number,
            "tracker": self._tracker.state(),
            "batches": self._batches.state(),
            "batch_sharpness": list(self._batch_sharpness),
            "weights": list(self._weights),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from such a state."""
        self.step_number = state["step_number"]
        self._tracker.restore(state["tracker"])
        self._batches.restore(state["batches"])
        self._batch_sharpness, self._weights = state["batch_sharpness"], state["weights"]

    def _read_batch_sharpness(self, count: int) -> Tensor:
        weights, found = self.loss.parameters, []
        for _ in range(count):
            batch = self._batches.draw()
            loss = replace(self.loss, inputs=batch.inputs, targets=batch.targets)
            with undisturbed(loss.module):
                hessian = HessianAt(loss, weights)
                slope = hessian.gradient
                curvature = (slope @ hessian.product(slope[:, None])[:, 0]).double() / slope.double().square().sum()
            found.append(curvature.cpu())
        values = torch.stack(found)
        error = values.std() / count**0.5 if count > 1 else torch.full((), torch.nan, dtype=torch.float64)
        return torch.stack([values.mean(), error])
