"""Degree 2 beside degree 4: why (1 − xy)² ends far below the edge of stability and (1 − x²y²)² just below it.

Two losses of two weights with the same minima, xy = 1 (and −1 for the second):

    ½(1 − xy)²      a linear network of depth 2, with the step size η,
    ½(1 − x²y²)²    with the step size η/4. This is the minimalist example ½(1 − xyzw)² on z = x, w = y with the step
                    size η/2, exactly: two weights that move together have twice the gradient.

Prefactors only rescale step sizes: (1 − xy)² with the step size η/2 is ½(1 − xy)² with η. With these step sizes the two
are at the edge at the same minima, D² + 4 = 4/η² with D = x² − y², and may be started at the same points.

*The same drift.* Both multiply D by less than 1 in every step, 1 − η²(P − 1)² and 1 − k²P², while P = xy oscillates, so
in both the sharpness falls once GD is above the edge. In a = √D − (4η⁻² − 4)^¼, b = P − 1 and κ = √η, two steps are

    degree 2    a'' ≈ a − √2 b²κ³,    b'' ≈ b + 4√2 abκ,
    degree 4    a'' ≈ a − 4b²κ³,      b'' ≈ b + 8abκ − 16b³      (with κ² = η/2, its own step size).

*Another end.* What differs is the cubic term. With it, orbits settle on a parabola and end where it meets b = 0.
Without it they run along ellipses b² = 4(C − a²)/κ², and one that enters at a = √C leaves at a = −√C: as far below
the edge as it came in above. The edge law says the same in one number, the depth 3β/(2|κ₄|) of the end from a large
excess:

    degree 2    (1 − η²)/(2η³)            much more than 2/η: no excess is large, GD overshoots, y∞ ≈ −y₀
    degree 4    η/2 + O(η³) (its own η)   every excess beyond it is large: GD ends at S∞ ≈ 2/η − η/2

*No scale.* As η → 0 at fixed K = ηD and ρ = ηb, degree 2 becomes (K, ρ) ↦ (K(1 − ρ²), ρ(1 − √(K² + 4ρ²) + ρ²)), in
which η no longer occurs: from S₀ = (1 + r)·2/η it ends at a fixed fraction of the edge, ηS∞/2 = 1 − r − (4/3)r² + …,
whatever the step size. Degree 4 ends a fraction η²/4 (its own η) below: only there does the edge become exact as η → 0.

Source: Zhu, Wang, Wang, Zhou, Ge 2022, for the comparison; trajectories over 100 iterations are redrawn here. The edge
law is in `eos_sym.edge.normal_form`; series, ellipses, depths and the limit map are derived in
`analysis.shallow.theory`.
"""
