"""The edge law's normal form: in closed form for a loss, and in numbers at a point.

`normal_form` has the law and its coefficients, `steep_line` and `fast_directions` find them where the Hessian has rank
one and above, `exact_quartic` tells a κ₄ of exactly 0; `next_order` and `next_orbit` say where the law ends,
`alternation` what becomes of it without its truncation; `normal_form_at_point` is of any loss.
"""

from eos_sym.edge.normal_forms.normal_form import EdgeNormalForm, edge_normal_form
from eos_sym.edge.normal_forms.normal_form_at_point import LocalEdgeNormalForm, edge_normal_form_at

__all__ = ["EdgeNormalForm", "LocalEdgeNormalForm", "edge_normal_form", "edge_normal_form_at"]
