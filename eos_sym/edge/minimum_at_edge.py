"""The minimum at the edge: the point of a manifold of minima where the sharpness is 2/η, found from a point near it.

The n + 1 equations

    F(θ) = (∇L(θ), λ₁(θ) − S) = 0,   S = 2/η,

have the derivative J = (∇²L, Tᵀ), T = ∇³L(u, u, ·) = ∇λ₁. Where the minima form a manifold along which λ₁ varies, the
solutions form one with a dimension less, J is singular, and Newton's step is the shortest one, −J⁺F. Near a solution
J⁺ depends on which small singular values count as 0; with the damping

    d = −(JᵀJ + μ‖F‖²)⁻¹ JᵀF

nothing has to be counted: the damping vanishes faster than the step, which so tends to the shortest one, and the
iteration converges quadratically (:cite:t:`yamashita2001rate`), if the Hessian has the same rank at all minima nearby.
μ is raised where a step does not reduce ‖F‖ and lowered where it does. Lengths are those of the weights, and F is
divided by S.

First a minimum is found, by Newton's method on the loss. Then the minima are followed in the direction in which λ₁
changes fastest, S moving from the sharpness found to 2/η by factors of at most 2, smaller ones where the iteration
fails. Last come the digits.

A point is handed out with its residual ‖F‖, after three tests: no eigenvalue is negative, λ₁ is simple, and along every
direction with eigenvalue 0 there are minima indeed, found by pulling a neighbour back to ∇L = 0. The tests are made in
numbers and prove nothing.

Errors: `BadInput` where the iteration fails, for a saddle, and for a degenerate top eigenvalue; `Undecided` where
the minimum nearby is isolated, where the sharpness does not vary along the minima, and where a direction of zero
curvature leads to no minima.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mpmath import mp
from sympy import Float, Symbol

from eos_sym.errors import BadInput, Undecided
from eos_sym.losses import Derivatives, LocalExpansion, Objective, real_number, values_of
from eos_sym.values import Value, Values

DIGITS = 40  # of the point; the residual, relative to the sharpness, is below 10 to the minus this
WORKING_DIGITS = 2 * DIGITS
SEARCH_DIGITS = DIGITS  # while looking for the point, before the digits are refined
CLOSE = mp.mpf("1e-10")  # the residual at which a search ends
SEARCH_STEPS, FOLLOWING_STEPS, REFINING_STEPS = 100, 12, 12  # from CLOSE to 10^-DIGITS it takes 3
LEAST_FALL, GOOD_FALL = 0.25, 0.75  # of the loss, relative to that of the quadratic model
FIRST_DAMPING, LEAST_DAMPING = 1e-2, 1e-3  # with less, rounding would move the point along the minima
LARGEST_FACTOR, LEAST_FACTOR = 2, 1.001  # of the sharpness, from one minimum to the next
MOST_STRAY = 0.125  # of a step along the minima, relative to it: those of another branch are farther from its tangent
ZERO = mp.mpf(10) ** -(DIGITS // 2)  # eigenvalues and gaps below this, relative to λ₁, count as 0
NEARLY_ZERO = mp.mpf("1e-8")  # the same before the digits are refined
PROBE = mp.mpf("1e-3")  # how far, relative to 1 + |θ|, neighbours are taken along directions of zero curvature
PULLS = 10  # each of which brings the neighbour closer to the minima by a factor of about PROBE
OFF_MANIFOLD = mp.mpf("1e-18")  # the gradient, relative to λ₁, that tells a neighbour from a minimum


@dataclass(frozen=True)
class MinimumAtEdge:
    """A minimum with the sharpness 2/η: its weights, and ‖(∇L, λ₁ − 2/η)‖ relative to 2/η, there."""

    weights: Mapping[Symbol, Float]
    residual: Float


def minimum_at_edge(objective: Objective, step_size: Value, near: Values, at: Values) -> MinimumAtEdge:
    """The minimum with sharpness 2/η that is reached from the point `near`; parameters take the values `at`."""
    with mp.workdps(WORKING_DIGITS):
        eta = real_number("the step size", step_size)
        if eta <= 0:
            raise BadInput(f"the step size {step_size} is not positive; give a positive one")
        edge = 2 / eta
        derivatives = Derivatives(objective, at)
        start = values_of("the point to start near", objective.weights, near)
        with mp.workdps(SEARCH_DIGITS):
            close = _follow(derivatives, _minimum_near(derivatives, start), edge)
        found, residual = _solve(derivatives, close.point, edge, mp.mpf(10) ** -(DIGITS + 5), REFINING_STEPS)
        if residual > mp.mpf(10) ** -DIGITS:
            raise Undecided(f"{shown(derivatives, found)}: nearly a minimum with sharpness 2/η, but it has no digits")
        _check(derivatives, found)
        rounding = mp.mpf(10) ** -DIGITS * mp.norm(mp.matrix(list(found.point)), mp.inf)
        weights = zip(objective.weights, (mp.chop(value, rounding) for value in found.point), strict=True)
        return MinimumAtEdge({name: Float(value, DIGITS) for name, value in weights}, Float(residual, 5))


def _descend(derivatives: Derivatives, start: Sequence[Any]) -> LocalExpansion | None:
    """The minimum that Newton's method on the loss reaches, with |λⱼ| for λⱼ and a damping μ‖∇L‖; None if none."""
    here, loss, damping = derivatives.expansion(start), derivatives.loss(start), mp.mpf(1)
    for _ in range(SEARCH_STEPS):
        slope, top = mp.norm(here.gradient), max(map(abs, here.eigenvalues))
        if slope <= CLOSE * top:
            return here
        pairs = zip(here.forces, here.eigenvalues, strict=True)
        parts = [-force / (abs(value) + damping * slope) for force, value in pairs]
        ahead = list(mp.matrix(list(here.point)) + here.vectors * mp.matrix(parts))
        expected = -mp.fdot(parts, here.forces) - mp.fdot(here.eigenvalues, [part**2 for part in parts]) / 2
        try:
            fall = (loss - derivatives.loss(ahead)) / expected
            here = derivatives.expansion(ahead) if fall > LEAST_FALL else here
        except BadInput:  # out of the domain of the loss
            fall = -mp.inf
        loss -= expected * fall if fall > LEAST_FALL else 0
        damping *= mp.mpf("0.1") if fall > GOOD_FALL else 1 if fall > LEAST_FALL else 10
    return None


