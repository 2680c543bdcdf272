"""Averages along runs: the mean of an observable, and the largest Lyapunov exponent.

    mean of q     (1/(T − d)) Σ q(θ_t; p)           over d < t ≤ T
    exponent      (1/(T − d)) Σ log‖DF(θ_t) δ_t‖    over d ≤ t < T,    δ_{t+1} = DF(θ_t) δ_t / ‖DF(θ_t) δ_t‖

after T iterations of which d are discarded. Both belong to the iterations d + 1, …, T: the mean is over the states
they lead to, and the exponent is the rate at which they stretch the tangent vector δ, the norm Euclidean. δ starts at
t = 0 in the direction (cos 1, cos 2, …), which no direction with algebraic coordinates is orthogonal to (Lindemann and
Weierstrass), and is not reset after the discarded iterations, which align it; what is left of its start is a bias of
order 1/(T − d). With one state variable the terms are log|F′(θ_t)|. A run through a point where DF δ = 0, as
superstable cycles are, has the exponent −∞.

The sums are carried along as further coordinates of a larger map,

    (θ, s, δ, g)  ↦  (F(θ), s + q(θ), DF(θ) δ / ‖DF(θ) δ‖, g + log‖DF(θ) δ‖),

compiled like any other. It may round differently from F alone, so the averages of a chaotic run are those of an orbit
nearby. Sums are added up in blocks of `SUMMED_AT_ONCE` terms, which keeps their rounding error at that of one block.

Shapes: states (coordinates, runs), parameter values (parameters, runs). Where a run reaches no finite state, its
averages are nan.

Errors: `BadInput` for the exponent of a map whose derivative is zero everywhere; as in `numeric.compile` otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from sympy import Abs, Expr, Float, Integer, Matrix, Symbol, cos, log, sqrt
from sympy.core.symbol import uniquely_named_symbol

from eos_sym import BadInput, Map
from numeric.compile import Array, CompiledFunction, compile_function
from numeric.maps.engines import Engine
from numeric.progress import Progress

SUMMED_AT_ONCE = 4096
REMEMBERED = 64  # compiled averages: every chunk of a grid asks for the same
NO_LENGTH = Float("1e-300")  # added to ‖DF δ‖, changes it only where it is 0: there δ stays 0 instead of becoming 0/0


@dataclass(frozen=True)
class Averages:
    """The means and the exponent to take: the larger map, and the quantities as functions of state and parameters."""

    coordinates: int
    means: int
    tangent: Array
    larger: CompiledFunction
    quantities: CompiledFunction

    def over(
        self, engine: Engine, state: Array, values: Array, *, steps: int, discard: int, progress: Progress
    ) -> tuple[Array, Array]:
        """The means (quantities, runs) and the exponents (1 or 0, runs) over the iterations discard + 1, …, steps.

        The engine advances the larger map.
        """
        runs = state.shape[1]
        lanes = np.zeros((len(self.larger.expressions), runs))
        lanes[: self.coordinates] = state
        lanes[self._tangent] = self.tangent[:, None]
        lanes, _ = self._sums(engine, lanes, values, discard, progress)
        lanes, first = self._sums(engine, lanes, values, 1, progress)
        lanes, later = self._sums(engine, lanes, values, steps - discard - 1, progress)

        end = lanes[: self.coordinates]
        with np.errstate(all="ignore"):
            last = np.reshape(self.quantities(*end, *values), (self.means, runs))  # the sum is of the states before
            means = (later[: self.means] + last) / (steps - discard)
            exponents = (first[self.means :] + later[self.means :]) / (steps - discard)
        for averages in (means, exponents):
            averages[:, ~np.isfinite(end).all(axis=0)] = np.nan
        return means, exponents

    @property
    def _tangent(self) -> slice:
        before = self.coordinates + self.means
        return slice(before, before + len(self.tangent))

    def _sums(self, engine: Engine, lanes: Array, values: Array, steps: int, progress: Progress) -> tuple[Array, Array]:
        """The lanes so many steps later, and what the steps added to each of their sums."""
        tangent = self._tangent
        sums = np.r_[self.coordinates : tangent.start, tangent.stop : len(lanes)]
        totals = np.zeros((len(sums), lanes.shape[1]))
        while steps and lanes.shape[1]:
            block = min(SUMMED_AT_ONCE, steps)
            lanes[sums] = 0
            lanes = engine.advance(lanes, values, block)
            with np.errstate(invalid="ignore"):
                totals += lanes[sums]
            steps -= block
            progress(block * lanes.shape[1])
        return lanes, totals


@lru_cache(maxsize=REMEMBERED)
def compile_averages(dynamics: Map, quantities: tuple[Expr, ...], *, exponent: bool) -> Averages:
    """The averages of the quantities along runs of the map, and its Lyapunov exponent if wanted."""
    names = [*dynamics.state, *dynamics.parameters]

    def new(kind: str) -> Symbol:
        names.append(uniquely_named_symbol(kind, names, real=True))
        return names[-1]

    sums = [new("sum") for _ in quantities]
    state, step = [*dynamics.state, *sums], [*dynamics.step]
    step += [total + quantity for total, quantity in zip(sums, quantities, strict=True)]
    start = np.zeros(0)
    if exponent:
        order = len(dynamics.state)
        tangent = [new("tangent") for _ in range(order)] if order > 1 else []
        image = dynamics.jacobian * Matrix(tangent or [1])
        length = sqrt(sum((entry**2 for entry in image), Integer(0))) if tangent else Abs(image[0])
        if length == 0:
            raise BadInput("lyapunov: the derivative of the map is zero everywhere, and its exponent −∞; leave it out")
        growth = new("growth")
        state += [*tangent, growth]
        step += [entry / (length + NO_LENGTH) for entry in image] if tangent else []
        step.append(growth + log(length))
        start = np.array([float(cos(index + 1)) for index in range(len(tangent))])
        start /= np.linalg.norm(start) if tangent else 1
    arguments = (*dynamics.state, *dynamics.parameters)
    return Averages(
        len(dynamics.state),
        len(sums),
        start,
        compile_function(step, (*state, *dynamics.parameters)),
        compile_function(quantities, arguments),
    )
