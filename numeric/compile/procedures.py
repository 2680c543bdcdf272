"""Procedures: Python functions with loops and arrays as machine code, which is called from Python.

What they may be made of is said in `numeric.compile.control_flow`. A procedure is called with numbers, contiguous
arrays and named tuples of them, changes arrays in place and returns nothing; meanwhile other threads of Python go on.

Errors: `KeyError` where a function is none that can be compiled; `TypeError` where a procedure is given arrays of
another kind than it was made for.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np
from llvmlite import ir

from numeric.compile.arrays import ELEMENTS, Array
from numeric.compile.cache import sources
from numeric.compile.control_flow import ControlFlow
from numeric.compile.lowering import FLOAT, INTEGER
from numeric.compile.machine import MachineCode, kept_code

COMPILED_BY = tuple(f"compile/{name}.py" for name in ("arrays", "control_flow", "lowering", "procedures"))


@dataclass(frozen=True)
class ArrayOf:
    """A kind of argument: a contiguous array with so many dimensions."""

    dtype: Any
    dimensions: int


Kind = Any  # int, float, an ArrayOf, or a named tuple of these


@dataclass(frozen=True)
class Procedure:
    """Machine code that is called like the function it was made from."""

    code: MachineCode = field(repr=False)
    kinds: tuple[Kind, ...]

    def __call__(self, *arguments: Any) -> None:
        """Run it."""
        flat = [*_flat(self.kinds, arguments)]
        types = [ctypes.c_double if isinstance(number, float) else ctypes.c_int64 for number in flat]
        ctypes.CFUNCTYPE(None, *types)(self.code.address)(*flat)


def compile_procedure(function: Callable[..., None], kinds: Sequence[Kind], made_from: bytes) -> Procedure:
    """The procedure of a function for arguments of these kinds; `made_from` is the text of all that it calls."""
    key = b"\0".join([f"{function.__name__} {kinds}".encode(), made_from, *sources(COMPILED_BY)])
    code = kept_code(key, lambda: procedure_module(function, kinds), function.__name__, unrolled=False)
    return Procedure(code, tuple(kinds))


def procedure_module(function: Callable[..., None], kinds: Sequence[Kind]) -> str:
    """LLVM's text of the function for arguments of these kinds."""
    assert isinstance(function, FunctionType)
    module = ir.Module(function.__name__)
    procedure = ir.Function(module, ir.FunctionType(ir.VoidType(), [*_types(kinds)]), function.__name__)
    builder = ir.IRBuilder(procedure.append_basic_block())
    ControlFlow(builder, {}).call(function, [*_grouped(kinds, iter(procedure.args))])
    builder.ret_void()
    return str(module)


def _flat(kinds: Iterable[Kind], arguments: Iterable[Any]) -> Iterator[int | float]:
    """The numbers that the machine is given: of an array its address and the lengths of its dimensions."""
    for kind, argument in zip(kinds, arguments, strict=True):
        if isinstance(kind, ArrayOf):
            if argument.dtype != kind.dtype or argument.ndim != kind.dimensions or not argument.flags.c_contiguous:
                raise TypeError(f"not a contiguous array with {kind.dimensions} dimensions of {np.dtype(kind.dtype)}")
            yield from (argument.ctypes.data, *argument.shape)
        elif isinstance(kind, tuple):
            yield from _flat(kind, argument)
        else:
            yield kind(argument)


def _types(kinds: Iterable[Kind]) -> Iterator[ir.Type]:
    """What these numbers are."""
    for kind in kinds:
        if isinstance(kind, ArrayOf):
            yield from (ELEMENTS[np.dtype(kind.dtype)].as_pointer(), *[INTEGER] * kind.dimensions)
        elif isinstance(kind, tuple):
            yield from _types(kind)
        else:
            yield {int: INTEGER, float: FLOAT}[kind]


def _grouped(kinds: Iterable[Kind], flat: Iterator[ir.Value]) -> Iterator[Any]:
    """The arguments again, from these numbers."""
    for kind in kinds:
        if isinstance(kind, ArrayOf):
            address, *lengths = (next(flat) for _ in range(1 + kind.dimensions))
            yield Array(address, tuple(lengths), ELEMENTS[np.dtype(kind.dtype)])
        elif isinstance(kind, tuple):
            yield kind.__class__(*_grouped(kind, flat))
        else:
            yield next(flat)
