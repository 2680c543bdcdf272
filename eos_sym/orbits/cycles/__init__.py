"""Two-cycles of a map, counted wherever they can be.

`two_cycles` chooses: `line_cycles` of a polynomial map of the line, `cycle_pairs` of a rational map as zeros of an
ideal, `enclosed_cycles` of a periodic map in intervals, or a numerical search.
"""

from eos_sym.orbits.cycles.two_cycles import two_cycles

__all__ = ["two_cycles"]
