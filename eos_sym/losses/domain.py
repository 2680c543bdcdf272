"""Where a loss is defined: where the arguments of its logarithms are positive.

The set is open, so that its minima are critical points, as that of x − log x. Points beyond are no orbits of descent on
a loss, though the map that is made of its gradient may be defined there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sympy import Expr, Symbol, default_sort_key, log, simplify

from eos_sym.algebra import is_positive_everywhere, sign_of

Domain = tuple[Expr, ...]


def domain_of(loss: Expr, weights: Sequence[Symbol]) -> Domain:
    """The arguments of logarithms that are not known to be positive for all weights."""
    inside = {part.args[0] for part in loss.atoms(log) if part.free_symbols & {*weights}}
    return tuple(sorted((u for u in inside if not is_positive_everywhere(u)), key=default_sort_key))


def is_in(domain: Domain, point: Mapping[Symbol, Expr]) -> bool | None:
    """Whether a point, or all points of a chart, are in the domain; None where that is not known, or changes."""
    signs = [sign_of(simplify(condition.subs(point))) for condition in domain]
    if all(sign == 1 for sign in signs):
        return True
    return False if -1 in signs or 0 in signs else None
