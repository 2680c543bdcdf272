"""The runs: GD and SGD on the pair of losses, statistics of its linearization, and the same run in torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from analysis.sgd_selection.theory import AT_ONE, FAMILY, SGD, X
from eos_sym import GradientDescent
from eos_sym.losses import LossFamily
from numeric import compile_map, compile_observable
from numeric.compile import Array
from numeric.maps import compile_maps

if TYPE_CHECKING:
    from torch import Tensor

Progress = Callable[[int], object]
START = 1 - 1e-5
SHOWN = 10  # paths of the linearization that are kept for the figure
ENDED = 1e-6  # a run that is closer to a minimum has ended there


def gd(step_size: float, steps: int, progress: Progress) -> xr.Dataset:
    """Gradient descent on the mean loss, with the loss along the way."""
    simulator = compile_map(GradientDescent().map(FAMILY.mean))
    run = simulator.run({"x": START}, {"eta": step_size}, steps=steps, record_every=1, progress=progress)
    return run.assign(loss=compile_observable(FAMILY.mean.loss, FAMILY.weights).along(run))


def sgd(step_size: float, runs: int, steps: int, seed: int, progress: Progress) -> xr.Dataset:
    """Runs of SGD on the pair, with the loss along the way and the draws."""
    simulator = compile_maps(SGD.maps(FAMILY))
    settings = {"steps": steps, "runs": runs, "seed": seed}
    run = simulator.run({"x": START}, {"eta": step_size}, **settings, record_every=1, progress=progress)
    return run.assign(loss=compile_observable(FAMILY.mean.loss, FAMILY.weights).along(run))


def ends(step_sizes: Sequence[float], runs: int, steps: int, seed: int, progress: Progress) -> xr.Dataset:
    """Where runs of SGD on the pair end, for several step sizes."""
    settings = {"steps": steps, "runs": runs, "seed": seed}
    return compile_maps(SGD.maps(FAMILY)).run({"x": START}, {"eta": _axis(step_sizes)}, **settings, progress=progress)


def moments(step_sizes: Sequence[float], runs: int, steps: int, seed: int, progress: Progress) -> xr.Dataset:
    """The distance from a minimum with the pair's curvatures at 1, started at distance 1: statistics over the runs.

    `log_typical` is the mean over the runs of the logarithm of the distance, `log_root_mean_square` half the logarithm
    of the mean square; `shown` are the distances themselves along the first few runs.
    """
    curvatures = [curvature[0] for curvature in FAMILY.hessians(AT_ONE)]
    linear = LossFamily("linearized pair", tuple(curvature * X**2 / 2 for curvature in curvatures), (X,))
    run = compile_maps(SGD.maps(linear)).run(
        {"x": 1.0}, {"eta": _axis(step_sizes)}, steps=steps, runs=runs, seed=seed, record_every=10, progress=progress
    )
    distance = abs(run.trajectory.sel(state="x", drop=True))
    return xr.Dataset(
        {
            "log_typical": xr.apply_ufunc(np.log, distance.where(distance > 0)).mean("run"),
            "log_root_mean_square": xr.apply_ufunc(np.log, (distance**2).mean("run")) / 2,
            "shown": distance.isel(run=slice(SHOWN)),
        }
    )


def rates(logarithms: xr.DataArray) -> Array:
    """The mean rate of growth per step over all recorded steps, one for every step size."""
    last = logarithms.isel(iteration=-1)
    return np.asarray(last / last.iteration)


def ended_at(runs: xr.Dataset, minimum: float) -> xr.DataArray:
    """The number of runs that ended at a minimum."""
    distance = abs(runs.final.sel(state="x", drop=True) - minimum)
    return xr.DataArray((distance < ENDED).sum("run"))


def torch_curvatures() -> list[float]:
    """The second derivatives of the two losses at 1, by automatic differentiation."""
    import torch  # slow to load, and needed by this channel alone

    from numeric.networks import sharpness

    one = torch.ones(1, dtype=torch.float64)

    def loss(index: int) -> Callable[[Tensor], Tensor]:
        return lambda x: _torch_losses(x)[index].sum()

    return [sharpness(loss(index), one) for index in (0, 1)]


def torch_path(step_size: float, draws: Sequence[int] | None, steps: int) -> Array:
    """The iterates of `torch.optim.SGD`: on the drawn losses, or on the mean loss if there are no draws."""
    import torch

    x = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=step_size)
    path = [START]
    for step in range(steps):
        optimizer.zero_grad()
        losses = _torch_losses(x)
        loss = losses.mean() if draws is None else losses[draws[step]]
        loss.backward()
        optimizer.step()
        path.append(x.item())
    return np.array(path)


def torch_mean_loss(path: Array) -> Array:
    """The mean loss along a path, evaluated by torch."""
    import torch

    return np.asarray(_torch_losses(torch.from_numpy(path)).mean(dim=0))


def _torch_losses(x: Tensor) -> Tensor:
    import torch

    return torch.stack([torch.minimum(x**2, curvature * (x - 1) ** 2) for curvature in (0.1, 1.9)])


def _axis(step_sizes: Sequence[float]) -> xr.DataArray:
    return xr.DataArray(list(step_sizes), dims="eta", coords={"eta": list(step_sizes)})
