"""The descent lemma as identities, and what one step meets: the curvature along the segment from θ to θ − ηg.

    smoothness      ℓ = 2∫₀¹ (1 − s) c(s) ds     by Gauss–Legendre quadrature of c
    largest         S̄ = max c(s)                over equidistant points of the segment, its ends and the nodes

with c(s) = gᵀ∇²L(θ − sηg)g/‖g‖². For a polynomial loss of degree d, c has the degree d − 2 in s, and the quadrature
with NODES nodes is exact up to 2·NODES − 2; for other losses it is accurate as long as c is smooth along a step.
Taylor's remainder is taken for any function, and in full for a loss of two weights.

Arrays: curvature (…, points), loss and squared gradient (…).
"""

import numpy as np
import xarray as xr
from sympy import Expr, Function, Integral, Symbol, diff, expand, integrate

from eos_sym import STEP_SIZE, GradientDescent, Objective, quadratic
from eos_sym.stability import stability
from numeric.compile import Array

NODES = 6
SAMPLES = 9
_POSITIONS, _WEIGHTS = np.polynomial.legendre.leggauss(NODES)
GAUSS = (_POSITIONS + 1) / 2, _WEIGHTS / 2  # on [0, 1]
POINTS = np.concatenate([GAUSS[0], np.linspace(0, 1, SAMPLES)])  # where c is wanted along every segment
RESOLVED = 1e-9  # of ηℓ/2 from 1, and of the change of the loss: closer, rounding decides
LEAST_LOSS = 1e-12  # below, rounding of the weights shows in the change of the loss
SEGMENT, END = Symbol("s", real=True), Symbol("t", real=True)  # where on the segment from θ to θ − ηg, and up to where


def segment_dataset(loss: Array, squared_gradient: Array, curvature: Array, eta: float | xr.DataArray) -> xr.Dataset:
    """Loss, ‖g‖², ℓ, S̄ and the change of the loss that ℓ predicts, at every iterate but the last.

    `loss` has one iterate more than the others; all have the iterates last, `curvature` then the POINTS.
    """
    smoothness = 2 * (curvature[..., :NODES] * GAUSS[1] * (1 - GAUSS[0])).sum(axis=-1)
    dims = ("start", "iteration")
    with np.errstate(invalid="ignore"):  # where a run has overflowed
        change = np.diff(loss, axis=-1)
    run = xr.Dataset(
        {
            "loss": (dims, loss[..., :-1]),
            "change": (dims, change),
            "squared_gradient": (dims, squared_gradient),
            "smoothness": (dims, smoothness),
            "largest": (dims, curvature.max(axis=-1)),
        },
        coords={"iteration": ("iteration", np.arange(loss.shape[-1] - 1), {"units": "iterations"})},
    )
    run["eta"] = eta
    run["predicted_change"] = -run.eta * (1 - run.eta * run.smoothness / 2) * run.squared_gradient
    return run


def resolved(run: xr.Dataset) -> xr.DataArray:
    """The steps in which floating point can tell whether the loss rises."""
    clear = (run.loss > LEAST_LOSS) & (abs(run.eta * run.smoothness / 2 - 1) > RESOLVED)
    large: xr.DataArray = clear & (abs(run.change) > RESOLVED * run.loss)
    return large


def identity_error(run: xr.Dataset) -> float:
    """The largest difference of the two sides of Taylor's identity, relative to L + |ΔL|."""
    scale = run.loss.clip(min=LEAST_LOSS) + abs(run.change)
    return float((abs(run.change - run.predicted_change) / scale).where(run.loss > LEAST_LOSS).max())


def violations(run: xr.Dataset) -> int:
    """How many steps with S̄ < 2/η the loss rises in, against the lemma."""
    return int(((run.largest < 2 / run.eta) & (run.change > 0) & resolved(run)).sum())


def promised(run: xr.Dataset) -> int:
    """In how many steps S̄ < 2/η."""
    return int(((run.largest < 2 / run.eta) & resolved(run)).sum())


def mismatches(run: xr.Dataset) -> int:
    """How many steps disagree with: the loss rises exactly if ℓ > 2/η."""
    return int((((run.smoothness > 2 / run.eta) != (run.change > 0)) & resolved(run)).sum())


def rises(run: xr.Dataset) -> int:
    """In how many steps the loss rises."""
    return int(((run.change > 0) & resolved(run)).sum())


def taylor_remainder() -> tuple[Expr, Expr, Expr]:
    """R'', R'(0) and R(0) of R(t) = φ(t) − φ(0) − tφ'(0) − ∫₀ᵗ (t − s)φ''(s) ds for any φ: all are 0, so that R is."""
    phi = Function("phi")
    start = phi(SEGMENT).diff(SEGMENT).subs(SEGMENT, 0)
    integral = Integral((END - SEGMENT) * phi(SEGMENT).diff(SEGMENT, 2), (SEGMENT, 0, END))
    remainder = phi(END) - phi(0) - END * start - integral
    second, first = diff(remainder, END, 2).doit(), diff(remainder, END).subs(END, 0).doit()
    return second, first, remainder.subs(END, 0).doit()


def total_weight() -> Expr:
    """∫₀¹ 2(1 − s) ds, the total weight of the mean that ℓ is."""
    return integrate(2 * (1 - SEGMENT), (SEGMENT, 0, 1))


def curvature_along(objective: Objective) -> Expr:
    """c(s)‖g‖² = gᵀ∇²L(θ − sηg)g, g = ∇L(θ), in the weights, η and s."""
    along = {
        weight: weight - SEGMENT * STEP_SIZE * slope
        for weight, slope in zip(objective.weights, objective.gradient, strict=True)
    }
    hessian = objective.hessian.subs(along, simultaneous=True)
    return (objective.gradient.T * hessian * objective.gradient)[0]


def change_of_loss(objective: Objective) -> tuple[Expr, Expr]:
    """L(θ⁺) − L(θ), and −η(1 − ηℓ/2)‖g‖² with ℓ integrated: the two sides of the identity, for a polynomial loss."""
    moved = GradientDescent().map(objective).after(objective.loss)
    squared = (objective.gradient.T * objective.gradient)[0]
    mean = integrate(expand(2 * (1 - SEGMENT) * curvature_along(objective)), (SEGMENT, 0, 1))
    return expand(moved - objective.loss), expand(-STEP_SIZE * squared + STEP_SIZE**2 * mean / 2)


def critical_sharpness_of_a_quadratic() -> Expr:
    """The λ₁ beyond which GD on a quadratic model diverges."""
    (eigenvalue,) = quadratic(1).parameters
    return stability(GradientDescent().map(quadratic(1)).jacobian).critical_value(eigenvalue)
