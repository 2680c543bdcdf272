"""Rod Flow: two consecutive iterates are the ends of a rod, which has a centre w and an extent δ, up to its sign.

    from numeric.networks.flows import rod_flow

    told = rod_flow(model, criterion, inputs, targets, eta=0.1, steps=1000)
    told.mean_loss, told.slope, told.variance

Gradient descent takes the ends θ = w − δ and θ' = w + δ to θ' and θ' − η∇L(θ'). With

    Ḡ = ½[∇L(w + δ) + ∇L(w − δ)],    g = ½[∇L(w + δ) − ∇L(w − δ)],

that is w' = w − ηḠ and δ' = δ − ηg, exactly. About a period of two δ changes its sign in every step, and δδᵀ hardly
changes: with the defect e = ηg − 2δ,

    δ'δ'ᵀ − δδᵀ = δeᵀ + eδᵀ + eeᵀ.

Without the last term, which is of second order in the defect, a rod remains a rod, of rank one, and moves by

    ẇ = −ηḠ(w, δ),    δ̇ = e = ηg(w, δ) − 2δ.

An Euler step of length 1 moves both ends by gradient descent, exactly: w' ∓ δ' = (w ± δ) − η∇L(w ± δ). So the flow is
what gradient descent of two ends becomes when the step is made small, with δ's sign taken out of it; and at the unit
steps of `alternation` it differs from gradient descent only in the swing of w along the rod, which is left out.
Its equilibria with δ ≠ 0, Ḡ = 0 and ηg = 2δ, are the two-cycles w ± δ of gradient descent, all of them, on any loss.
Where g = Sδ, the rod grows iff S > 2/η. On L = ½Sx² + Qx⁴/24 it comes to rest at x² = 6(2/η − S)/Q: the secant's slope
along the rod, not the tangent's, is at 2/η. On a loss of third order the two are one, and the flow is `edge_flow`.

Along `step`: mean_loss, mean_gradient_norm, slope u·g/x, variance x² = ‖δ‖², as in `alternation`, which integrates it
and says what comes from rounding. An iteration costs 2 gradients, and no Hessian product. The sharpness at the centre
is not among them: it falls short of the slope by ∇⁴L(u,u,u,u)x²/6. Errors: as there, and `BadInput` for what
`exact_loss` refuses.

Source: :cite:t:`regis2026rodflow`, from its abstract: the rod, its centre and the outer product of its extent, that
the threshold is 2/η and that it self-stabilizes on quartic potentials; for momentum and adaptive rules
:cite:t:`regis2026adam`. The equations here are derived from that picture; theirs may keep another part of eeᵀ.
"""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr
from torch import Tensor, nn

from numeric.networks.flows.alternation import Ends, alternation
from numeric.networks.loss import FlatLoss


def rod_flow(
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
    """Rod Flow of gradient descent from the module's weights, by `per_step` Euler steps an iteration."""
    return alternation(
        module,
        criterion,
        inputs,
        targets,
        _secant,
        "slope",
        eta=eta,
        steps=steps,
        per_step=per_step,
        keep_every=keep_every,
    )


def _secant(loss: FlatLoss, centre: Tensor, along: Tensor, ends: Ends) -> tuple[Tensor, float]:
    return ends.secant, 0.0
