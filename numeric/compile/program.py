"""Straight-line programs: expressions as a list of single operations, with common products computed once.

    x − η x y² (x²y² − 1),  y − η x² y (x²y² − 1)

    t0 = x y,  t1 = t0²,  t2 = t1 − 1,  t3 = η t0,  t4 = t2 t3,  t5 = y t4,  x − t5,  t7 = x t4,  y − t7

Every product is the collection of its factors, integer powers written out. The pair of factors that occurs most often
over all products becomes a factor of its own, again and again until no pair occurs twice; so powers end as repeated
squares, and the partial products of a deep chain share their beginnings and ends. Sums and functions that occur more
than once are computed once, sums up to their sign, and a denominator that several quotients share is inverted once.

The symbols of a program are its own, v0, v1, … for the arguments and t0, t1, … for intermediate results, so that no
name a user chose is ever part of printed code, and the same expressions always print the same code.
Source: :cite:t:`hosangadi2006optimizing`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count

from sympy import Add, Basic, Expr, Float, Mul, S, Symbol, oo, sqrt

Factors = Counter[Expr]  # atoms, that is symbols and numbers, with their exponents
Pair = tuple[Expr, Expr]


@dataclass(frozen=True)
class Program:
    """Assignments in their order, and the results, which are symbols or numbers."""

    arguments: tuple[Symbol, ...]
    assignments: tuple[tuple[Symbol, Expr], ...]
    results: tuple[Expr, ...]

    @property
    def cost(self) -> int:
        """The operations, where a product and the sum it is a term of are one."""
        uses = Counter(symbol for _, value in self.assignments for symbol in value.free_symbols)
        uses.update(symbol for result in self.results for symbol in result.free_symbols)
        products = {symbol for symbol, value in self.assignments if value.is_Mul or value.is_Pow}
        fused = sum(
            any(uses[term] == 1 for term in products & value.free_symbols)
            for _, value in self.assignments
            if value.is_Add
        )
        return len(self.assignments) - fused


def straight_line(expressions: Sequence[Expr], arguments: Sequence[Symbol]) -> Program:
    """The program that computes the expressions from the arguments.

    An expression such as x(1 − ηy²) is also tried as x − ηxy², which may have more to share.
    """
    written = _straight_line(expressions, arguments)
    opened = [_opened(expression) for expression in expressions]
    if opened == [*expressions]:
        return written
    return min(written, _straight_line(opened, arguments), key=lambda program: program.cost)


def _opened(expression: Expr) -> Expr:
    """A symbol times a sum that has a number among its terms, multiplied out; another expression as it is."""
    if not (expression.is_Mul and len(expression.args) == 2):
        return expression
    symbol, total = expression.args
    if symbol.is_Symbol and total.is_Add and total.as_coeff_Add()[0] != 0:
        return Add(*(symbol * term for term in total.args))
    return expression


def _straight_line(expressions: Sequence[Expr], arguments: Sequence[Symbol]) -> Program:
    own = tuple(Symbol(f"v{index}") for index in range(len(arguments)))
    graph = _Graph({argument: (1, symbol) for argument, symbol in zip(arguments, own, strict=True)})
    results = [graph.atom(expression) for expression in expressions]
    graph.write_quotients()
    share_pairs(graph.products)
    schedule = _Schedule(graph)
    return Program(own, *schedule.of(results))


@dataclass
class _Graph:
    """Named values: products by their factors, quotients until they become products, and all other operations.

    `known` has for every expression met so far a sign and an atom.
    """

    known: dict[Basic, tuple[int, Expr]]
    products: dict[Symbol, Factors] = field(default_factory=dict)
    quotients: dict[Symbol, tuple[Factors, Expr]] = field(default_factory=dict)
    operations: dict[Symbol, Basic] = field(default_factory=dict)
    names: dict[object, Symbol] = field(default_factory=dict)

    def atom(self, expression: Basic) -> Basic:
        """The symbol or number that stands for the expression; a condition keeps its form, with atoms in it."""
        if not isinstance(expression, Expr):
            return expression.func(*map(self.atom, expression.args)) if expression.args else expression
        sign, atom = self.signed(expression)
        return atom if sign > 0 else self._operation(-atom)

    def signed(self, expression: Expr) -> tuple[int, Expr]:
        """A sign and an atom whose product is the expression."""
        if expression not in self.known:
            self.known[expression] = self._build(expression)
        return self.known[expression]

    def _build(self, expression: Expr) -> tuple[int, Expr]:
        if not expression.free_symbols:
            return _constant(expression)
        if expression.is_Add:
            if -expression in self.known:
                sign, atom = self.known[-expression]
                return -sign, atom
            terms = [self.signed(term) for term in expression.args if term.free_symbols]
            terms.append(_constant(Add(*(term for term in expression.args if not term.free_symbols))))
            return 1, self._operation(Add(*(sign * atom for sign, atom in terms)))
        if expression.is_Mul or _halves(expression) is not None:
            return self._product(Mul.make_args(expression))
        return 1, self._operation(expression.func(*map(self.atom, expression.args)))

    def _product(self, parts: Sequence[Expr]) -> tuple[int, Expr]:
        sign, constant = _constant(Mul(*(part for part in parts if not part.free_symbols)))
        above, below = Factors({constant: 1} if constant != 1 else {}), Factors()
        for part in parts:
            if not part.free_symbols:
                continue
            halves = _halves(part)
            if halves is None:
                base_sign, atom = self.signed(part)
                sign *= base_sign
                above[atom] += 1
                continue
            side = below if halves < 0 else above
            whole, half = divmod(abs(halves), 2)
            if whole:
                base_sign, atom = self.signed(part.base)
                sign *= base_sign**whole
                side[atom] += whole
            if half:
                side[self._operation(sqrt(self.atom(part.base)))] += 1
        return sign, self._name_quotient(above, self._name_product(below)) if below else self._name_product(above)

    def _name(self, key: object) -> tuple[Symbol, bool]:
        """The name of what the key describes, and whether it is new."""
        new = key not in self.names
        if new:
            self.names[key] = Symbol(f"n{len(self.names)}")
        return self.names[key], new

    def _name_product(self, factors: Factors) -> Expr:
        if factors.total() <= 1:
            return next(iter(factors), S.One)
        name, new = self._name(frozenset(factors.items()))
        if new:
            self.products[name] = factors
        return name

    def _name_quotient(self, above: Factors, denominator: Expr) -> Symbol:
        name, new = self._name((frozenset(above.items()), denominator))
        if new:
            self.quotients[name] = above, denominator
        return name

    def _operation(self, value: Basic) -> Expr:
        if value.is_Symbol or value.is_Number:
            return value
        name, new = self._name(value)
        if new:
            self.operations[name] = value
        return name

    def write_quotients(self) -> None:
        """Quotients become operations, or products with the inverse of a denominator that they share."""
        uses = Counter(denominator for _, denominator in self.quotients.values())
        for name, (above, denominator) in list(self.quotients.items()):
            if uses[denominator] == 1 or not above:
                self.operations[name] = self._name_product(above) / denominator
            else:
                inverse = self._name_quotient(Factors(), denominator)
                self.operations[inverse] = 1 / denominator
                self.products[name] = above + Factors([inverse])


def share_pairs(products: dict[Symbol, Factors]) -> None:
    """Make a product of its own of every pair of factors that occurs more than once, the most frequent first.

    Where a pair becomes one factor, only the pairs with these three change, and are counted anew. Products that changed
    last come last.
    """
    counts: dict[Pair, int] = {}
    places: dict[Pair, set[Symbol]] = {}
    now = count()
    changed = {name: next(now) for name in products}

    def register(name: Symbol, change: int, atoms: Set[Expr]) -> None:
        for pair, times in _pairs(products[name], atoms):
            counts[pair] = counts.get(pair, 0) + change * times
            if change > 0:
                places.setdefault(pair, set()).add(name)
            else:
                places[pair].remove(name)

    for name, factors in products.items():
        register(name, 1, factors.keys())
    while counts:
        pair = max(counts, key=counts.__getitem__)
        if counts[pair] < 2:
            return
        common = Symbol(f"p{len(products)}")
        for name in sorted(places[pair], key=changed.__getitem__):
            register(name, -1, {*pair})
            factors, times = products[name], _occurrences(products[name], pair)
            factors[common] = times
            for atom in pair:
                factors[atom] -= times
            products[name] = +factors
            register(name, 1, {*pair, common})
            changed[name] = next(now)
        products[common] = Factors(pair)
        del counts[pair]


def _pairs(factors: Factors, atoms: Set[Expr]) -> list[tuple[Pair, int]]:
    """The pairs of factors of which at least one is among the atoms, and how often each occurs."""
    ordered = sorted(factors, key=_name)
    among = [atom in atoms for atom in ordered]
    places = [place for place, one in enumerate(among) if one]
    pairs: list[Pair] = []
    for place, first in enumerate(ordered):
        after = ordered[place + 1 :] if among[place] else [ordered[other] for other in places if other > place]
        pairs += [(first, second) for second in after]
    pairs += [(ordered[place], ordered[place]) for place in places]
    return [(pair, times) for pair in pairs if (times := _occurrences(factors, pair))]


@lru_cache(maxsize=10_000)
def _name(atom: Expr) -> str:
    """What factors are sorted by."""
    return str(atom)


def _occurrences(factors: Factors, pair: Pair) -> int:
    first, second = pair
    return factors[first] // 2 if first == second else min(factors[first], factors[second])


@dataclass
class _Schedule:
    """The order of the operations: each after those it needs."""

    graph: _Graph
    symbols: dict[Expr, Symbol] = field(default_factory=dict)  # by the value assigned to them
    done: dict[Expr, Expr] = field(default_factory=dict)

    def of(self, results: Sequence[Expr]) -> tuple[tuple[tuple[Symbol, Expr], ...], tuple[Expr, ...]]:
        atoms = tuple(self._value(result) for result in results)
        return tuple((symbol, value) for value, symbol in self.symbols.items()), atoms

    def _value(self, atom: Expr) -> Expr:
        """The number, or the symbol of the program, once everything it needs is assigned."""
        if atom not in self.done:
            self.done[atom] = self._assign(atom)
        return self.done[atom]

    def _assign(self, atom: Expr) -> Expr:
        if atom in self.graph.products:
            factors = self.graph.products[atom].elements()
            value = self._value(next(factors))
            for factor in factors:
                value = self._new(value * self._value(factor))
            return value
        if atom in self.graph.operations:
            operation = self.graph.operations[atom]
            parts = sorted(operation.free_symbols, key=str)
            return self._new(operation.xreplace({part: self._value(part) for part in parts}))
        return atom

    def _new(self, value: Expr) -> Symbol:
        return self.symbols.setdefault(value, Symbol(f"t{len(self.symbols)}"))


def _halves(power: Expr) -> int | None:
    """Twice the exponent of a power with an integer or half-integer exponent."""
    if not power.is_Pow:
        return None
    twice = 2 * power.exp
    return int(twice) if twice.is_Integer else None


def _constant(number: Expr) -> tuple[int, Expr]:
    """The sign, and the magnitude as the nearest float; a number that is no real one as it stands."""
    if number.is_Integer and abs(number) < 2**53:
        return (-1 if number < 0 else 1), abs(number)
    value = number.evalf(30)
    if not value.is_Float:
        return 1, number
    magnitude = float(abs(value))
    return (-1 if value < 0 else 1), Float(magnitude) if math.isfinite(magnitude) else oo
