"""What becomes of the distance from the minimum 1: its multipliers under GD and SGD, their averages, and runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from sympy import Integer, log

from analysis.study import axis
from eos_sym import STEP_SIZE, GradientDescent
from eos_sym.losses import LossFamily, sgd_pair
from eos_sym.rules import StochasticGradientDescent
from eos_sym.stability import (
    almost_sure,
    lyapunov_exponent,
    mean_square,
    mean_square_critical_step_size,
    mean_square_operator,
    stability,
)
from numeric import CompiledFunction, compile_function
from numeric.compile import Array
from numeric.maps import compile_maps

FAMILY = sgd_pair()
(X,) = FAMILY.weights
AT_ONE = {X: Integer(1)}
SGD = StochasticGradientDescent(batch_size=1)
SHRINKS = {"mean square": mean_square(SGD, FAMILY, AT_ONE), "almost sure": almost_sure(SGD, FAMILY, AT_ONE)}
KEPT = 10  # paths that are kept for the figure
ENDED = 1e-6  # a run that is closer to a minimum has ended there


def derived() -> Mapping[str, Any]:
    """Multipliers and averages as formulas in η, and the step sizes beyond which the distance grows."""
    gd = GradientDescent().map(FAMILY.mean).jacobian.subs(AT_ONE)
    return {
        "losses": FAMILY.losses,
        "multiplier_of_gd": gd[0],
        "multipliers_of_sgd": [step.jacobian.subs(AT_ONE)[0] for step in SGD.maps(FAMILY)],
        "second_moment_multiplier": mean_square_operator(SGD, FAMILY, AT_ONE)[0],
        "lyapunov_exponent": lyapunov_exponent(SGD, FAMILY, AT_ONE),
        "critical_step_size": {
            "gradient_descent": stability(gd).critical_value(STEP_SIZE),
            "sgd_mean_square": mean_square_critical_step_size(SGD, FAMILY, AT_ONE),
            "sgd_almost_sure": SHRINKS["almost sure"].critical_value(STEP_SIZE),
        },
    }


def rates(derived: Mapping[str, Any]) -> CompiledFunction:
    """Growth per step against η: E log|m| of the typical distance, −∞ where an m is 0, and ½ log E m² of its square."""
    return compile_function([derived["lyapunov_exponent"], log(derived["second_moment_multiplier"]) / 2], (STEP_SIZE,))


def linearized(step_sizes: Sequence[float], runs: int, steps: int, seed: int) -> xr.Dataset:
    """The distance from a minimum with the pair's curvatures at 1, started at distance 1: statistics over the runs.

    `log_typical` is the mean over the runs of the logarithm of the distance, `log_root_mean_square` half the logarithm
    of the mean square; `shown` are the distances themselves along the first few runs.
    """
    losses = tuple(curvature[0] * X**2 / 2 for curvature in FAMILY.hessians(AT_ONE))
    simulator = compile_maps(SGD.maps(LossFamily("linearized pair", losses, (X,))))
    run = simulator.run(
        {"x": 1.0}, {"eta": axis("eta", step_sizes)}, steps=steps, runs=runs, seed=seed, record_every=10
    )
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
