"""Runs of SGD on the linearization of the pair at 1, and what is read off runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from analysis.sgd_selection.theory import AT_ONE, FAMILY, SGD, X
from eos_sym.losses import LossFamily
from numeric.compile import Array
from numeric.maps import compile_maps

KEPT = 10  # paths that are kept for the figure
ENDED = 1e-6  # a run that is closer to a minimum has ended there


def axis(step_sizes: Sequence[float]) -> xr.DataArray:
    """A set of runs for every step size."""
    return xr.DataArray(list(step_sizes), dims="eta", coords={"eta": list(step_sizes)})


def linearized(step_sizes: Sequence[float], runs: int, steps: int, seed: int) -> xr.Dataset:
    """The distance from a minimum with the pair's curvatures at 1, started at distance 1: statistics over the runs.

    `log_typical` is the mean over the runs of the logarithm of the distance, `log_root_mean_square` half the logarithm
    of the mean square; `shown` are the distances themselves along the first few runs.
    """
    losses = tuple(curvature[0] * X**2 / 2 for curvature in FAMILY.hessians(AT_ONE))
    simulator = compile_maps(SGD.maps(LossFamily("linearized pair", losses, (X,))))
    run = simulator.run({"x": 1.0}, {"eta": axis(step_sizes)}, steps=steps, runs=runs, seed=seed, record_every=10)
    distance = abs(run.trajectory.sel(state="x", drop=True))
    return xr.Dataset(
        {
            "log_typical": xr.apply_ufunc(np.log, distance.where(distance > 0)).mean("run"),
            "log_root_mean_square": xr.apply_ufunc(np.log, (distance**2).mean("run")) / 2,
            "shown": distance.isel(run=slice(KEPT)),
        }
    )


def per_step(logarithms: xr.DataArray) -> Array:
    """The mean rate of growth per step over all recorded steps, one for every step size."""
    last = logarithms.isel(iteration=-1)
    return np.asarray(last / last.iteration)


def ended_at(runs: xr.Dataset, minimum: float) -> int:
    """The number of runs that ended at a minimum."""
    return int((abs(runs.final.sel(state="x", drop=True) - minimum) < ENDED).sum())
