"""The smooth pieces of functions with kinks.

    pieces(expressions)             the cells u₁ ≷ 0, u₂ ≷ 0, … with the smooth expressions in each
    smooth_near(expressions, at)    those of the cell that a point lies in; `Undecided` if it lies on a kink

Errors: `Undecided` for more than `MOST_CELLS` cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from sympy import Abs, Basic, Expr, Heaviside, Integer, Max, Min, Piecewise, Symbol, sign, simplify
from sympy.core.relational import Relational

from eos_sym.algebra.kinks.steps import canonical, has_kinks
from eos_sym.errors import Undecided
from eos_sym.reasons import brief

MOST_CELLS = 64

Cell = tuple[tuple[Expr, int], ...]  # switches with their signs


def pieces(expressions: Sequence[Expr]) -> Iterator[tuple[Cell, tuple[Expr, ...]]]:
    """Every combination of signs of the switches, with the smooth expressions there; some may be empty."""
    pending: list[tuple[Cell, tuple[Expr, ...]]] = [((), tuple(expressions))]
    made = 0
    while pending:
        cell, parts = pending.pop()
        switch = _innermost_switch(parts)
        if switch is None:
            made += 1
            if made > MOST_CELLS:
                raise Undecided(f"the kinks divide the weights into more than {MOST_CELLS} cells")
            yield cell, parts
            continue
        for sign_there in (1, -1):
            pending.append(((*cell, (switch, sign_there)), tuple(_on_side(part, switch, sign_there) for part in parts)))


def smooth_near(expressions: Sequence[Expr], at: Mapping[Symbol, Expr]) -> tuple[Expr, ...]:
    """The smooth expressions that these are in a neighbourhood of a point."""
    parts = tuple(expressions)
    while (switch := _innermost_switch(parts)) is not None:
        value = switch.subs(at)
        if not (value.is_positive or value.is_negative):
            value = simplify(value)
        if not (value.is_positive or value.is_negative):
            lies = "lies on it" if value.is_zero else "is not known to lie beside it"
            raise Undecided(f"the loss has a kink where {brief(switch)} = 0, and the point {lies}")
        parts = tuple(_on_side(part, switch, 1 if value.is_positive else -1) for part in parts)
    return parts


def _innermost_switch(expressions: Sequence[Expr]) -> Expr | None:
    """A switch without kinks in it, the first in SymPy's order."""
    found = {switch for expression in expressions for switch in switches(expression) if not has_kinks(switch)}
    return min(found, key=str) if found else None


def switches(expression: Expr) -> set[Expr]:
    """The expressions u where it has kinks, u = 0; those of others inside among them."""
    found = {part.args[0] for part in expression.atoms(Abs, sign, Heaviside)}
    for extreme in expression.atoms(Max, Min):
        found |= {first - second for first, second in combinations(sorted(extreme.args, key=str), 2)}
    for cases in expression.atoms(Piecewise):
        for relation in cases.atoms(Relational):
            found.add(relation.lhs - relation.rhs)
    return {canonical(switch)[0] for switch in found}


def _on_side(expression: Expr, switch: Expr, side: int) -> Expr:
    """The expression where the switch has that sign."""

    def sign_of(u: Expr) -> int:
        inside, turn = canonical(u)
        return side * turn if inside == switch else 0

    def turned(part: Basic) -> Basic:
        if isinstance(part, Relational):
            found = sign_of(part.lhs - part.rhs)
            return part.func(Integer(found), 0) if found else part
        if isinstance(part, Abs | sign | Heaviside):
            found = sign_of(part.args[0])
            if not found:
                return part
            return {Abs: found * part.args[0], sign: Integer(found)}.get(part.func, Integer((1 + found) // 2))
        if isinstance(part, Max | Min):
            lower = -1 if isinstance(part, Max) else 1
            dropped = {first for first in part.args for other in part.args if sign_of(first - other) == lower}
            return part.func(*(argument for argument in part.args if argument not in dropped))
        return part

    return expression.replace(lambda part: isinstance(part, Relational | Abs | sign | Heaviside | Max | Min), turned)
