"""Gradient and Hessian of a formula by automatic differentiation, without the second that torch takes to load.

A jet is the value of a function at a point, with its gradient and its Hessian. The weights are jets, with gradients eᵢ
and Hessians 0; what is made of jets is a jet, by

    ∇(fg) = f∇g + g∇f,      ∇²(fg) = f∇²g + g∇²f + ∇f∇gᵀ + ∇g∇fᵀ,
    ∇φ(f) = φ'(f)∇f,        ∇²φ(f) = φ'(f)∇²f + φ''(f)∇f∇fᵀ.

The expression is evaluated node by node, sums of exponentials with their largest term taken out. Nothing is shared with
`numeric.compile` and its code printing, and no derivative comes from SymPy, so agreement of the two says something;
torch's agree with these in the tests.

Shapes: values (points,), gradients (weights, points), Hessians (weights, weights, points).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from importlib import import_module
from operator import add, eq, ge, gt, le, lt, mul, ne
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Abs, Add, And, Basic, E, Expr, Function, Max, Min, Mul, Or, Piecewise, Pow, Symbol, log, true
from sympy.core.relational import Relational

from eos_sym import BadInput
from eos_sym.algebra import factored_to_sum

Array = NDArray[Any]  # of float64 or longdouble
COMPARISONS = {">": gt, ">=": ge, "<": lt, "<=": le, "==": eq, "!=": ne}

# By name: φ, φ' and φ'' of x, the derivatives with the help of v = φ(x).
ELEMENTARY: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], tuple[Array, Array]]]] = {
    "exp": (np.exp, lambda x, v: (v, v)),
    "log": (np.log, lambda x, v: (1 / x, -1 / x**2)),
    "sin": (np.sin, lambda x, v: (np.cos(x), -v)),
    "cos": (np.cos, lambda x, v: (-np.sin(x), -v)),
    "tan": (np.tan, lambda x, v: (1 + v**2, 2 * v * (1 + v**2))),
    "sinh": (np.sinh, lambda x, v: (np.cosh(x), v)),
    "cosh": (np.cosh, lambda x, v: (np.sinh(x), v)),
    "tanh": (np.tanh, lambda x, v: (1 - v**2, -2 * v * (1 - v**2))),
    "asin": (np.arcsin, lambda x, v: ((1 - x**2) ** -0.5, x * (1 - x**2) ** -1.5)),
    "acos": (np.arccos, lambda x, v: (-((1 - x**2) ** -0.5), -x * (1 - x**2) ** -1.5)),
    "atan": (np.arctan, lambda x, v: (1 / (1 + x**2), -2 * x / (1 + x**2) ** 2)),
    "asinh": (np.arcsinh, lambda x, v: ((1 + x**2) ** -0.5, -x * (1 + x**2) ** -1.5)),
    "acosh": (np.arccosh, lambda x, v: ((x**2 - 1) ** -0.5, -x * (x**2 - 1) ** -1.5)),
    "atanh": (np.arctanh, lambda x, v: (1 / (1 - x**2), 2 * x / (1 - x**2) ** 2)),
    "erf": (lambda x: special().erf(x.astype(np.float64)), lambda x, v: (bell(x), -2 * x * bell(x))),
    "Abs": (np.abs, lambda x, v: (np.sign(x) + 0 / x, 0 / x)),
}


@dataclass(frozen=True)
class Jet:
    """A function at some points, to second order."""

    value: Array
    gradient: Array
    hessian: Array

    def __add__(self, other: Jet) -> Jet:
        return Jet(self.value + other.value, self.gradient + other.gradient, self.hessian + other.hessian)

    def __mul__(self, other: Jet) -> Jet:
        crossed = self.gradient[:, None] * other.gradient
        return Jet(
            self.value * other.value,
            self.value * other.gradient + other.value * self.gradient,
            self.value * other.hessian + other.value * self.hessian + crossed + crossed.swapaxes(0, 1),
        )

    def under(self, value: Array, first: Array, second: Array) -> Jet:
        """φ of this jet, from φ, φ' and φ'' at its value."""
        squared = self.gradient[:, None] * self.gradient
        return Jet(value, first * self.gradient, first * self.hessian + second * squared)

    def to_the(self, power: float) -> Jet:
        """A constant power; a factor 0 is one, whatever it multiplies."""
        first = power * self.value ** (power - 1) if power else 0 * self.value
        second = power * (power - 1) * self.value ** (power - 2) if power * (power - 1) else 0 * self.value
        return self.under(self.value**power, first, second)


