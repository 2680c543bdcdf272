"""Edge Flow: a centre on the symmetrized loss, a direction that climbs to the top eigenvector, and a magnitude.

    from numeric.networks.flows import edge_flow

    told = edge_flow(model, criterion, inputs, targets, eta=0.1, steps=1000)
    told.mean_loss, told.sharpness, told.variance

    ẇ = −½η[∇L(w + xu) + ∇L(w − xu)]          the centre, on ½[L(w + xu) + L(w − xu)]
    u̇ = η[∇²L(w)u − (u·∇²L(w)u)u]             the direction, up the Rayleigh quotient
    ẋ = (ηS − 2) x,  S = u·∇²L(w)u             the magnitude: it grows beyond S = 2/η, and decays below

The last two are one: of δ = xu they say δ̇ = η∇²L(w)δ − 2δ, since −δ' = (η∇²L − I)δ is what gradient descent makes of a
small displacement. Nothing is switched on at the onset: the overshoot of S, the spike and the turns that follow come of
the three equations, with two gradients and one Hessian product a step.

On a loss of third order this is exact in what alternates: with L = ½(2/η + y)x² − αy it is ẋ = ηxy, ẏ = η(α − ½x²), the
self-stabilization of Damian et al. in the limit of small steps. What it does not know is that a long swing meets
another slope than the tangent's: on L = ½Sx² + Qx⁴/24 nothing ever bounds x, where gradient descent has the two-cycle
x² = 6(2/η − S)/Q. `rod_flow` has that.

Along `step`: mean_loss, mean_gradient_norm, sharpness S, variance x², as in `alternation`, which integrates it and says
what comes from rounding. An iteration costs 2 gradients and a product, 4.8 gradients. Errors: as there, and `BadInput`
for what `exact_loss` refuses.

Source: :cite:t:`marion2026edgeflow`, from its abstract: three equations, a centre on the symmetrized loss, a direction
by Rayleigh quotient dynamics, growth and decay about 2/η, and the cost. Their exact form here is derived from that.
"""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr
from torch import Tensor, nn

from numeric.networks.curvature import HessianAt
from numeric.networks.flows.alternation import Ends, alternation
from numeric.networks.loss import FlatLoss


def edge_flow(
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    *,
    eta: float,
    steps: int,
    per_step: int = 1,
    keep_every: int | None = None,
) -> xr.Dataset:
    """Edge Flow of gradient descent from the module's weights, by `per_step` Euler steps an iteration."""
    return alternation(
        module,
        criterion,
        inputs,
        targets,
        _tangent,
        "sharpness",
        eta=eta,
        steps=steps,
        per_step=per_step,
        keep_every=keep_every,
    )


def _tangent(loss: FlatLoss, centre: Tensor, along: Tensor, ends: Ends) -> tuple[Tensor, float]:
    hessian = HessianAt(loss, centre)
    return hessian.product(along[:, None])[:, 0], hessian.evaluations
