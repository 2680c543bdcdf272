"""Products and sums with steps in them, continued where the limits from both sides agree.

    max(0, u)ᵏ H(u) = max(0, u)ᵏ,       u sgn u = |u|,      |u|ᵏ sgn u = u |u|ᵏ⁻¹,

so that relu(u)²/2 has the gradient relu(u) ∇u everywhere. (If a function is continuous and its derivative has a limit
at a point, that is its derivative there.)
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Abs, Add, Expr, Integer, Max, Min, Mul, Piecewise, Pow, Symbol, cancel

from eos_sym.algebra.kinks.steps import KINKED, Step, flat_switch, step, zero_beside


def product(*factors: Expr) -> Expr:
    """The product, with every step continued where another factor vanishes at its kink."""
    rest: list[Expr] = []
    steps: dict[Expr, Step] = {}
    powers = (factor.as_base_exp() for factor in Mul.make_args(Mul(*factors)))
    for base, power in powers:
        found = Step.of(base)
        if found is None or not power.is_Integer:
            rest.append(base**power)
            continue
        found = Step(found.switch, found.above**power, found.below**power)
        if (before := steps.get(found.switch)) is not None:
            steps[found.switch] = Step(found.switch, before.above * found.above, before.below * found.below)
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


def _one_sided(rest: list[Expr], jump: Step) -> Expr:
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


def _continued(factor: Expr, jump: Step) -> Expr | None:
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
    if expression.atoms(Symbol, *KINKED) != switch.atoms(Symbol, *KINKED):
        return None
    ratio = cancel(expression / switch)
    return ratio if ratio.is_number and ratio.is_real and ratio != 0 else None


def total(terms: Sequence[Expr]) -> Expr:
    """The sum; steps with one switch and equal factors become one, which may be continuous."""
    collected: dict[tuple[Expr, Expr], tuple[Expr, Expr]] = {}
    others: list[Expr] = []
    flat: dict[Expr, Expr] = {}
    for term in Add.make_args(Add(*terms)):
        factors = Mul.make_args(term)
        zero = next((found for factor in factors if (found := flat_switch(factor)) is not None), None)
        steps = [found for factor in factors if (found := Step.of(factor))]
        if zero is not None and not steps:
            flat[zero] = zero_beside(zero)
        elif len(steps) == 1:
            rest = Mul(*(factor for factor in factors if Step.of(factor) is None))
            number, rest = rest.as_coeff_Mul()
            above, below = collected.get((steps[0].switch, rest), (Integer(0), Integer(0)))
            jump = (above + number * steps[0].above, below + number * steps[0].below)
            collected[steps[0].switch, rest] = jump
        else:
            others.append(term)
    for (switch, rest), (above, below) in collected.items():
        others.append(rest * (above if above == below else step(switch, above, below)))
    return Add(*others, *flat.values())


def without_repeated_kinks(expression: Expr) -> Expr:
    """The sum without the zeros whose kink shows in another term."""
    terms = Add.make_args(expression)
    shown = {found.switch for part in expression.atoms(Piecewise) if (found := Step.of(part))}
    return Add(*(term for term in terms if flat_switch(term) not in shown)) if len(terms) > 1 else expression
