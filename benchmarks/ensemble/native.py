"""C for a map: written by hand or printed, compiled on the spot with the system's compiler, and loaded.

The compiler is ``$CC`` if that is set, else the first of cc, gcc and clang on the PATH. `blocks.h` holds the loops that
all maps share and says what the three functions do. Printed C shares subexpressions by SymPy's `cse` and writes integer
powers as products, which is what `pow` is not.

Errors: `Absent`, with the reason, where there is no compiler or it fails.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Dummy, Expr, Symbol, cse, numbered_symbols
from sympy.printing.c import C99CodePrinter

from benchmarks.ensemble.problems import Array, Problem
from eos_sym import Map

COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-std=c11", "-shared", "-fPIC")
WIDE = ("-DWIDE", "-mprefer-vector-width=512")
# With this glibc's headers offer exp, tanh and others in vectors. The flag that defines it, -ffast-math, also makes
# denormal numbers 0 in the whole process that loads what was linked with it.
IN_VECTORS = ("-D__FAST_MATH__",)
LANES = 64
LONGEST_PRODUCT = 16


class Absent(Exception):
    """A contender that cannot take part; the message is the reason."""


@dataclass(frozen=True)
class Native:
    """The compiled C of one map."""

    library: ctypes.CDLL

    def advance(self, state: Array, values: Array, steps: int) -> Array:
        """The states after the steps."""
        final = state.copy()
        self.library.advance(_address(final), _address(values), _integer(final.shape[1]), _integer(steps))
        return final

    def escape(self, state: Array, values: Array, steps: int, bound: float) -> tuple[Array, NDArray[np.int64]]:
        """The last states within the bound, and the iterations at which it was exceeded (`steps` if it never was)."""
        final = state.copy()
        runs = final.shape[1]
        escaped = np.empty(runs, np.int64)
        self.library.escape(
            _address(final),
            _address(values),
            ctypes.c_double(bound),
            _address(escaped),
            _integer(runs),
            _integer(steps),
        )
        return final, escaped

    def settle(self, tolerance: float) -> Callable[[Array, Array, int], Array]:
        """What advances runs until the last step has moved none of their block by more than the tolerance."""

        def advance(state: Array, values: Array, steps: int) -> Array:
            final = state.copy()
            runs = _integer(final.shape[1])
            self.library.settle(_address(final), _address(values), ctypes.c_double(tolerance), runs, _integer(steps))
            return final

        return advance


def _address(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _integer(value: int) -> ctypes.c_int64:
    return ctypes.c_int64(value)


def build(problem: Problem, lanes: int = LANES, flags: tuple[str, ...] = ()) -> Native:
    """The C of the problem's map, compiled for so many lanes a block."""
    command = compiler()
    text = problem.source.read_text(encoding="ascii") if problem.source else printed(problem.map)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        source, library = Path(folder) / "map.c", Path(folder) / "map.so"
        source.write_text(text, encoding="ascii")
        options = [*FLAGS, *flags, f"-DLANES={lanes}", f"-I{Path(__file__).parent}"]
        run = subprocess.run(
            [*command, *options, str(source), "-o", str(library), "-lm"], capture_output=True, text=True, check=False
        )
        if run.returncode:
            complaints = [line for line in run.stderr.splitlines() if "error" in line] or run.stderr.splitlines()
            complaint = complaints[0].partition("error:")[2] or complaints[0] if complaints else "no word of why"
            raise Absent(f"{command[0]} fails: {complaint.strip().removeprefix('#error ')}")
        return Native(ctypes.CDLL(str(library)))


def compiler() -> list[str]:
    """The command of the C compiler."""
    chosen = os.environ.get("CC")
    if chosen:
        command = shlex.split(chosen)
        if shutil.which(command[0]) is None:
            raise Absent(f"no C compiler: CC is {chosen}, which is not found")
        return command
    for name in COMPILERS:
        if shutil.which(name):
            return [name]
    raise Absent(f"no C compiler: none of {', '.join(COMPILERS)} is found; install one or set CC")


class _Printer(C99CodePrinter):  # type: ignore[misc]  # SymPy has no types
    """C with names of our own for all symbols, and integer powers as products."""

    def __init__(self, names: Mapping[Symbol, str]) -> None:
        super().__init__()
        self.names = names

    def _print_Symbol(self, expr: Symbol) -> str:  # noqa: N802 - SymPy's dispatch by class name
        return self.names[expr]

    _print_Dummy = _print_Symbol  # noqa: N815

    def _print_Pow(self, expr: Expr) -> str:  # noqa: N802
        base, exponent = expr.args
        if not exponent.is_Integer or abs(exponent) > LONGEST_PRODUCT:
            return str(super()._print_Pow(expr))
        product = "*".join([f"({self._print(base)})"] * abs(int(exponent)))
        return f"({product})" if exponent > 0 else f"(1.0/({product}))"


def printed(dynamics: Map) -> str:
    """The C of a map from its formula."""
    places = {symbol: f"point[{row}][lane]" for row, symbol in enumerate(dynamics.state)}
    places |= {symbol: f"parameter[{row}][lane]" for row, symbol in enumerate(dynamics.parameters)}
    shared, results = cse(dynamics.step, symbols=numbered_symbols(cls=Dummy))
    names = {symbol: f"v{index}" for index, symbol in enumerate(places)}
    names |= {symbol: f"t{index}" for index, (symbol, _) in enumerate(shared)}
    code = _Printer(names).doprint
    lines = [f"double {names[symbol]} = {place};" for symbol, place in places.items()]
    lines += [f"double {names[symbol]} = {code(expression)};" for symbol, expression in shared]
    lines += [f"point[{row}][lane] = {code(result)};" for row, result in enumerate(results)]
    body = "\n        ".join(lines)
    return f"""\
#include <math.h>
#define COORDINATES {len(dynamics.state)}
#define PARAMETERS {len(dynamics.parameters)}
static inline void step(double point[restrict COORDINATES][LANES], const double parameter[restrict PARAMETERS][LANES])
{{
    for (int lane = 0; lane < LANES; lane++) {{
        {body}
    }}
}}
#include "blocks.h"
"""
