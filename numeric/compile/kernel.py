"""Kernels: a straight-line program compiled by Numba to a function that advances 64 runs by many steps.

The runs of a kernel are *lanes*: coordinate i of lane l stands at lanes[64 i + l], the parameters follow the
coordinates. Steps are outside, lanes inside, and the number of lanes is a constant, so that LLVM computes several lanes
with one instruction, keeps enough of them under way to hide the latency of each operation, and finds all of them in the
first-level cache. Products and sums are contracted to fused multiply-adds, which round once; nothing else that would
change values is allowed: infinities, nan, signed zeros and denormal numbers are what they are in NumPy.

A *watching* kernel has two more rows, a bound, and a number that becomes 1 as soon as a coordinate exceeds the bound or
is no number.

A kernel is printed as a module of its own, under a name made of its text, into the user's cache, because Numba keeps
machine code only for functions that stand in a file.

Errors: `UnprintableError` (`numeric.compile.printers`) for a program with a function that kernels do not know.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from numeric.compile.cache import fingerprint, kept_in, root, sources
from numeric.compile.function import CompiledFunction
from numeric.compile.printers import ScalarPrinter
from numeric.compile.program import Program
from numeric.runs import write_atomically

LANES = 64
REMEMBERED = 256
COMPILING = Lock()  # threads that want the same kernel wait for the first to finish it
MODULE = '''\
"""A kernel printed by numeric.compile.kernel; it may be deleted, and is then printed again."""

from numba import float64, int64, njit, void
from numba.types import CPointer

from numeric.compile.scalars import *
from numeric.compile.vectors import use_the_widest_vectors


@njit(void(CPointer(float64), int64), cache=True, error_model="numpy", fastmath={fast}, nogil=True)
def kernel(lanes, steps):
    use_the_widest_vectors()
    for step in range(steps):
        for lane in range({lanes}):
{body}
'''
WATCH = "lanes[{outside} + lane] = 1.0 if not ({inside}) else lanes[{outside} + lane]"
INDENT = " " * 12


def print_module(program: Program, *, watching: bool, contract: bool = True) -> str:
    """The text of the module with the kernel of a program that gives the new values of its first arguments."""
    printer = ScalarPrinter()
    results = [printer.printed(result) for result in program.results]
    lines = [f"{symbol} = lanes[{LANES * index} + lane]" for index, symbol in enumerate(program.arguments)]
    lines += [f"{symbol} = {printer.printed(operation)}" for symbol, operation in program.assignments]
    lines += [f"lanes[{LANES * index} + lane] = {result}" for index, result in enumerate(results)]
    if watching:
        bound, outside = (LANES * (len(program.arguments) + row) for row in range(2))
        inside = " & ".join(f"(fabs({result}) <= lanes[{bound} + lane])" for result in results)
        lines.append(WATCH.format(outside=outside, inside=inside))
    body = "\n".join(INDENT + line for line in lines)
    return MODULE.format(body=body, lanes=LANES, fast={"contract"} if contract else False)


@lru_cache(maxsize=REMEMBERED)
def compile_kernel(function: CompiledFunction, *, watching: bool) -> Any:
    """The kernel of a step, a function of state and parameters that gives the new state; from the cache if it is."""
    text = print_module(function.program, watching=watching)
    name = f"kernel_{fingerprint(text.encode(), *sources(('compile/scalars.py', 'compile/vectors.py')))}"
    with COMPILING:
        if name not in sys.modules:
            with kept_in(root() / "kernels" / name):
                _load(name, root() / "kernels" / name / f"{name}.py", text)
    return sys.modules[name].kernel


def _load(name: str, path: Path, text: str) -> None:
    """Load the module with this text, which stands in a file of its own."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_atomically(path, lambda file: file.write_text(text, encoding="utf-8"))
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # where Numba looks for it when it takes machine code from the cache
    try:
        specification.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