def jet(expression: Expr, weights: Sequence[Symbol], points: Array) -> Jet:
    """The expression at the points, (points, weights)."""
    unbound = sorted(str(symbol) for symbol in expression.free_symbols - {*weights})
    if unbound:
        raise BadInput(f"{', '.join(unbound)}: without a value; substitute one")
    count, dimension = points.shape
    flat = np.zeros((dimension, dimension, count))
    known: dict[Basic, Jet] = {
        weight: Jet(column, np.repeat(unit[:, None], count, 1), flat)
        for weight, column, unit in zip(weights, points.T, np.eye(dimension), strict=True)
    }

    def of(node: Basic) -> Jet:
        if node not in known:
            known[node] = evaluate(node)
        return known[node]

    def evaluate(node: Basic) -> Jet:
        if node.is_number:
            return Jet(np.full(count, float(node)), flat[0], flat)
        if isinstance(node, log | Mul | Pow) and (stable := of_sums(node)) is not None:
            return stable
        if isinstance(node, Pow):
            base, exponent = node.args
            if exponent.is_number:
                return of(base).to_the(int(exponent) if exponent.is_Integer else float(exponent))
            return through("exp", of(exponent) if base == E else of(exponent) * through("log", of(base)))
        if isinstance(node, Max | Min):
            larger = np.greater if isinstance(node, Max) else np.less
            return reduce(partial(chosen, larger), map(of, node.args))
        if isinstance(node, Piecewise):
            undefined = Jet(np.full(count, np.nan), flat[0] + np.nan, flat + np.nan)
            cases = ((of(value), holds(condition)) for value, condition in reversed(node.args))
            return reduce(lambda rest, case: where(case[1], case[0], rest), cases, undefined)
        if isinstance(node, Add | Mul):
            return reduce(add if isinstance(node, Add) else mul, map(of, node.args))
        if isinstance(node, Function | Abs) and type(node).__name__ in ELEMENTARY:
            return through(type(node).__name__, of(node.args[0]))
        raise BadInput(f"{node}: this function is not known to automatic differentiation")

    def holds(condition: Basic) -> NDArray[np.bool_]:
        if isinstance(condition, Relational):
            return np.asarray(COMPARISONS[condition.rel_op](of(condition.lhs).value, of(condition.rhs).value))
        if isinstance(condition, And | Or):
            joined = np.logical_and if isinstance(condition, And) else np.logical_or
            return np.asarray(reduce(joined, map(holds, condition.args)))
        return np.full(count, condition == true)

    def of_sums(node: Expr) -> Jet | None:
        """The logarithm of e^v Π Sᵖ, or that product where a power is negative or a root; None of any other node."""
        parts = factored_to_sum(node)
        if parts is None:
            return None
        logarithm = of(parts.exponent)
        for terms, power in parts.sums:
            logarithm = logarithm + of(power) * log_sum([of(u + log(c)) for u, c in terms.items()])
        return logarithm + of(log(parts.rest)) if isinstance(node, log) else through("exp", logarithm) * of(parts.rest)

    with np.errstate(all="ignore"):  # what is not finite is an error of that size
        return of(expression)


def where(mask: NDArray[np.bool_], first: Jet, second: Jet) -> Jet:
    """The first jet at the points of the mask, the second one at the others."""
    pairs = ((getattr(first, name), getattr(second, name)) for name in ("value", "gradient", "hessian"))
    return Jet(*(np.where(mask, *pair) for pair in pairs))


def chosen(larger: np.ufunc, first: Jet, second: Jet) -> Jet:
    """The larger or smaller of two jets, without derivatives where they are equal."""
    best = where(larger(first.value, second.value), first, second)
    kink = np.where(first.value == second.value, np.nan, 0)
    return Jet(best.value, best.gradient + kink, best.hessian + kink)


def special() -> Any:
    """SciPy's special functions, which take a while to load."""
    return import_module("scipy.special")


def bell(x: Array) -> Array:
    """The derivative of erf."""
    value: Array = np.exp(-(x**2)) * (2 / np.sqrt(np.pi))
    return value


def log_sum(exponents: Sequence[Jet]) -> Jet:
    """The logarithm of a sum of exponentials."""
    largest = np.max([exponent.value for exponent in exponents], axis=0)
    scaled = (replace(exponent, value=exponent.value - largest) for exponent in exponents)
    rest = through("log", reduce(add, (through("exp", exponent) for exponent in scaled)))
    return replace(rest, value=rest.value + largest)


def through(name: str, argument: Jet) -> Jet:
    """An elementary function of a jet."""
    function, derivatives = ELEMENTARY[name]
    value = function(argument.value)
    return argument.under(value, *derivatives(argument.value, value))
