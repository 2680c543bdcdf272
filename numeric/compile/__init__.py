"""Code from expressions: the only place of the project that prints any."""

from numeric.compile.check import CompilationError
from numeric.compile.function import Array, CompiledFunction, compile_function

__all__ = ["Array", "CompilationError", "CompiledFunction", "compile_function"]
