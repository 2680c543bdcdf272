"""The accurate expansion: of what the loss is applied to, with all that follows exact.

`cut` finds where a network is cut, `fit` makes a polynomial of what comes before, `model` is the loss that follows from
it, and `expansion` finds the directions, with its gates.
"""

from numeric.networks.forecast.cut_expansion.cut import find_cut
from numeric.networks.forecast.cut_expansion.expansion import CutExpansion, expand_cut
from numeric.networks.forecast.cut_expansion.model import CutModel

__all__ = ["CutExpansion", "CutModel", "expand_cut", "find_cut"]
