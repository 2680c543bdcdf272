"""Self-stabilization: the four stages of the cycle at the edge, from the cubic expansion of a loss.

`predicted_dynamics` are Damian, Nichani and Lee's; `cycle` reduces them to two numbers with a slow spiral, and
`continuous_limit` says what their flow conserves, how far it goes and how long it takes. `neglected` says where the
expansion ends, `exact_zeros` what vanishes at a rational point. `reduced_order` is the polynomial model of k directions
at the edge and m across them whose coefficients a network's forecast computes, `hovering_rates` how fast a perturbed
two-cycle of it comes back.
"""

from eos_sym.self_stabilization.continuous_limit import (
    conserved_by_separation,
    extremes,
    period,
    rise_per_step,
    rise_per_turn,
    small_period,
    steps_of_a_turn,
)
from eos_sym.self_stabilization.cycle import SelfStabilization, undamped
from eos_sym.self_stabilization.exact_zeros import exact_zeros
from eos_sym.self_stabilization.hovering_rates import HoveringRates, hovering_rates, threshold_terms
from eos_sym.self_stabilization.predicted_dynamics import (
    NOT_STEEP,
    CubicExpansion,
    general_expansion,
    top_eigenvector,
)
from eos_sym.self_stabilization.reach import DRIFT, neglected
from eos_sym.self_stabilization.reduced_order import BASE, EXPANDED, ReducedOrderModel, coefficient

__all__ = [
    "BASE",
    "DRIFT",
    "EXPANDED",
    "NOT_STEEP",
    "CubicExpansion",
    "HoveringRates",
    "ReducedOrderModel",
    "SelfStabilization",
    "coefficient",
    "conserved_by_separation",
    "exact_zeros",
    "extremes",
    "general_expansion",
    "hovering_rates",
    "neglected",
    "period",
    "rise_per_step",
    "rise_per_turn",
    "small_period",
    "steps_of_a_turn",
    "threshold_terms",
    "top_eigenvector",
    "undamped",
]
