"""The solutions of a system of equations, taken apart into components with closed forms as far as these go.

The rules, applied in turn, each of which keeps the set of real solutions:

    fg = 0                   f = 0, or g = 0 where f ≠ 0
    p(f(u)) = 0              u = f⁻¹(c) for the real zeros c of p in the range of f
                             (`eos_sym.algebra.functions.inverses`): tanh u vanishes where u does, exp u nowhere, sin u
                             where u = 2πk or π + 2πk for an integer k
    sum of squares = 0       every one of them = 0
    c·v + b = 0              v = −b/c where c ≠ 0; or b = 0 and c = 0

where the factors are those over the rational numbers, functions counting as independent
(`eos_sym.algebra.functions.kernels`), and v is an unknown that neither b nor c contains. What remains of a component
when no rule applies are equations in the unknowns that stay free, each irreducible and none linear. Parameters are
generic: a factor that contains parameters only is taken to be nonzero, and returned as an *exception* unless its sign
is known: for parameters at which it vanishes nothing is said. An integer k stands for all integers; conditions on it
are solved where they are linear.

Errors: `Undecided` for more components than the bound, and for conditions on integers that are not solved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sympy import (
    Add,
    Dummy,
    Expr,
    Integer,
    Mul,
    Symbol,
    cancel,
    fraction,
    together,
)

from eos_sym.algebra.functions.identities import vanishes
from eos_sym.algebra.functions.inverses import PERIODIC, roots_in, solutions
from eos_sym.algebra.functions.kernels import Kernels
from eos_sym.algebra.polynomials.factors import irreducible_factors
from eos_sym.algebra.solutions.elimination import combined, integer_solutions
from eos_sym.errors import Undecided

MOST_COMPONENTS = 300
_NONE = Dummy(integer=True)


@dataclass(frozen=True)
class Component:
    """The points where the solved unknowns equal their `chart`, and the free ones obey what is `left` of the equations.

    This holds where none of the expressions in `nonzero` vanishes; where one does, other components say what holds. The
    `integers` in the chart stand for all integers.
    """

    chart: dict[Symbol, Expr]
    free: tuple[Symbol, ...]
    left: tuple[Expr, ...]
    nonzero: tuple[Expr, ...]
    integers: tuple[Symbol, ...] = ()

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

    def with_value(self, unknown: Symbol, value: Expr, pending: Sequence[Expr]) -> _Branch:
        """The branch where an unknown has that value."""
        forward = self.where([equation.subs(unknown, value) for equation in pending])
        forward.chart = {name: cancel(known.subs(unknown, value)) for name, known in self.chart.items()}
        forward.chart[unknown] = value
        forward.nonzero = [part for old in self.nonzero for part in _parts(old.subs(unknown, value))]
        return forward


def components(equations: Sequence[Expr], unknowns: Sequence[Symbol]) -> tuple[list[Component], list[Expr]]:
    """The components, and the exceptions: expressions in the parameters that were taken to be nonzero."""
    splitting = _Splitting(equations, unknowns)
    combinations, divisors = combined(equations, unknowns)
    found = splitting.components(combinations)
    return found, list(dict.fromkeys([*divisors, *splitting.exceptions]))


class _Splitting:
    """The rules, with what they share: the unknowns, the exceptions so far, and the integers that they brought in."""

    def __init__(self, equations: Sequence[Expr], unknowns: Sequence[Symbol]) -> None:
        self.unknowns = tuple(unknowns)
        self.exceptions: dict[Expr, None] = {}
        self.integers: dict[tuple[Expr, Expr], Symbol] = {}
        self.taken = {symbol.name for equation in equations for symbol in equation.free_symbols}

    def components(self, equations: list[Expr]) -> list[Component]:
        """The components of the solutions."""
        finished: list[Component] = []
        branches = [_Branch(equations)]
        while branches:
            branch = branches.pop()
            if len(branches) + len(finished) > MOST_COMPONENTS:
                raise Undecided(f"the equations split into more than {MOST_COMPONENTS} components")
            found = (self.factors(equation, branch.nonzero) for equation in branch.pending)
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
            solved = self.solve_one(branch, single)
            if solved is not None:
                branches += solved
                continue
            finished.append(self.component(branch, single))
        return list(reversed(finished))

    def component(self, branch: _Branch, left: Sequence[Expr]) -> Component:
        """The component that a branch has become."""
        chart = {name: value for name, value in branch.chart.items() if name in self.unknowns}
        used = {symbol for value in (*chart.values(), *left) for symbol in value.free_symbols}
        integers = tuple(integer for integer in self.integers.values() if integer in used)
        free = tuple(unknown for unknown in self.unknowns if unknown not in chart)
        return Component(chart, free, tuple(left), tuple(branch.nonzero), integers)

    def varying(self, expression: Expr) -> set[Symbol]:
        """The unknowns and integers in an expression."""
        return {symbol for symbol in (*self.unknowns, *self.integers.values()) if symbol in expression.free_symbols}

    def factors(self, equation: Expr, nonzero: Sequence[Expr]) -> list[Expr] | None:
        """The factors any of which may vanish, simplest first; None for an equation that holds anyway."""
        kernels = Kernels([equation])
        numerator = fraction(together(kernels.algebraic(equation)))[0]
        candidates: list[Expr] = []
        for form, _ in irreducible_factors(numerator) if numerator != 0 else ():
            part = kernels.restored(form)
            simpler = self.simpler(form, kernels)
            if simpler is not None:
                found = [self.factors(other, nonzero) for other in simpler]
                if None in found:
                    return None
                candidates += [factor for factors in found if factors for factor in factors]
            elif part in nonzero or -part in nonzero:
                continue
            elif not self.varying(part):
                if vanishes(part):
                    return None
                if not part.is_nonzero:
                    self.exceptions[part] = None
            elif not _of_one_sign(part):
                candidates.append(part)
        return list(dict.fromkeys(candidates)) if numerator != 0 else None

    def simpler(self, form: Expr, kernels: Kernels) -> list[Expr] | None:
        """The equations any of which makes a factor vanish, if it varies with one function u ↦ f(u) only."""
        inside = [symbol for symbol in form.free_symbols if self.varying(kernels.restored(symbol))]
        if len(inside) != 1 or inside[0] not in kernels.meaning:
            return None
        kernel = kernels.meaning[inside[0]]
        roots = roots_in(form, inside[0])
        if roots is None or not kernel.args:
            return None
        found: list[Expr] = []
        for root in map(kernels.restored, roots):
            arguments = solutions(kernel, root, self.integer(kernel, root))
            if arguments is None:
                return None
            found += [kernel.args[0] - argument for argument in arguments]
        return found

    def integer(self, kernel: Expr, value: Expr) -> Symbol:
        """The symbol of any integer in the solutions of one equation, always the same; a dummy where none is needed."""
        if kernel.func not in PERIODIC:
            return _NONE
        if (kernel, value) not in self.integers:
            names = (f"k{number}" if number else "k" for number in range(len(self.taken) + len(self.integers) + 1))
            name = next(name for name in names if name not in self.taken)
            self.integers[kernel, value] = Symbol(name, integer=True)
            self.taken.add(name)
        return self.integers[kernel, value]

    def solve_one(self, branch: _Branch, equations: list[Expr]) -> list[_Branch] | None:
        """The branches after one linear equation has been solved, or None if none is linear."""
        options: list[tuple[tuple[int, int], int, Expr, Symbol, Expr]] = []
        for equation in equations:
            if not equation.free_symbols & {*self.unknowns}:
                rest = [other for other in equations if other != equation]
                return [branch.with_value(*solved, rest) for solved in integer_solutions(equation)]
            for unknown in reversed(self.unknowns):
                slope = equation.diff(unknown) if unknown in equation.free_symbols else Integer(0)
                if slope != 0 and unknown not in slope.free_symbols and _is_polynomial(equation, unknown):
                    cost = len(self.varying(slope)), sum(unknown in e.free_symbols for e in equations)
                    options.append((cost, len(options), equation, unknown, slope))
        if not options:
            return None
        _, _, equation, unknown, slope = min(options)
        rest = [other for other in equations if other != equation]
        intercept = equation.subs(unknown, 0)
        forward = branch.with_value(unknown, cancel(-intercept / slope), rest)
        if not self.varying(slope):
            self.exceptions |= {part: None for part in _parts(slope) if not part.is_nonzero}
            return [forward]
        forward.nonzero += _parts(slope)
        return [branch.where([slope, intercept, *rest]), forward]


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


def _parts(expression: Expr) -> list[Expr]:
    """The factors of the numerator, or 0."""
    kernels = Kernels([expression])
    numerator = fraction(together(kernels.algebraic(expression)))[0]
    return [kernels.restored(part) for part, _ in irreducible_factors(numerator)] if numerator != 0 else [Integer(0)]


def _is_polynomial(equation: Expr, unknown: Symbol) -> bool:
    return bool(equation.is_polynomial(unknown))
