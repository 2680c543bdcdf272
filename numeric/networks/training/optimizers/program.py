"""A rule's formula as operations on lists of tensors, one tensor a parameter, rounded as those of `torch.optim` are.

    θ − ηg             add, with the factor −η as its alpha: one rounding
    βb + g             b times β in its place, then add
    β₂s + (1 − β₂)g²   s times β₂ in its place, then addcmul
    β₁m + (1 − β₁)g    lerp
    θ − ηg/(√s + ε)    the denominator, then addcdiv
    θ − ηg/‖g‖         g times the number −η(1/‖g‖), then add

So a sum starts with the old value of the variable that is assigned, which is written over where nothing later needs it,
or else with its term without a factor; and floats are brought together before they meet a tensor. Norms and losses stay
tensors, so that no step waits for an accelerator.

Errors: `BadInput` for functions that torch does not have, and for constants of every weight.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from sympy import Abs, Add, Expr, Mul, Symbol, sign

from eos_sym import BadInput
from eos_sym.reading.language import FUNCTIONS
from eos_sym.rules import THETA, GradientAt, LossAt, Norm, Update
from numeric.networks.training.optimizers.numbers import evaluator, fraction
from numeric.networks.training.optimizers.points import evaluate_elsewhere, norm, times_number
from numeric.networks.training.optimizers.terms import Term, is_mean, like_terms_together

Registers = dict[str, Any]  # by name: floats, tensors without dimensions, and vectors, which are lists of tensors
Value = Callable[[Registers], Any]

CLOSURE = "evaluate()"  # the register of the function that finds loss and gradient where the parameters are
LOSS, GRADIENT = Symbol("L(θ)"), Symbol("∇L(θ)")  # the registers of what it has found at θ
_FUNCTIONS = {function: getattr(torch, name) for name, function in FUNCTIONS.items()}
_FUNCTIONS |= {Abs: torch.abs, sign: torch.sign}


class _Vector(NamedTuple):
    """The name of a vector's register, and whether its tensors may be written over."""

    name: str
    free: bool


