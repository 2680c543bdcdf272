"""What the theory of the edge of stability says at a network's own weights, for any module, criterion and data.

    descent       the loss in double precision, and consecutive weights of gradient descent on it
    midpoint      the identity that the sharpness at a two-step midpoint obeys
    terminal      where the sharpness of a run that converges will end
    hovering      how far a network that hovers swings, and how it answers a kick; with the `threshold` of its stability
    rate          how fast the drive of a network that hovers decays, and the gap that this would leave
    covariance    how many directions have to oscillate where several eigenvalues are at the edge
    coefficients  u, S, ∇S, α, β, δ, ε and Q of self-stabilization
    constrained   the trajectory along the edge about which gradient descent turns
    predicted_dynamics, assumptions   those turns beside gradient descent, and where what they assume fails

What is used from here is imported as it is used (see ``__init__.pyi``), and torch with it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
