"""Runs of a compiled map from a grid of starts and parameters, as one labelled dataset.

    θ_{t+1} = F(θ_t; p),   t = 0, 1, …, steps − 1

Initial values and parameters are numbers or `xarray.DataArray`s; they broadcast by the names of their dimensions, and
the answer keeps those names. Every combination is one run, and each run ends with an outcome, defined in
`numeric.maps.outcomes`; averages along runs are defined in `numeric.maps.averages`.

Arrays in memory give a dataset in memory. If any is in Dask chunks, so is the dataset, with the same names, and nothing
is computed yet; only a parameter along a dimension of its own name, an index, is loaded. Its chunks are those of the
input, each is computed by itself, and refusals that depend on the values come then.

Errors: `BadInput` for missing, unknown or non-finite values, for coordinates that do not match along a shared
dimension, for names given to two parts of the answer, for numbers of iterations and tolerances that are none, and for
results larger than the memory that is available.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from sympy import Expr

from eos_sym import BadInput, Map
from numeric.compile import CompiledFunction, compile_function
from numeric.maps.block import Block
from numeric.maps.engines import EngineName
from numeric.maps.observables import Observable, compile_observable
from numeric.progress import Progress, listener, unheard
from numeric.values import (
    RESULTS,
    Values,
    aligned,
    chunked_alike,
    labelled_values,
    non_negative_number,
    real_number,
    whole_number,
    yes_or_no,
)


def compile_map(dynamics: Map) -> Simulator:
    """The simulator of a map."""
    for parameter in dynamics.parameters:
        if parameter.name in RESULTS:
            raise BadInput(f"parameter {parameter.name}: the name of a part of every run's results; rename it")
    return Simulator(dynamics, compile_function(dynamics.step, (*dynamics.state, *dynamics.parameters)))


@dataclass(frozen=True)
class Simulator:
    """A map and its compiled step."""

    map: Map
    step: CompiledFunction

    def run(
        self,
        initial: Values,
        parameters: Values,
        *,
        steps: int,
        record_every: int | None = None,
        observables: Mapping[str, Expr | Observable] | None = None,
        means: Sequence[str] = (),
        lyapunov: bool = False,
        discard: int = 0,
        outcomes: bool = True,
        engine: EngineName = "auto",
        tolerance: float = 1e-12,
        bound: float = 1e8,
        progress: Progress | None = None,
    ) -> xr.Dataset:
        """Run every combination of initial values and parameters for at most `steps` iterations.

        The dataset holds, over the dimensions of the input:

        - `initial` and `final`, with the dimension ``state``, and the parameters by name;
        - `outcome`, `period` (1 converged, 2 or more a cycle, 0 otherwise) and `step`. Without `outcomes` these are
          left out, and every run goes through all iterations, whatever becomes of it;
        - with `record_every`, `trajectory`, with the dimension ``iteration``: the state at every so many iterations up
          to `steps`, missing (nan) from where a run diverged;
        - for each of the `observables` final_NAME, its value at the final state, and with `record_every` NAME, along
          the trajectory;
        - mean_NAME, for those of them named in `means`, which have to be expressions: the mean over the iterations
          discard < t ≤ steps, and with `lyapunov` the `lyapunov_exponent` over the same iterations. They go on after
          convergence, and are missing where a run diverged.

        `engine` is explained in `numeric.maps.engines`; the dataset's attribute of that name says which one it was.
        `progress`, or who is listening, is told, for arrays in memory, the number of map steps, runs times iterations,
        that are done or have become unnecessary since the last call; averages go through all of them once more.
        """
        steps, discard = whole_number("steps", steps, least=1), whole_number("discard", discard, least=0)
        if record_every is not None:
            record_every = whole_number("record_every", record_every, least=1)
        if discard >= steps:
            raise BadInput(f"discard = {discard}: must be less than steps = {steps}")
        tolerance, bound = non_negative_number("tolerance", tolerance), real_number("bound", bound)
        if not bound > 0:
            raise BadInput(f"bound = {bound}: must be positive")
        starts = labelled_values(initial, self.map.state, "initial value", chunks_checked=False)
        settings = labelled_values(parameters, self.map.parameters, "parameter", chunks_checked=False)
        arrays = aligned([*starts, *settings])
        for parameter, setting in zip(self.map.parameters, settings, strict=True):
            if parameter.name not in setting.dims and any(parameter.name in array.dims for array in arrays):
                raise BadInput(f"dimension {parameter.name}: the name of a parameter that is not along it; rename it")
        labels = {str(label) for array in arrays for label in (*array.dims, *array.coords)}
        compiled = self._observables(observables or {}, labels)
        in_chunks = any(array.chunks is not None for array in arrays)
        block = Block(
            map=self.map,
            grid={str(dim): size for dim, size in xr.broadcast(*arrays)[0].sizes.items()},
            engine=engine,
            threads=1 if in_chunks else None,
            steps=steps,
            record_every=record_every,
            observables=compiled,
            means=self._means(means, compiled),
            lyapunov=yes_or_no("lyapunov", lyapunov),
            discard=discard,
            outcomes=yes_or_no("outcomes", outcomes),
            tolerance=tolerance,
            bound=bound,
            progress=unheard if in_chunks else listener(progress),
        )
        if in_chunks:
            block.refuse_unless_it_fits(())  # not even one run
        return self._dataset(block, arrays)

    def _dataset(self, block: Block, arrays: Iterable[xr.DataArray]) -> xr.Dataset:
        """The results with their labels."""
        arrays = [array.drop_vars([*block.results, *block.sizes], errors="ignore") for array in arrays]
        chosen = block.compile()
        computed = xr.apply_ufunc(
            block.compute,
            *(array.variable for array in chunked_alike(arrays)),
            input_core_dims=[[]] * len(arrays),
            output_core_dims=[list(part.dims) for part in block.results.values()],
            output_dtypes=[np.dtype(part.dtype) for part in block.results.values()],
            dask="parallelized",
            keep_attrs=False,
            dask_gufunc_kwargs={"output_sizes": block.sizes},
        )
        labels = {dim: array.coords[dim] for array in arrays for dim in array.dims if dim in array.coords}
        coordinates = {**arrays[0].coords, **labels, "state": [variable.name for variable in self.map.state]}
        if block.record_every is not None:
            iterations = np.arange(block.records) * block.record_every
            coordinates["iteration"] = ("iteration", iterations, {"units": "iterations"})
        parts = dict(zip(block.results, computed, strict=True))
        for name, part in block.results.items():
            if part.units is not None:
                parts[name].attrs["units"] = part.units
        for parameter, setting in zip(self.map.parameters, arrays[len(self.map.state) :], strict=True):
            (coordinates if parameter.name in coordinates else parts)[parameter.name] = setting.copy()
        return xr.Dataset(parts, coordinates, {"engine": chosen.name})

    def _observables(self, wanted: Mapping[str, Expr | Observable], labels: set[str]) -> dict[str, Observable]:
        """The observables, compiled, after a look at their names and at what they depend on."""
        states, settings = ({symbol.name for symbol in group} for group in (self.map.state, self.map.parameters))
        taken = {*RESULTS, *settings, *labels}
        compiled = {}
        for name, observable in wanted.items():
            parts = {name, f"final_{name}", f"mean_{name}"}
            if parts & taken:
                raise BadInput(f"observable {name}: {min(parts & taken)} is the name of something else; rename it")
            taken |= parts
            if isinstance(observable, Observable):
                strangers = sorted({*observable.state} - states | {*observable.parameters} - settings)
                if strangers:
                    raise BadInput(f"observable {name}: it depends on {', '.join(strangers)}, which the map has not")
                compiled[name] = observable
            else:
                try:
                    compiled[name] = compile_observable(observable, self.map.state, self.map.parameters)
                except BadInput as error:
                    raise BadInput(f"observable {name}: {error}") from error
        return compiled

    def _means(self, wanted: Sequence[str], observables: Mapping[str, Observable]) -> dict[str, Expr]:
        """The expressions to take means of, in the symbols of the map."""
        if isinstance(wanted, str):
            raise BadInput(f"means = {wanted}: give a list of names")
        symbols = {symbol.name: symbol for symbol in (*self.map.state, *self.map.parameters)}
        means = {}
        for name in wanted:
            if name not in observables:
                raise BadInput(f"means: unknown {name}; give names of observables, {', '.join(observables) or 'none'}")
            if observables[name].order is not None:
                raise BadInput(f"means: {name} is an eigenvalue and no expression; take the mean along its trajectory")
            function = observables[name].function
            means[name] = function.expressions[0].xreplace({s: symbols[s.name] for s in function.arguments})
        return means
