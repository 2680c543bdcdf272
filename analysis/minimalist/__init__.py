"""The minimalist example: gradient descent on ½(1 − xyzw)² converges to just below the edge of stability.

Zhu, Wang, Wang, Zhou and Ge (2022) asked for the simplest loss on which gradient descent ends at the edge, and found
L = ½(1 − xyzw)², a deep linear network of depth 4 and width 1 with a single example. From a symmetric start, z = x and
w = y, it stays symmetric, and two numbers say everything: the product P = xy, which is 1 (or −1) at the minima, and
the imbalance D = x² − y², which fixes the sharpness of the minimum that gradient flow would reach, 2√(D² + 4).

*Why it ends at the edge.* Gradient flow conserves D. Gradient descent does not: every step multiplies it by 1 − k²P²
with k = η(P² − 1), so while P oscillates about 1 the imbalance falls, and the sharpness with it, until it is low enough
for the oscillation to die out. In the coordinates a = √D − (η⁻² − 4)^¼, which vanishes where the sharpness is 2/η, and
b = P − 1, two steps of gradient descent are, with κ = √η,

    a'' ≈ a − 4b²κ³,        b'' ≈ b + 8abκ − 16b³.

The cubic term holds b near the parabola a = 2b²/κ − κ³/8, along which a falls, and the orbit ends where the parabola
meets b = 0: at a = −κ³/8, that is, at the sharpness

    S∞ = 2/η − η/2 + O(η³).

*What it does not show.* There is no progressive sharpening here: gradient flow keeps the sharpness of the minimum it is
heading for, and gradient descent only lowers it. The start must be sharper than 2/η to begin with.

Everything here is derived by `analysis.minimalist.theory` from the formula of the loss, and tested against
simulation, automatic differentiation and a torch network by `analysis.minimalist.claims`.
"""
