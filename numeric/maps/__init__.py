"""Runs of a map: `compile_map` makes a simulator, whose runs are labelled arrays with outcome, period and step.

`outcomes` defines how a run ends, `averages` what is averaged along it, `observables` what is read; `engines` chooses
between NumPy and the compiled loops of `kernels`; `stochastic` draws the map anew at every step.
"""

from numeric.maps.engines import Engine
from numeric.maps.numpy_engine import NumpyEngine
from numeric.maps.observables import Observable, compile_observable, compile_sharpness
from numeric.maps.outcomes import OUTCOMES, Outcomes
from numeric.maps.simulator import Simulator, compile_map
from numeric.maps.stochastic import StochasticSimulator, compile_maps

__all__ = [
    "OUTCOMES",
    "Engine",
    "NumpyEngine",
    "Observable",
    "Outcomes",
    "Simulator",
    "StochasticSimulator",
    "compile_map",
    "compile_maps",
    "compile_observable",
    "compile_sharpness",
]
