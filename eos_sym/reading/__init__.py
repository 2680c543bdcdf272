"""From typed text to exact expressions, by a whitelist: nothing is evaluated, and bounds hold before SymPy builds.

`parse` reads a text; `language` has the vocabulary and judges the characters; `bounds` refuses what would never end.
"""

from eos_sym.reading.language import FUNCTIONS, ParseError, declare, is_reserved, names_in
from eos_sym.reading.parse import parse

__all__ = ["FUNCTIONS", "ParseError", "declare", "is_reserved", "names_in", "parse"]
