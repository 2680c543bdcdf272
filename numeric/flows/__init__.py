"""Flows integrated in time: `compile_flow` gives an integrator with dense output, events and reasons where it is lost.

`events` locates where a quantity crosses a threshold, `solver` follows one solution by any of SciPy's methods,
`central_flow` integrates the central flow through its switches at S = 2/η.
"""

from numeric.flows.central_flow import CentralFlowIntegrator, compile_central_flow
from numeric.flows.events import Event
from numeric.flows.integrate import Integrator, Velocity, compile_flow, gradient_flow_end
from numeric.flows.solution import Solution

__all__ = [
    "CentralFlowIntegrator",
    "Event",
    "Integrator",
    "Solution",
    "Velocity",
    "compile_central_flow",
    "compile_flow",
    "gradient_flow_end",
]
