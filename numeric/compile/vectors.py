"""A wish to LLVM: to use vectors of 512 bits where the processor has them.

By itself LLVM prefers 256 bits on most of these processors, because some older ones lower their frequency for wider
vectors. Kernels keep the vector units busy all the time, and take about half as long with the wider ones. The wish is
an attribute of one compiled function, so nothing else in the process is compiled differently.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

ATTRIBUTE = '"prefer-vector-width"="512"'


@intrinsic
def use_the_widest_vectors(typing_context: Any) -> Any:
    """Call it anywhere in a function that is to be compiled so; nothing is done when the function runs."""

    def attach(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        set.add(builder.function.attributes, ATTRIBUTE)  # llvmlite's own `add` only knows attributes without a value
        return context.get_dummy_value()

    return types.none(), attach


@intrinsic
def pointer(typing_context: Any, address: Any) -> Any:
    """The address of a number as a pointer; unlike an array it is handed on without counting references."""
    signature = types.CPointer(types.float64)(types.uintp)

    def convert(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return signature, convert
