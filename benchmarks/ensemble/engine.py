"""Our engines for a map; the only place of the benchmark that makes them."""

from __future__ import annotations

from eos_sym import Map
from numeric.compile import CompiledFunction, compile_function
from numeric.maps import NumpyEngine
from numeric.maps.kernels.engine import CompiledEngine


def our_engine(dynamics: Map, threads: int) -> CompiledEngine:
    """The compiled engine with so many threads."""
    return CompiledEngine.of(step_of(dynamics), threads)


def numpy_engine(dynamics: Map) -> NumpyEngine:
    """The engine that needs no compilation."""
    return NumpyEngine(step_of(dynamics))


def step_of(dynamics: Map) -> CompiledFunction:
    """One step of the map, compiled as simulations compile it."""
    return compile_function(dynamics.step, (*dynamics.state, *dynamics.parameters))
