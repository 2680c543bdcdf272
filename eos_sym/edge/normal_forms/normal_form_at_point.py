"""The edge normal form at a point of any loss, in numbers.

At a point with sharpness λ₁ ≈ 2/η the spectrum of ∇²L is split, by a threshold τ on the relative speed ηλⱼ at which
gradient descent moves, into

    slow    η|λⱼ| ≤ τ/3                      the coordinates of the manifold of minima, or of the valley floor
    fast    3τ ≤ ηλⱼ ≤ 2 − 3τ, and u = v₁    eliminated: they follow −(vⱼ·T)q/(2λⱼ)

If an eigenvalue lies in between, or a second one within 3τ of the edge, there is no gap, and no answer. Then

    β = Σ_slow (vⱼ·T)²,   κ₄ = Q − 3 Σ_fast (vⱼ·T)²/λⱼ,   α = −Σ_slow (vⱼ·∇L)(vⱼ·T),

the last being progressive sharpening (docs/theory/self_stabilization.md): 0 at a minimum, also where rounding leaves a
little of it, and positive where the gradient along the floor of a valley leads to sharper points.

The numbers are computed, not certified. Their accuracy is estimated: κ₄ is computed once more after one Newton step in
the fast directions, which measures how far the point is from the floor, and what it changes, with an allowance for
rounding, is the accuracy. A κ₄ smaller than its accuracy has no sign, and the kind is undecided, unless κ₄ = 0 is an
identity (`eos_sym.edge.normal_forms.exact_quartic`).

Errors: `BadInput` for a saddle, a degenerate top eigenvalue, and a point that is not at the edge or not on the floor;
`Undecided` where there is no gap around τ, no slow direction, or no change of sharpness along the slow ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from mpmath import mp
from sympy import Expr, Float

from eos_sym.edge.normal_forms.alternation import alternation
from eos_sym.edge.normal_forms.exact_quartic import quartic_is_zero
from eos_sym.edge.normal_forms.next_order import NextOrder
from eos_sym.edge.normal_forms.normal_form import EdgeNormalForm
from eos_sym.errors import BadInput, Undecided
from eos_sym.losses import Derivatives, LocalExpansion, Objective, real_number, values_of
from eos_sym.values import Value, Values

DIGITS = 40  # of the computation
GAP = 3  # the factor by which ηλⱼ has to be clear of the threshold
ROUNDING = mp.mpf(10) ** -20  # allowance for the rounding of points, relative to the terms of a coefficient
DEGENERATE = mp.mpf(10) ** -12  # λ₁ − λ₂ relative to λ₁
ON_THE_FLOOR = 0.1  # the largest accuracy of κ₄, relative to its terms, with which a point is accepted
NEIGHBOUR = mp.mpf(10) ** -10  # its excess, relative to the edge, for the slopes of β and κ₄ along the floor
PULLS = 4  # Newton steps back to the floor


@dataclass(frozen=True, kw_only=True)
class LocalEdgeNormalForm(EdgeNormalForm):
    """The normal form at one point, and what else the hovering cycle is made of (`eos_sym.edge.hovering`).

    `slow` counts the slow directions, split off by the `threshold` τ; `fourth` is Q, `sharpening` α, `skew` u·T, and
    `tilt` = Σ_{j≠1} (vⱼ·T)²/(λ₁ − λⱼ), by which u turns on the way from θ to θ ± xu.
    """

    slow: int
    threshold: Expr
    fourth: Expr
    sharpening: Expr
    skew: Expr
    tilt: Expr


def edge_normal_form_at(
    objective: Objective, point: Values, step_size: Value, slow: Value, at: Values
) -> LocalEdgeNormalForm:
    """The normal form at the point, which is at the edge of the step size; `slow` is the threshold τ."""
    with mp.workdps(DIGITS):
        eta, threshold = real_number("the step size", step_size), real_number("the threshold", slow)
        if eta <= 0:
            raise BadInput(f"the step size {step_size} is not positive; give a positive one")
        if not 0 < GAP * threshold < 1:
            raise BadInput(f"the threshold {slow} of slow directions: give one between 0 and 1/{GAP}")
        derivatives = Derivatives(objective, at)
        here = derivatives.expansion(values_of("the point", objective.weights, point))
        slow_ones = _slow_directions(here, eta, threshold)
        accuracy = _accuracy(derivatives, here, slow_ones)
        top, pairs = here.eigenvalues[0], list(zip(here.eigenvalues, here.projections, strict=True))
        beta = _beta(here, slow_ones)
        if beta <= ROUNDING * mp.fsum(projection**2 for projection in here.projections):
            raise Undecided("the edge law: the sharpness does not change along the slow directions, β = 0")
        quartic = _quartic(here, slow_ones)
        sharpening = -mp.fsum(here.forces[j] * here.projections[j] for j in slow_ones)
        if abs(sharpening) <= ROUNDING * top * (1 + mp.norm(mp.matrix(list(here.point)))) * mp.sqrt(beta):
            sharpening = mp.mpf(0)
        if abs(quartic) <= accuracy and quartic_is_zero(objective, here, slow_ones, at):
            quartic = accuracy = mp.mpf(0)
        return LocalEdgeNormalForm(
            beta=_number(beta),
            quartic=_number(quartic),
            sharpness=_number(2 / eta),
            accuracy=_number(accuracy),
            next_order=cache(partial(_next_order, derivatives, here, slow_ones, eta)),
            slow=len(slow_ones),
            threshold=_number(threshold),
            fourth=_number(here.fourth),
            sharpening=_number(sharpening),
            skew=_number(here.projections[0]),
            tilt=_number(mp.fsum(projection**2 / (top - value) for value, projection in pairs[1:])),
        )


def _number(value: Any) -> Float:
    return Float(value, DIGITS)


def _slow_directions(here: LocalExpansion, eta: Any, threshold: Any) -> list[int]:
    """The indices of the slow directions, with a gap to all others."""
    top, *others = (eta * value for value in here.eigenvalues)
    margin = GAP * threshold
    if abs(top - 2) > margin:
        raise BadInput(f"the point is not at the edge: its sharpness is {mp.nstr(top / 2, 6)} · 2/η")
    if others and top - others[0] <= DEGENERATE * top:
        raise BadInput("degenerate top eigenvalue, λ₁ = λ₂; choose a point where λ₁ is simple")
    if others and others[-1] < -margin:
        raise BadInput(f"a saddle, not a minimum: ηλ = {mp.nstr(others[-1], 6)}; choose a point near a minimum")
    between = [value for value in others if threshold / GAP < abs(value) < margin]
    if between:
        shown = ", ".join(mp.nstr(value, 6) for value in between)
        raise Undecided(f"the edge law: no gap around τ = {mp.nstr(threshold, 6)}, there is ηλ = {shown}")
    if others and others[0] > 2 - margin:
        raise Undecided(f"the edge law: a second direction is at the edge, with ηλ₂ = {mp.nstr(others[0], 6)}")
    slow = [index for index, value in enumerate(others, start=1) if abs(value) <= threshold / GAP]
    if not slow:
        raise Undecided(
            f"the edge law: no direction is slow, all have ηλ ≥ {mp.nstr(margin, 6)}: no manifold of minima"
        )
    return slow


def _next_order(derivatives: Derivatives, here: LocalExpansion, slow: Sequence[int], eta: Any) -> NextOrder:
    """The slopes by differences along the floor, growth and drift from the pair of points at the amplitude."""
    with mp.workdps(DIGITS):
        uphill = here.vectors * mp.matrix([t if j in slow else 0 for j, t in enumerate(here.projections)])
        beta, quartic = mp.norm(uphill) ** 2, _quartic(here, slow)
        excess = NEIGHBOUR * here.eigenvalues[0]
        ahead, behind = (
            _on_floor(derivatives, mp.matrix(list(here.point)) + sign * excess / beta * uphill, slow)
            for sign in (1, -1)
        )
        betas, quartics = zip(*((_beta(there, slow), _quartic(there, slow)) for there in (ahead, behind)), strict=True)
        rise = ahead.eigenvalues[0] - behind.eigenvalues[0]
        pairs = enumerate(zip(here.projections, here.eigenvalues, strict=True))
        lag = mp.fsum((projection / value) ** 2 for j, (projection, value) in pairs if j not in slow)

    @cache
    def beyond(square: Expr) -> tuple[Expr, Expr]:
        with mp.workdps(DIGITS):
            q = real_number("q", square)
            found = alternation(derivatives, here, slow, eta, q)
            return _number(found.growth - quartic * q / 6), _number(2 * found.drift / (beta * q) - 1)

    return NextOrder(
        _number((betas[0] - betas[1]) / rise),
        _number((quartics[0] - quartics[1]) / rise),
        _number(lag),
        lambda square: beyond(square)[0],
        lambda square: beyond(square)[1],
    )


def _on_floor(derivatives: Derivatives, start: Any, slow: Sequence[int]) -> LocalExpansion:
    """Where the fast forces vanish, beside a point that is close to there already."""
    here = derivatives.expansion(list(start))
    for _ in range(PULLS):
        floor = mp.matrix(list(here.point))
        for index, (force, value) in enumerate(zip(here.forces, here.eigenvalues, strict=True)):
            if index not in slow:
                floor -= force / value * here.vectors[:, index]
        here = derivatives.expansion(list(floor))
    return here


def _beta(here: LocalExpansion, slow: Sequence[int]) -> Any:
    return mp.fsum(here.projections[j] ** 2 for j in slow)


def _quartic(here: LocalExpansion, slow: Sequence[int]) -> Any:
    return here.fourth - mp.fsum(_eliminated(here, slow))


def _eliminated(here: LocalExpansion, slow: Sequence[int]) -> list[Any]:
    """3 (vⱼ·T)²/λⱼ of every fast direction."""
    pairs = enumerate(zip(here.projections, here.eigenvalues, strict=True))
    return [3 * projection**2 / value for index, (projection, value) in pairs if index not in slow]


def _accuracy(derivatives: Derivatives, here: LocalExpansion, slow: Sequence[int]) -> Any:
    """By how much κ₄ may be off, for rounding and because the point is not quite on the floor of the valley."""
    floor = mp.matrix(list(here.point))
    for index, (force, value) in enumerate(zip(here.forces, here.eigenvalues, strict=True)):
        if index not in slow:
            floor -= force / value * here.vectors[:, index]
    change = abs(_quartic(derivatives.expansion(list(floor)), slow) - _quartic(here, slow))
    terms = abs(here.fourth) + mp.fsum(_eliminated(here, slow)) + here.eigenvalues[0]
    if change > ON_THE_FLOOR * terms:
        raise BadInput("the point is too far from a minimum, or from the floor of a valley; choose one nearer")
    return change + ROUNDING * terms
