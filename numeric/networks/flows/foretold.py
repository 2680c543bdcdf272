"""What a central flow foretells of training: averages over its oscillation and their errors, at whole steps.

    E L = L + ½ tr(HΣ),        E‖g‖² = ‖∇L + ½∇³L[Σ]‖² + tr(HΣH),        tr Σ,        λ₁(P⁻¹H)

Their errors are what the ends of a swing (`oscillation`) meet beyond the second order: of the loss its own part and
that of the variance, which is held to be off by the share of the pull that is missing; of ‖g‖ that of the variance and
the stiffness's, twice, as its square goes with λ²; of the sharpness the largest difference between a stiffness and λ.
That of the loss has beside it by how much the loss falls in the time that the flow is late.

All is interpolated linearly between readings of the edge, but for the loss at the centre where it is known between
them. Shapes: as `central_flow` says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import xarray as xr

from numeric.compile import Array
from numeric.networks.flows.beginning import Average
from numeric.networks.flows.edge_space import EdgeSpace
from numeric.networks.flows.oscillation import Ends, Oscillation
from numeric.networks.flows.rules import OngoingRule, State

ERRORS = ("mean_loss_error", "mean_gradient_norm_error", "sharpness_error")


class Foretold:
    """All that is noted on the way, by the step of training at which it is."""

    def __init__(self, training: OngoingRule, secant: bool, keep_every: int | None) -> None:
        self.training, self.secant, self.keep_every = training, secant, keep_every
        self.rows: dict[float, Mapping[str, float]] = {}
        self.eigenvalues: list[Array] = []
        self.between: dict[int, float] = {}  # L at the centre where the edge was not read
        self.kept: dict[int, Array] = {}
        self.beyond = 0.0

    def note_training(self, time: float, average: Average, here: EdgeSpace) -> None:
        """What training does on the average, before there is a flow."""
        exact = dict.fromkeys(ERRORS, 0.0)
        root = math.sqrt(average.square_gradient)
        told = {"mean_loss": average.loss, "mean_gradient_norm": root, "variance": average.variance, "rank": 0}
        self._add(time, average.state, here, exact | told)

    def note(
        self, time: float, state: State, here: EdgeSpace, oscillation: Oscillation, ends: Ends | None, late: float
    ) -> None:
        """The averages at a time of the flow, which may be late, and their errors."""
        training, scale = self.training, self.training.scale(state.moment)
        covariance = torch.from_numpy(oscillation.covariance).to(here.gradient)
        gram = here.directions.T @ here.directions
        variances = np.diag(oscillation.covariance)
        excess = float(here.eigenvalues[: here.near] @ variances) / 2
        of_loss, of_sharpness, of_variance = 0.0, 0.0, 0.0
        if ends is not None:
            of_loss, of_sharpness = float(ends.loss @ variances), float(np.abs(ends.stiffness * variances).max())
            bent = ends.bent @ covariance.diagonal()
            tangent = oscillation.pull - bent if self.secant else oscillation.pull
            of_variance = abs(float(bent @ tangent)) / max(float(tangent @ tangent), np.finfo(float).tiny)
        if self.secant:
            excess += of_loss
        square = float((here.gradient + oscillation.pull).square().sum())
        wave = float(oscillation.squares.sum())
        root = np.sqrt(square + wave)
        velocity = (here.gradient + oscillation.pull) / (1 if scale is None else scale)
        falling = training.rule.eta * abs(float(here.gradient @ velocity))
        stiffer = 2 * of_sharpness / training.edge
        self.beyond = max(self.beyond, float(here.eigenvalues[0]) / training.edge - 1)
        told = {
            "mean_loss": here.value + excess,
            "mean_loss_error": abs(of_loss) + of_variance * excess + late * falling,
            "mean_gradient_norm": root,
            "mean_gradient_norm_error": (of_variance + stiffer) * wave / (2 * root) if root else 0.0,
            "sharpness_error": of_sharpness,
            "variance": float((covariance * gram).sum()),
            "rank": oscillation.rank,
        }
        self._add(time, state, here, told)

    def note_between(self, time: float, losses: Sequence[float]) -> None:
        """L at the steps after a time."""
        self.between.update({int(time) + step: loss for step, loss in enumerate(losses, 1)})

    def _add(self, time: float, state: State, here: EdgeSpace, told: Mapping[str, float]) -> None:
        self.rows[time] = {"loss": here.value, "sharpness": float(here.eigenvalues[0]), **told}
        self.eigenvalues.append(here.eigenvalues)
        if self.keep_every is not None and time % self.keep_every == 0:
            self.kept[int(time)] = state.weights.numpy()

    def dataset(self) -> xr.Dataset:
        """What has been noted, at whole steps up to the last."""
        most = max(map(len, self.eigenvalues))
        eigenvalues = np.array([np.pad(one, (0, most - len(one)), constant_values=np.nan) for one in self.eigenvalues])
        times, rows = [*self.rows], [*self.rows.values()]
        columns = {name: ("step", [row[name] for row in rows]) for name in rows[0]}
        told = xr.Dataset(columns, {"step": times, "mode": np.arange(1, most + 1)})
        told["eigenvalues"] = ("step", "mode"), eigenvalues
        oscillating = [time for time, row in self.rows.items() if row["rank"]]
        last = int(times[-1])
        if len(times) > 1:
            told = told.interp(step=np.arange(last + 1))
        told["rank"] = told["rank"].round().astype(int)
        steps = [step for step in self.between if step < last]
        bent = np.array([self.between[step] for step in steps]) - told.loss.values[steps]
        for name in ("loss", "mean_loss"):
            told[name].values[steps] += bent
        if self.keep_every is not None:
            told["weights"] = ("kept", "weight"), np.stack([*self.kept.values()])
            told["kept"] = [*self.kept]
        return told.assign_attrs(
            eta=self.training.rule.eta,
            edge=self.training.edge,
            arrival=int(oscillating[0]) if oscillating else -1,
            taken=len(times) - 1,
            beyond=self.beyond,
        )
