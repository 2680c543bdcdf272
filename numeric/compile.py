"""From expressions to NumPy: the only place of the project that prints code.

`compile_function(expressions, arguments)` gives a function of one array per argument that returns one array per
expression, all broadcast to the same shape, in float64.

- Common subexpressions are computed once, and integer powers are products, which NumPy evaluates many times faster
  than ``power``. (SymPy's own rewriting of powers is not used: followed by `cse` it changes the value of some
  expressions, the Hessian of ½(1 − xyzw)² among them; a test keeps the example.)
- Overflowing forms are replaced by stable ones, see `numeric.stable_forms`.
- Symbols are replaced before printing, so no name a user chose is ever part of the code; names are still checked,
  because they become the names of arrays.
- Every compiled function is compared with 30-digit evaluation of the same expressions at random points before it is
  handed out. The comparison allows for what rounding does to the expressions as written, measured by how far their
  values move with small random errors in every intermediate result (stochastic arithmetic, after Vignes).

Errors: `BadInput` for unbound symbols, for names that are not identifiers or not unique, and for the imaginary unit;
`CompilationError` if the compiled numbers are wrong or nowhere defined.
"""

from __future__ import annotations

import keyword
import math
import random
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sympy import Basic, Expr, Float, I, Integer, Pow, Symbol, lambdify, nan
from sympy.printing.numpy import SciPyPrinter

from eos_sym import BadInput
from numeric.stable_forms import stabilize

LONGEST_WRITTEN_PRODUCT = 3  # x*x*x is as fast as repeated squaring, and saves the call
CHECKED_POINTS = 4
TRIED_POINTS = 400  # an expression may be undefined at most of them
CHECK_DIGITS = 30
ALLOWED_ERROR = 1e-11  # of the value, where nothing cancels
SAMPLES = 3
SAMPLE_ERROR = 2.0**-36  # of every result; far enough above rounding for SymPy's cache to tell the samples apart
ALLOWED_MOVE = 100 * 2.0**-52 / SAMPLE_ERROR  # as much as errors of a hundred roundings in every result
IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)

Array = NDArray[np.float64]


class CompilationError(Exception):
    """The compiled function does not compute what its expressions say."""


@dataclass(frozen=True)
class CompiledFunction:
    """Expressions, the order of their arguments, and the NumPy function that evaluates them.

    `evaluate` is the bare function, for loops that have arranged shapes and floating-point warnings themselves.
    """

    expressions: tuple[Expr, ...]
    arguments: tuple[Symbol, ...]
    evaluate: Callable[..., Sequence[Any]]

    def __call__(self, *values: ArrayLike) -> list[Array]:
        """One array per expression, of the shape to which the values broadcast; ±inf or nan where undefined."""
        arrays = [np.asarray(value, dtype=np.float64) for value in values]
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        with np.errstate(all="ignore"):  # what overflows is an outcome of the run, reported there
            results = self.evaluate(*arrays)
        return [np.broadcast_to(np.asarray(result, dtype=np.float64), shape) for result in results]


class _Printer(SciPyPrinter):  # type: ignore[misc]  # SymPy has no types
    """NumPy code, and SciPy's for erf and the like, with integer powers as products and integers as floats."""

    def _print_Integer(self, expr: Integer) -> str:  # noqa: N802 - SymPy's dispatch by class name
        return f"{expr.p}.0"

    def _print_Pow(self, expr: Pow, rational: bool = False) -> str:  # noqa: N802 - SymPy's dispatch by class name
        base, exponent = expr.args
        if not exponent.is_Integer:
            return str(super()._print_Pow(expr, rational=rational))
        printed = self._print(base)
        if base.is_Symbol and abs(exponent) <= LONGEST_WRITTEN_PRODUCT:
            power = f"({'*'.join([printed] * abs(exponent))})"
        else:
            power = f"integer_power({printed}, {abs(exponent)})"
        return power if exponent > 0 else f"(1/{power})"


