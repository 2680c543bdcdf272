"""Flows that gradient descent follows: gradient flow, limit flows along minima, the central flow at the edge."""

from eos_sym.flows.central_flow import CentralFlow
from eos_sym.flows.flow import Flow, TopEigenvectorFlow, conserved_quantities, gradient_flow
from eos_sym.flows.limit_flow import Oscillation, limit_flow, oscillation

__all__ = [
    "CentralFlow",
    "Flow",
    "Oscillation",
    "TopEigenvectorFlow",
    "conserved_quantities",
    "gradient_flow",
    "limit_flow",
    "oscillation",
]
