"""Functions with kinks, made with |u|, max, min and cases: derivatives almost everywhere, and smooth pieces.

    |u|' = u' sgn u,    max(a, b)' = b' + (a − b)' H(a − b),    sgn' = H' = 0,      where the switch u or a − b is not 0

A step, of sgn or H, is written Piecewise((above, u > 0), (below, u < 0)): where u = 0 it is undefined (nan), so that no
number is ever said of a kink. Where the limits from both sides agree, the derivative is continued:

    max(0, u)ᵏ H(u) = max(0, u)ᵏ,       u sgn u = |u|,      |u|ᵏ sgn u = u |u|ᵏ⁻¹,

so that relu(u)²/2 has the gradient relu(u) ∇u everywhere, and a Hessian for u ≠ 0. (If a function is continuous and its
derivative has a limit at a point, that is its derivative there.) A derivative that is 0 on both sides but not defined
at the kink, such as that of sgn, is Piecewise((0, Ne(u, 0))).

    pieces(expressions)             the cells u₁ ≷ 0, u₂ ≷ 0, … with the smooth expressions in each
    smooth_near(expressions, at)    those of the cell that a point lies in; `Undecided` if it lies on a kink

Errors: `BadInput` for a function that has no derivative in closed form; `Undecided` for more than `MOST_CELLS` cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sympy import (
    Abs,
    Add,
    And,
    Basic,
    Derivative,
    DiracDelta,
    Expr,
    GreaterThan,
    Heaviside,
    Integer,
    LessThan,
    Max,
    Min,
    Mul,
    Ne,
    Or,
    Piecewise,
    Pow,
    StrictGreaterThan,
    StrictLessThan,
    Subs,
    Symbol,
    cancel,
    false,
    log,
    nan,
    sign,
    simplify,
    true,
)
from sympy.core.function import Function
from sympy.core.relational import Relational

from eos_sym.algebra.identities import vanishes
from eos_sym.errors import BadInput, Undecided
from eos_sym.reasons import brief

KINKED = (Abs, Max, Min, sign, Heaviside, Piecewise)
MOST_CELLS = 64


def has_kinks(*expressions: Expr) -> bool:
    """Whether any of them is made with |·|, max, min, steps or cases."""
    return any(expression.has(*KINKED) for expression in expressions)


def derivative(expression: Expr, symbol: Symbol) -> Expr:
    """The derivative by a real symbol, almost everywhere; nan at kinks where the two sides differ."""
    return _without_repeated_kinks(_derivative(expression, symbol))


def _derivative(expression: Expr, symbol: Symbol) -> Expr:
    if not has_kinks(expression):
        found = expression.diff(symbol)
        strange = found.atoms(Derivative, Subs, DiracDelta)
        if unknown := sorted({type(inner).__name__ for part in strange for inner in part.atoms(Function)}):
            raise _no_derivative(", ".join(unknown))
        return found
    if symbol not in expression.free_symbols:
        return Integer(0)
    if expression.is_Add:
        return _sum([_derivative(term, symbol) for term in expression.args])
    if expression.is_Mul:
        parts = list(expression.args)
        return _sum(
            [
                _product(_derivative(part, symbol), *parts[:index], *parts[index + 1 :])
                for index, part in enumerate(parts)
                if symbol in part.free_symbols
            ]
        )
    if isinstance(expression, Pow):
        base, power = expression.args
        along_base = _product(power, base ** (power - 1), _derivative(base, symbol))
        along_power = _product(expression, log(base), _derivative(power, symbol)) if symbol in power.free_symbols else 0
        return _sum([along_base, Integer(0) + along_power])
    if isinstance(expression, Abs):
        return _product(_derivative(expression.args[0], symbol), step(expression.args[0], 1, -1))
    if isinstance(expression, Max | Min):
        first, *others = sorted(expression.args, key=lambda part: (part.is_number, str(part)))
        rest = expression.func(*others)
        above, below = _derivative(first, symbol), _derivative(rest, symbol)
        rises = (1, 0) if isinstance(expression, Max) else (0, 1)
        return _sum([_product(above, step(first - rest, *rises)), _product(below, step(first - rest, *rises[::-1]))])
    if isinstance(expression, sign | Heaviside):
        return zero_beside(expression.args[0])
    if isinstance(expression, Piecewise):
        return _derivative_of_cases(expression, symbol)
    if isinstance(expression, Function):
        slopes = enumerate(expression.args, start=1)
        return _sum([_product(expression.fdiff(place), _derivative(part, symbol)) for place, part in slopes])
    raise _no_derivative(type(expression).__name__)


def _no_derivative(name: str) -> BadInput:
    return BadInput(f"{name}: no derivative in closed form is known; write the loss with other functions")


def step(switch: Expr, above: Expr | int, below: Expr | int) -> Expr:
    """`above` where the switch is positive, `below` where it is negative, and undefined where it is 0."""
    if switch.is_number:
        return Integer(0) + (above if switch.is_positive else below if switch.is_negative else nan)
    switch, side = _canonical(switch)
    if side < 0:
        above, below = below, above
    return Piecewise((Integer(0) + above, switch > 0), (Integer(0) + below, switch < 0))


def zero_beside(switch: Expr) -> Expr:
    """0 where the switch is not 0, and undefined there."""
    return Piecewise((Integer(0), Ne(_canonical(switch)[0], 0)))


def _canonical(switch: Expr) -> tuple[Expr, int]:
    """The switch without a positive factor, its sign chosen, and ±1 for that choice."""
    primitive = switch.expand().primitive()[1]
    return (-primitive, -1) if primitive.could_extract_minus_sign() else (primitive, 1)


def _switch_of(relation: Relational) -> tuple[Expr, int]:
    """The switch of a relation, and the sign that it has where the relation holds, or held but for equality."""
    switch, side = _canonical(relation.lhs - relation.rhs)
    return switch, -side if isinstance(relation, StrictLessThan | LessThan) else side


@dataclass(frozen=True)
class _Step:
    """A factor that is `above` where the switch is positive, and `below` where it is negative."""

    switch: Expr
    above: Expr
    below: Expr

    @classmethod
    def of(cls, factor: Expr) -> _Step | None:
        if not isinstance(factor, Piecewise) or len(factor.args) > 2:
            return None
        if len(factor.args) == 1:  # as SymPy writes the square of a step
            ((value, condition),) = factor.args
            sides = {_switch_of(part)[0] for part in condition.atoms(Relational)}
            beside = len(sides) == 1 and isinstance(condition, Ne | Or)
            return cls(sides.pop(), value, value) if beside and value.is_number and value != 0 else None
        (above, first), (below, second) = factor.args
        strict = all(isinstance(condition, StrictGreaterThan | StrictLessThan) for condition in (first, second))
        if not (strict and above.is_number and below.is_number):
            return None
        (switch, side), other = _switch_of(first), _switch_of(second)
        if other != (switch, -side):
            return None
        return cls(switch, above, below) if side > 0 else cls(switch, below, above)


def _product(*factors: Expr) -> Expr:
    """The product, with every step continued where another factor vanishes at its kink."""
    rest: list[Expr] = []
    steps: dict[Expr, _Step] = {}
    powers = (factor.as_base_exp() for factor in Mul.make_args(Mul(*factors)))
    for base, power in powers:
        found = _Step.of(base)
        if found is None or not power.is_Integer:
            rest.append(base**power)
            continue
        found = _Step(found.switch, found.above**power, found.below**power)
        if (before := steps.get(found.switch)) is not None:
            steps[found.switch] = _Step(found.switch, before.above * found.above, before.below * found.below)
        else:
            steps[found.switch] = found
    beside = []
    for switch, jump in steps.items():
        if jump.above == jump.below:
            rest.append(jump.above)
            beside.append(zero_beside(switch))
            continue
        for index, factor in enumerate(rest):
            continued = _continued(factor, jump)
            if continued is not None:
                rest[index] = continued
                break
        else:
            rest.append(_one_sided(rest, jump))
    return Add(Mul(*rest), *beside)


def _one_sided(rest: list[Expr], jump: _Step) -> Expr:
    """The step, which takes with it a factor max(0, u)ᵖ, p < 0, that is infinite on the side where the step is 0."""
    for index, factor in enumerate(rest):
        base, power = factor.as_base_exp()
        if not (isinstance(base, Max) and len(base.args) == 2 and 0 in base.args and power.is_negative):
            continue
        ratio = _ratio(base.args[0] + base.args[1], jump.switch)
        if ratio is not None and (jump.below if ratio > 0 else jump.above) == 0:
            inside = (ratio * jump.switch) ** power
            del rest[index]
            return step(jump.switch, jump.above * inside, jump.below * inside)
    return step(jump.switch, jump.above, jump.below)


def _continued(factor: Expr, jump: _Step) -> Expr | None:
    """The step times a factor that vanishes at its kink, as a continuous function; None if it does not vanish there."""
    base, power = factor.args if isinstance(factor, Pow) else (factor, Integer(1))
    u = jump.switch
    if not (power.is_number and power.is_positive) or not base.free_symbols:
        return None
    if isinstance(base, Max | Min) and len(base.args) == 2 and 0 in base.args:
        other = next(part for part in base.args if part != 0)
        ratio = _ratio(other, u)
        if ratio is not None:
            rises = (ratio > 0) == isinstance(base, Max)
            return factor * (jump.above if rises else jump.below)
    inner = base.args[0] if isinstance(base, Abs) else base
    ratio = _ratio(inner, u)
    if ratio is None or not (isinstance(base, Abs) or power.is_Integer):
        return None
    size = abs(ratio) ** power if isinstance(base, Abs) else ratio**power
    if jump.above == -jump.below and power >= 1:
        odd = u * Abs(u) ** (power - 1) if isinstance(base, Abs) else u ** (power - 1) * Abs(u)
        return jump.above * size * odd
    turned = Integer(1) if isinstance(base, Abs) else (-1) ** power
    return size * (jump.above * Max(0, u) ** power + turned * jump.below * Max(0, -u) ** power)


def _ratio(expression: Expr, switch: Expr) -> Expr | None:
    """The number r with expression = r · switch, if there is one."""
    if has_kinks(expression, switch) or expression.free_symbols != switch.free_symbols:
        return Integer(1) if expression == switch else Integer(-1) if expression == -switch else None
    ratio = cancel(expression / switch)
    return ratio if ratio.is_number and ratio.is_real and ratio != 0 else None


def _sum(terms: Sequence[Expr]) -> Expr:
    """The sum; steps with one switch and equal factors become one, which may be continuous."""
    collected: dict[tuple[Expr, Expr], tuple[Expr, Expr]] = {}
    others: list[Expr] = []
    flat: dict[Expr, Expr] = {}
    for term in Add.make_args(Add(*terms)):
        factors = Mul.make_args(term)
        zero = next((found for factor in factors if (found := _flat_switch(factor)) is not None), None)
        steps = [found for factor in factors if (found := _Step.of(factor))]
        if zero is not None and not steps:
            flat[zero] = zero_beside(zero)
        elif len(steps) == 1:
            rest = Mul(*(factor for factor in factors if _Step.of(factor) is None))
            number, rest = rest.as_coeff_Mul()
            above, below = collected.get((steps[0].switch, rest), (Integer(0), Integer(0)))
            jump = (above + number * steps[0].above, below + number * steps[0].below)
            collected[steps[0].switch, rest] = jump
        else:
            others.append(term)
    for (switch, rest), (above, below) in collected.items():
        others.append(rest * (above if above == below else step(switch, above, below)))
    return Add(*others, *flat.values())


def _without_repeated_kinks(total: Expr) -> Expr:
    """The sum without the zeros whose kink shows in another term."""
    terms = Add.make_args(total)
    shown = {found.switch for part in total.atoms(Piecewise) if (found := _Step.of(part))}
    return Add(*(term for term in terms if _flat_switch(term) not in shown)) if len(terms) > 1 else total


def _flat_switch(factor: Expr) -> Expr | None:
    """U of Piecewise((0, Ne(u, 0)))."""
    if isinstance(factor, Piecewise) and len(factor.args) == 1:
        ((value, condition),) = factor.args
        if value == 0 and isinstance(condition, Ne):
            return _canonical(condition.lhs - condition.rhs)[0]
    return None


def _derivative_of_cases(cases: Piecewise, symbol: Symbol) -> Expr:
    """The derivatives of the cases; without the boundaries where value or derivative jump."""
    slopes = [_derivative(value, symbol) for value, _ in cases.args]
    conditions = [condition for _, condition in cases.args]
    relations = sorted(set().union(*(condition.atoms(Relational) for condition in conditions)), key=str)
    jumps = [one for one in relations if not (isinstance(one, Ne) or _is_smooth_across(one, cases, slopes))]
    jumps += [one for one in relations if isinstance(one, Ne) and cases.args[-1][1] != true]
    inside = And(*(Ne(jump.lhs, jump.rhs) for jump in jumps))
    if all(slope == 0 for slope in slopes):
        return Piecewise((Integer(0), inside))
    strict = {jump: _strict(jump) for jump in jumps}
    found = [(slope, condition.subs(strict)) for slope, condition in zip(slopes, conditions, strict=True)]
    if len(found) == 2 and len(jumps) == 1 and found[1][1] == true and isinstance(found[0][1], Relational):
        return Piecewise(found[0], (found[1][0], _strict(found[0][1].negated)))
    return Piecewise(*((slope, inside if condition == true else condition) for slope, condition in found))


def _strict(relation: Relational) -> Relational:
    """The relation without equality."""
    kinds = {GreaterThan: StrictGreaterThan, LessThan: StrictLessThan}
    return kinds.get(relation.func, relation.func)(relation.lhs, relation.rhs)


def _is_smooth_across(boundary: Relational, cases: Piecewise, slopes: Sequence[Expr]) -> bool:
    """Whether value and derivative are known to be the same on both sides of a boundary that can be solved for."""
    switch = boundary.lhs - boundary.rhs
    points = _zeros(switch)
    if not points:
        return False
    for unknown, value in points:
        sides = []
        for side in (true, false):
            conditions = [condition.subs(boundary, side) for _, condition in cases.args]
            decided = [condition.subs(unknown, value) for condition in conditions]
            place = next((index for index, condition in enumerate(decided) if condition != false), None)
            if place is None or decided[place] != true:
                return False
            sides.append((cases.args[place][0], slopes[place]))
        try:
            if not all(vanishes((first - second).subs(unknown, value)) for first, second in zip(*sides, strict=True)):
                return False
        except Undecided:
            return False
    return True


def _zeros(switch: Expr) -> list[tuple[Symbol, Expr]]:
    """The zeros of a switch that is linear in a symbol, or in a symbol and its absolute value."""
    for unknown in sorted(switch.free_symbols, key=str):
        found = []
        for turned in (1, -1):
            smooth = switch.replace(Abs, lambda inside, turned=turned: turned * inside)
            slope = smooth.diff(unknown)
            if has_kinks(smooth) or not (slope.is_number and slope.is_nonzero):
                break
            value = -smooth.subs(unknown, 0) / slope
            if not switch.has(Abs) or vanishes(switch.subs(unknown, value)):
                found.append((unknown, value))
        else:
            return list(dict.fromkeys(found))
    return []


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
    return {_canonical(switch)[0] for switch in found}


def _on_side(expression: Expr, switch: Expr, side: int) -> Expr:
    """The expression where the switch has that sign."""

    def sign_of(u: Expr) -> int:
        inside, turn = _canonical(u)
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
