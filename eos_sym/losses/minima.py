"""The global minima of a loss, with the proof in the way they are found.

Three forms of loss are decided:

    L = c f²ᵐ, c > 0, f irreducible    nonnegative, and 0 exactly where f is; that f vanishes somewhere is clear if some
                                       weight enters it linearly
    a convex quadratic                 a positive definite Hessian, and so a single critical point, the minimum
    L = h(g), g a polynomial           that some weight enters linearly, so that it takes all values; h smooth on the
                                       whole line with a single critical point t, at which h'' > 0: then h is least at
                                       t and nowhere else, and L is least where g = t; g − t is to be irreducible.
                                       An example is log cosh(1 − xy)

Errors: everything else is `Undecided`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sympy import (
    Dummy,
    Expr,
    Integer,
    Poly,
    PolynomialError,
    Pow,
    Symbol,
    acos,
    acosh,
    asin,
    atanh,
    diff,
    exp,
    factor_list,
    fraction,
    hessian,
    linsolve,
    log,
    preorder_traversal,
    simplify,
    tan,
    together,
)

from eos_sym.algebra import components
from eos_sym.errors import Undecided
from eos_sym.notebook import aligned

NOT_ON_THE_WHOLE_LINE = (tan, asin, acos, acosh, atanh)
INNER = Dummy("t", real=True)  # the argument of h in L = h(g)


@dataclass(frozen=True)
class Minima:
    """The global minima of an objective: the real solutions of `equations`, where the loss equals `value`.

    `chart` solves the equations for some of the weights; substituting it puts an expression on the set of minima, at
    all of its points but those where the solution is undefined.
    """

    equations: tuple[Expr, ...]
    value: Expr
    chart: Mapping[Symbol, Expr]

    def _repr_latex_(self) -> str:
        return aligned([*((equation, "=", "0") for equation in self.equations), ("L", "=", self.value)])

    def on(self, expression: Expr) -> Expr:
        """The expression, or matrix of expressions, restricted to the minima and simplified."""
        return simplify(expression.subs(self.chart))


def global_minima(loss: Expr, weights: Sequence[Symbol]) -> Minima:
    """The set on which the loss attains its least value over all weights."""
    try:
        polynomial = Poly(loss, *weights)
    except PolynomialError:
        return _of_composition(loss, weights)
    if polynomial.domain.is_EX or not polynomial.domain.is_Exact:
        return _of_composition(loss, weights)
    if polynomial.total_degree() == 2 and hessian(loss, weights).is_positive_definite:
        (point,) = linsolve([diff(loss, weight) for weight in weights], *weights)
        chart = dict(zip(weights, point, strict=True))
        equations = tuple(weight - value for weight, value in chart.items())
        return Minima(equations, simplify(loss.subs(chart)), chart)
    constant, factors = factor_list(loss, *weights)
    if not constant.is_positive or len(factors) != 1 or factors[0][1] % 2:
        return _of_composition(loss, weights)
    ((equation, _),) = factors
    return Minima((equation,), Integer(0), _chart(equation, weights))


def _of_composition(loss: Expr, weights: Sequence[Symbol]) -> Minima:
    """The minima of L = h(g)."""
    for inner in _inner_polynomials(loss, weights):
        try:
            chart = _chart(inner - INNER, weights)
        except Undecided:
            continue
        outer = simplify(loss.subs(chart))
        if outer.free_symbols & {*weights} or not _is_smooth(outer):
            continue
        critical = _only_critical_point(outer)
        if critical is None or not _is_irreducible(inner - critical, weights):
            continue
        if simplify(diff(outer, INNER, 2).subs(INNER, critical)).is_positive:
            chart = {weight: simplify(value.subs(INNER, critical)) for weight, value in chart.items()}
            return Minima((inner - critical,), simplify(outer.subs(INNER, critical)), chart)
    raise Undecided(
        "the minima: the loss is neither a convex quadratic, nor an even power, nor known to be a function of one "
        "polynomial that has a single critical point"
    )


def _inner_polynomials(loss: Expr, weights: Sequence[Symbol]) -> Iterator[Expr]:
    """The nonconstant polynomials in the loss, without their constant terms and factors, the longest first."""
    found = set()
    for part in preorder_traversal(loss):
        if isinstance(part, Expr) and part.is_polynomial(*weights) and part.free_symbols & {*weights}:
            varying = part.expand().as_independent(*weights, as_Add=True)[1]
            inner = varying.as_independent(*weights, as_Add=False)[1]
            if inner not in found:
                found.add(inner)
                yield inner


def _is_smooth(outer: Expr) -> bool:
    """Whether a function of t is known to be defined and smooth on the whole line."""
    if outer.has(*NOT_ON_THE_WHOLE_LINE):
        return False
    powers = (part for part in outer.atoms(Pow) if not (part.exp.is_integer and part.exp.is_nonnegative))
    arguments = [*(power.base for power in powers), *(part.args[0] for part in outer.atoms(log))]
    return all(argument.is_positive for argument in arguments)


def _is_irreducible(equation: Expr, weights: Sequence[Symbol]) -> bool:
    """Whether the solutions form one piece, which a chart can show all of; xy = 0 has two branches."""
    factors = factor_list(equation, *weights)[1]
    return len(factors) == 1 and factors[0][1] == 1


def _only_critical_point(outer: Expr) -> Expr | None:
    """The zero of h', if it is known to have exactly one."""
    slope = diff(outer, INNER)
    found, exceptions = components([slope], [INNER])
    if len(found) == 1 and not (found[0].left or found[0].free or exceptions):
        return found[0].chart[INNER]
    growth = Dummy("growth", positive=True)  # e^t, if it enters in no other way
    numerator = fraction(together(slope.rewrite(exp).subs(exp(INNER), growth)))[0].expand()
    if numerator.has(INNER) or not numerator.is_polynomial(growth):
        return None
    coefficients = Poly(numerator, growth).all_coeffs()
    if len(coefficients) != 2 or not (-coefficients[1] / coefficients[0]).is_positive:
        return None
    return simplify(log(-coefficients[1] / coefficients[0]))


def _chart(equation: Expr, weights: Sequence[Symbol]) -> dict[Symbol, Expr]:
    """The equation of the minima solved for the last weight that enters it linearly."""
    for weight in reversed(weights):
        if Poly(equation, weight).degree() == 1:
            slope, intercept = Poly(equation, weight).all_coeffs()
            if any(coefficient.is_nonzero for coefficient in Poly(slope, *weights).coeffs()):
                return {weight: simplify(-intercept / slope)}
    raise Undecided(f"the minima: no weight is known to enter {equation} = 0 linearly")