class Program:
    """The operations of one step, on registers: θ, the own variables and the parameters have theirs by name.

    `needs_loss` says whether L(θ) is read, `elsewhere` whether a gradient is taken at other points than θ; `numbers`
    has the names of the own numbers, and those of their new values.
    """

    def __init__(self, update: Update) -> None:
        if update.scales:
            raise BadInput("a rule with constants for every weight has no optimizer: give it as a formula without them")
        self.operations: list[Callable[[Registers], None]] = []
        self.needs_loss = self.elsewhere = False
        self.numbers: dict[str, str] = {}
        self._vectors = {THETA, GRADIENT, *update.own}
        self._device_numbers = {LOSS}
        self._known: dict[Expr, Symbol] = {GradientAt(THETA): GRADIENT, LossAt(THETA): LOSS}  # found at points; norms
        for name, expression in update.gradients.items():
            self._alias(name, self._vector(expression))
        assignments = update.assignments()
        for index, (name, new, expression) in enumerate(assignments):
            if name in update.numbers:
                self.numbers[name.name] = self._store(new.name, evaluator(expression))
                continue
            is_needed = any(name in later.free_symbols for _, _, later in assignments[index + 1 :])
            value = self._vector(expression, None if is_needed else name)
            self._alias(new, value if value.free else self._copy(value))
        for name, new, _ in assignments:
            if name not in update.numbers:
                self._write_back(name.name, new.name)

    def _vector(self, expression: Expr, own: Symbol | None = None) -> _Vector:
        """The register that has the vector; the tensors of `own` may be written over."""
        expression = self._without_points(expression)
        if expression.is_Symbol:
            return _Vector(expression.name, expression == own)
        if expression.is_Add:
            return self._sum(expression, own)
        term = self._term(expression)
        if term.vector != expression:
            return self._product(term, own if _occurrences(own, term) == 1 else None)
        if expression.is_Pow:
            base, exponent = map(self._without_points, expression.args)
            if 2 * exponent == 1:
                return self._apply("sqrt", self._vector(base))
            return self._apply("pow", self._vector(base), scale=evaluator(exponent))
        if expression.func not in _FUNCTIONS or len(expression.args) != 1:
            raise BadInput(f"{expression}: torch is not known to have this function")
        function, argument = _FUNCTIONS[expression.func], self._vector(expression.args[0]).name
        return _Vector(self._store(self._fresh(), lambda values: [*map(function, values[argument])]), free=True)

    def _sum(self, expression: Expr, own: Symbol | None) -> _Vector:
        constant = Add(*(part for part in expression.args if not part.free_symbols & self._vectors))
        terms = [self._term(part) for part in expression.args if part.free_symbols & self._vectors]
        terms = like_terms_together(terms)
        start = next((term for term in terms if term.vector == own), None)
        others = [term for term in terms if term != start]
        if start is None or any(_occurrences(own, term) for term in others):
            start, own = min(terms, key=_work), None
            others = [term for term in terms if term != start]
        if own is not None and constant == 0 and len(others) == 1 and is_mean(start, others[0]):
            other, weight = self._vector(others[0].vector), evaluator(others[0].scale)
            return self._apply("lerp", _Vector(own.name, free=True), other, scale=weight)
        total = self._product(start, own)
        for term in others:
            total = self._add(total, term)
        return total if constant == 0 else self._apply("add", total, scale=evaluator(constant))

    def _add(self, total: _Vector, term: Term) -> _Vector:
        if term.number != 1 or len(term.factors) > 2 or not term.above:
            return self._apply("add", total, self._product(term))
        vectors, scale = [self._vector(factor) for factor in term.factors], evaluator(term.scale)
        if len(vectors) == 1:
            return self._apply("add", total, *vectors, scale=scale, keyword="alpha")
        return self._apply("addcdiv" if term.below else "addcmul", total, *vectors, scale=scale, keyword="value")

    def _product(self, term: Term, own: Symbol | None = None) -> _Vector:
        if term.above:
            product, below = self._vector(term.above[0], own), term.below
        else:
            product, below = self._apply("reciprocal", self._vector(term.below[0])), term.below[1:]
        for factor in term.above[1:]:
            product = self._apply("mul", product, self._vector(factor))
        for factor in below:
            product = self._apply("div", product, self._vector(factor))
        if term.number != 1:
            return self._apply("mul", product, scale=times_number(term.scale, term.number))
        above, under = fraction(term.scale)
        if under and Mul(*above) == 1:
            return self._apply("div", product, scale=evaluator(Mul(*under)))
        if term.scale == -1:
            return self._apply("neg", product)
        return product if term.scale == 1 else self._apply("mul", product, scale=evaluator(term.scale))

    def _apply(
        self, name: str, target: _Vector, *others: _Vector, scale: Value | None = None, keyword: str | None = None
    ) -> _Vector:
        """Torch's function of this name, of the vectors and the number; in the target's register if that is free."""
        function = getattr(torch, f"_foreach_{name}_" if target.free else f"_foreach_{name}")
        names = [vector.name for vector in (target, *others)]

        def found(values: Registers) -> Any:
            vectors = [values[one] for one in names]
            if scale is None:
                return function(*vectors)
            number = scale(values)
            return function(*vectors, number) if keyword is None else function(*vectors, **{keyword: number})

        if target.free:
            self.operations.append(found)
            return target
        return _Vector(self._store(self._fresh(), found), free=True)

    def _term(self, expression: Expr) -> Term:
        return Term.of(self._without_points(expression), self._vectors, self._device_numbers)

    def _without_points(self, expression: Expr) -> Expr:
        """The expression with registers for its norms, and for its losses and gradients at points."""
        if isinstance(expression, GradientAt | LossAt | Norm):
            if expression not in self._known:
                self._find(expression)
            self.needs_loss = self.needs_loss or self._known[expression] == LOSS
            return self._known[expression]
        if not expression.has(GradientAt, LossAt, Norm):
            return expression
        return expression.func(*map(self._without_points, expression.args))

    def _find(self, node: Expr) -> None:
        """Compute a norm, or loss and gradient elsewhere."""
        vector = self._vector(node.args[0]).name
        number = Symbol(self._fresh())
        self._device_numbers.add(number)
        if isinstance(node, Norm):
            self._known[node] = number
            self._store(number.name, lambda values: norm(values[vector]))
            return
        gradient = Symbol(f"∇ {number}")
        self._vectors.add(gradient)
        self._known |= {GradientAt(node.args[0]): gradient, LossAt(node.args[0]): number}
        self.elsewhere = True

        def evaluate(values: Registers) -> None:
            found = evaluate_elsewhere(values[CLOSURE], values[THETA.name], values[vector])
            values[number.name], values[gradient.name] = found

        self.operations.append(evaluate)

    def _copy(self, vector: _Vector) -> _Vector:
        """The vector in tensors of its own: the others may be written over."""
        name = self._store(self._fresh(), lambda values: [tensor.clone() for tensor in values[vector.name]])
        return _Vector(name, free=True)

    def _alias(self, name: Symbol, vector: _Vector) -> None:
        """Let the vector be known by the name too."""
        self._vectors.add(name)
        self._store(name.name, lambda values: values[vector.name])

    def _store(self, name: str, value: Value) -> str:
        def store(values: Registers) -> None:
            values[name] = value(values)

        self.operations.append(store)
        return name

    def _write_back(self, name: str, new: str) -> None:
        """Copy the new value into the tensors of the old one, unless it is there."""

        def copy(values: Registers) -> None:
            if values[new] is not values[name]:
                torch._foreach_copy_(values[name], values[new])

        self.operations.append(copy)

    def _fresh(self) -> str:
        return f"#{len(self.operations)}"


def _occurrences(own: Symbol | None, term: Term) -> int:
    """The number of factors that depend on the variable."""
    return sum(own in factor.free_symbols for factor in term.factors)


def _work(term: Term) -> int:
    """What it takes to start a sum with the term: nothing if it is a vector at hand."""
    if term.scale not in (1, -1) or term.number != 1:
        return 3
    return 0 if term.vector.is_Symbol and term.scale == 1 else 1 if term.vector.is_Symbol else 2
