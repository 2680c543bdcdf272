"""Once the sharpness has passed 2/η, gradient descent oscillates along the top eigenvector, more in every step.

On a quadratic of curvature S a step multiplies the coordinate x = u·θ along the eigenvector u by 1 − ηS. Beyond S = 2/η
this multiplier is below −1: x changes its sign in every step, and grows. A network's loss is no quadratic, but as long
as the oscillation is small it follows one: from the crossing on,

    |x_t| ≈ |x_s| ∏ (ηS_r − 1),    s ≤ r < t,

with the sharpness read at every step. Training also moves the middle about which the iterates oscillate, a million
times further than the young oscillation. What alternates is separated from what is slow by differences of order m,

    x_t = 2⁻ᵐ Σ_i (−1)ⁱ C(m, i) u·θ_{t − m/2 + i},

which leave a sequence (−1)ᵗ as it is, and take m derivatives of a slow one. With m = 8 and double precision all of the
growth is seen: before the crossing the oscillation has died down to the rounding errors, 1e-16. It starts from there,
and multiplies for more than a hundred steps before anything of it shows in loss or sharpness. That is why the sharpness
overshoots 2/η before it turns: the instability is delayed by the time that rounding errors need to grow.

The growth does not go on. When the oscillation is large enough to bring S down below 2/η (self-stabilization, by the
third derivative: `analysis.self_stabilization`), it shrinks again; the loss has risen for a while, and goes on falling.
On a quadratic it would have risen for ever: compare `analysis.descent_lemma`.

Source: Cohen, Kaur, Li, Kolter, Talwalkar 2021, §3.2 and Figure 4.
"""
