"""Gradient descent on a network beside the predicted dynamics of self-stabilization, step by step from near the edge.

    from numeric.networks.edge import self_stabilization

    told = self_stabilization(model, criterion, inputs, targets, eta=0.1, steps=200)
    told.x, told.predicted_x          and y, loss and sharpness
    told.failing, told.failing_from   the assumption that fails first, and its step

θ† is the constrained trajectory (`constrained`), from the point of M near the weights, and gradient descent is at θ†+v,

    v⁺ = v − η[∇²L v + ½(x² − δ²)∇S⊥ + (x y + q Q x³/6 + p ½(u·∇S) x²) u],    x = u·v,  y = ∇S⊥·v,

with all coefficients at θ†, anew at every step, in three orders:

    cubic       q = p = 0       the paper's
    quartic     q = 1, p = 0    with Q = ∇⁴L(u,u,u,u)
    complete    q = p = 1       all of weight at most four in L, of weights 1 for x and 2 for what is across u

The last term changes its sign with x and so averages out, but not its square: a shift of x by −½(u·∇S)x²/S enters the
next one, and where S = 2/η the two make Q − (3η/2)(u·∇S)² of Q. Predicted are x, y and

    L(θ_t) ≈ L(θ†) + x²/η,    S(θ̄_t) ≈ 2/η + (y + (u·∇S)x)‾_t    at midpoints z̄_t = (z_{t−1} + 2z_t + z_{t+1})/4.

A run that comes to the edge by itself oscillates there by less than its distance from M, which the theory neglects. So
a `kick` may be given: gradient descent begins at θ† + kick·δ·u.

    over step 0 … T                     x, y, loss, constrained_loss, sharpness (NaN where none was read)
    over step, coefficients at θ†       alpha, beta, delta, epsilon, parallel, quartic, second
    over order and step                 predicted_x, predicted_y, predicted_loss, predicted_sharpness (NaN at the ends),
                                        error ‖v − v*‖/δ₀, δ₀ at the start
    over assumption and step            reach (`assumptions`)
    over step                           residual of the projection
    over order                          failing, the first assumption to fail, "trajectory" if θ† ends, or "none";
                                        failing_from, its step
    attributes                          eta; ending, "steps" or why it ended before them

Errors: `BadInput` for what `descent.exact_loss` refuses, and for a kick that is not positive; `Undecided` where the
constrained trajectory does not begin. Source: :cite:t:`damian2022selfstabilization`, definition 4, theorem 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.edge.descent import exact_loss
from numeric.networks.edge.turns.assumptions import (
    ASSUMED,
    ASSUMPTIONS,
    assumptions,
    beyond_the_expansion,
    first_failure,
    strayed_next,
)
from numeric.networks.edge.turns.coefficients import EdgeCoefficients
from numeric.networks.edge.turns.constrained import ConstrainedTrajectory
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.progress import Progress, listener
from numeric.values import positive_number, whole_number

ORDERS = tuple(ASSUMED)
READ_EVERY = 3  # steps from one reading of the sharpness to the next: odd, for both phases of the oscillation
READING = 1e-3
FAR = 10.0  # times δ₀: where a prediction has gone for good


def self_stabilization(
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    *,
    eta: float,
    steps: int,
    kick: float | None = None,
) -> xr.Dataset:
    """Gradient descent from the module's weights beside the predicted dynamics; the module stays as it is."""
    loss = exact_loss(module, criterion, inputs, targets)
    with undisturbed(loss.module):
        return beside_descent(loss, loss.parameters, eta, steps, kick)


def beside_descent(
    loss: FlatLoss, weights: Tensor, eta: float, steps: int, kick: float | None = None, progress: Progress | None = None
) -> xr.Dataset:
    """The same for a loss in double precision and weights near the edge."""
    positive_number("eta", eta)
    whole_number("steps", steps, least=2)
    if kick is not None:
        positive_number("kick", kick)
    report = listener(progress)
    trajectory = ConstrainedTrajectory(loss, weights, eta)
    here = trajectory.here
    start = weights if kick is None else here.weights + kick * here.delta * here.direction
    path, losses = _descent(loss, start, eta, steps)
    predicted = torch.stack([start - here.weights] * len(ORDERS), 1)
    strayed = torch.zeros_like(start)
    far = FAR * here.delta
    rows: list[Mapping[str, Any]] = []
    ending = "steps"
    for step in range(steps + 1):
        measured = path[step] - trajectory.here.weights
        row, predicted, strayed = _compared(loss, trajectory, measured, predicted, strayed, eta)
        predicted[:, ~(predicted.norm(dim=0) < far)] = torch.nan
        rows.append(row)
        if step == steps:
            break
        report(1)
        try:
            trajectory.advance()
        except Undecided as reason:
            ending = str(reason)
            break
    told = _dataset(rows, eta).assign_attrs(eta=eta, ending=ending)
    failing = [_failing(rows, order, ending) for order in ORDERS]
    told["failing"], told["failing_from"] = (("order", list(one)) for one in zip(*failing, strict=True))
    told["loss"] = "step", losses[: len(rows)]
    told["sharpness"] = "step", _sharpness(loss, path[: len(rows) + 1])
    return told


