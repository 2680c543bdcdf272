"""The descent lemma along a trajectory: where it holds, where it fails, and why a quadratic cannot tell what follows.

Textbooks ask for an L-smooth loss and a step size below 2/L, and get a loss that falls in every step. Nothing so global
is needed. Along one step from θ to θ⁺ = θ − ηg, g = ∇L(θ), let c(s) = gᵀ∇²L(θ − sηg)g/‖g‖² be the curvature in the
direction of the step. Taylor's formula with the remainder as an integral is an identity,

    L(θ⁺) = L(θ) − η(1 − ηℓ/2)‖g‖²,      ℓ = 2∫₀¹ (1 − s) c(s) ds,

so the loss falls in this step exactly if the *local smoothness* ℓ, a weighted mean of the curvature along the segment,
is below 2/η, and rises exactly if it is above. The weight 2(1 − s) has the integral 1, so ℓ ≤ S̄ = max c(s) ≤ max λ₁,
and

    L(θ⁺) ≤ L(θ) − η(1 − ηS̄/2)‖g‖²:

*the descent lemma, local*. It promises descent wherever S̄ < 2/η.

*Where it holds.* GD that heads for a minimum of sharpness well below 2/η keeps S̄ < 2/η all the way, and the loss falls
in every step. During progressive sharpening S̄ climbs with the sharpness, and the promise lasts until S̄ = 2/η.

*Where it fails.* At the edge ℓ swings about 2/η, and the loss rises in many steps; yet over hundreds of steps it goes
down, because the oscillation lowers the curvature whenever it has grown (self-stabilization). No statement about single
steps sees that. Nor does the sharpness alone say in which steps the loss rises: after λ₁ has passed 2/η, ℓ stays small
for as long as the gradient has not yet turned to the top direction.

*Inherently non-quadratic.* Replace the loss by its second-order Taylor polynomial at an iterate whose sharpness exceeds
2/η. GD on this model multiplies the top direction by 1 − ηλ₁ < −1 for ever, and diverges; GD on the loss does not. What
keeps it is in the third and fourth derivatives.

Tested on ½(1 − xyzw)² from three starts, and on a tanh network fitted to a Chebyshev polynomial, which sharpens to the
edge and hovers there. Source: Cohen, Kaur, Li, Kolter, Talwalkar 2021, for all three observations.
"""
