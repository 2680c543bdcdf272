"""Gradient descent follows the gradient flow until its sharpness has crossed 2/η, and then leaves it.

A step of gradient descent is one of Euler's method for θ̇ = −∇L(θ). So at equal time ηN, from the same weights,

    θ_N − θ(ηN) = η d(ηN) + O(η²),    ḋ = −H d − ½ H ∇L,   d(0) = 0,

with the Hessian H along the flow. That is how far from the flow a stable method is: a distance in proportion to the
step size, which grows as slowly as the weights move. But Euler's method is stable only for S < 2/η, and the flow, which
does not know any η, sharpens on. From the crossing on a disturbance along the top eigenvector is multiplied by 1 − ηS,
less than −1, in each step. When it has grown to the size of the distance, gradient descent departs: its sharpness falls
back to 2/η, that of the flow goes on rising. The larger the step size, the earlier.

Measured (quick preset: digits, two hidden layers of 30, squared error, double precision). tanh, η = 1/2, 2/5, 1/3: the
exponent of η in the distance before any crossing is 1.13; at η = 1/12 the distance is η‖d‖ within 3 %, d from SciPy's
solver. At the crossings, at times 34, 50 and 62, the distance is 1.1 to 1.3 times that of η = 1/12, scaled; in the end
7 to 9 times. The departures are at 72, 84 and 92: from crossing to departure Σ ln(ηS − 1) is 37 to 41, and from the
rounding errors of double precision to the distance it is 36. So the delay is the arithmetic's. By then the sharpness
has overshot 2/η by more than half; it comes back, and then its mean is 1.02 to 1.07 of 2/η, while the flow's reaches
2.1 to 3.1 of it.

ReLU, η = 1/2, 9/20, 2/5: the same, but the growth from crossing to departure is a fifth or a quarter of what rounding
errors need: it starts from a larger disturbance, presumably from the kinks, where the gradient jumps and keeps gradient
descent from settling along the top eigenvector. These claims are open: where the gradient jumps, there is no H.

Source: Cohen, Kaur, Li, Kolter, Talwalkar 2021 (distance from the gradient flow); the first order, the delay, and the
shorter delay of ReLU are derived or measured here.
"""
