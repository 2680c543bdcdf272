"""Functions with kinks, made with |u|, max, min and cases: derivatives almost everywhere, and smooth pieces.

`steps` are the jumps that derivatives have, `continuation` takes those away whose sides agree, `derivative`
differentiates, `cells` are the smooth pieces.
"""

from eos_sym.algebra.kinks.cells import Cell, pieces, smooth_near, switches
from eos_sym.algebra.kinks.derivative import derivative
from eos_sym.algebra.kinks.steps import has_kinks

__all__ = ["Cell", "derivative", "has_kinks", "pieces", "smooth_near", "switches"]
