"""Steps, of sgn or H, as SymPy has them: Piecewise((above, u > 0), (below, u < 0)), with the switch u.

Where u = 0 a step is undefined (nan), so that no number is ever said of a kink. A derivative that is 0 on both sides
but not defined at the kink, such as that of sgn, is Piecewise((0, Ne(u, 0))).
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import (
    Abs,
    Expr,
    Heaviside,
    Integer,
    LessThan,
    Max,
    Min,
    Ne,
    Or,
    Piecewise,
    StrictGreaterThan,
    StrictLessThan,
    nan,
    sign,
)
from sympy.core.relational import Relational

KINKED = (Abs, Max, Min, sign, Heaviside, Piecewise)


def has_kinks(*expressions: Expr) -> bool:
    """Whether any of them is made with |·|, max, min, steps or cases."""
    return any(expression.has(*KINKED) for expression in expressions)


def step(switch: Expr, above: Expr | int, below: Expr | int) -> Expr:
    """`above` where the switch is positive, `below` where it is negative, and undefined where it is 0."""
    if switch.is_number:
        return Integer(0) + (above if switch.is_positive else below if switch.is_negative else nan)
    switch, side = canonical(switch)
    if side < 0:
        above, below = below, above
    return Piecewise((Integer(0) + above, switch > 0), (Integer(0) + below, switch < 0))


def zero_beside(switch: Expr) -> Expr:
    """0 where the switch is not 0, and undefined there."""
    return Piecewise((Integer(0), Ne(canonical(switch)[0], 0)))


def canonical(switch: Expr) -> tuple[Expr, int]:
    """The switch without a positive factor, its sign chosen, and ±1 for that choice."""
    primitive = switch.expand().primitive()[1]
    return (-primitive, -1) if primitive.could_extract_minus_sign() else (primitive, 1)


def switch_of(relation: Relational) -> tuple[Expr, int]:
    """The switch of a relation, and the sign that it has where the relation holds, or held but for equality."""
    switch, side = canonical(relation.lhs - relation.rhs)
    return switch, -side if isinstance(relation, StrictLessThan | LessThan) else side


@dataclass(frozen=True)
class Step:
    """A factor that is `above` where the switch is positive, and `below` where it is negative."""

    switch: Expr
    above: Expr
    below: Expr

    @classmethod
    def of(cls, factor: Expr) -> Step | None:
        """The step that a factor is; None if it is something else."""
        if not isinstance(factor, Piecewise) or len(factor.args) > 2:
            return None
        if len(factor.args) == 1:  # as SymPy writes the square of a step
            ((value, condition),) = factor.args
            sides = {switch_of(part)[0] for part in condition.atoms(Relational)}
            beside = len(sides) == 1 and isinstance(condition, Ne | Or)
            return cls(sides.pop(), value, value) if beside and value.is_number and value != 0 else None
        (above, first), (below, second) = factor.args
        strict = all(isinstance(condition, StrictGreaterThan | StrictLessThan) for condition in (first, second))
        if not (strict and above.is_number and below.is_number):
            return None
        (switch, side), other = switch_of(first), switch_of(second)
        if other != (switch, -side):
            return None
        return cls(switch, above, below) if side > 0 else cls(switch, below, above)


def flat_switch(factor: Expr) -> Expr | None:
    """U of Piecewise((0, Ne(u, 0)))."""
    if isinstance(factor, Piecewise) and len(factor.args) == 1:
        ((value, condition),) = factor.args
        if value == 0 and isinstance(condition, Ne):
            return canonical(condition.lhs - condition.rhs)[0]
    return None