def integer_power(base: Any, exponent: int) -> Any:
    """base**exponent for exponent ≥ 1 by repeated squaring."""
    if exponent == 1:
        return base
    root = integer_power(base, exponent // 2)
    return root * root * base if exponent % 2 else root * root


def compile_function(expressions: Sequence[Expr], arguments: Sequence[Symbol]) -> CompiledFunction:
    """The expressions as one checked NumPy function of the arguments."""
    used = set().union(*(expression.free_symbols for expression in expressions))
    names = [symbol.name for symbol in (*arguments, *(used - {*arguments}))]
    for name in sorted(names):
        if not IDENTIFIER.fullmatch(name) or keyword.iskeyword(name):
            raise BadInput(f"{name!r} is not a usable name: use letters, digits and _, starting with a letter")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise BadInput(f"{', '.join(repeated)}: the name of two symbols; rename one")
    unbound = sorted(symbol.name for symbol in used - {*arguments})
    if unbound:
        raise BadInput(f"{', '.join(unbound)}: unbound; declare it as state or parameter, or substitute a value")
    imaginary = [str(expression) for expression in expressions if expression.has(I)]
    if imaginary:
        raise BadInput(f"{imaginary[0]}: not real; only real functions are compiled")
    function = lambdify(
        tuple(arguments),
        [stabilize(expression) for expression in expressions],
        modules=[{"integer_power": integer_power}, "numpy"],
        printer=_Printer({"fully_qualified_modules": False}),
        cse=True,
        dummify=True,
    )
    compiled = CompiledFunction(tuple(expressions), tuple(arguments), function)
    _check(compiled)
    return compiled


def _check(compiled: CompiledFunction) -> None:
    """Compare with many-digit evaluation at random points, the same ones for every run."""
    generator, errors = random.Random(0), random.Random(1)

    def disturb(value: Expr) -> Expr:
        return value * (1 + Float(SAMPLE_ERROR * errors.uniform(-1, 1), CHECK_DIGITS))

    unchecked = [CHECKED_POINTS] * len(compiled.expressions)
    for _ in range(TRIED_POINTS):
        pending = [index for index, points in enumerate(unchecked) if points]
        if not pending:
            return
        point = {argument: _magnitude(generator, argument) for argument in compiled.arguments}
        values = zip(pending, _values([compiled.expressions[index] for index in pending], point), strict=True)
        exact = {index: value for index, value in values if value.is_Float or value.is_Rational}  # real and finite
        if not exact:
            continue
        found = compiled(*point.values())
        expressions = [compiled.expressions[index] for index in exact]
        disturbed = zip(*(_values(expressions, point, disturb) for _ in range(SAMPLES)), strict=True)
        for (index, value), samples in zip(exact.items(), disturbed, strict=True):
            moved = max(float(abs(sample - value)) for sample in samples)
            expected, got = float(value), float(found[index])
            allowed = ALLOWED_ERROR * abs(expected) + ALLOWED_MOVE * moved + sys.float_info.min
            if got != expected and not abs(got - expected) <= allowed < math.inf:  # both may overflow
                raise CompilationError(f"{compiled.expressions[index]} at {point}: compiled {got}, exact {expected}")
            unchecked[index] -= 1
    undefined = compiled.expressions[pending[0]]
    raise CompilationError(f"{undefined}: defined at fewer than {CHECKED_POINTS} of the points tried")


def _values(
    expressions: Sequence[Expr], point: Mapping[Symbol, float], disturb: Callable[[Expr], Expr] = lambda value: value
) -> list[Expr]:
    """The values of the expressions at the point, with every argument and intermediate result disturbed."""
    known: dict[Basic, Basic] = {symbol: disturb(Float(value, CHECK_DIGITS)) for symbol, value in point.items()}

    def value_of(part: Basic) -> Basic:
        if part not in known:
            try:
                value = part.func(*map(value_of, part.args)) if part.args else part
            except (TypeError, ValueError):  # complex numbers have no order
                value = nan
            exact = value.is_Rational and value.q & (value.q - 1) == 0  # a float, unless it is very long
            if isinstance(value, Expr) and not exact:
                value = disturb(value.evalf(CHECK_DIGITS))
            known[part] = value
        return known[part]

    return [value_of(expression) for expression in expressions]


def _magnitude(generator: random.Random, argument: Symbol) -> float:
    """A number of any size between 0.01 and 100, more often positive than not, and always if the symbol is."""
    sign = 1 if generator.random() < 0.8 or argument.is_positive else -1
    return float(sign * 10 ** generator.uniform(-2, 2))
