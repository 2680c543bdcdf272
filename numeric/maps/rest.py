"""The ends of runs, once those that only look at rest are told from those near a fixed point.

That a run no longer moves, by steps |Δθᵢ| ≤ τ (1 + |θᵢ|), says nothing about where it is going: on a plateau steps are
short because the map is slow, by (1 − r) times a distance that the steps do not show. So a run at rest in θ, in θ̃ after
64 more iterations, is near a fixed point only if its displacement G(θ) = F(θ) − θ, evaluated from its formula, which as
far as θ can be taken out of F rounding does not hide in it, does not grow from θ to θ̃ (unless θ̃ = θ exactly), and one
of these holds with ρ = √τ:

    contraction    |Gᵢ(θ̃)| ≤ |Gᵢ(θ)| / 2 for every i, with which the distance is at most
                   Σₖ 2⁻ᵏ |θ̃ᵢ − θᵢ| = 2 |θ̃ᵢ − θᵢ| ≤ ρ (1 + |θᵢ|), down to the rounding |Gᵢ(θ̃)| ≤ 64 ε (1 + |θ̃ᵢ|), so
                   that no slower direction shows behind those that contracted;
    a zero near    G has one within ρ of θ̃, relative to 1 + |θ̃ᵢ|, by its secants (`numeric.zeros`).

Both are the same for every multiple of the loss. A run that is not near is run again with τ / 1000, and so on: from a
saddle it leaves, on a slow approach it goes on until it is near. Where it does not move at all, or its iterations are
over, it is undecided: on a plateau, by a degenerate minimum, which is approached like a power of t, or at steps so
short that the end is out of sight.
"""

from __future__ import annotations

import math

import numpy as np
from sympy import Add, Expr, Symbol, expand_mul, fraction, together

from eos_sym import Map
from numeric.compile import Array, CompiledFunction, compile_function
from numeric.maps.engines import Engine
from numeric.maps.outcomes import CONVERGED, EXAMINED_EVERY, UNDECIDED, Mask, Outcomes
from numeric.progress import Progress, unheard
from numeric.zeros import EPSILON, ROUNDED, has_zero_near

LESS_MOTION = 1e3  # by which the tolerance falls where it was met far from a fixed point


def compile_displacement(dynamics: Map) -> CompiledFunction:
    """F(θ) − θ, of state and parameters: where F(θ) rounds to θ it still says where to, if `_move` takes θ out."""
    moves = [_move(old, new) for old, new in zip(dynamics.state, dynamics.step, strict=True)]
    return compile_function(moves, (*dynamics.state, *dynamics.parameters))


def _move(old: Symbol, new: Expr) -> Expr:
    """F − θ without the difference of two large terms, where F is a sum with a term θ, products or quotients of sums.

    A step that was simplified, x(1 − q), is multiplied out as far as its x shows, and no further: −xq. Out of
    x(1 − q)², √(x²(1 − q)) or 2x − x(1 − q) nothing is taken; rounding then may leave a run undecided.
    """
    move = new - old
    if -old not in Add.make_args(move):
        return move
    numerator, denominator = fraction(together(new))
    return (_multiplied_out(numerator) - _multiplied_out(old * denominator)) / denominator


def _multiplied_out(expression: Expr) -> Expr:
    """Its products as sums, what stands in their factors left as it is."""
    return Add(*(expand_mul(term, deep=False) for term in Add.make_args(expression)))


def finish(
    engine: Engine,
    displacement: CompiledFunction,
    state: Array,
    values: Array,
    *,
    steps: int,
    tolerance: float,
    bound: float,
    progress: Progress,
) -> Outcomes:
    """As `Engine.finish`, with the runs undecided that are at rest far from a fixed point."""
    ends = engine.finish(state, values, steps=steps, tolerance=tolerance, bound=bound, progress=progress)
    reach, resting = math.sqrt(tolerance), np.flatnonzero(ends.outcome == CONVERGED)
    while resting.size:
        final, settings = ends.final[:, resting], values[:, resting]
        later = engine.advance(final, settings, EXAMINED_EVERY)
        away = ~_are_near(displacement, final, later, settings, reach)
        lost = away & ((final == later).all(axis=0) | (tolerance == 0))  # nothing will change any more
        ends.outcome[resting[lost]], ends.period[resting[lost]], ends.step[resting[lost]] = UNDECIDED, 0, steps
        resting, tolerance = resting[away & ~lost], tolerance / LESS_MOTION
        again = engine.finish(
            state[:, resting], values[:, resting], steps=steps, tolerance=tolerance, bound=bound, progress=unheard
        )
        ends.final[:, resting], ends.outcome[resting] = again.final, again.outcome
        ends.period[resting], ends.step[resting] = again.period, again.step
        resting = resting[again.outcome == CONVERGED]
    return ends


def _are_near(displacement: CompiledFunction, state: Array, later: Array, values: Array, reach: float) -> Mask:
    """Whether runs at rest in a state, and later in another, are near a fixed point, which they do not leave."""
    scale = 1 + np.abs(state)
    before, after = (np.abs(displacement(*point, *values)) for point in (state, later))
    shrinking = (before > 0) & (after <= np.minimum(before / 2, ROUNDED * EPSILON * scale))
    near: Mask = np.asarray((shrinking & (2 * np.abs(later - state) <= reach * scale)).all(axis=0))
    others = np.flatnonzero(~near)
    near[others] = has_zero_near(displacement, later[:, others], values[:, others], reach)
    growing = (after / scale).max(axis=0) > (before / scale).max(axis=0)
    near &= ~growing | (state == later).all(axis=0)
    return near
