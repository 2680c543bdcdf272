"""The solutions of a system of equations, taken apart into components with closed forms as far as these go.

The rules, applied in turn, each of which keeps the set of real solutions:

    fg = 0                   f = 0, or g = 0 where f ≠ 0
    s(u) = 0                 u = 0, for s one of sinh, tanh, asinh, atan, asin, |·|, √, which vanish at 0 only
    exp(u) = 0, cosh(u) = 0  impossible
    sum of squares = 0       every one of them = 0
    c·v + b = 0              v = −b/c where c ≠ 0; or b = 0 and c = 0

where the factors are those over the rational numbers, and v is an unknown that neither b nor c contains. What remains
of a component when no rule applies are equations in the unknowns that stay free, each irreducible and none linear.
Parameters are generic: a factor that contains parameters only is taken to be nonzero, and returned as an *exception*
unless its sign is known: for parameters at which it vanishes nothing is said.

Errors: `Undecided` for more components than the bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

from sympy import (
    Abs,
    Add,
    Expr,
    Integer,
    Matrix,
    Mul,
    Poly,
    PolynomialError,
    Symbol,
    asin,
    asinh,
    atan,
    cancel,
    cosh,
    exp,
    factor_list,
    fraction,
    sinh,
    sqrt,
    tanh,
    together,
)
from sympy.polys.matrices import DomainMatrix
from sympy.polys.orderings import grevlex

from eos_sym.errors import Undecided

MOST_COMPONENTS = 300
ZERO_AT_ZERO_ONLY = (Abs, sinh, tanh, asinh, atan, asin)
NEVER_ZERO = (exp, cosh)


@dataclass(frozen=True)
class Component:
    """The points where the solved unknowns equal their `chart`, and the free ones obey what is `left` of the equations.

    This holds where none of the expressions in `nonzero` vanishes; where one does, other components say what holds.
    """

    chart: dict[Symbol, Expr]
    free: tuple[Symbol, ...]
    left: tuple[Expr, ...]
    nonzero: tuple[Expr, ...]

    @property
    def equations(self) -> tuple[Expr, ...]:
        """Chart and what is left as expressions that vanish."""
        solved = (fraction(together(unknown - value))[0] for unknown, value in self.chart.items())
        return (*solved, *self.left)


@dataclass
class _Branch:
    pending: list[Expr]
    chart: dict[Symbol, Expr] = field(default_factory=dict)
    nonzero: list[Expr] = field(default_factory=list)

    def where(self, pending: Sequence[Expr], nonzero: Sequence[Expr] = ()) -> _Branch:
        """The branch with other equations to work on, and more that is nonzero."""
        return _Branch(list(pending), dict(self.chart), [*self.nonzero, *nonzero])


def components(equations: Sequence[Expr], unknowns: Sequence[Symbol]) -> tuple[list[Component], list[Expr]]:
    """The components, and the exceptions: expressions in the parameters that were taken to be nonzero."""
    finished: list[Component] = []
    exceptions: dict[Expr, None] = {}
    branches = [_Branch(_combined(equations, unknowns))]
    while branches:
        branch = branches.pop()
        if len(branches) + len(finished) > MOST_COMPONENTS:
            raise Undecided(f"the equations split into more than {MOST_COMPONENTS} components")
        found = (_factors(equation, unknowns, branch.nonzero, exceptions) for equation in branch.pending)
        factored = [factors for factors in found if factors is not None]
        if any(not factors for factors in factored) or any(expression == 0 for expression in branch.nonzero):
            continue
        sums = [terms for factors in factored if len(factors) == 1 and (terms := _nonnegative_terms(factors[0]))]
        if sums:
            rest = [part for part in factored if not (len(part) == 1 and _nonnegative_terms(part[0]) == sums[0])]
            branches.append(branch.where([*sums[0], *(Mul(*factors) for factors in rest)]))
            continue
        products = [factors for factors in factored if len(factors) > 1]
        if products:
            branches += _split(branch, factored, min(products, key=len))
            continue
        single = list(dict.fromkeys(factors[0] for factors in factored))
        solved = _solve_one(branch, single, unknowns, exceptions)
        if solved is not None:
            branches += solved
            continue
        free = tuple(unknown for unknown in unknowns if unknown not in branch.chart)
        finished.append(Component(branch.chart, free, tuple(single), tuple(branch.nonzero)))
    return list(reversed(finished)), list(exceptions)


def square_roots(equation: Expr, unknown: Symbol) -> list[Expr] | None:
    """All roots, if the equation is quadratic in the unknown or in its square; complex ones included."""
    try:
        polynomial = Poly(equation, unknown)
    except PolynomialError:
        return None
    degree = polynomial.degree()
    if degree == 2:
        return _quadratic(polynomial.all_coeffs())
    if degree == 4 and not polynomial.coeff_monomial(unknown) and not polynomial.coeff_monomial(unknown**3):
        squares = _quadratic([polynomial.coeff_monomial(unknown**power) for power in (4, 2, 0)])
        return [sign * sqrt(square) for square in squares for sign in (1, -1)]
    return None


def _quadratic(coefficients: Sequence[Expr]) -> list[Expr]:
    a, b, c = coefficients
    center, width = cancel(-b / (2 * a)), sqrt(cancel(b**2 / (4 * a**2) - c / a))
    return [center + width, center - width]


def _factors(
    equation: Expr, unknowns: Sequence[Symbol], nonzero: Sequence[Expr], exceptions: dict[Expr, None]
) -> list[Expr] | None:
    """The factors any of which may vanish, simplest first; None for an equation that holds anyway."""
    numerator = fraction(together(equation))[0]
    if numerator == 0:
        return None
    candidates: list[Expr] = []
    for part, _ in factor_list(numerator)[1]:
        reduced = part
        while reduced.func in ZERO_AT_ZERO_ONLY or (reduced.is_Pow and reduced.exp.is_positive):
            reduced = reduced.args[0]
        if reduced != part:
            candidates += _factors(reduced, unknowns, nonzero, exceptions) or []
        elif part.func in NEVER_ZERO or part in nonzero or -part in nonzero:
            continue
        elif not part.free_symbols & {*unknowns}:
            if not part.is_nonzero:
                exceptions[part] = None
        elif not _of_one_sign(part):
            candidates.append(part)
    return list(dict.fromkeys(candidates))


def _of_one_sign(expression: Expr) -> bool:
    """Whether the expression is known not to vanish at real values, such as x² + 1 or 1 + exp(x)."""
    return any(term.is_positive or term.is_negative for term in _nonnegative_terms(expression))


def _nonnegative_terms(expression: Expr) -> tuple[Expr, ...]:
    """The terms of a sum of several terms all of which are known to be nonnegative, or nonpositive; else none."""
    terms = Add.make_args(expression)
    one_sign = all(term.is_nonnegative for term in terms) or all(term.is_nonpositive for term in terms)
    return terms if one_sign and len(terms) > 1 else ()


def _split(branch: _Branch, factored: list[list[Expr]], product: list[Expr]) -> list[_Branch]:
    """One branch for every factor of a product, first for the one that most equations contain; the last is next."""
    shared = sorted(product, key=lambda part: -sum(part in factors for factors in factored))
    cases = []
    for position, part in enumerate(shared):
        rest = []
        for factors in factored:
            if part not in factors:
                rest.append(Mul(*factors))
        cases.append(branch.where([part, *rest], nonzero=shared[:position]))
    return cases


def _solve_one(
    branch: _Branch, equations: list[Expr], unknowns: Sequence[Symbol], exceptions: dict[Expr, None]
) -> list[_Branch] | None:
    """The branches after one linear equation has been solved, or None if none is linear."""
    options: list[tuple[tuple[int, int], int, Expr, Symbol, Expr]] = []
    for equation in equations:
        for unknown in reversed(unknowns):
            slope = equation.diff(unknown) if unknown in equation.free_symbols else Integer(0)
            if slope != 0 and unknown not in slope.free_symbols and _is_polynomial(equation, unknown):
                cost = len(slope.free_symbols & {*unknowns}), sum(unknown in e.free_symbols for e in equations)
                options.append((cost, len(options), equation, unknown, slope))
    if not options:
        return None
    _, _, equation, unknown, slope = min(options)
    rest = [other for other in equations if other != equation]
    intercept = equation.subs(unknown, 0)
    value = cancel(-intercept / slope)
    forward = branch.where([other.subs(unknown, value) for other in rest])
    forward.chart = {name: cancel(expression.subs(unknown, value)) for name, expression in branch.chart.items()}
    forward.chart[unknown] = value
    forward.nonzero = [part for old in branch.nonzero for part in _parts(old.subs(unknown, value))]
    if not slope.free_symbols & {*unknowns}:
        if not slope.is_nonzero:
            exceptions[slope] = None
        return [forward]
    forward.nonzero += _parts(slope)
    return [branch.where([slope, intercept, *rest]), forward]


def _parts(expression: Expr) -> list[Expr]:
    """The factors of the numerator, or 0."""
    numerator = fraction(together(expression))[0]
    return [part for part, _ in factor_list(numerator)[1]] if numerator != 0 else [numerator]


def _combined(equations: Sequence[Expr], unknowns: Sequence[Symbol]) -> list[Expr]:
    """Linear combinations of polynomial equations that have as few high monomials as possible, to the same effect.

    Gaussian elimination of the monomials, highest first: for heavy ball it leaves v = 0 and ∇L = 0.
    """
    try:
        polynomials = [Poly(equation, *unknowns, field=True) for equation in equations]
    except PolynomialError:
        return list(equations)
    monomials = sorted({m for polynomial in polynomials for m in polynomial.monoms()}, key=grevlex, reverse=True)
    domain = reduce(lambda first, second: first.unify(second), (polynomial.domain for polynomial in polynomials))
    if domain.is_EX or not domain.is_Exact:
        return list(equations)
    table = Matrix([[polynomial.coeff_monomial(m) for m in monomials] for polynomial in polynomials])
    rows, pivots = DomainMatrix.from_Matrix(table).convert_to(domain).rref()
    products = [Mul(*(unknown**power for unknown, power in zip(unknowns, m, strict=True))) for m in monomials]
    reduced = rows.to_Matrix()[: len(pivots), :] * Matrix(products)
    return list(reduced)


def _is_polynomial(equation: Expr, unknown: Symbol) -> bool:
    return bool(equation.is_polynomial(unknown))
