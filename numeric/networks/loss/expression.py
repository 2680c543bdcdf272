"""A loss formula as a torch function of the flat vector θ, for checks by automatic differentiation.

The expression is evaluated node by node with torch's own functions, sums of exponentials by torch.logsumexp. Nothing is
shared with `numeric.compile` and its code printing, and derivatives come from autograd, not from SymPy, so agreement of
the two says something.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add, eq, ge, gt, le, lt, mul, ne
from typing import Any

import torch
from sympy import Abs, Add, And, Basic, E, Expr, Max, Min, Mul, Or, Piecewise, Pow, Symbol, log, true
from sympy.core.relational import Relational
from torch import Tensor

from eos_sym import BadInput
from eos_sym.algebra import factored_to_sum
from eos_sym.reading.language import FUNCTIONS

_COMPARISONS = {">": gt, ">=": ge, "<": lt, "<=": le, "==": eq, "!=": ne}


def torch_function(expression: Expr, weights: Sequence[Symbol]) -> Callable[[Tensor], Tensor]:
    """The expression as a scalar function of θ, shape (len(weights),), differentiable as often as torch can."""
    unbound = sorted(str(symbol) for symbol in expression.free_symbols - {*weights})
    if unbound:
        raise BadInput(f"{', '.join(unbound)}: without a value; substitute one")

    def evaluate(parameters: Tensor) -> Tensor:
        values: dict[Basic, Any] = dict(zip(weights, parameters, strict=True))
        value: Tensor = parameters.new_zeros(()) + _value(expression, values)
        return value

    return evaluate


def _value(node: Basic, values: dict[Basic, Any]) -> Any:
    """The value of a node: a tensor, or a Python number where no weight enters; kept for when it comes again."""
    if node not in values:
        values[node] = _evaluate(node, values)
    return values[node]


def _evaluate(node: Basic, values: dict[Basic, Any]) -> Any:
    if node.is_number:
        return float(node)
    if isinstance(node, log | Mul | Pow):
        stable = _of_sums(node, values)
        if stable is not None:
            return stable
    if isinstance(node, Pow):
        base, exponent = node.args
        if base == E:
            return torch.exp(_value(exponent, values))
        return _value(base, values) ** (int(exponent) if exponent.is_Integer else _value(exponent, values))
    if isinstance(node, Piecewise):
        chosen: Any = math.nan
        for value, condition in reversed(node.args):
            chosen = torch.where(_holds(condition, values), _value(value, values), chosen)
        return chosen
    parts = [_value(part, values) for part in node.args]
    if node.func in _OPERATIONS:
        return reduce(_OPERATIONS[node.func], parts)
    if node.func not in _TORCH:
        raise BadInput(f"{node}: torch is not known to have this function")
    return _TORCH[node.func](*parts)


def _holds(condition: Basic, values: dict[Basic, Any]) -> Tensor:
    if isinstance(condition, Relational):
        return torch.as_tensor(_COMPARISONS[condition.rel_op](*(_value(side, values) for side in condition.args)))
    if isinstance(condition, And | Or):
        joined = torch.logical_and if isinstance(condition, And) else torch.logical_or
        return reduce(joined, (_holds(part, values) for part in condition.args))
    return torch.as_tensor(condition == true)


def _absolute(value: Tensor) -> Tensor:
    """|u|, with nan for a derivative where u = 0, as √(u²) has."""
    return torch.where(value != 0, torch.abs(value), torch.sqrt(value * value))


def _extreme(name: str) -> Callable[..., Any]:
    """The largest or smallest of two, with nan for a derivative where they are equal."""

    def function(first: Any, second: Any) -> Tensor:
        difference = torch.as_tensor(first - second)
        first, second = torch.as_tensor(first, dtype=difference.dtype), torch.as_tensor(second, dtype=difference.dtype)
        return torch.where(difference != 0, getattr(torch, name)(first, second), second + 0 * _absolute(difference))

    return function


def _of_sums(node: Expr, values: dict[Basic, Any]) -> Any:
    """The logarithm of e^v Π Sᵖ, or that product where a power is negative or a root; None of any other node."""
    parts = factored_to_sum(node)
    if parts is None:
        return None
    logarithm = _value(parts.exponent, values)
    for terms, power in parts.sums:
        logarithm = logarithm + float(power) * _log_sum(terms, values)
    if isinstance(node, log):
        return logarithm + math.log(parts.rest)
    return torch.exp(logarithm) * _value(parts.rest, values)


def _log_sum(terms: Mapping[Expr, Expr], values: dict[Basic, Any]) -> Tensor:
    exponents = [_value(u + log(c), values) for u, c in terms.items()]
    tensor = next(exponent for exponent in exponents if isinstance(exponent, Tensor))
    return torch.logsumexp(torch.stack([tensor.new_zeros(()) + exponent for exponent in exponents]), 0)


_TORCH = {function: getattr(torch, name) for name, function in FUNCTIONS.items()} | {Abs: _absolute}
_OPERATIONS: dict[Any, Callable[[Any, Any], Any]] = {
    Add: add,
    Mul: mul,
    Max: _extreme("maximum"),
    Min: _extreme("minimum"),
}
