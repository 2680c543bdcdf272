"""The runs along which the descent lemma is looked at, and GD on quadratic models of the loss.

catalogue          ½(1 − xyzw)² on all four weights from three starts with the same step size, every iteration
catalogue_models   GD on the second-order Taylor polynomial at an iterate, and GD on the loss from there
network            a tanh network on a Chebyshev polynomial, every iteration; its sharpness at every so many
network_models     the same as catalogue_models for the network, at an iterate before the edge and at one beyond it
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from analysis.descent_lemma.segments import POINTS, segment_dataset
from analysis.descent_lemma.theory import SEGMENT, curvature_along
from eos_sym import STEP_SIZE, GradientDescent, Objective, minimalist
from numeric import CompiledFunction, Simulator, compile_function, compile_map
from numeric.compile import Array

Progress = Callable[[int], object]

STARTS = {  # x = z and y = w, by the sharpness of the minimum ahead: below 2/η, above it, above it and far away
    "below": (1.9, 0.3),
    "above": (2.6, 0.4),
    "sharpening": (2.6, 0.05),
}
CATALOGUE_STEP_SIZE = 0.2
CATALOGUE_STEPS = 400
MODEL_STEPS = 60
GROWTH_STEPS = 10


@dataclass(frozen=True)
class Catalogue:
    """The minimalist loss with its compiled derivatives."""

    @cached_property
    def objective(self) -> Objective:
        """½(1 − xyzw)²."""
        return minimalist()

    @cached_property
    def simulator(self) -> Simulator:
        """Gradient descent on the loss."""
        return compile_map(GradientDescent().map(self.objective))

    @cached_property
    def values(self) -> CompiledFunction:
        """The loss, ‖g‖² and gᵀ∇²L(θ − sηg)g as functions of the weights, η and s."""
        gradient = self.objective.gradient
        expressions = [self.objective.loss, (gradient.T * gradient)[0], curvature_along(self.objective)]
        return compile_function(expressions, (*self.objective.weights, STEP_SIZE, SEGMENT))

    @cached_property
    def derivatives(self) -> CompiledFunction:
        """The gradient and the entries of the Hessian."""
        return compile_function([*self.objective.gradient, *self.objective.hessian], self.objective.weights)

    def along(self, progress: Progress) -> xr.Dataset:
        """Runs from STARTS with everything that the lemma speaks of."""
        starts = np.array(list(STARTS.values()))
        initial = {
            name: xr.DataArray(starts[:, index % 2], dims="start", coords={"start": list(STARTS)})
            for index, name in enumerate("xyzw")
        }
        run = self.simulator.run(
            initial, {"eta": CATALOGUE_STEP_SIZE}, steps=CATALOGUE_STEPS, record_every=1, progress=progress
        )
        weights = run.trajectory.transpose("state", "start", "iteration").values
        loss, squared, _ = self.values(*weights, CATALOGUE_STEP_SIZE, 0)
        moving = [weight[..., :-1, None] for weight in weights]
        curvature = self.values(*moving, CATALOGUE_STEP_SIZE, POINTS)[2] / squared[..., :-1, None]
        along = segment_dataset(loss, squared[..., :-1], curvature, CATALOGUE_STEP_SIZE)
        along["sharpness"] = ("start", "iteration"), self._sharpness(weights)[..., :-1]
        along["trajectory"] = run.trajectory
        return along.assign_coords(start=run.start)

    def _sharpness(self, weights: Array) -> Array:
        entries = np.stack(self.derivatives(*weights)[4:], axis=-1)
        return np.array(np.linalg.eigvalsh(entries.reshape(*entries.shape[:-1], 4, 4))[..., -1])

    def model(self, along: xr.Dataset) -> xr.Dataset:
        """From the first iterate of the start "sharpening" with λ₁ > 2/η: GD on the quadratic model and on the loss."""
        run = along.sel(start="sharpening")
        first = int((run.sharpness > 2 / CATALOGUE_STEP_SIZE).values.argmax())
        point = run.trajectory.sel(iteration=first).values
        values = np.array(self.derivatives(*point))
        rest = self.values(*run.trajectory.values[first : first + MODEL_STEPS + 1].T, CATALOGUE_STEP_SIZE, 0)[0]
        model = quadratic_run(
            float(run.loss[first]), values[:4], values[4:].reshape(4, 4), CATALOGUE_STEP_SIZE, MODEL_STEPS
        )
        return model.assign(real_loss=("step", rest), first=first)


def quadratic_run(loss: float, gradient: Array, hessian: Array, eta: float, steps: int) -> xr.Dataset:
    """GD on q(δ) = L + gᵀδ + ½δᵀHδ from δ = 0: the model's loss, its growth, and the sharpness λ₁(H).

    ∇q is multiplied by I − ηH in every step. The growth is that of its component along the top eigenvector, a factor
    for one step with its sign, averaged over the first GROWTH_STEPS: later, rounding mixes other directions in.
    """
    offset, losses, slopes = np.zeros_like(gradient), [], []
    spectrum, vectors = np.linalg.eigh(hessian)
    with np.errstate(all="ignore"):  # a model that diverges may overflow
        for _ in range(steps + 1):
            slope = gradient + hessian @ offset
            losses.append(loss + gradient @ offset + offset @ hessian @ offset / 2)
            slopes.append(slope)
            offset = offset - eta * slope
        along = np.array(slopes[: GROWTH_STEPS + 1]) @ vectors[:, -1]
        growth = float(np.mean(along[1:] / along[:-1]))
    return xr.Dataset({"model_loss": ("step", losses), "growth": growth, "sharpness": spectrum[-1], "eta": eta})
