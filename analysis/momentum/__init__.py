"""Momentum moves the edge: the critical sharpness of every rule, derived and then tested on both sides.

On a quadratic every linear rule multiplies its state by a constant matrix, and diverges where the sharpness λ passes a
value that depends on the rule alone. For gradient descent it is 2/η. With momentum β the matrix is 2 × 2, its
characteristic polynomial has a root that leaves the unit disc through −1, and Jury's conditions say where:

    heavy ball                  (2 + 2β)/η                  higher: the velocity averages the oscillation away
    Nesterov                    (2 + 2β)/(η(1 + 2β))        lower: looking ahead, it sees the gradient amplified
    averaged gradient           (2 + 2β)/(η(1 − β))         for λ₁(P⁻¹H): Adam and RMSProp at fixed second moment
    SAM, unnormalized           (√(1 + 8ρ/η) − 1)/(2ρ)      lower: a step uphill makes the curvature λ(1 + ρλ)
    SGD, mean square            2/(η(1 + ν²(n−B)/(B(n−1)))) lower: B of n examples, curvatures of relative spread ν

Everywhere the instability is a flip, an oscillation from step to step. Heavy ball and the averaged gradient are one
rule at two scales: with η(1 − β) for η the first becomes the second. That is why Adam with β₁ = 0.9 trains at
λ₁(P⁻¹H) ≈ 38/η (Cohen et al. 2022). torch's Nesterov keeps its weights at the point looked ahead to, θ + βv; that is a
change of variables, so the threshold is the same.

A rule that divides by the norm of the gradient, as normalized GD, GD on √L and normalized SAM do, is not differentiable
at a minimum and has no critical sharpness: it never converges on a quadratic, however flat.
"""