def _solve(
    derivatives: Derivatives, start: Sequence[Any], edge: Any, goal: Any, steps: int
) -> tuple[LocalExpansion, Any]:
    """The damped Newton iteration for F = 0: the last point and ‖F‖ there."""

    def system(here: LocalExpansion) -> tuple[Any, Any]:
        value = mp.matrix([*here.gradient, here.eigenvalues[0] - edge])
        return value / edge, mp.matrix([*here.hessian.tolist(), list(here.third)]) / edge

    here = derivatives.expansion(start)
    value, jacobian = system(here)
    residual, damping = mp.norm(value), FIRST_DAMPING
    for _ in range(steps):
        if residual <= goal:
            break
        normal = jacobian.T * jacobian + damping * residual**2 * mp.eye(len(start))
        try:
            move = mp.lu_solve(normal, -jacobian.T * value)
            there = derivatives.expansion([a + d for a, d in zip(here.point, move, strict=True)])
            moved_value, moved_jacobian = system(there)
            moved = mp.norm(moved_value)
        except (BadInput, ZeroDivisionError):  # out of the domain of the loss, or too far for the digits
            moved = mp.inf
        if moved < residual:
            here, value, jacobian, residual = there, moved_value, moved_jacobian, moved
            damping = max(damping / 10, LEAST_DAMPING)
        else:
            damping *= 10
    return here, residual


def _minimum_near(derivatives: Derivatives, start: Sequence[Any]) -> LocalExpansion:
    """The minimum that is nearest, whatever its sharpness, if it belongs to a manifold along which λ₁ changes."""
    found, near = _descend(derivatives, start), ", ".join(map(_equation, derivatives.weights, start))
    if found is None:
        raise BadInput(f"near {near}: Newton's method reaches no minimum; start nearer to one")
    top = found.eigenvalues[0]
    where = f"{shown(derivatives, found)}, reached from {near}"
    if found.eigenvalues[-1] < -NEARLY_ZERO * top:
        raise BadInput(f"{where}: a saddle, not a minimum; start near a minimum")
    if found.eigenvalues[-1] > NEARLY_ZERO * top:
        raise Undecided(f"{where}: an isolated minimum, of sharpness {mp.nstr(top, 6)}, and none beside it")
    if len(found.eigenvalues) > 1 and top - found.eigenvalues[1] <= NEARLY_ZERO * top:
        raise BadInput(f"{where}: degenerate top eigenvalue, λ₁ = λ₂ = {mp.nstr(top, 6)}; start where λ₁ is simple")
    if mp.norm(_uphill(found)) <= NEARLY_ZERO * top:
        raise Undecided(
            f"{where}: the sharpness {mp.nstr(top, 6)} does not change along the minima there, to first order"
        )
    return found


