"""SAM has an edge of its own, below that of gradient descent, and hovers at it or ends beneath it: at flatter minima.

Sharpness-aware minimization takes the gradient a step uphill, at θ + ρg or at θ + ρg/‖g‖. On a quadratic of curvature λ
the first variant multiplies θ by 1 − ηλ(1 + ρλ), which is stable up to

    λ = (√(1 + 8ρ/η) − 1)/(2ρ) < 2/η,

the SAM edge. Gradient descent that starts too sharp on ½(1 − xyzw)² ends just below 2/η; SAM from the same start goes
on until it is just below its own edge, so it ends at a flatter minimum, the flatter the larger ρ/η.

*The normalized variant* is the one in use. With ρ/‖g‖ for ρ the condition becomes λ(1 + ρλ/‖g‖) = 2/η, an edge that
falls with the norm of the gradient (Long, Bartlett 2024). There is no convergence: next to a minimum the step uphill
stays as long as ρ however small the gradient. On a quadratic the iterates settle on the two-cycle ±c along the top
eigenvector, with

    c = ηρλ/(2 − ηλ),    ‖g‖ = λc,

and this is exactly where λ is at the edge for that gradient: the amplitude, not the sharpness, adapts. The two-cycles
along the other eigenvectors exist as well and are unstable. On a curved valley of minima Γ the gradients are taken at
the distances ±(c + ρ) along the top eigenvector, where they have the mean ½(c + ρ)²∇λ along Γ, so that every step moves

    −½η(c + ρ)² ∇_Γ λ = −2ηρ²/(2 − ηλ)² ∇_Γ λ

along Γ, for ηλ → 0 the −½ηρ²∇_Γ λ of Wen, Ma and Li (2023). So normalized SAM flattens without an end, far below 2/η,
where gradient descent would rest, and stays at its edge all the while, which we measure over pairs of steps.
"""
