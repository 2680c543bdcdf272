"""Normal forms at the edge of stability, S = 2/η, and what they predict.

`edge_normal_form` is the edge law (where gradient descent ends), in closed form for a loss and with
`edge_normal_form_at` in numbers at a point; `minimum_at_edge` finds the minimum of sharpness 2/η; `flip` is period
doubling, `hovering` the two-cycle under progressive sharpening, `invariant_curve` the curve that orbits settle on.
"""

from eos_sym.edge.flip import FlipNormalForm, flip_normal_form
from eos_sym.edge.hovering import Hovering, hovering_stability, leading_margins
from eos_sym.edge.invariant_curve import invariant_curve
from eos_sym.edge.minimum_at_edge import MinimumAtEdge, minimum_at_edge
from eos_sym.edge.normal_forms import EdgeNormalForm, LocalEdgeNormalForm, edge_normal_form, edge_normal_form_at

__all__ = [
    "EdgeNormalForm",
    "FlipNormalForm",
    "Hovering",
    "LocalEdgeNormalForm",
    "MinimumAtEdge",
    "edge_normal_form",
    "edge_normal_form_at",
    "flip_normal_form",
    "hovering_stability",
    "invariant_curve",
    "leading_margins",
    "minimum_at_edge",
]
