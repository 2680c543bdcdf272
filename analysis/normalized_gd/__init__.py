"""Normalized gradient descent: it cannot converge, and so it walks along the minima to where they are flattest.

Normalized GD, θ ← θ − η∇L/‖∇L‖, takes steps of length η, however close it is to a minimum. It is not the algorithm that
anybody trains with, but the cleanest model of the edge of stability: whatever the sharpness, the effective step size
η/‖∇L‖ adapts until the edge is reached. GD on √L, with the effective step η/(2√L), does the same. Most of what follows
was proved by Arora, Li and Panigrahi (2022).

*On a quadratic* ½ Σ λᵢθᵢ² it ends in a two-cycle. Every eigenvector vᵢ carries a continuum of them: θ jumps from ηC vᵢ
to −η(1 − C) vᵢ and back, for any C in (0, 1), so the multiplier along vᵢ is 1. In direction j, with r = λⱼ/λᵢ, two
steps multiply by

    1 − r(1 − r)/(C(1 − C)),

which exceeds 1 for r > 1: only the two-cycles of the top eigenvector are stable, those with r(1 − r) < 2C(1 − C) for
all j. From almost every start x̃ = Hθ/η aligns with v₁, and ‖x̃_t‖ + ‖x̃_{t+1}‖ → λ₁. C is *not* ½ in general.

*Near a manifold of minima* there are two phases. First the iterates follow gradient flow to the manifold, in Θ(1/η)
steps, with the loss falling at each. Then they oscillate across it along the top eigenvector, and creep along it, by η²
a step: with τ = η²t

    dX/dτ = −¼ P ∇log λ₁ (normalized GD),      dX/dτ = −⅛ P ∇λ₁ (GD on √L),

P the projection onto its tangent space. So the second phase lowers the sharpness, and takes Θ(1/η²) steps. The
coefficients come out of averaging over a two-cycle, and do not depend on C (`eos_sym.flows.limit_flow`).

*At the edge.* The stableness S_t, the effective step times the largest sharpness along it, is 1/C and 1/(1 − C) by
turns: its harmonic mean is 2, the edge, for both rules. The loss rises and falls with √L_t + √L_{t+1} constant:
η√(λ₁/2) for normalized GD, and ½ηλ₁ for GD on √L.

*Noise.* The proof injects noise, and it has work to do: a start exactly across a lesser eigenvector stays there, and
feels nothing of λ₁. With the least noise it turns to the top. Elsewhere noise makes no difference.

*What remains open.* On small networks normalized GD aligns. GD on √L need not: where λ₂ is close to λ₁ the oscillation
may lie between the two eigenvectors, and 1/S_t + 1/S_{t+1} may miss 1 by more than η. And the sums of √L hold only once
the rest of the loss has decayed, which takes some networks longer than others. The open claims report the worst of
several networks, whichever way they end.

The limit flows are formal averages here; simulations at falling η measure how fast they are approached.
"""
