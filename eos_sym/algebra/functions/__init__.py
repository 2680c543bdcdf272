"""What functions an expression is made of, and what that decides: whether it is zero, its values, periods, expansions.

`kernels` makes functions symbols, `elementary` writes them in generators with relations, `exponentials` recognizes sums
of exponentials, `inverses` solves for their arguments, `evaluate` computes to any precision and in intervals,
`identities` decides whether an expression is zero, `periods` finds periods, `series` expands in a small parameter.
"""

from eos_sym.algebra.functions.elementary import Elementary
from eos_sym.algebra.functions.evaluate import (
    Evaluator,
    as_decimals,
    evaluator,
    interval_digits,
    to_ball,
    to_interval,
    without_floats,
)
from eos_sym.algebra.functions.exponentials import (
    Factored,
    base_and_power,
    by_exponent,
    exponent_of,
    exponents,
    factored,
    factored_to_sum,
)
from eos_sym.algebra.functions.identities import sign_of, vanishes
from eos_sym.algebra.functions.inverses import square_roots
from eos_sym.algebra.functions.kernels import Kernels
from eos_sym.algebra.functions.periods import period
from eos_sym.algebra.functions.series import expand_in

__all__ = [
    "Elementary",
    "Evaluator",
    "Factored",
    "Kernels",
    "as_decimals",
    "base_and_power",
    "by_exponent",
    "evaluator",
    "expand_in",
    "exponent_of",
    "exponents",
    "factored",
    "factored_to_sum",
    "interval_digits",
    "period",
    "sign_of",
    "square_roots",
    "to_ball",
    "to_interval",
    "vanishes",
    "without_floats",
]
