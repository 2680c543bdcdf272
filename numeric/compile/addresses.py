"""Addresses in Numba's code: of numbers, and of kernels."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

KERNEL = types.int64  # its address


@intrinsic
def pointer(typing_context: Any, address: Any) -> Any:
    """The address of a number as a pointer; unlike an array it is handed on without counting references."""
    signature = types.CPointer(types.float64)(types.uintp)

    def convert(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return signature, convert


@intrinsic
def advance(typing_context: Any, kernel: Any, lanes: Any, steps: Any) -> Any:
    """Call the kernel at an address: so many steps of the lanes at a pointer."""
    signature = types.void(KERNEL, types.CPointer(types.float64), types.int64)

    def call(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, lanes, steps = arguments
        kind = ir.FunctionType(ir.VoidType(), [lanes.type, steps.type])
        builder.call(builder.inttoptr(address, kind.as_pointer()), [lanes, steps])
        return context.get_dummy_value()

    return signature, call
