"""The operations of a straight-line program as text: for NumPy's arrays, for the scalars of a kernel, for JavaScript.

All print every number as a float, squares as products, and inverses as quotients, because a power takes 5 to 60 times
as long.

Errors: `UnprintableError` for what a kernel or a page has no code for; NumPy's printer leaves such functions to SciPy.
"""

from __future__ import annotations

from collections.abc import Set
from functools import reduce
from typing import Any

from sympy import Expr, Float, Function, Integer, Piecewise, Pow, nan
from sympy.printing.jscode import JavascriptCodePrinter
from sympy.printing.numpy import SciPyPrinter
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.pycode import PythonCodePrinter

KNOWN = {
    *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "erf", "erfc", "exp", "log", "sin", "sinh"),
    *("tan", "tanh", "Abs", "Heaviside", "Max", "Min", "Piecewise", "ceiling", "floor", "logaddexp", "sign"),
}
PLAIN_NAMES = {"fully_qualified_modules": False}


class UnprintableError(Exception):
    """What a kernel or a page has no code for."""


class _Printer:
    """What all printers share."""

    square_root = "sqrt"
    _print: Any
    parenthesize: Any

    def _print_Integer(self, expr: Integer) -> str:  # noqa: N802 - SymPy's dispatch by class name
        return f"{expr.p}.0"

    def _print_Float(self, expr: Float) -> str:  # noqa: N802 - SymPy's dispatch by class name
        return repr(float(expr))

    def _print_Pow(self, expr: Pow, rational: bool = False) -> str:  # noqa: N802 - SymPy's dispatch by class name
        if 2 * expr.exp == 1:
            return f"{self.square_root}({self._print(expr.base)})"
        base, exponent = (self.parenthesize(part, PRECEDENCE["Atom"], strict=True) for part in expr.args)
        if expr.exp == 2:
            return f"({base}*{base})"
        return f"(1.0/{base})" if expr.exp == -1 else f"({base}**{exponent})"

    def _print_Heaviside(self, expr: Expr) -> str:  # noqa: N802 - SymPy's dispatch by class name
        return f"heaviside({', '.join(map(self._print, expr.args))})"


class NumpyPrinter(_Printer, SciPyPrinter):  # type: ignore[misc]  # SymPy has no types
    """NumPy code, and SciPy's for erf and the like."""

    def __init__(self) -> None:
        super().__init__(PLAIN_NAMES)


class _NumberPrinter(_Printer):
    """What the two share that print for numbers, and know what they have code for."""

    known: Set[str]
    doprint: Any

    def printed(self, operation: Expr) -> str:
        """The operation; `UnprintableError` if it is not made of functions that are known."""
        unknown = {type(part).__name__ for part in operation.atoms(Function)} - self.known
        if unknown:
            raise UnprintableError(", ".join(sorted(unknown)))
        return str(self.doprint(operation))

    def _print_Piecewise(self, expr: Piecewise) -> str:  # noqa: N802 - SymPy's dispatch by class name
        complete = expr.args[-1].cond == True  # noqa: E712 - a condition of SymPy's
        cases = expr if complete else Piecewise(*expr.args, (nan, True), evaluate=False)
        return str(super()._print_Piecewise(cases))  # type: ignore[misc]  # that of SymPy's printer


class ScalarPrinter(_NumberPrinter, PythonCodePrinter):  # type: ignore[misc]  # SymPy has no types
    """Python code of the functions in `numeric.compile.scalars`."""

    known = KNOWN

    def __init__(self) -> None:
        names = {"Abs": "fabs", "logaddexp": "logaddexp"}
        super().__init__({**PLAIN_NAMES, "user_functions": names})

    def _print_Max(self, expr: Expr) -> str:  # noqa: N802 - SymPy's dispatch by class name
        name = f"{type(expr).__name__.lower()}imum"
        first, *others = (str(self._print(argument)) for argument in expr.args)
        return reduce(lambda larger, argument: f"{name}({larger}, {argument})", others, first)

    _print_Min = _print_Max  # noqa: N815 - SymPy's dispatch by class name

    def _print_NaN(self, expr: Expr) -> str:  # noqa: N802 - SymPy's dispatch by class name
        return "nan"

    def _print_floor(self, expr: Expr) -> str:
        return f"floor({self._print(expr.args[0])})"

    def _print_ceiling(self, expr: Expr) -> str:
        return f"-floor(-({self._print(expr.args[0])}))"

    def _print_sign(self, expr: Expr) -> str:
        return f"sign({self._print(expr.args[0])})"

    def _print_NegativeInfinity(self, expr: Expr) -> str:  # noqa: N802 - SymPy's dispatch by class name
        return "-inf"


class JavaScriptPrinter(_NumberPrinter, JavascriptCodePrinter):  # type: ignore[misc]  # SymPy has no types
    """JavaScript of the functions in ``Math`` and in `numeric.compile.javascript`."""

    known = KNOWN - {"erf", "erfc"} | {"LambertW", "atan2"}
    square_root = "Math.sqrt"

    def __init__(self) -> None:
        super().__init__({"user_functions": {name: name.lower() for name in ("LambertW", "logaddexp")}})

    def _print_NaN(self, expr: Expr) -> str:  # noqa: N802 - SymPy's dispatch by class name
        return "NaN"

    def _print_Infinity(self, expr: Expr) -> str:  # noqa: N802 - SymPy's dispatch by class name
        return "Infinity"

    def _print_NegativeInfinity(self, expr: Expr) -> str:  # noqa: N802 - SymPy's dispatch by class name
        return "-Infinity"
