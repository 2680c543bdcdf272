"""½(1 − xyzw)² on all four weights along every step, in numbers and in intervals, and GD on its quadratic models.

In interval arithmetic, mpmath's with DIGITS digits: at the floats of an iterate θ, taken as exact, g and c(s) are
enclosed on BOXES pieces of the segment. Where the largest upper bound of c is below 2/η, the lemma proves that the loss
falls in this step; that it does is then read off enclosures of L(θ) and L(θ − ηg), which know nothing of the lemma.
"""

from functools import cache

import numpy as np
import xarray as xr
from mpmath import iv
from sympy import Expr, Rational, Symbol

from analysis.descent_lemma.segments import POINTS, SEGMENT, curvature_along, resolved, segment_dataset
from analysis.study import Evidence, expect
from eos_sym import STEP_SIZE, GradientDescent, minimalist
from eos_sym.algebra import Evaluator, evaluator, interval_digits
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
BOXES = 12
DIGITS = 30
STEP = Rational(str(CATALOGUE_STEP_SIZE))


@cache
def values() -> CompiledFunction:
    """The loss, ‖g‖² and gᵀ∇²L(θ − sηg)g as functions of the weights, η and s."""
    squared = (LOSS.gradient.T * LOSS.gradient)[0]
    return compile_function([LOSS.loss, squared, curvature_along(LOSS)], (*LOSS.weights, STEP_SIZE, SEGMENT))


@cache
def derivatives() -> CompiledFunction:
    """The gradient and the entries of the Hessian."""
    return compile_function([*LOSS.gradient, *LOSS.hessian], LOSS.weights)


def catalogue() -> xr.Dataset:
    """Every iteration from STARTS with the same step size, with everything that the lemma speaks of."""
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


def catalogue_models(catalogue: xr.Dataset) -> xr.Dataset:
    """From the first iterate of the start "sharpening" with λ₁ > 2/η: GD on the quadratic model and on the loss."""
    run = catalogue.sel(start="sharpening")
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


def certified_falls(along: xr.Dataset) -> Evidence:
    """The evidence of all steps of runs on the catalogue's loss in which the lemma promises descent with certainty."""
    quantity = "steps in which the loss falls, of those with S̄ < 2/η for certain"
    wanted = (along.largest < 2 / along.eta) & resolved(along)
    points = along.trajectory.transpose("start", "iteration", "state").values
    with interval_digits(DIGITS):
        steps = [certain(point) for point in points[wanted.transpose("start", "iteration").values].tolist()]
    falls = [falls for promised, falls in steps if promised]
    if not falls:
        return Evidence("interval", quantity, "undecided", "some step with S̄ < 2/η for certain", "none")
    expected, observed = (f"{count} falls in {len(falls)} steps" for count in (len(falls), sum(falls)))
    return Evidence("interval", quantity, "proved" if all(falls) else "undecided", expected, observed)


def certain(weights: list[float]) -> tuple[bool, bool]:
    """Whether S̄ < 2/η for certain in the step from these weights, and whether L(θ⁺) < L(θ) for certain."""
    before, after, squared = losses()(weights)
    pieces = [iv.mpf([index, index + 1]) / BOXES for index in range(BOXES)]
    largest = max(curvature()([*weights, piece])[0].b for piece in pieces)
    edge = 2 / (iv.mpf(STEP.p) / STEP.q) * squared
    return bool(largest < edge.a), bool(after.b < before.a)


@cache
def losses() -> Evaluator:
    """L(θ), L(θ − ηg) and ‖g‖², of the weights."""
    moved = GradientDescent().map(LOSS).after(LOSS.loss)
    return enclosures([LOSS.loss, moved, (LOSS.gradient.T * LOSS.gradient)[0]])


@cache
def curvature() -> Evaluator:
    """gᵀ∇²L(θ − sηg)g, of the weights and s."""
    return enclosures([curvature_along(LOSS)], SEGMENT)


def enclosures(expressions: list[Expr], *further: Symbol) -> Evaluator:
    """The expressions in intervals, as functions of the weights and what there is further."""
    return evaluator([part.subs(STEP_SIZE, STEP) for part in expressions], (*LOSS.weights, *further), iv)
