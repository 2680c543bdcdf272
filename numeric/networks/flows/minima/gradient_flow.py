"""Gradient flow of a small network all the way to a minimum, and the clocks of the rules that follow it there.

    dθ/dt = −∇L,    Φ(θ₀) = lim θ(t),    length = ∫ ‖∇L‖ dt,    root_time = ∫ 2√L dt

Normalized GD and GD on √L follow the same path, each by a clock of its own: after t steps of size η they are where the
flow is at the length ηt, and at the root time ηt. Both clocks have run by a finite time when the minimum is reached.

At the minimum the positive eigenvalues of the Hessian go from λ₁ down to some λ_min, so that the flow is stiff: to come
there an explicit method, as `numeric.networks.training.flow` has for large networks, takes λ₁/λ_min steps or more. Here
it is LSODA with the exact Hessian. It is followed until the excess of the loss (`manifold`) is `LANDED` of that at the
start; the steps of Gauss and Newton that are left move by less than the error of the method.

    over point, the method's steps and Φ last       loss, and weights (point, parameter)
    coordinates of point                            time, length, root_time
    attributes                                      excess at Φ

Shapes: θ (p,), Hessian (p, p). Units: t has those of θ²/L, length those of θ, root_time those of θ²/√L. Errors:
`BadInput` for what `exact_loss` refuses; `Undecided` where the flow does not come to a minimum that `manifold` finds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import xarray as xr
from scipy.integrate import LSODA
from torch import Tensor, nn

from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.edge.descent import exact_loss
from numeric.networks.flows.minima.manifold import gauss_newton_at, nearest_minimum
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.undisturbed import undisturbed

ERROR = 1e-8  # of a step, relative to every weight
LANDED = 1e-10  # of the excess at the start
EVERY = 10  # steps from one look at the excess to the next
MOST_STEPS = 20_000
CLOCKS = ("length", "root_time")


def gradient_flow(
    module: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], inputs: Tensor, targets: Tensor
) -> xr.Dataset:
    """The flow from the module's weights to the minimum Φ that it comes to; the module stays as it is."""
    loss = exact_loss(module, criterion, inputs, targets)
    with undisturbed(loss.module):
        return gradient_flow_from(loss, loss.parameters)


def gradient_flow_from(loss: FlatLoss, weights: Tensor) -> xr.Dataset:
    """The same for a loss in double precision."""
    size = len(weights)

    def rate(_time: float, state: Array) -> Array:
        value, slope = loss.value_and_gradient(torch.from_numpy(state[:size]))
        return np.append(-slope.numpy(), [float(slope.norm()), 2 * float(value) ** 0.5])

    def jacobian(_time: float, state: Array) -> Array:
        at = torch.from_numpy(state[:size])
        value, slope = loss.value_and_gradient(at)
        curvature = torch.autograd.functional.hessian(loss, at, vectorize=True)
        rows = [-curvature, (curvature @ slope / slope.norm())[None], (slope / value.sqrt())[None]]
        return np.asarray(torch.nn.functional.pad(torch.cat(rows), (0, len(CLOCKS))).numpy())

    start = np.append(weights.numpy(), np.zeros(len(CLOCKS)))
    states, times = [start], [0.0]
    goal = LANDED * gauss_newton_at(loss, weights).excess
    solver = LSODA(rate, 0.0, start, np.inf, rtol=ERROR, atol=ERROR * ERROR, jac=jacobian)
    while len(times) % EVERY or gauss_newton_at(loss, torch.from_numpy(solver.y[:size])).excess > goal:
        solver.step()
        if solver.status != "running" or len(times) > MOST_STEPS:
            raise Undecided(f"gradient flow has not come to a minimum after {len(times)} steps of LSODA")
        states.append(solver.y.copy())
        times.append(float(solver.t))
    there = nearest_minimum(loss, torch.from_numpy(solver.y[:size]))
    states.append(np.append(there.weights.numpy(), states[-1][size:]))
    times.append(times[-1])
    path, clocks = np.split(np.array(states), [size], axis=1)
    losses = [float(loss.value_and_gradient(torch.from_numpy(row))[0]) for row in path]
    return xr.Dataset(
        {"loss": ("point", losses), "weights": (("point", "parameter"), path)},
        {"time": ("point", times), **{name: ("point", clocks[:, i]) for i, name in enumerate(CLOCKS)}},
        {"excess": there.excess},
    )
