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

Errors: `BadInput` for unbound symbols and for names that are not identifiers; `CompilationError` if the compiled
numbers are wrong or nowhere defined.
"""

from __future__ import annotations

import keyword
import math
import random
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sympy import Basic, Expr, Float, Integer, Pow, Symbol, lambdify
from sympy.printing.numpy import SciPyPrinter

from eos_sym import BadInput
from numeric.stable_forms import stabilize

LONGEST_WRITTEN_PRODUCT = 3  # x*x*x is as fast as repeated squaring, and saves the call
CHECKED_POINTS = 4
TRIED_POINTS = 400  # an expression may be undefined at most of them
CHECK_DIGITS = 30
MOST_DIGITS = 5000  # carried to find the value of terms that cancel
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
    generator, disturbances = random.Random(0), random.Random(1)
    for expression_index, expression in enumerate(compiled.expressions):
        checked = 0
        for _ in range(TRIED_POINTS):
            point = {argument: Float(_magnitude(generator), 17) for argument in compiled.arguments}
            exact = expression.evalf(CHECK_DIGITS, subs=point, maxn=MOST_DIGITS)
            if not (exact.is_Float or exact.is_Rational):
                continue  # undefined, infinite or complex here
            samples = [_disturbed(expression, dict(point), disturbances) for _ in range(SAMPLES)]
            moved = max(float(abs(sample - exact)) for sample in samples)
            found = float(compiled(*(float(point[argument]) for argument in compiled.arguments))[expression_index])
            expected = float(exact)
            allowed = ALLOWED_ERROR * abs(expected) + ALLOWED_MOVE * moved + sys.float_info.min
            if found != expected and not abs(found - expected) <= allowed < math.inf:  # both may overflow
                raise CompilationError(f"{expression} at {point}: compiled {found}, exact {exact}")
            checked += 1
            if checked == CHECKED_POINTS:
                break
        else:
            raise CompilationError(f"{expression}: defined at fewer than {CHECKED_POINTS} of the points tried")


def _disturbed(expression: Basic, known: dict[Basic, Basic], generator: random.Random) -> Basic:
    """The value of the expression with a random error in every result on the way; `known` are the values so far."""
    if expression not in known:
        parts = [_disturbed(part, known, generator) for part in expression.args]
        value = expression.func(*parts) if parts else expression
        if isinstance(value, Expr) and not value.is_Rational:
            value = value.evalf(CHECK_DIGITS) * (1 + Float(SAMPLE_ERROR * generator.uniform(-1, 1), CHECK_DIGITS))
        known[expression] = value
    return known[expression]


def _magnitude(generator: random.Random) -> float:
    """A number of any size between 0.01 and 100, more often positive than not, as step sizes and logarithms need."""
    sign = 1 if generator.random() < 0.8 else -1
    return float(sign * 10 ** generator.uniform(-2, 2))
