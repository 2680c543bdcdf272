"""½(1 − xyzw)² on all four weights along every step, and GD on its second-order Taylor polynomial at an iterate."""

from __future__ import annotations

from functools import cache

import numpy as np
import xarray as xr

from analysis.descent_lemma.segments import POINTS, segment_dataset
from analysis.descent_lemma.theory import SEGMENT, curvature_along
from analysis.study import expect
from eos_sym import STEP_SIZE, GradientDescent, minimalist
from numeric import CompiledFunction, compile_function, compile_map
from numeric.compile import Array

LOSS = minimalist()
STARTS = {  # x = z and y = w, by the sharpness of the minimum ahead: below 2/η, above it, above it and far away
    "below": (1.9, 0.3),
    "above": (2.6, 0.4),
    "sharpening": (2.6, 0.05),
}
CATALOGUE_STEP_SIZE = 0.2
CATALOGUE_STEPS = 400
MODEL_STEPS = 60
GROWTH_STEPS = 10


@cache
def values() -> CompiledFunction:
    """The loss, ‖g‖² and gᵀ∇²L(θ − sηg)g as functions of the weights, η and s."""
    squared = (LOSS.gradient.T * LOSS.gradient)[0]
    return compile_function([LOSS.loss, squared, curvature_along(LOSS)], (*LOSS.weights, STEP_SIZE, SEGMENT))


@cache
def derivatives() -> CompiledFunction:
    """The gradient and the entries of the Hessian."""
    return compile_function([*LOSS.gradient, *LOSS.hessian], LOSS.weights)


def catalogue_runs() -> xr.Dataset:
    """Runs from STARTS with everything that the lemma speaks of."""
    starts = np.array(list(STARTS.values()))
    expect(len(starts) * CATALOGUE_STEPS)
    initial = {name: xr.DataArray(starts[:, i % 2], [("start", list(STARTS))]) for i, name in enumerate("xyzw")}
    simulator = compile_map(GradientDescent().map(LOSS))
    run = simulator.run(initial, {"eta": CATALOGUE_STEP_SIZE}, steps=CATALOGUE_STEPS, record_every=1)
    weights = run.trajectory.transpose("state", "start", "iteration").values
    loss, squared, _ = values()(*weights, CATALOGUE_STEP_SIZE, 0)
    moving = [weight[..., :-1, None] for weight in weights]
    curvature = values()(*moving, CATALOGUE_STEP_SIZE, POINTS)[2] / squared[..., :-1, None]
    hessians = np.stack(derivatives()(*weights)[4:], axis=-1).reshape(*loss.shape, 4, 4)
    along = segment_dataset(loss, squared[..., :-1], curvature, CATALOGUE_STEP_SIZE)
    along["sharpness"] = ("start", "iteration"), np.linalg.eigvalsh(hessians)[..., :-1, -1]
    along["trajectory"] = run.trajectory
    return along.assign_coords(start=run.start)


def catalogue_model(along: xr.Dataset) -> xr.Dataset:
    """From the first iterate of the start "sharpening" with λ₁ > 2/η: GD on the quadratic model and on the loss."""
    run = along.sel(start="sharpening")
    first = int((run.sharpness > 2 / CATALOGUE_STEP_SIZE).values.argmax())
    slopes = np.array(derivatives()(*run.trajectory.sel(iteration=first).values))
    rest = values()(*run.trajectory.values[first : first + MODEL_STEPS + 1].T, CATALOGUE_STEP_SIZE, 0)[0]
    hessian = slopes[4:].reshape(4, 4)
    model = quadratic_run(float(run.loss[first]), slopes[:4], hessian, CATALOGUE_STEP_SIZE, MODEL_STEPS)
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
