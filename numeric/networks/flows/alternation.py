"""A centre and an alternation ±xu about it: what Edge Flow and Rod Flow have in common, and how they are integrated.

At the edge of stability gradient descent is at w ± xu by turns. With the gradient at both ends,

    Ḡ = ½[∇L(w + xu) + ∇L(w − xu)],    ẇ = −ηḠ,    u̇ = η(v − s u),    ẋ = (ηs − 2) x,    s = u·v,

the time in steps of gradient descent. The flows differ in v alone: `edge_flow` takes ∇²L(w)u, `rod_flow` the secant
[∇L(w + xu) − ∇L(w − xu)]/(2x). Integrated by Euler steps of length h ≤ 1,

    w' = w − hη[Ḡ − (1 − c)(u·Ḡ)u],  c = min(1, 1/(hηs)),        x' = max(0, 1 + h(ηs − 2)) x,
    u' ∝ u + min(hη, 1/s)(v − s u).

A step h = 1 is more than a discretization. Away from u it is gradient descent, which a flow lags behind by ½ηλ in
the direction of an eigenvalue λ; and x' = (ηs − 1)x has gradient descent's own factor, without its sign. Along u, where
Euler's factor 1 − ηS = −1 would keep w swinging, c takes it to where Ḡ has no part along u: the oscillation is in x
alone. With more steps, h = 1/`per_step`, the solution tends to the flow's.

**What is not of the flows.** Below the edge x falls to nothing, and of nothing nothing comes. Gradient descent
oscillates again from what rounding leaves: σ = ε‖w‖/√(12p) a step along u, ε the precision of the module's weights, so
that x'² = (…)² + hσ². (Where u turns fast, other directions that alternate hand over more than that: a burst that comes
soon after the start may be told too late.) At the start u is the top eigenvector, and x = |u·∇L|/S if ηS > 1, the
distance from where the gradient has no part along u, 0 otherwise. The ends are never nearer than `REACH`·‖w‖, where
rounding is no larger than the bend of the secant; at w = 0, which no rounding blurs, than `REACH`.

Along `step` 0 … T, as far as the flow goes: mean_loss ½[L(w + xu) + L(w − xu)], mean_gradient_norm (root of the mean
square at both ends), the slope s under the flow's own name, variance x². With `keep_every`, over kept, the weights w
(kept, weight). Attributes: eta, edge, ending ("steps", or where it diverged), evaluations in full gradients.

Errors: `BadInput` for a step size that is not positive, and for numbers of steps below 1.
Source: `rod_flow` and `edge_flow` say what is whose; the integration is derived for this project.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.exact_copy import exact_copy
from numeric.networks.tracker.given import checked_loss
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.progress import listener
from numeric.values import positive_number, whole_number

REACH = 1e-6  # of ‖w‖
ALIGNED = 1e-3  # relative, of the first top eigenvalue


@dataclass(frozen=True)
class Ends:
    """The means of loss and gradient at both ends, and the secant [∇L(w + xu) − ∇L(w − xu)]/(2x)."""

    loss: float
    gradient: Tensor
    secant: Tensor


Image = Callable[[FlatLoss, Tensor, Tensor, Ends], tuple[Tensor, float]]  # v, and its gradient evaluations


@dataclass(frozen=True)
class _State:
    """w and u, (p,), and x."""

    centre: Tensor
    along: Tensor
    x: float

    def ends(self, loss: FlatLoss) -> Ends:
        """At w ± xu, or as near as rounding allows."""
        reach = max(self.x, REACH * (float(self.centre.norm()) or 1))
        above, ahead = loss.value_and_gradient(self.centre + reach * self.along)
        below, behind = loss.value_and_gradient(self.centre - reach * self.along)
        return Ends(float(above + below) / 2, (ahead + behind) / 2, (ahead - behind) / (2 * reach))

    def after(self, gradient: Tensor, image: Tensor, eta: float, h: float, precision: float) -> _State:
        """The state a step h later."""
        slope = float(self.along @ image)
        most = 1 / slope if slope > 0 else math.inf
        held = 1 - min(1.0, most / (h * eta))
        centre = self.centre - h * eta * (gradient - held * (self.along @ gradient) * self.along)
        along = self.along + min(h * eta, most) * (image - slope * self.along)
        noise = precision * float(centre.norm()) * math.sqrt(h / (12 * len(centre)))
        x = math.hypot(max(0.0, 1 + h * (eta * slope - 2)) * self.x, noise)
        return _State(centre, along / along.norm(), x)


def alternation(
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    image: Image,
    slope: str,
    *,
    eta: float,
    steps: int,
    per_step: int,
    keep_every: int | None,
) -> xr.Dataset:
    """The flow with this v, whose s is recorded under the name `slope`; the module stays as it is."""
    positive_number("eta", eta)
    whole_number("steps", steps, least=1)
    whole_number("per_step", per_step, least=1)
    if keep_every is not None:
        whole_number("keep_every", keep_every, least=1)
    given = checked_loss(module, criterion, inputs, targets)
    loss, report = exact_copy(given), listener()
    precision, ending = torch.finfo(given.parameters.dtype).eps, "steps"
    rows: list[dict[str, float]] = []
    kept: dict[int, Tensor] = {}
    with undisturbed(loss.module):
        state, evaluations = _start(loss, eta)
        for substep in range(steps * per_step + 1):
            ends = state.ends(loss)
            v, cost = image(loss, state.centre, state.along, ends)
            evaluations += 2 + cost
            step, part = divmod(substep, per_step)
            if not part:
                row = _row(state, ends) | {slope: float(state.along @ v)}
                if not all(map(math.isfinite, row.values())):
                    ending = f"diverges at step {step}"
                    break
                rows.append(row)
                report(step > 0)
                if keep_every is not None and step % keep_every == 0:
                    kept[step] = state.centre
            state = state.after(ends.gradient, v, eta, 1 / per_step, precision)
    names = rows[0] if rows else {}
    told = xr.Dataset({name: ("step", [row[name] for row in rows]) for name in names}, {"step": np.arange(len(rows))})
    if kept:
        told = told.assign_coords(kept=list(kept))
        told["weights"] = ("kept", "weight"), torch.stack(list(kept.values())).numpy()
    return told.assign_attrs(eta=eta, edge=2 / eta, ending=ending, evaluations=evaluations)


def _row(state: _State, ends: Ends) -> dict[str, float]:
    variance = state.x * state.x  # where ** would raise OverflowError, this is infinite
    square = float(ends.gradient.square().sum() + variance * ends.secant.square().sum())
    return {"mean_loss": ends.loss, "mean_gradient_norm": math.sqrt(square), "variance": variance}


def _start(loss: FlatLoss, eta: float) -> tuple[_State, float]:
    """The module's weights, the top eigenvector there, the magnitude, and the gradient evaluations of reading them."""
    weights = loss.parameters
    hessian = HessianAt(loss, weights)
    top = TopEigenpairs(relative=ALIGNED).read(hessian, weights, hessian.gradient)
    along, sharpness = top.eigenvectors[:, 0], float(top.eigenvalues[0])
    x = abs(float(along @ hessian.gradient)) / sharpness if eta * sharpness > 1 else 0.0
    return _State(weights, along, x), hessian.evaluations
