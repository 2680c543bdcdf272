"""Where expressions are positive.

`sign_changes` tells the sign of a fraction by its factors, `positivity` proves a sum positive everywhere, and
`inequalities` finds a point where several are.
"""

from eos_sym.algebra.signs.inequalities import point_where_positive
from eos_sym.algebra.signs.positivity import is_positive_everywhere
from eos_sym.algebra.signs.sign_changes import positive_where_defined, sign_changes

__all__ = [
    "is_positive_everywhere",
    "point_where_positive",
    "positive_where_defined",
    "sign_changes",
]
