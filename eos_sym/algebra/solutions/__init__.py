"""The real solutions of equations between elementary functions, as points and as manifolds with charts.

`components` splits them as far as closed forms go, with `elimination`; `systems` solves what is polynomial in functions
of the unknowns; `real_points` decides whether there are real solutions, and of which dimension; `real_zeros` lists
them.
"""

from eos_sym.algebra.solutions.components import Component, components
from eos_sym.algebra.solutions.real_points import RealPart, real_parts
from eos_sym.algebra.solutions.real_zeros import RealZeros, real_zeros
from eos_sym.algebra.solutions.systems import System

__all__ = [
    "Component",
    "RealPart",
    "RealZeros",
    "System",
    "components",
    "real_parts",
    "real_zeros",
]
