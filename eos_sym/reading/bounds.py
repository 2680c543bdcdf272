"""Bounds on what may be built from a text, known before SymPy builds it.

Evaluation by SymPy may take for ever, as in 9**9**9, exp(10**9*log(2*x)) and 96**(1/997)*96**(1/991), and may leave the
finite real numbers, as in sqrt(-1) and log(x - x). A `Judge` therefore keeps the `Facts` about every expression: the
value of a constant in floating point, depth, degree, and the size of the numbers that SymPy would multiply or take
roots of. The facts about a node follow from those about its parts, so a node is judged before it exists.

Errors: `ParseError` at the given place, with the bound that was broken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sympy import (
    Abs,
    Add,
    Basic,
    E,
    Expr,
    I,
    Max,
    Min,
    Mul,
    Piecewise,
    Pow,
    Rational,
    Symbol,
    cos,
    exp,
    log,
    nan,
    oo,
    pi,
    sin,
    tan,
    zoo,
)

from eos_sym.reading.language import ALLOWED, DEEPEST, FUNCTIONS, ParseError

LARGEST, SMALLEST = 1e300, 1e-300  # constant other than 0; LARGEST also for numerators and denominators
CANCELLED = 1e-12  # a sum this small beside its terms has no digits, and no sign, that floats can vouch for
LARGEST_EXPONENT, LARGEST_DEGREE, LARGEST_DENOMINATOR = 100, 1000, 1000
MOST_BITS, MOST_ROOT_BITS = 2000, 600  # of the numbers in a product, and of those under a root


@dataclass(frozen=True)
class Facts:
    """What decides whether an expression may be built upon."""

    value: float | None  # None if names occur in it
    depth: int = 0
    degree: float = 0  # nested powers multiplied out
    bits: int = 0  # of the numbers that SymPy would multiply together
    root: int = 1  # a common denominator of the exponents that SymPy would add together
    tower: bool = False  # a power, an exponential or a logarithm occurs in it, so it cannot be an exponent
    cases: bool = False  # a function by cases occurs in it, so it cannot be compared


def _total(*terms: float) -> float:
    total = math.fsum(terms)
    return 0.0 if abs(total) <= CANCELLED * max(map(abs, terms)) else total


def _exponents(head: Callable[..., Expr], arguments: Sequence[Expr]) -> list[Expr]:
    """The parts of a node that SymPy may turn into exponents: it evaluates exp(c*log(b)) to b**c."""
    if head is Pow:
        return [arguments[1]]
    exponents: list[Expr] = []
    for term in Add.make_args(arguments[0]) if head is exp else ():
        coefficient, rest = term.as_coeff_Mul()
        logarithms = [factor for factor in Mul.make_args(rest) if factor.has(log)]
        exponents += logarithms
        if any(isinstance(factor, Add | log) for factor in logarithms):
            exponents.append(coefficient)
    return exponents


VALUES: dict[Callable[..., Expr], Callable[..., float]] = {
    function: getattr(math, name) for name, function in FUNCTIONS.items() if name != "sqrt"
} | {
    Add: _total,
    Mul: lambda *factors: math.prod(factors),
    Pow: math.pow,
    Abs: abs,
    Max: lambda *values: max(values),
    Min: lambda *values: min(values),
}


class Judge:
    """The facts about the expressions of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.facts: dict[Expr, Facts] = {}

    def error(self, problem: str, place: int) -> ParseError:
        """The refusal of the text because of what stands at the place."""
        return ParseError(problem, self.text, place)

    def inspect(self, expression: Expr, place: int) -> Facts:
        """The facts about an expression as it stands; every part of it has to belong to the language."""
        if expression in self.facts:
            return self.facts[expression]
        if isinstance(expression, Rational):
            p, q = abs(expression.p), expression.q
            if max(p, q) > LARGEST:
                raise self.error(f"this takes a numerator or denominator beyond {LARGEST:g}", place)
            facts = Facts(expression.p / q, bits=p.bit_length() + q.bit_length())
        elif expression in (pi, E):
            facts = Facts(float(expression))
        elif isinstance(expression, Symbol):
            facts = Facts(None, degree=1)
        elif expression.func in VALUES:
            facts = self.before_building(expression.func, expression.args, place)
            if facts.value == 0:
                raise self.error("this constant is so small, or cancels so closely, that it may be zero", place)
        elif isinstance(expression, Piecewise):
            facts = self.of_cases(expression, place)
        elif expression is I:
            raise self.error("this is not a real number", place)
        elif expression in (oo, -oo, zoo, nan):
            raise self.error("this is not finite", place)
        else:
            raise self.error(f"this evaluates to {expression.func.__name__}(...), not to {ALLOWED}", place)
        self.facts[expression] = facts
        return facts

    def of_cases(self, cases: Basic, place: int) -> Facts:
        """The facts about a function by cases, from its values and from what its conditions compare."""
        pending, parts = [*cases.args], []
        while pending:
            part = pending.pop()
            if isinstance(part, Expr):
                parts.append(self.inspect(part, place))
            else:
                pending += part.args
        depth = 1 + max(part.depth for part in parts)
        if depth > DEEPEST:
            raise self.error(f"the expression is nested deeper than {DEEPEST} levels", place)
        degree, tower = max(part.degree for part in parts), any(part.tower for part in parts)
        return Facts(None, depth, degree, tower=tower, cases=True)

    def before_building(self, head: Callable[..., Expr], arguments: Sequence[Expr], place: int) -> Facts:
        """The facts about a node, whether or not SymPy has built it, from the facts about its parts."""
        parts = [self.inspect(argument, place) for argument in arguments]
        degree = max(part.degree for part in parts)
        bits, root, tower = 0, 1, any(part.tower for part in parts)
        exponents = _exponents(head, arguments)
        if head is Mul:
            degree = sum(part.degree for part in parts)
            bits = sum(part.bits for part in parts)
            root = math.lcm(*(part.root for part in parts))
        elif head is Pow:
            base, exponent = parts
            if exponent.tower:
                raise self.error("an exponent contains no power, exponential or logarithm; use exp(...)", place)
            if abs(exponent.value or 0) > LARGEST_EXPONENT:
                raise self.error(f"exponents lie between -{LARGEST_EXPONENT} and {LARGEST_EXPONENT}", place)
            if base.bits > MOST_ROOT_BITS and not arguments[1].is_Integer:
                raise self.error("the number under this root has too many digits", place)
            degree = base.degree * abs(exponent.value or 1)
            bits, root = base.bits, base.root * self.denominator(exponents, place)
            tower = tower or abs(exponent.value or 0) not in (1, 0.5)
        elif head is not Add:
            degree, tower, root = min(degree, 1), tower or head in (exp, log), self.denominator(exponents, place)
        depth = 1 + max(part.depth for part in parts)
        for excess, problem in (
            (depth > DEEPEST, f"the expression is nested deeper than {DEEPEST} levels"),
            (degree > LARGEST_DEGREE, f"powers are nested to a total degree beyond {LARGEST_DEGREE}"),
            (bits > MOST_BITS, "the numbers multiplied here have too many digits"),
            (root > LARGEST_DENOMINATOR, f"the exponents here have no common denominator up to {LARGEST_DENOMINATOR}"),
        ):
            if excess:
                raise self.error(problem, place)
        values = [part.value for part in parts if part.value is not None]
        value = self.value(head, values, place) if len(values) == len(parts) else None
        return Facts(value, depth, degree, bits, root, tower, any(part.cases for part in parts))

    def value(self, head: Callable[..., Expr], values: list[float], place: int) -> float:
        """The value of a constant in floating point."""
        if head in (sin, cos, tan) and abs(values[0]) * CANCELLED > 1:
            raise self.error(f"an angle lies between -{1 / CANCELLED:g} and {1 / CANCELLED:g}", place)
        try:
            value = VALUES[head](*values)
        except (ValueError, OverflowError):
            raise self.error("this is not a finite real number", place) from None
        if value and not SMALLEST <= abs(value) <= LARGEST:
            raise self.error(f"a constant other than 0 lies between {SMALLEST:g} and {LARGEST:g} in size", place)
        return value

    def denominator(self, exponents: list[Expr], place: int) -> int:
        """A common denominator of the numbers in exponents, each of which has to be of moderate size."""
        numbers = [number for exponent in exponents for number in exponent.atoms(Rational)]
        if any(abs(number) > LARGEST_EXPONENT for number in numbers):
            raise self.error(f"numbers in an exponent lie between -{LARGEST_EXPONENT} and {LARGEST_EXPONENT}", place)
        return math.lcm(*(number.q for number in numbers))
