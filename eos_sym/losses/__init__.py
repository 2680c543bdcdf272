"""Losses: a formula with its weights and parameters, and what its derivatives say.

`Objective` is a loss, `LossFamily` one loss an example (for SGD), `catalogue` the losses of the papers, `minima` the
global minima with their proof, `local_expansion` the derivatives at a point in as many digits as wanted.
"""

from eos_sym.losses.catalogue import LOSSES, minimalist, product, quadratic, sgd_pair, shallow
from eos_sym.losses.family import LossFamily
from eos_sym.losses.local_expansion import Derivatives, LocalExpansion, real_number, values_of
from eos_sym.losses.minima import Minima, Piece, global_minima
from eos_sym.losses.objective import Objective

__all__ = [
    "LOSSES",
    "Derivatives",
    "LocalExpansion",
    "LossFamily",
    "Minima",
    "Objective",
    "Piece",
    "global_minima",
    "minimalist",
    "product",
    "quadratic",
    "real_number",
    "sgd_pair",
    "shallow",
    "values_of",
]
