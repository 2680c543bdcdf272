"""The period of expressions in a variable that stands in sines, cosines and tangents only.

If all of these have arguments aᵢv + bᵢ with aᵢ/a₁ rational, the expressions are unchanged by v → v + T, T the least
common multiple of the 2π/|aᵢ|. Halves and thirds of it, such as π for sin(x)cos(x), are tried, and believed where the
difference is proved to vanish (`eos_sym.algebra.functions.identities`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Dummy, Expr, Symbol, ilcm, pi

from eos_sym.algebra.functions.identities import vanishes
from eos_sym.algebra.functions.inverses import PERIODIC
from eos_sym.errors import Undecided


def period(expressions: Sequence[Expr], variable: Symbol) -> Expr | None:
    """A T > 0 such that no expression changes when T is added to the variable; None if none is found."""
    waves = {
        wave for expression in expressions for wave in expression.atoms(*PERIODIC) if variable in wave.free_symbols
    }
    rest = {symbol for e in expressions for symbol in e.xreplace({wave: Dummy() for wave in waves}).free_symbols}
    slopes = [abs(wave.args[0].diff(variable)) for wave in waves]
    if variable in rest or not slopes or not all(a.is_number and (a / slopes[0]).is_Rational for a in slopes):
        return None
    found = 2 * pi / slopes[0] * ilcm(1, *((slopes[0] / slope).p for slope in slopes))
    for divisor in (2, 3):
        while _is_period(found / divisor, expressions, variable):
            found = found / divisor
    return found


def _is_period(shift: Expr, expressions: Sequence[Expr], variable: Symbol) -> bool:
    try:
        return all(vanishes(expression.subs(variable, variable + shift) - expression) for expression in expressions)
    except Undecided:
        return False
