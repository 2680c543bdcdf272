"""What the theory of the edge of stability says at a network's own weights, for any module, criterion and data.

    descent      the loss in double precision, and consecutive weights of gradient descent on it
    midpoint     the identity that the sharpness at a two-step midpoint obeys
    turns        self-stabilization: the trajectory at the edge, and the turns about it that are predicted
    hovering     how far a network that hovers swings, and how it answers a kick
    covariance   how many directions have to oscillate where several eigenvalues are at the edge
    terminal     where the sharpness of a run that converges will end, and how fast its drive decays

What is used from here is imported as it is used (see ``__init__.pyi``), and torch with it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
