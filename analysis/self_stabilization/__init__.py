"""Self-stabilization: why gradient descent hovers at the edge of stability instead of diverging from it.

Damian, Nichani and Lee (2022) explain the edge by the third derivative of the loss. Let u be the top eigenvector of the
Hessian, S = 2/η its eigenvalue, x the displacement along u and y the sharpness in excess of 2/η. To second order x only
alternates, growing or shrinking by the factor 1 + ηy a step. To third order,

    ∇L(θ + xu) = ∇L(θ) + xSu + ½x²∇S + …,

the oscillation itself pushes the weights along −∇S, that is, to lower sharpness. So there are two forces on y: the loss
raises the sharpness at the rate α = −∇L·∇S⊥, *progressive sharpening*, and the oscillation lowers it at the rate ½βx²,
β = ‖∇S⊥‖². They balance at x² = δ² = 2α/β, but do not come to rest there:

    x⁺ = −(1 + ηy)x,   y⁺ = y + η(α − ½βx²)

turn about the balance in four stages, once in about √2 π/ε steps, ε = η√α:

1. *progressive sharpening*: y < 0 and x² < δ²; the sharpness rises, the oscillation still dies down;
2. *blowup*: y > 0; the oscillation grows by the factor 1 + ηy a step;
3. *self-stabilization*: x² > δ²; the oscillation lowers the sharpness;
4. *return*: y < 0; the oscillation dies down, until x² < δ² and the sharpness rises again.

*A conserved quantity.* In X = |x|/δ, Y = y/√α and the time εt the limit ε → 0 is Ẋ = XY, Ẏ = 1 − X², which separates
and conserves h = ½(X² − 2 ln X − 1 + Y²). Extremes and period of an orbit follow from h. Over a turn ln X and Y come
back, so the mean of Y is 0 and that of X² is 1: the mean sharpness is 2/η, and the oscillation adds δ²/η to the loss.

*What is left out spirals.* The map is Euler's method for this flow, with step ε, and Euler's method raises h: the
balance is an unstable two-cycle, with multipliers of modulus √(1 + 2ε²). In a real loss other terms decide whether the
spiral goes outward or inward: a rate α that falls as the sharpness rises, or a quartic coefficient κ₄ < 0, which turns
the balance into an attractor, above the edge by |κ₄|δ²/6, as soon as |κ₄| > 3ηβ.

*A network that does it.* In ½(1 − ap)² + ½μ(30 − aq)², a linear network f(z) = a(pz₁ + qz₂) with a sharp example and a
flat one, the sharp example is fitted at once, and its curvature is a² + p². Learning the flat one raises a until the
edge; from then on a stays, q alone learns, and the loss falls on while x turns round and round. The trajectory θ† that
meets the constraint S ≤ 2/η, and the displacement from it, are predicted from the derivatives of the loss at θ†
(`analysis.self_stabilization.constrained`). Gradient descent stays within O(εδ) of the prediction through a turn.

Everything is derived by `eos_sym.self_stabilization.predicted_dynamics` and `eos_sym.self_stabilization.cycle` from the
expansion of a general loss, and tested by `claims` and `claims_about_runs`.
"""
