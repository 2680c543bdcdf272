"""Fixed points and two-cycles of a map: isolated ones, manifolds of them, and whether the list is complete.

`fixed_points` and `two_cycles` find them, exactly and counted where they can be, by `search_orbits` from many starts
where they cannot; `Orbit` has the multipliers, `neutral` proves manifolds of fixed points.
"""

from eos_sym.orbits.cycles import two_cycles
from eos_sym.orbits.fixed_points import fixed_points
from eos_sym.orbits.manifolds import Manifold, Orbits
from eos_sym.orbits.neutral import common_factors, displacement, prove_fixed
from eos_sym.orbits.numerical import search_orbits
from eos_sym.orbits.orbit import Orbit, vanishes_on_two_cycles

__all__ = [
    "Manifold",
    "Orbit",
    "Orbits",
    "common_factors",
    "displacement",
    "fixed_points",
    "prove_fixed",
    "search_orbits",
    "two_cycles",
    "vanishes_on_two_cycles",
]
