"""From expressions to NumPy.

`compile_function(expressions, arguments)` gives a function of one array per argument that returns one array per
expression, all broadcast to the same shape, in float64.

- Removable holes, 0/0, are filled, see `numeric.compile.holes`.
- Overflowing forms are replaced by stable ones, see `numeric.compile.stable_forms`.
- What is printed is a straight-line program, see `numeric.compile.program`: the same one that a kernel is printed from,
  so that the two take the same steps.
- Names are checked, though no name a user chose is ever part of the code, because they become the names of arrays.
- Every compiled function is compared with 30-digit evaluation before it is handed out, see `numeric.compile.check`.

Errors: `BadInput` for unbound symbols, for names that are not identifiers or not unique, for the imaginary unit, and
for functions that neither NumPy nor SciPy has; `CompilationError` if the compiled numbers are wrong or nowhere defined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sympy import Basic, Derivative, Expr, I, Subs, Symbol, lambdify
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.function import Application
from sympy.logic.boolalg import Boolean
from sympy.printing.codeprinter import PrintMethodNotImplementedError

from eos_sym import BadInput
from eos_sym.reading import is_reserved
from numeric.compile.check import check
from numeric.compile.holes import fill_holes
from numeric.compile.printers import NumpyPrinter
from numeric.compile.program import Program, straight_line
from numeric.compile.stable_forms import stabilize

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
REMEMBERED_FUNCTIONS = 256

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CompiledFunction:
    """Expressions, the order of their arguments, their program, and the NumPy function that runs it.

    `evaluate` is the bare function, for loops that have arranged shapes and floating-point warnings themselves.
    """

    expressions: tuple[Expr, ...]
    arguments: tuple[Symbol, ...]
    program: Program = field(repr=False, compare=False)
    evaluate: Callable[..., Sequence[Any]] = field(repr=False, compare=False)

    def __call__(self, *values: ArrayLike) -> list[Array]:
        """One array per expression, of the shape to which the values broadcast; ±inf or nan where undefined."""
        arrays = [np.asarray(value, dtype=np.float64) for value in values]
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        with np.errstate(all="ignore"):  # what overflows is an outcome of the run, reported there
            results = self.evaluate(*arrays)
        return [np.broadcast_to(np.asarray(result, dtype=np.float64), shape) for result in results]

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process compiles for itself, once."""
        return compile_function, (self.expressions, self.arguments)


def compile_function(expressions: Sequence[Expr], arguments: Sequence[Symbol]) -> CompiledFunction:
    """The expressions as one checked NumPy function of the arguments."""
    return _compile(tuple(expressions), tuple(arguments))


@lru_cache(maxsize=REMEMBERED_FUNCTIONS)
def _compile(expressions: tuple[Expr, ...], arguments: tuple[Symbol, ...]) -> CompiledFunction:
    _refuse_names(expressions, arguments)
    _refuse_functions(expressions)
    imaginary = [str(expression) for expression in expressions if expression.has(I)]
    if imaginary:
        raise BadInput(f"{imaginary[0]}: not real; only real functions are compiled")
    program = straight_line([stabilize(fill_holes(expression)) for expression in expressions], arguments)
    function = lambdify(
        program.arguments,
        list(program.results),
        modules=[np],  # its name would import all of its parts, f2py among them
        printer=NumpyPrinter(),
        cse=lambda *_, **__: (program.assignments, list(program.results)),
    )
    compiled = CompiledFunction(expressions, arguments, program, function)
    check(compiled, expressions, arguments)
    return compiled


def _refuse_functions(expressions: Sequence[Expr]) -> None:
    """Refuse what neither NumPy nor SciPy has, by name: the innermost parts that cannot be printed."""
    kinds = (Application, Derivative, ExprWithLimits, Subs)
    parts = set().union(*(expression.atoms(*kinds) for expression in expressions))
    one_each = {type(part): part for part in parts if not isinstance(part, Boolean)}
    failing = {kind: part for kind, part in one_each.items() if not _is_printable(part)}
    innermost = [kind for kind, part in failing.items() if not any(part.has(other) for other in {*failing} - {kind})]
    if innermost:
        names = ", ".join(sorted(kind.__name__ for kind in innermost))
        raise BadInput(f"{names}: not a function that is compiled; write it with functions of NumPy or SciPy")


def _is_printable(part: Basic) -> bool:
    try:
        NumpyPrinter().doprint(part)
    except PrintMethodNotImplementedError:
        return False
    return not isinstance(part, ExprWithLimits | Derivative | Subs)


def _refuse_names(expressions: Sequence[Expr], arguments: Sequence[Symbol]) -> None:
    used = set().union(*(expression.free_symbols for expression in expressions))
    names = [symbol.name for symbol in (*arguments, *(used - {*arguments}))]
    for name in sorted(names):
        if not IDENTIFIER.fullmatch(name) or is_reserved(name):
            raise BadInput(f"{name!r} is not a usable name: use letters, digits and _, starting with a letter")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise BadInput(f"{', '.join(repeated)}: the name of two symbols; rename one")
    unbound = sorted(symbol.name for symbol in used - {*arguments})
    if unbound:
        raise BadInput(f"{', '.join(unbound)}: unbound; declare it as state or parameter, or substitute a value")
