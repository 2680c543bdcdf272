"""A loss formula as a torch function of the flat vector θ, for checks by automatic differentiation.

The expression is evaluated node by node with torch's own functions, sums of exponentials by torch.logsumexp. Nothing is
shared with `numeric.compile` and its code printing, and derivatives come from autograd, not from SymPy, so agreement of
the two says something.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import torch
from sympy import Abs, Add, Basic, E, Expr, Mul, Pow, Symbol, log
from torch import Tensor

from eos_sym import BadInput
from eos_sym.algebra import factored
from eos_sym.reading.language import FUNCTIONS

_TORCH = {function: getattr(torch, name) for name, function in FUNCTIONS.items()} | {Abs: torch.abs}
_OPERATIONS: dict[Any, Callable[[Any, Any], Any]] = {Add: lambda a, b: a + b, Mul: lambda a, b: a * b}


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
    parts = [_value(part, values) for part in node.args]
    if node.func in _OPERATIONS:
        return reduce(_OPERATIONS[node.func], parts)
    if node.func not in _TORCH:
        raise BadInput(f"{node}: torch is not known to have this function")
    return _TORCH[node.func](*parts)


def _of_sums(node: Expr, values: dict[Basic, Any]) -> Any:
    """The logarithm of e^v Π Sᵖ, or that product where a power is negative or a root; None of any other node."""
    parts = factored(node.args[0] if isinstance(node, log) else node)
    if isinstance(node, log):
        if not parts.sums or not (parts.rest.is_number and parts.rest.is_positive):
            return None
    elif not any(power < 0 or not power.is_Integer for _, power in parts.sums):
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