def _descent(loss: FlatLoss, weights: Tensor, eta: float, steps: int) -> tuple[list[Tensor], list[float]]:
    """Gradient descent for one step more than is compared, and the losses."""
    path, losses = [weights], []
    for _ in range(steps + 1):
        value, gradient = loss.value_and_gradient(path[-1])
        losses.append(float(value))
        path.append(path[-1] - eta * gradient)
    return path, losses


def _sharpness(loss: FlatLoss, path: list[Tensor]) -> Array:
    """The sharpness at every third midpoint of the path, NaN elsewhere and without the last step."""
    eigenpairs = TopEigenpairs(relative=READING)
    found = np.full(len(path) - 1, np.nan)
    for step in range(1, len(found), READ_EVERY):
        midpoint = (path[step - 1] + 2 * path[step] + path[step + 1]) / 4
        hessian = HessianAt(loss, midpoint)
        found[step] = float(eigenpairs.read(hessian, midpoint, hessian.gradient).eigenvalues[0])
    return found


def _compared(
    loss: FlatLoss, trajectory: ConstrainedTrajectory, measured: Tensor, predicted: Tensor, strayed: Tensor, eta: float
) -> tuple[Mapping[str, Any], Tensor, Tensor]:
    """What is told of one step, and v and e predicted for the next one; v and e (p,), of v one for each order."""
    here, u, bent = trajectory.here, trajectory.here.direction, trajectory.here.perpendicular
    x, y = u @ predicted, bent @ predicted
    known = predicted.nan_to_num()
    images = here.hessian.product(torch.cat([bent[:, None], strayed[:, None], known], 1))
    here.hessian.free()
    beyond = beyond_the_expansion(loss, here, known[:, -1], images[:, -1])
    row = {
        "x": float(u @ measured),
        "y": float(bent @ measured),
        "constrained_loss": here.value,
        "predicted_x": x.numpy(),
        "predicted_y": y.numpy(),
        "error": (measured[:, None] - predicted).norm(dim=0).numpy(),
        "reach": assumptions(here, images[:, 0], beyond, strayed, eta),
        "residual": trajectory.residual,
        **_coefficients(here, eta),
    }
    pulled = 2 * max(here.alpha, 0.0) / here.beta
    fourth, parallel = torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]).to(x)
    along = x * y + fourth * here.quartic * x**3 / 6 + parallel * here.parallel * x**2 / 2
    push = (x**2 - pulled) / 2 * bent[:, None] + along * u[:, None]
    after = strayed_next(here, strayed, images[:, 1], beyond, eta)
    return row, predicted - eta * (images[:, 2:] + push), after


def _coefficients(here: EdgeCoefficients, eta: float) -> Mapping[str, float]:
    return {
        "alpha": here.alpha,
        "beta": here.beta,
        "delta": here.delta,
        "epsilon": here.epsilon(eta),
        "parallel": here.parallel,
        "quartic": here.quartic,
        "second": here.second,
    }


def _failing(rows: list[Mapping[str, Any]], order: str, ending: str) -> tuple[str, int]:
    """What fails first, and the step from which on it does."""
    for step, row in enumerate(rows):
        if (name := first_failure(row["reach"], order)) is not None:
            return name, step
    return ("none" if ending == "steps" else "trajectory"), len(rows)


def _dataset(rows: list[Mapping[str, Any]], eta: float) -> xr.Dataset:
    columns: dict[str, Any] = {}
    for name, first in rows[0].items():
        if name == "reach":
            columns[name] = ("assumption", "step"), [[row[name][one] for row in rows] for one in ASSUMPTIONS]
        elif isinstance(first, np.ndarray):
            columns[name] = ("order", "step"), np.stack([row[name] for row in rows], 1)
        else:
            columns[name] = "step", [row[name] for row in rows]
    told = xr.Dataset(columns, {"step": np.arange(len(rows)), "order": [*ORDERS], "assumption": [*ASSUMPTIONS]})
    told["error"] = told.error / told.delta[0]
    told["predicted_loss"] = told.constrained_loss + told.predicted_x**2 / eta
    excess = told.predicted_y + told.parallel * told.predicted_x
    told["predicted_sharpness"] = 2 / eta + (excess.shift(step=1) + 2 * excess + excess.shift(step=-1)) / 4
    return told
