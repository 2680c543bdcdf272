"""The edge law: where gradient descent ends once it has entered the edge of stability, on losses of every kind.

Let gradient descent start beside a manifold of minima, where the sharpness exceeds 2/η by y₀. It oscillates across the
valley with a growing amplitude x, and the oscillation drives it along the valley to flatter minima, until it dies out:
below the edge, by how much? Near the edge two steps are, with q = x² and the excess y of the sharpness,

    Δ₂y = −ηβq,    Δ₂x = x(2ηy + (η/3)κ₄q),

where β = |∇S|² along the minima and κ₄ is the fourth derivative of the loss across the valley, corrected for the
directions that follow the oscillation. Both can be computed for any loss at the minimum where the sharpness is 2/η.
Every orbit then satisfies dq/dy = −4y/β + e q, e = −2κ₄/(3β), which is solved by

    q = 4/(βe²) [1 + e y − (1 + e y₀) exp(e(y − y₀))],

and it ends where q = 0 again. In units of 1/e this is one curve for all losses with κ₄ < 0, step sizes and starts:

    e y∞ = −1 − W₀(−(1 + e y₀) exp(−1 − e y₀)).

*Overshooting.* For e y₀ ≪ 1 the end is y∞ = −y₀: what was too sharp ends as much too flat. *Self-stabilization.* For
e y₀ ≫ 1 it is y∞ = −1/e, whatever the start: orbits fall onto the parabola y = |κ₄|q/6 − 1/e and follow it down to
q = 0. *Escape.* For κ₄ > 0 the end is below −y₀, if there is one: beyond |e|y₀ = 1 there is none.

*Hovering.* Where the gradient along the valley leads to sharper points, there is no end: gradient descent stays at the
edge in a two-cycle of amplitude δ, which is |κ₄|δ²/6 above the edge on the floor of the valley, less at the midpoint of
the oscillation, and stable if |κ₄| is large enough.

All of this is a formal argument to leading order. Here it is derived from the formulas of six losses (`cases`), and
tested against simulation over three decades of e y₀; the tolerance is the size of the terms that the argument neglects.
"""
