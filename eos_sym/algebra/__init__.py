"""Algebra and numbers that SymPy lacks and the theory stands on; nothing here knows of losses or gradient descent.

`ideals`, `points` and `roots` solve polynomial systems with proof (python-flint), `pure_parts` divides them by
dimension, `components` splits solution sets (`elimination`, `inverses`), `kernels` makes functions symbols, `systems`
solves for their values, `real_points` decides whether there are real solutions, and of which dimension, `real_zeros`
lists them, points and charts, `series` expands in a small parameter, `inequalities` finds where several are positive,
`factors` are the irreducible ones of a polynomial, `elementary` writes functions in generators with relations,
`identities` decides whether an expression is zero, `periods` finds periods, `signs` and `positivity` decide signs,
`rank_one` tells matrices of rank one, `top_eigenvalue` is λ₁ in closed form, `exponentials` recognizes sums of
exponentials, `kinks` differentiates |u|, max and cases, `evaluate` computes to any precision and in intervals.
"""

from eos_sym.algebra.components import Component, components
from eos_sym.algebra.elementary import Elementary
from eos_sym.algebra.evaluate import (
    Evaluator,
    as_decimals,
    evaluator,
    interval_digits,
    to_ball,
    to_interval,
    without_floats,
)
from eos_sym.algebra.exponentials import (
    Factored,
    base_and_power,
    by_exponent,
    exponent_of,
    exponents,
    factored,
    factored_to_sum,
)
from eos_sym.algebra.factors import irreducible_factors
from eos_sym.algebra.ideals import Ideal
from eos_sym.algebra.identities import sign_of, vanishes
from eos_sym.algebra.inequalities import point_where_positive
from eos_sym.algebra.inverses import square_roots
from eos_sym.algebra.kernels import Kernels
from eos_sym.algebra.kinks import Cell, derivative, has_kinks, pieces, smooth_near, switches
from eos_sym.algebra.periods import period
from eos_sym.algebra.points import AlgebraicPoint, minimal_polynomial, points, points_of
from eos_sym.algebra.positivity import is_positive_everywhere
from eos_sym.algebra.pure_parts import pure_parts
from eos_sym.algebra.rank_one import rank_one_pivot
from eos_sym.algebra.real_points import RealPart, real_parts
from eos_sym.algebra.real_zeros import RealZeros, real_zeros
from eos_sym.algebra.roots import decimal, distance, roots_of
from eos_sym.algebra.series import expand_in
from eos_sym.algebra.signs import positive_where_defined, sign_changes
from eos_sym.algebra.systems import System
from eos_sym.algebra.top_eigenvalue import top_eigenvalue

__all__ = [
    "AlgebraicPoint",
    "Cell",
    "Component",
    "Elementary",
    "Evaluator",
    "Factored",
    "Ideal",
    "Kernels",
    "RealPart",
    "RealZeros",
    "System",
    "as_decimals",
    "base_and_power",
    "by_exponent",
    "components",
    "decimal",
    "derivative",
    "distance",
    "evaluator",
    "expand_in",
    "exponent_of",
    "exponents",
    "factored",
    "factored_to_sum",
    "has_kinks",
    "interval_digits",
    "irreducible_factors",
    "is_positive_everywhere",
    "minimal_polynomial",
    "period",
    "pieces",
    "point_where_positive",
    "points",
    "points_of",
    "positive_where_defined",
    "pure_parts",
    "rank_one_pivot",
    "real_parts",
    "real_zeros",
    "roots_of",
    "sign_changes",
    "sign_of",
    "smooth_near",
    "square_roots",
    "switches",
    "to_ball",
    "to_interval",
    "top_eigenvalue",
    "vanishes",
    "without_floats",
]
