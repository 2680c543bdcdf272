"""Flows that foretell the average of training at the edge of stability, for any module, criterion and data.

    central_flow   the path about which training oscillates, with the covariance that holds every eigenvalue at the edge
    edge_flow      a centre, a direction and a magnitude of what alternates, with the tangent of the gradient
    rod_flow       the same with the secant between both ends
    averages       what training itself does on the average over two steps, to hold a flow against
    rules          what rules of training do on the average: steps, preconditioner, edge
    edge_space     the eigenvalues near the edge, as many as there are, and third derivatives along their eigenvectors
    oscillation    the covariance of an oscillation that holds the edge, its pull on the average, and its averages
    alternation    what edge flow and rod flow have in common, and their steps
    flow_step      a step of the central flow without momentum
    own_steps      those with momentum, which are the rule's own
    beginning      training from beyond the edge, averaged, up to where there is a flow
    foretold       what a central flow tells: averages over its oscillation, and their errors
    stabilized     explicit steps of a stiff flow
    minima         of rules that cannot converge: to the manifold of minima, and along it

What is used from here is imported as it is used (see ``__init__.pyi``), and torch with it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
