"""What a contestant foretells of a run that was followed, from the weights at the moment alone.

    oscillation   (factor, step, mode)    the alternating part along the contestant's edge
    sharpness     (reading,)              the top eigenvalue of ∇²V at the two-step midpoints that training is read at
    loss          (factor, step)          L(θ*) + V at θ_t itself
    gate          (gate,)                 what was measured beforehand of how far to trust it, where it has gates
    trusted       (factor,)               whether they let it through

NaN after the path has left its model. Attributes: `refused`, why there is no forecast, or empty; `modes`, k;
`directions`, m; `evaluations`, gradients of the full batch for the model and one step size, with its gates; `seconds`,
of one thread of this machine; `memory`, bytes of what the model holds beside the network.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from analysis.forecast.followed import EVERY, FACTORS, MODES, Followed
from analysis.training.runs import flat_loss
from eos_sym import BadInput
from numeric.compile import Array
from numeric.networks.forecast.anchor import Anchor
from numeric.networks.forecast.path import Model, descend
from numeric.networks.forecast.path import Path as Descent
from numeric.networks.loss import FlatLoss
from numeric.progress import Progress
from numeric.runs import configuration
from numeric.runs.history import read_history
from numeric.runs.sweep import folder_name


@dataclass(frozen=True)
class Prepared:
    """A model, the point that it was made at, the directions across the edge, and |x| beyond which it says nothing."""

    model: Model
    anchor: Anchor
    directions: Tensor
    bound: float

    def sharpness(self, x: Array, z: Array) -> Array:
        """The top eigenvalue of ∇²V along a path, (n,)."""
        return np.asarray(np.linalg.eigvalsh(self.model.hessian(x, z))[:, -1], dtype=float)

    def trusted(self, path: Descent, eta: float) -> tuple[bool, Mapping[str, float]]:
        """Whether the model is to be trusted on this path, and the gates; one without gates always is."""
        return True, {}


@dataclass(frozen=True)
class Foretold(ABC):
    """A contestant on one run."""

    followed: Followed

    @property
    def steps(self) -> int:
        """Those foretold."""
        return sum(map(self.followed.steps_with, self.factors))

    @property
    def factors(self) -> tuple[float, ...]:
        """The step sizes foretold, in those of training."""
        return FACTORS

    @abstractmethod
    def prepared(self, loss: FlatLoss, eta: float, steps: int) -> Prepared:
        """The model, at the module's weights."""

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """The dataset above."""
        past = read_history(folder.parent / folder_name(self.followed), configuration(self.followed))
        if past.reason:
            return xr.Dataset(attrs={"refused": past.reason})
        loss = flat_loss(self.followed.experiment)
        loss.load(torch.from_numpy(past.start.values))
        begun = time.perf_counter()
        try:
            ready = self.prepared(loss, self.followed.eta, self.followed.horizon)
            paths = [self._of(ready, self.factors[0])]
            sharpness = self._sharpness(ready, paths[0][0])
            spent = {"evaluations": ready.anchor.cost.evaluations, "seconds": time.perf_counter() - begun}
            paths += [self._of(ready, factor) for factor in self.factors[1:]]
        except BadInput as error:
            return xr.Dataset(attrs={"refused": str(error)})
        size = {"modes": ready.anchor.modes, "directions": ready.directions.shape[1], "memory": held(ready)}
        progress(self.steps)
        along = xr.concat([found for _, found in paths], "factor").assign_coords(factor=[*self.factors])
        return along.merge(sharpness).assign_attrs(refused="", **spent, **size)

    def _sharpness(self, ready: Prepared, path: Descent) -> xr.Dataset:
        """Along the path with the step size of training."""
        readings = np.arange(EVERY, self.followed.horizon + 1, EVERY)
        x, z = (one[EVERY - 1 :: EVERY] for one in path.midpoints)
        values = np.full(len(readings), np.nan)
        if len(x):
            values[: len(x)] = ready.sharpness(x, z)
        return xr.Dataset({"sharpness": ("reading", values)}, {"reading": readings})

    def _of(self, ready: Prepared, factor: float) -> tuple[Descent, xr.Dataset]:
        """The path with so many times the step size, and what is said of it."""
        eta, horizon = factor * self.followed.eta, self.followed.horizon
        start = ready.anchor.start_on(ready.directions)
        path = descend(ready.model, *start, eta, self.followed.steps_with(factor), ready.bound)
        known = len(path.oscillation)
        oscillation = np.full((horizon, MODES), np.nan)
        oscillation[:known, : ready.anchor.modes] = path.oscillation
        values = np.full(horizon, np.nan)
        values[:known] = ready.anchor.value + ready.model.potential(path.x[1:-1], path.z[1:-1])
        trusted, gates = ready.trusted(path, eta)
        found = xr.Dataset(
            {
                "oscillation": (("step", "mode"), oscillation),
                "loss": ("step", values),
                "gates": ("gate", [*gates.values()]),
                "trusted": trusted,
            },
            {
                "step": np.arange(1, horizon + 1),
                "mode": np.arange(1, MODES + 1),
                "gate": np.array([*gates], dtype=str),
            },
        )
        return path, found


def held(value: Any) -> int:
    """Bytes of the arrays that a dataclass holds, the network and its data aside."""
    if isinstance(value, Tensor | np.ndarray):
        return int(value.nbytes)
    if isinstance(value, tuple | list):
        return sum(map(held, value))
    if is_dataclass(value) and not isinstance(value, FlatLoss | type):
        return sum(held(getattr(value, field.name)) for field in fields(value))
    return 0
