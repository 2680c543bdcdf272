"""Numbers and arrays in LLVM's code: where they stand, how one type of number becomes another, what memory they have.

An array is contiguous, its last dimension the fastest. Indices are neither negative nor too large: nobody looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from numeric.compile.lowering import FLOAT, INTEGER, TRUTH, constant, library

BYTE = ir.IntType(8)
ADDRESS = BYTE.as_pointer()
ELEMENTS = {np.dtype(np.float64): FLOAT, np.dtype(np.int64): INTEGER, np.dtype(np.int8): BYTE}
SIZES = {FLOAT: 8, INTEGER: 8, BYTE: 1}
CACHE_LINE = 64  # bytes; vectors across two of them take twice as long
MOST_ON_STACK = 4096  # bytes of an array of constant size


@dataclass(frozen=True)
class Array:
    """Where numbers stand, the lengths of their dimensions, and of what type they are."""

    address: ir.Value
    shape: tuple[ir.Value, ...]
    element: ir.Type

    def at(self, builder: ir.IRBuilder, index: Any) -> Any:
        """The place of an element, or of the first one of a part."""
        indices = _several(index)
        place = INTEGER(0)
        for axis, length in enumerate(self.shape):
            place = builder.mul(place, length, flags=("nsw",)) if axis else place
            place = builder.add(place, indices[axis], flags=("nsw",)) if axis < len(indices) else place
        return builder.gep(self.address, [place], inbounds=True)

    def part(self, builder: ir.IRBuilder, index: Any) -> Any:
        """An element, or a part if there are fewer indices than dimensions."""
        place, rest = self.at(builder, index), self.shape[len(_several(index)) :]
        if rest:
            return Array(place, rest, self.element)
        number = builder.load(place)
        return converted(builder, number, INTEGER) if self.element == BYTE else number


def _several(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def converted(builder: ir.IRBuilder, value: ir.Value, kind: ir.Type) -> Any:
    """A number as one of another type; an integer is true unless it is 0."""
    if value.type == kind:
        return value
    if kind == FLOAT and value.type in (TRUTH, INTEGER):
        return builder.sitofp(converted(builder, value, INTEGER), kind)
    if (value.type, kind) == (INTEGER, TRUTH):
        return builder.icmp_signed("!=", value, INTEGER(0))
    conversions = {(TRUTH, INTEGER): builder.zext, (BYTE, INTEGER): builder.sext, (INTEGER, BYTE): builder.trunc}
    return conversions[value.type, kind](value, kind)


def alike(builder: ir.IRBuilder, *values: ir.Value) -> list[Any]:
    """Numbers of the type that holds all of them."""
    kinds = [TRUTH, INTEGER, FLOAT]
    kind = kinds[max(kinds.index(value.type) for value in values)]
    return [converted(builder, value, kind) for value in values]


def place_of(builder: ir.IRBuilder, kind: ir.Type, number: int = 1) -> Any:
    """A place for so many numbers on the stack, which the function has once, also where this stands in a loop."""
    with builder.goto_entry_block():
        place = builder.alloca(kind, number)
    place.align = CACHE_LINE if number > 1 else None
    return place


def table(builder: ir.IRBuilder, numbers: Sequence[Any]) -> Array:
    """An array of constants."""
    constants, module = [constant(number) for number in numbers], builder.module
    kind = ir.ArrayType(constants[0].type, len(constants))
    stored = ir.GlobalVariable(module, kind, module.get_unique_name("table"))
    stored.global_constant, stored.linkage, stored.initializer = True, "internal", ir.Constant(kind, constants)
    address = builder.bitcast(stored, constants[0].type.as_pointer())
    return Array(address, (INTEGER(len(constants)),), constants[0].type)


def new_array(builder: ir.IRBuilder, shape: Any, dtype: Any) -> tuple[Array, bool]:
    """An array that begins with a cache line, its numbers anything; whether its memory is to be freed."""
    element, lengths = ELEMENTS[np.dtype(dtype)], _several(shape)
    if all(isinstance(length, ir.Constant) for length in lengths):
        number = int(np.prod([length.constant for length in lengths]))
        if number * SIZES[element] <= MOST_ON_STACK:
            return Array(place_of(builder, element, number), lengths, element), False
    size = INTEGER(SIZES[element])
    for length in lengths:
        size = builder.mul(size, length)
    whole_lines = builder.and_(builder.add(size, INTEGER(CACHE_LINE - 1)), INTEGER(-CACHE_LINE))
    address = library(builder, "aligned_alloc", ADDRESS, INTEGER(CACHE_LINE), whole_lines)
    return Array(builder.bitcast(address, element.as_pointer()), lengths, element), True


def free(builder: ir.IRBuilder, array: Array) -> None:
    """Give its memory back."""
    library(builder, "free", ir.VoidType(), builder.bitcast(array.address, ADDRESS))
