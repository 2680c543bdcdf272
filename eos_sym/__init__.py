"""The theory of gradient descent at the edge of stability, derived from a loss formula with SymPy."""

from eos_sym.catalogue import minimalist, product, quadratic, shallow
from eos_sym.errors import BadInput, Undecided
from eos_sym.language import ParseError
from eos_sym.maps import Map
from eos_sym.minima import Minima
from eos_sym.objective import Objective
from eos_sym.parse import parse
from eos_sym.rules import STEP_SIZE, GradientDescent, Rule

__all__ = [
    "STEP_SIZE",
    "BadInput",
    "GradientDescent",
    "Map",
    "Minima",
    "Objective",
    "ParseError",
    "Rule",
    "Undecided",
    "minimalist",
    "parse",
    "product",
    "quadratic",
    "shallow",
]
