"""Basins: where each initialization of the minimalist example and of degree 2 ends, and what bounds the basins.

Two losses of two weights, ½(1 − xyzw)² on z = x, w = y with the step size η and ½(1 − xy)² with 2η: then both have the
minimum at the edge, x² + y² = 1/η, in common. Every point of a plane of starts is run to its end; its colour is the
sharpness at the end in units of the edge 2/h, h the loss's own step size, or the escape time.

*One form.* Either loss is a function of P = xy, and with the pull g = h ℓ'(P) and s = x² + y² one step is

    x' = x − gy,   y' = y − gx,      P' = P(1 + g²) − gs,   s' = s(1 + g²) − 4gP.

Once gP ≥ (4/3)s the run is lost, for either loss: that condition lasts, and |P| grows faster than geometrically.

*Degree 2 has a smooth boundary, and everything about it is explicit.* The ellipse h(x² + y²) − h²(xy − 1) = 4, which
reaches |x| = √(4/h), is invariant: one step multiplies the polynomial by 1 + hg + g² > 0. Inside runs stay for ever;
outside, on the grid, all diverge. On it the angle is tripled, φ ↦ π − 3φ, which is chaotic; and runs leave it, on
either side, at the mean rate

    λ = ⟨ln(1 + hg + g²)⟩ = arcosh((1 + √(25 − 4h²))/4)   →   2 ln((1 + √5)/2)   as h → 0,

twice the logarithm of the golden ratio: a Mahler measure. Escape times from the distance ε are ln(1/ε)/λ on average.
Inside, the sets of equal ends are pulled back by the tripling, again and again, up to the boundary; to which branch of
xy = 1 a run goes is as uncertain as ε^α with α = 0.69 − O(h²), from the transfer operator of the tripling.

*Degree 4 has a fractal boundary.* No invariant curve closes its basin. Where it crosses the minima, escape and
convergence alternate on every scale that was looked at, with an uncertainty exponent near 0.3; single starts are
decided by proofs in ball arithmetic, since after 40 chaotic steps no floating-point orbit is the exact one. And yet
nearly all that converges from above the edge ends in one narrow interval just below it, while degree 2 scatters its
ends over all that is allowed.

Sources: Zhu, Wang, Wang, Zhou, Ge 2022 for the example and the theorem; Liang, Montúfar 2025 (arXiv 2509.25351) for the
exact critical step size of factorizations, which is the ellipse solved for h, and for the chaos near it; Grebogi,
McDonald, Ott, Yorke 1983 for the uncertainty exponent. The formulas are derived in `analysis.basins.theory`.
"""
