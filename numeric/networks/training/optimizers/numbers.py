"""An expression as a function of the values of its symbols, evaluated operation by operation with Python's operators.

So the values may be floats and tensors alike, and a quotient is rounded once: a/b is never a·(1/b).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import add, mul
from typing import Any

from sympy import Expr, Mul, Pow

from eos_sym import BadInput

Values = Mapping[str, Any]  # by the names of the symbols


def evaluator(expression: Expr) -> Callable[[Values], Any]:
    """The function that gives the expression's value."""
    if expression.is_Symbol:
        name = expression.name
        return lambda values: values[name]
    if expression.is_number:
        number = int(expression) if expression.is_Integer else float(expression)
        return lambda values: number
    if expression.is_Add:
        return _folded(add, expression.args)
    if expression.is_Mul:
        above, below = fraction(expression)
        if not below:
            return _folded(mul, above)
        numerator, denominator = evaluator(Mul(*above)), _folded(mul, below)
        return lambda values: numerator(values) / denominator(values)
    if expression.is_Pow:
        if expression.exp == -1:
            denominator = evaluator(expression.base)
            return lambda values: 1 / denominator(values)
        base, exponent = evaluator(expression.base), evaluator(expression.exp)
        return lambda values: base(values) ** exponent(values)
    raise BadInput(f"{expression}: no number that an optimizer can compute; give sums, products and powers")


def fraction(product: Expr) -> tuple[list[Expr], list[Expr]]:
    """The factors above and below the bar, the latter by their inverses."""
    above, below = [], []
    for factor in Mul.make_args(product):
        if factor.is_Pow and factor.exp.is_Rational and factor.exp.is_negative:
            below.append(Pow(factor.base, -factor.exp))
        else:
            above.append(factor)
    return above, below


def _folded(operation: Callable[[Any, Any], Any], parts: Any) -> Callable[[Values], Any]:
    evaluators = [evaluator(part) for part in parts]
    if len(evaluators) == 2:
        first, second = evaluators
        return lambda values: operation(first(values), second(values))
    return lambda values: reduce(operation, (one(values) for one in evaluators))
