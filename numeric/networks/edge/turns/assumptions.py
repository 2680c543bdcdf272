"""What the theory of self-stabilization assumes of a network, measured at a point of the constrained trajectory.

Each is the ratio of something that is left out to what is kept, at an oscillation of size δ:

    sharpening  1 where α ≤ 0, else 0               the sharpness does not rise: there is nothing to turn about
    step        ε = η√α                             the step of a turn
    crowding    ε/(2 − ηλ₂)                         √α, by which the sharpness swings, over the gap 2/η − λ₂
    cubic       ‖r‖/(½δ²‖∇S⊥‖),  r = ½∇L(θ†+w+xu) + ½∇L(θ†+w−xu) − ∇L − ∇²L w − ½x²∇S
                                                    what the cubic expansion lacks of the even gradient, at v = xu + w
    strayed     ‖e‖/δ,  e⁺ = e − η[∇²L e + r]⊥       what r has added up to across u since the start
    quartic     |Q|δ²/(6√α)                         growth by the fourth derivative over that by the sharpness
    parallel    η(u·∇S)²δ²/(4√α)                    the same by ½x²(u·∇S)u, which is odd in x and acts at second order
    pull        ‖∇²L ∇S⊥‖/√(αβ)                     what turns ∇S⊥: the map of x and y alone assumes that it is 0

A small r is not harmless for ever: in directions without curvature nothing brings v back, and a tenth of the push is
half of δ after two turns. `strayed` is the linear answer to it. The last three are no assumptions of predicted dynamics
that have these terms. An assumption has failed from `LIMIT` on, half of what is kept, or half of δ; a NaN is beyond it.
The limit is a first one, from a handful of runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from numeric.networks.edge.turns.coefficients import EdgeCoefficients
from numeric.networks.loss import FlatLoss

LIMIT = 0.5
OF_ALL = ("sharpening", "step", "crowding", "cubic", "strayed")
ASSUMED: Mapping[str, Sequence[str]] = {
    "cubic": (*OF_ALL, "quartic", "parallel"),
    "quartic": (*OF_ALL, "parallel"),
    "complete": OF_ALL,
}
ASSUMPTIONS = (*OF_ALL, "quartic", "parallel", "pull")


def assumptions(
    at: EdgeCoefficients, curved: Tensor, beyond: Tensor, strayed: Tensor, eta: float
) -> Mapping[str, float]:
    """The measures, by name; `curved` is ∇²L ∇S⊥, `beyond` is r where v is expected, and `strayed` is e, all (p,)."""
    epsilon, gap = at.epsilon(eta), 2 - eta * at.second
    growth = at.delta**2 * eta / epsilon  # δ²/√α
    return {
        "sharpening": float(not at.alpha > 0),
        "step": epsilon,
        "crowding": epsilon / gap if gap > 0 else np.inf,
        "cubic": float(beyond.norm()) / (at.delta**2 * at.beta**0.5 / 2),
        "strayed": float(strayed.norm()) / at.delta,
        "quartic": abs(at.quartic) * growth / 6,
        "parallel": eta * at.parallel**2 * growth / 4,
        "pull": float(curved.norm()) * eta / (epsilon * at.beta**0.5),
    }


def first_failure(measured: Mapping[str, float], order: str) -> str | None:
    """The first assumption of the predicted dynamics of this order that has failed."""
    return next((name for name in ASSUMED[order] if not measured[name] < LIMIT), None)


def beyond_the_expansion(loss: FlatLoss, at: EdgeCoefficients, v: Tensor, moved: Tensor) -> Tensor:
    """r, (p,): what of the even gradient at v = xu + w is neither ∇L + ∇²L w nor ½x²∇S; `moved` is ∇²L v."""
    x = at.direction @ v
    along = x * at.direction
    ahead, behind = (loss.value_and_gradient(at.weights + v - side * along)[1] for side in (0, 2))
    expanded = at.gradient + moved - at.sharpness * along + x**2 / 2 * at.sharpness_gradient
    beyond: Tensor = (ahead + behind) / 2 - expanded
    return beyond


def strayed_next(at: EdgeCoefficients, strayed: Tensor, image: Tensor, beyond: Tensor, eta: float) -> Tensor:
    """e⁺, (p,), from e and ∇²L e."""
    moved = strayed - eta * (image + beyond)
    after: Tensor = moved - (at.direction @ moved) * at.direction
    return after
