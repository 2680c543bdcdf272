"""Flows that foretell the average of training at the edge of stability, for any module, criterion and data.

    central_flow   the path about which training oscillates, with the covariance that holds every eigenvalue at the edge
    edge_flow      a centre, a direction and a magnitude of what alternates, with the tangent of the gradient
    rod_flow       the same with the secant between both ends
    alternation    what these two have in common, and their steps
    edge_space     the eigenvalues near the edge, as many as there are, and the derivatives along their eigenvectors
    stabilized     explicit steps of a flow that may be many times as long as its stiffness allows others

What is used from here is imported as it is used (see ``__init__.pyi``), and torch with it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
