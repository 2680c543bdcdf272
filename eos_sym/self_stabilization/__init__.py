"""Self-stabilization: the four stages of the cycle at the edge, from the cubic expansion of a loss.

`predicted_dynamics` are Damian, Nichani and Lee's; `cycle` reduces them to two numbers with a slow spiral, and
`continuous_limit` says what their flow conserves, how far it goes and how long it takes.
"""

from eos_sym.self_stabilization.continuous_limit import (
    conserved_by_separation,
    extremes,
    period,
    rise_per_step,
    small_period,
)
from eos_sym.self_stabilization.cycle import SelfStabilization, undamped
from eos_sym.self_stabilization.predicted_dynamics import CubicExpansion, general_expansion, top_eigenvector

__all__ = [
    "CubicExpansion",
    "SelfStabilization",
    "conserved_by_separation",
    "extremes",
    "general_expansion",
    "period",
    "rise_per_step",
    "small_period",
    "top_eigenvector",
    "undamped",
]
