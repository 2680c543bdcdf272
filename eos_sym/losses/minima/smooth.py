"""Whether a formula is known to be smooth wherever its variables are real."""

from __future__ import annotations

from sympy import Abs, Expr, Heaviside, Max, Min, Piecewise, Pow, acos, acosh, asin, atanh, log, sign, tan

from eos_sym.algebra import is_positive_everywhere

NOT_ON_THE_WHOLE_LINE = (tan, asin, acos, acosh, atanh)
WITH_KINKS = (Abs, Max, Min, Piecewise, Heaviside, sign)


def is_smooth(expression: Expr) -> bool:
    """Whether it is known to be defined and smooth at all real values of its symbols."""
    if expression.has(*NOT_ON_THE_WHOLE_LINE, *WITH_KINKS):
        return False
    powers = (part for part in expression.atoms(Pow) if not (part.exp.is_integer and part.exp.is_nonnegative))
    arguments = [*(power.base for power in powers), *(part.args[0] for part in expression.atoms(log))]
    return all(map(is_positive_everywhere, arguments))
