"""Numbers for the theory: compiled maps, simulations as labelled arrays, storage; networks in `numeric.networks`."""

from numeric.compile import CompilationError, CompiledFunction, compile_function
from numeric.observables import Observable, compile_observable, compile_sharpness
from numeric.simulate import Simulator, compile_map
from numeric.store import load, save

__all__ = [
    "CompilationError",
    "CompiledFunction",
    "Observable",
    "Simulator",
    "compile_function",
    "compile_map",
    "compile_observable",
    "compile_sharpness",
    "load",
    "save",
]
