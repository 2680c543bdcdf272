"""Orbits found numerically, from many starts: `search` follows `closing` equations by Newton's method.

`convergence` judges what it came to, `continua` tells those of which there is a continuum.
"""

from eos_sym.orbits.numerical.search import search_orbits

__all__ = ["search_orbits"]
