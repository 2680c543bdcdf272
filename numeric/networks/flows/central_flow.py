"""The central flow of a network: the path about which its training oscillates at the edge of stability.

    from numeric.networks.flows import central_flow

    told = central_flow(model, criterion, inputs, targets, eta=0.1, steps=1000)
    told.mean_loss, told.sharpness, told.variance

At θ + δ, with δ an oscillation about 0 of covariance Σ, the gradient is on average ∇L + ½ ∇³L[Σ] to second order, so
that with the time counted in steps

    θ̇ = −η (∇L + ½ ∇³L[Σ]),     Σ = U X Uᵀ,     X ⪰ 0,

with U the eigenvectors whose eigenvalues are at the edge, 2/η: elsewhere nothing keeps an oscillation going. These are
not to rise beyond it, and what falls by itself does not oscillate. That makes X unique: semidefinite complementarity
(`numeric.networks.edge.covariance`), with A_ab = T_ab·∇L, B[X]_ab = ½ Σ T_ab·T_cd X_cd and T_ab = ∇³L(u_a, u_b, ·).

**The step.** Over a step h the eigenvalues near the edge move by −ηh(A + B[X]) and have 2/η − Λ to go, hence

    X ⪰ 0,     S = A + (2/η − Λ)/(ηh) + B[X] ⪰ 0,     ⟨X, S⟩ = 0.

This makes no difference between eigenvalues at the edge and those about to arrive, needs no events, and takes back at
each step what the one before has left beyond the edge. X and T are held over the step, ∇L follows it, by a stabilized
method (`stabilized`): the flow is stiff, ηλ ≈ 2 a step of training. A step is halved where it carries an eigenvalue
beyond the edge by more than `BEYOND` of it, or where its estimated error is more than `ERROR` of itself.

**Predicted averages.** E L = L + ½ tr(HΣ), which is L + tr Σ/η; E‖∇L‖² = ‖∇L + ½∇³L[Σ]‖² + tr(HΣH).

Along `step` 0 … T, between the flow's own steps by monotone cubics: loss (at the centre), mean_loss,
mean_gradient_norm (the root of the mean square), sharpness, second (the next eigenvalue), variance tr Σ, rank of X.
Attributes: eta, edge, ending ("steps", or why the flow ended before), evaluations in gradients of the full batch, taken
(the flow's own steps).

Errors: `BadInput` for what `exact_loss` refuses; `Undecided` for a start beyond the edge.
Source: :cite:t:`cohen2024understanding`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from scipy.interpolate import PchipInterpolator
from torch import Tensor, nn

from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.edge.covariance import edge_covariance
from numeric.networks.edge.descent import exact_loss
from numeric.networks.flows.edge_space import EdgeFollower, EdgeSpace
from numeric.networks.flows.stabilized import error_of_step, stabilized_step, stages_for
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.progress import listener
from numeric.values import positive_number, whole_number

BEYOND = 1e-3  # of the edge
ERROR = 0.02  # of the step
LONGEST, SHORTEST = 4.0, 1 / 64
STIFFER = 1.1  # than the eigenvalues followed: what the step allows for


def central_flow(
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    *,
    eta: float,
    steps: int,
) -> xr.Dataset:
    """The central flow of gradient descent from the module's weights; the module stays as it is."""
    positive_number("eta", eta)
    whole_number("steps", steps, least=1)
    loss = exact_loss(module, criterion, inputs, targets)
    with undisturbed(loss.module):
        return _flow(loss, eta, steps)


@dataclass(frozen=True)
class _Oscillation:
    """X, and the force ½∇³L[Σ] that it exerts."""

    covariance: Array
    force: Tensor
    rank: int


def _flow(loss: FlatLoss, eta: float, steps: int) -> xr.Dataset:
    edge = 2 / eta
    follower, report = EdgeFollower(loss, edge), listener()
    weights, time, h = loss.parameters, 0.0, 1.0
    here = follower.read(weights)
    if here.eigenvalues[0] > edge * (1 + BEYOND):
        raise Undecided(f"the start is sharper, {here.eigenvalues[0]:g}, than the edge, {edge:g}: start below it")
    evaluations, ending, rows = here.evaluations, "steps", []
    while True:
        h = min(h, LONGEST, max(steps - time, SHORTEST))
        oscillation = _balanced(here, edge, eta, h)
        if time >= steps:
            rows.append(_row(time, here, oscillation, eta))
            break
        first = -eta * (here.gradient + oscillation.force)
        stages = stages_for(STIFFER * eta * max(float(here.eigenvalues[0]), 0.0) * h)

        def rate(point: Tensor, force: Tensor = oscillation.force) -> Tensor:
            return -eta * (loss.value_and_gradient(point)[1] + force)

        there = stabilized_step(rate, weights, first, h, stages)
        evaluations += stages - 1
        try:
            after = follower.read(there)
        except Undecided as reason:
            ending = str(reason)
            break
        evaluations += after.evaluations
        last = -eta * (after.gradient + oscillation.force)
        error = float(error_of_step(weights, first, there, last, h).norm() / (ERROR * (there - weights).norm()))
        beyond = (after.eigenvalues[0] / edge - 1) / BEYOND
        if max(error, beyond) > 1 and h > SHORTEST:
            h = max(h / 2, SHORTEST)
            continue
        rows.append(_row(time, here, oscillation, eta))
        report(int(time + h) - int(time))
        time, weights, here = time + h, there, after
        if max(error / 4, beyond) < 0.5:
            h = 2 * h
    return _dataset(rows, steps).assign_attrs(
        eta=eta, edge=edge, ending=ending, evaluations=evaluations, taken=len(rows) - 1
    )


def _balanced(here: EdgeSpace, edge: float, eta: float, h: float) -> _Oscillation:
    """The oscillation that lets no eigenvalue beyond the edge within a step h."""
    if not here.near:
        return _Oscillation(np.zeros((0, 0)), torch.zeros_like(here.gradient), 0)
    third = here.third
    force = (third @ here.gradient).numpy() + np.diag((edge - here.eigenvalues[: here.near]) / (eta * h))
    found = edge_covariance(force, torch.einsum("abp,cdp->abcd", third, third).numpy())
    pull = torch.einsum("ab,abp->p", torch.from_numpy(found.covariance).to(third), third) / 2
    return _Oscillation(found.covariance, pull, found.rank)


def _row(time: float, here: EdgeSpace, oscillation: _Oscillation, eta: float) -> dict[str, float]:
    values, along = here.eigenvalues[: here.near], np.diag(oscillation.covariance)
    mean = float((here.gradient + oscillation.force).square().sum())
    return {
        "step": time,
        "loss": here.value,
        "excess": float(values @ along) / 2,
        "mean_gradient_norm": float(np.sqrt(mean + values**2 @ along)),
        "sharpness": float(here.eigenvalues[0]),
        "second": float(here.eigenvalues[1]),
        "variance": float(along.sum()),
        "rank": oscillation.rank,
    }


def _dataset(rows: list[dict[str, float]], steps: int) -> xr.Dataset:
    """The rows at whole steps, as far as they go."""
    times = np.array([row["step"] for row in rows])
    wanted = np.arange(min(steps, int(times[-1])) + 1)
    told = {name: ("step", PchipInterpolator(times, [row[name] for row in rows])(wanted)) for name in rows[0]}
    del told["step"]
    told["mean_loss"] = "step", told["loss"][1] + told.pop("excess")[1]
    return xr.Dataset(told, {"step": wanted})