def _uphill(here: LocalExpansion) -> Any:
    """The part of ∇λ₁ along the minima."""
    total = mp.matrix(len(here.point), 1)
    for index, (value, projection) in enumerate(zip(here.eigenvalues, here.projections, strict=True)):
        if abs(value) <= NEARLY_ZERO * here.eigenvalues[0]:
            total += projection * here.vectors[:, index]
    return total


def _follow(derivatives: Derivatives, here: LocalExpansion, edge: Any) -> LocalExpansion:
    """The minimum with the sharpness of the edge, by way of minima of sharpnesses in between."""
    factor = mp.mpf(LARGEST_FACTOR)
    while abs(here.eigenvalues[0] - edge) > CLOSE * edge:
        sharpness, uphill = here.eigenvalues[0], _uphill(here)
        target = min(max(edge, sharpness / factor), sharpness * factor)
        step = uphill * (target - sharpness) / mp.norm(uphill) ** 2
        ahead = mp.matrix(list(here.point)) + step
        try:
            there, residual = _solve(derivatives, list(ahead), target, CLOSE, FOLLOWING_STEPS)
        except BadInput:  # a step out of the domain of the loss
            there, residual = here, mp.inf
        strayed = mp.norm(mp.matrix(list(there.point)) - ahead) > MOST_STRAY * mp.norm(step)
        if residual <= CLOSE and not strayed and there.eigenvalues[-1] >= -NEARLY_ZERO * target:
            here, factor = there, min(factor**2, LARGEST_FACTOR)
        else:
            factor = mp.sqrt(factor)
        if factor < LEAST_FACTOR:
            advice = f"no minimum with sharpness 2/η = {mp.nstr(edge, 6)} is reached; start nearer, if there is one"
            raise BadInput(f"{shown(derivatives, here)}: along the minima {advice}")
    return here


def _check(derivatives: Derivatives, found: LocalExpansion) -> None:
    """Refuse saddles, degenerate top eigenvalues, and directions of zero curvature that lead to no minima."""
    where, top = shown(derivatives, found), found.eigenvalues[0]
    if found.eigenvalues[-1] < -ZERO * top:
        raise BadInput(f"{where}: a saddle, not a minimum; start near a minimum")
    if top - found.eigenvalues[1] <= ZERO * top:
        raise BadInput(f"{where}: degenerate top eigenvalue, λ₁ = λ₂ = {mp.nstr(top, 6)}; start where λ₁ is simple")
    flat = [index for index, value in enumerate(found.eigenvalues) if value <= ZERO * top]
    if any(_leads_away(derivatives, found, flat, index) for index in flat):
        raise Undecided(f"{where}: a direction has zero curvature, but there are no minima along it")


def _leads_away(derivatives: Derivatives, found: LocalExpansion, flat: list[int], index: int) -> bool:
    """Whether a neighbour along a direction of zero curvature, pulled back across the curved ones, keeps a gradient."""
    curved = [(j, value) for j, value in enumerate(found.eigenvalues) if j not in flat]
    here = mp.matrix(list(found.point))
    neighbour = here + PROBE * (1 + mp.norm(here)) * found.vectors[:, index]
    for _ in range(PULLS):
        gradient = derivatives.gradient(list(neighbour))
        for j, value in curved:
            neighbour -= mp.fdot(found.vectors[:, j], gradient) / value * found.vectors[:, j]
    return bool(mp.norm(derivatives.gradient(list(neighbour))) > OFF_MANIFOLD * found.eigenvalues[0])


def shown(derivatives: Derivatives, here: LocalExpansion) -> str:
    """The point of an expansion, for messages."""
    return ", ".join(map(_equation, derivatives.weights, here.point))


def _equation(name: Symbol, value: Any) -> str:
    return f"{name} = {mp.nstr(mp.chop(value), 6)}"
