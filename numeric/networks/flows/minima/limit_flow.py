"""The limit flow of a network's own minima: how a rule that cannot converge creeps along them, at the rate η² a step.

    from eos_sym.rules import NormalizedGradientDescent
    from numeric.networks.flows.minima import limit_flow

    told = limit_flow(NormalizedGradientDescent(), model, criterion, inputs, targets, until=2.0)
    told.sharpness.sel(tau=1.0, method="nearest")        the sharpness after 1/η² steps, whatever η is

Normalized GD and GD on √L end in an oscillation of the size η across the manifold Γ of minima, along the top
eigenvector u, and their average moves in the time τ = η²t by

    dX/dτ = −D(λ₁) P_Γ ∇λ₁,    D = 1/(4λ₁) for normalized GD,  ⅛ for GD on √L,    ∇λ₁ = ∇³L(u, u, ·),

where D follows from the formula of the rule (`eos_sym.flows.oscillation`), ∇³L(u, u, ·) from automatic
differentiation, and P_Γ is exact (`manifold`). The flow leaves the outputs as they are; what the integration, Runge and
Kutta's of order 5 with steps by its error, takes it off Γ, Gauss and Newton's steps take back at every time asked for.
It begins at the minimum beside the module's weights, and ends before `until` where λ₁ is about to be double: there the
flow is not defined, and what the rule does is another question.

    over tau                sharpness; second, λ₂ (NaN if there is none); excess of the loss; drifted, the excess before
                            it was taken back; and weights (tau, parameter)
    attributes              ending, "time" or "double"

Shapes: θ (p,). Units: τ has those of η², so of θ² for normalized GD. Errors: `BadInput` for what `exact_loss` refuses,
and for times that are not positive; `Undecided` where `manifold` says so, where the integration comes to a halt,
and for a rule that does not oscillate so. Source: :cite:t:`arora2022understanding`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
import xarray as xr
from scipy.integrate import solve_ivp
from torch import Tensor, nn

from eos_sym import Undecided
from eos_sym.rules import WrittenRule
from numeric.compile import Array
from numeric.networks.curvature import directional_gradient
from numeric.networks.edge.descent import exact_loss
from numeric.networks.flows.minima.across import width_and_drift
from numeric.networks.flows.minima.manifold import GaussNewton, gauss_newton_at, nearest_minimum
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.values import positive_number, whole_number

DOUBLE = 0.01  # (λ₁ − λ₂)/λ₁ at which the top eigenvalue is about to be double
ERROR = 1e-7  # of a step, relative to the length of the weights


def limit_flow(
    rule: WrittenRule,
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    *,
    until: float,
    points: int = 21,
) -> xr.Dataset:
    """The limit flow from the minimum beside the module's weights, at so many times τ; the module stays as it is."""
    positive_number("until", until)
    whole_number("points", points, least=2)
    loss = exact_loss(module, criterion, inputs, targets)
    with undisturbed(loss.module):
        return limit_flow_from(rule, loss, loss.parameters, np.linspace(0, until, points).tolist())


def limit_flow_from(rule: WrittenRule, loss: FlatLoss, weights: Tensor, times: Sequence[float]) -> xr.Dataset:
    """The same for a loss in double precision, at increasing times τ of which the first is the start's."""
    model = width_and_drift(rule)
    here = nearest_minimum(loss, weights)
    reached, ending = [(times[0], here, here.excess)], "time"

    def velocity(_tau: float, state: Array) -> Array:
        at = gauss_newton_at(loss, torch.from_numpy(state))
        u = at.eigenvectors[:, 0]
        slope = at.tangential(directional_gradient(loss, at.weights, u, u))
        _, drift = model(at.sharpness)
        return np.asarray(-float(drift) * slope.numpy())

    def opening(_tau: float, state: Array) -> float:
        return gauss_newton_at(loss, torch.from_numpy(state)).gap - DOUBLE

    opening.terminal = True  # type: ignore[attr-defined]  # how SciPy is told
    scale = ERROR * float(here.weights.norm()) / len(here.weights) ** 0.5
    for start, end in pairwise(times):
        if here.gap <= DOUBLE:
            ending = "double"
            break
        run = solve_ivp(
            velocity, (start, end), here.weights.numpy(), rtol=ERROR, atol=scale, events=opening, first_step=end - start
        )
        if run.status < 0:
            raise Undecided(f"the limit flow could not be followed beyond τ = {run.t[-1]:.4g}: {run.message}")
        last = torch.from_numpy(run.y[:, -1].copy())
        drifted = gauss_newton_at(loss, last).excess
        here = nearest_minimum(loss, last)
        reached.append((float(run.t[-1]), here, drifted))
        if run.status == 1:
            ending = "double"
            break
    return _dataset(reached).assign_attrs(ending=ending)


def _dataset(reached: Sequence[tuple[float, GaussNewton, float]]) -> xr.Dataset:
    times, points, drifted = zip(*reached, strict=True)
    values = [at.eigenvalues.tolist() for at in points]
    return xr.Dataset(
        {
            "sharpness": ("tau", [row[0] for row in values]),
            "second": ("tau", [row[1] if len(row) > 1 else np.nan for row in values]),
            "excess": ("tau", [at.excess for at in points]),
            "drifted": ("tau", list(drifted)),
            "weights": (("tau", "parameter"), torch.stack([at.weights for at in points]).numpy()),
        },
        {"tau": list(times)},
    )
