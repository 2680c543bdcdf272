"""Elementary expressions as rational functions of generators, with the relations among these.

Every function in an expression becomes a symbol, its generator, so that what is left are sums, products and integer
powers, which are computed with exactly. Functions that depend on each other have generators in common:

    exp, and powers with variable exponents    exp(b) for a basis b of the exponents over the rationals
    tanh of one argument                       itself: tanh' = 1 − tanh²
    sinh, cosh, tanh of one argument           sinh and cosh, cosh² = 1 + sinh²; of several, rational in the exp(b)
    sin, cos, tan                              sin(b) and cos(b), cos² = 1 − sin², by the addition theorems
    u to the power p/q                         the root r of u, rᵠ = u

All others, such as log, atan and erf, and constants such as π, count as independent. The relations make a tower of
extensions, in which an expression is reduced by division, and its denominator inverted. What is reduced to 0 is 0: that
is a proof. What is not may still be 0, by a relation that is not in the list (`eos_sym.algebra.functions.identities`
decides).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import lcm

from sympy import (
    Add,
    Dummy,
    Expr,
    Integer,
    Mul,
    Poly,
    PolynomialError,
    Pow,
    Rational,
    S,
    Symbol,
    cancel,
    cos,
    cosh,
    exp,
    expand,
    fraction,
    gcd,
    log,
    sin,
    sinh,
    tan,
    tanh,
    together,
)
from sympy.polys.polyerrors import NotInvertible

HIGHEST = 40  # power of a generator that a function is written in
HYPERBOLIC, CIRCULAR = (sinh, cosh, tanh), (sin, cos, tan)


class Elementary:
    """The generators of some expressions, in which these, and all that is made of them, are written and reduced."""

    def __init__(self, expressions: Iterable[Expr]) -> None:
        parts = set().union(*(part.atoms(exp, Pow, S.Exp1.func, *HYPERBOLIC, *CIRCULAR) for part in expressions))
        self._exponents = _Lattice(part for part in parts if isinstance(part, HYPERBOLIC) or _is_exponential(part))
        self._angles = _Lattice(part for part in parts if isinstance(part, CIRCULAR))
        self._orders: dict[Expr, int] = {}
        for part in parts:
            if isinstance(part, Pow) and part.exp.is_Rational and not part.exp.is_Integer:
                self._orders[part.base] = lcm(self._orders.get(part.base, 1), int(part.exp.q))
        self._known: dict[Expr, Expr] = {}
        self._generators: dict[Expr, Symbol] = {}
        self.relations: list[tuple[Symbol, int, Expr]] = []  # (r, q, u) for rᵠ = u, u free of later ones

    def written(self, expression: Expr) -> Expr:
        """The expression in the generators."""
        if expression not in self._known:
            self._known[expression] = self._in_generators(expression)
        return self._known[expression]

    @property
    def generators(self) -> tuple[Symbol, ...]:
        """The symbols for functions."""
        return tuple(self._generators.values())

    def restored(self, expression: Expr) -> Expr:
        """The functions in place of their generators."""
        return expression.xreplace({generator: function for function, generator in self._generators.items()})

    def reduced(self, expression: Expr) -> Expr:
        """An expression in the generators in lowest terms, its powers lowered by the relations; nan if undefined."""
        for root, order, radicand in reversed(self.relations):
            if not expression.has(root):
                continue
            modulus = Poly(root**order - radicand, root, field=True)
            try:
                numerator, denominator = (
                    Poly(part, root, field=True).rem(modulus) for part in fraction(together(expression))
                )
                if denominator.degree() > 0:
                    numerator = (numerator * denominator.invert(modulus)).rem(modulus)
                    denominator = denominator.one
            except (NotInvertible, PolynomialError):
                continue  # the relation is of no use here
            expression = numerator.as_expr() / denominator.as_expr()
        return S.NaN if expression.has(S.NaN, S.ComplexInfinity) else cancel(expression)

    def _in_generators(self, expression: Expr) -> Expr:
        if isinstance(expression, (Add, Mul)):
            return expression.func(*map(self.written, expression.args))
        if isinstance(expression, Pow) and expression.exp.is_Integer:
            return self.written(expression.base) ** expression.exp
        if isinstance(expression, Pow) and expression.exp.is_Rational:
            return self._root(expression.base) ** (expression.exp * self._orders[expression.base])
        if _is_exponential(expression):
            return self._exponential(expression)
        if isinstance(expression, HYPERBOLIC):
            return self._hyperbolic(expression)
        if isinstance(expression, CIRCULAR):
            return self._circular(expression)
        return expression if expression.is_Symbol or expression.is_Rational else self._generator(expression)

    def _generator(self, function: Expr, order: int = 0, power: Expr = S.Zero) -> Symbol:
        """The symbol for a function, the power of that order of which is the one given, if any is."""
        if function not in self._generators:
            self._generators[function] = Dummy(function.func.__name__, **function.assumptions0)
            if order:
                self.relations.append((self._generators[function], order, power))
        return self._generators[function]

    def _root(self, base: Expr) -> Expr:
        order, radicand = self._orders[base], self.reduced(self.written(base))
        return self._generator(Pow(base, S.One / order), order, radicand) if radicand != 0 else S.Zero

    def _exponential(self, expression: Expr) -> Expr:
        powers = self._exponents.coordinates(_argument(expression))
        return Mul(*(self._generator(exp(base)) ** power for base, power in powers.items()))

    def _hyperbolic(self, expression: Expr) -> Expr:
        (argument,) = expression.args
        kinds = self._exponents.kinds_beside(argument)
        if kinds == {tanh}:
            return self._generator(expression)
        if kinds <= {*HYPERBOLIC}:
            sine = self._generator(sinh(argument))
            cosine = self._generator(cosh(argument), 2, 1 + sine**2)
        else:
            growth = self._exponential(exp(argument, evaluate=False))
            sine, cosine = (growth - 1 / growth) / 2, (growth + 1 / growth) / 2
        return {sinh: sine, cosh: cosine, tanh: sine / cosine}[expression.func]

    def _circular(self, expression: Expr) -> Expr:
        sine, cosine = S.Zero, S.One
        for base, times in self._angles.coordinates(*expression.args).items():
            s = self._generator(sin(base))
            c = self._generator(cos(base), 2, 1 - s**2)
            for _ in range(abs(times)):
                turned = s if times > 0 else -s
                sine, cosine = expand(sine * c + cosine * turned), expand(cosine * c - sine * turned)
        return {sin: sine, cos: cosine, tan: sine / cosine}[expression.func]


class _Lattice:
    """The arguments of functions as integer combinations of a basis, of whose members the functions are products."""

    def __init__(self, functions: Iterable[Expr]) -> None:
        self._kinds: dict[Expr, set[type]] = {}
        for function in functions:
            self._kinds.setdefault(_argument(function), set()).add(function.func)
        self._terms = {argument: expand(argument).as_coefficients_dict() for argument in self._kinds}
        self._units: dict[Expr, Rational] = {}
        for terms in self._terms.values():
            for term, factor in terms.items():
                self._units[term] = gcd(self._units.get(term, factor), factor)

    def coordinates(self, argument: Expr) -> dict[Expr, int]:
        """One of the arguments in the basis; itself, if the degrees that this would take are too high."""
        times = {term: factor / self._units[term] for term, factor in self._terms[argument].items()}
        if any(abs(count) > HIGHEST for count in times.values()):
            return {argument: 1}
        return {term * self._units[term]: int(count) for term, count in times.items()}

    def kinds_beside(self, argument: Expr) -> set[type]:
        """The functions whose arguments are not independent of this one, itself among them."""
        own = {*self._terms[argument]}
        beside = [other for other, terms in self._terms.items() if own & {*terms}]
        return self._kinds[argument] if beside == [argument] else {exp}


def _is_exponential(expression: Expr) -> bool:
    return isinstance(expression, (exp, S.Exp1.func)) or (isinstance(expression, Pow) and not expression.exp.is_number)


def _argument(function: Expr) -> Expr:
    """The argument of a function, for a power u^v that of exp(v log u)."""
    if function is S.Exp1:
        return Integer(1)
    if isinstance(function, Pow) and not isinstance(function, exp):
        return function.exp * log(function.base)
    return function.args[0]
