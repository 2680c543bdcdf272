"""To a network's manifold of minima and along it, by rules that cannot converge: normalized GD, and GD on √L.

manifold        its curvature, its tangent space, and the way onto it from beside it
gradient_flow   the flow to a minimum, and the clocks by which the two rules follow it
across          how they oscillate across the minima then
limit_flow      how they creep along the minima while they do, to where these are flattest
"""

from numeric.networks.flows.minima.across import Oscillation
from numeric.networks.flows.minima.gradient_flow import gradient_flow, gradient_flow_from
from numeric.networks.flows.minima.limit_flow import limit_flow, limit_flow_from
from numeric.networks.flows.minima.manifold import GaussNewton, gauss_newton_at, nearest_minimum

__all__ = [
    "GaussNewton",
    "Oscillation",
    "gauss_newton_at",
    "gradient_flow",
    "gradient_flow_from",
    "limit_flow",
    "limit_flow_from",
    "nearest_minimum",
]
