"""The minima of a loss, with the proof in the way they are found.

`global_minima` tries in turn what proves most with least: `squares` where a sum of terms is least because every term
is, `wells` for functions of one polynomial and monotone ones, `critical` for everything else, by its critical points.
Losses with |·|, max and min have `kinks`.
"""

from eos_sym.losses.minima.find import global_minima
from eos_sym.losses.minima.pieces import Minima, Piece
from eos_sym.losses.minima.smooth import NOT_ON_THE_WHOLE_LINE

__all__ = ["NOT_ON_THE_WHOLE_LINE", "Minima", "Piece", "global_minima"]
