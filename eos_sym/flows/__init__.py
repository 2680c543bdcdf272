"""Flows that gradient descent follows: gradient flow, limit flows along minima, and central, edge and rod flow."""

from eos_sym.flows.central_flow import CentralFlow
from eos_sym.flows.flow import Flow, TopEigenvectorFlow, conserved_quantities, gradient_flow
from eos_sym.flows.limit_flow import Oscillation, limit_flow, oscillation
from eos_sym.flows.two_ends import edge_flow, extents, rod_flow

__all__ = [
    "CentralFlow",
    "Flow",
    "Oscillation",
    "TopEigenvectorFlow",
    "conserved_quantities",
    "edge_flow",
    "extents",
    "gradient_flow",
    "limit_flow",
    "oscillation",
    "rod_flow",
]
