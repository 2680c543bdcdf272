"""Quantities along a run: an expression of the state, or the sharpness, the top eigenvalue λ₁(∇²L).

An observable is called with states and parameters as labelled arrays and answers with the same labels: with the
dimension ``state`` consumed, ``iteration`` and the dimensions of the runs kept. λ₁ is the algebraically largest
eigenvalue, from a dense symmetric solver (LAPACK ``syevd`` through NumPy), with a backward error of a few ulp of ‖∇²L‖.
Where a state is missing, so is the observable. Of runs in Dask chunks it is in the same chunks, not yet computed.

Errors: `BadInput` as in `numeric.compile`; `KeyError` for a parameter that the dataset of the run does not hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sympy import Expr, Symbol

from eos_sym import Objective
from numeric.compile import CompiledFunction, compile_function
from numeric.values import chunked_alike


@dataclass(frozen=True)
class Observable:
    """A compiled quantity: one expression, or the entries of a symmetric matrix whose top eigenvalue is meant."""

    function: CompiledFunction
    state: tuple[str, ...]
    parameters: tuple[str, ...]
    order: int | None = None

    def __call__(self, states: xr.DataArray, parameters: Mapping[str, xr.DataArray | float]) -> xr.DataArray:
        """The quantity at states with a dimension ``state``."""
        coordinates = [states.sel(state=name, drop=True) for name in self.state]
        values = [xr.DataArray(parameters[name]) for name in self.parameters]
        arrays = chunked_alike([*coordinates, *values])
        result: xr.DataArray = xr.apply_ufunc(self.evaluate, *arrays, dask="parallelized", output_dtypes=[np.float64])
        return result.where(states.notnull().all("state")).assign_attrs(units="1")

    def along(self, run: xr.Dataset) -> xr.DataArray:
        """The quantity along the recorded trajectory of a run."""
        return self(run["trajectory"], {name: run[name] for name in self.parameters})

    def at_end(self, run: xr.Dataset) -> xr.DataArray:
        """The quantity at the final state of a run."""
        return self(run["final"], {name: run[name] for name in self.parameters})

    def evaluate(self, *arrays: NDArray[np.float64]) -> NDArray[np.float64]:
        """The quantity at plain arrays, one for every name in `state` and then in `parameters`."""
        entries = self.function(*arrays)
        if self.order is None:
            return np.array(entries[0])
        matrices = np.stack(entries, axis=-1).reshape(*entries[0].shape, self.order, self.order)
        present = np.isfinite(matrices).all(axis=(-2, -1))
        top = np.full(present.shape, np.nan)
        top[present] = np.linalg.eigvalsh(matrices[present])[..., -1]
        return top


def compile_observable(expression: Expr, state: Sequence[Symbol], parameters: Sequence[Symbol] = ()) -> Observable:
    """An expression in the state and the parameters as an observable."""
    return _observable([expression], tuple(state), tuple(parameters), None)


def compile_sharpness(objective: Objective, subspace: Mapping[Symbol, Expr] | None = None) -> Observable:
    """The sharpness of the objective, for a map of all its weights or of those left on an invariant subspace."""
    bound = subspace or {}
    state = tuple(weight for weight in objective.weights if weight not in bound)
    entries = list(objective.hessian.subs(bound))
    return _observable(entries, state, objective.parameters, len(objective.weights))


def _observable(
    expressions: Sequence[Expr], state: tuple[Symbol, ...], parameters: tuple[Symbol, ...], order: int | None
) -> Observable:
    names = tuple(symbol.name for symbol in state), tuple(symbol.name for symbol in parameters)
    return Observable(compile_function(expressions, (*state, *parameters)), *names, order)
